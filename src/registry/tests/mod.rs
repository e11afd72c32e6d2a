//! What a real registry does not do on demand, done by in-process doubles; the rest is tested against real ones.

mod blobs;
mod certificates;
mod concurrency;
mod listing;
mod login;
mod manifests;
mod probe;
mod retry;

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{AUTHORIZATION, IF_NONE_MATCH};
use axum::response::Response;
use serde_json::json;

use super::{Access, Client, Credentials};
use crate::oci::{RepositoryName, Tag};

/// A request as a double saw it.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    /// Method, path and query.
    line: String,
    authorization: Option<String>,
    if_none_match: Option<String>,
    /// How many requests came before.
    index: usize,
}

impl Seen {
    fn is(&self, line: &str) -> bool {
        self.line == line
    }
}

/// A server on a port of its own that answers as it is told, until the test ends.
pub(super) struct Double {
    url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Double {
    async fn start(answer: impl Fn(&Seen) -> Response + Clone + Send + Sync + 'static) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let log = Arc::clone(&seen);
        let router = Router::new().fallback(move |request: Request| {
            let text = |name| Some(request.headers().get(name)?.to_str().unwrap().to_owned());
            let mut log = log.lock().unwrap();
            let one = Seen {
                line: format!("{} {}", request.method(), request.uri()),
                authorization: text(AUTHORIZATION),
                if_none_match: text(IF_NONE_MATCH),
                index: log.len(),
            };
            log.push(one.clone());
            let response = answer(&one);
            async move { response }
        });
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, seen }
    }

    fn client(&self) -> Client {
        Client::new(self.url.parse().unwrap(), Access::default()).unwrap()
    }

    fn client_of_alice(&self) -> Client {
        let credentials = Credentials::Basic { username: "alice".into(), password: "s3cret".into() };
        Client::new(self.url.parse().unwrap(), Access { credentials, ..Access::default() }).unwrap()
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    fn lines(&self) -> Vec<String> {
        self.seen().into_iter().map(|seen| seen.line).collect()
    }
}

fn app() -> RepositoryName {
    "app".parse().unwrap()
}

fn tag(text: &str) -> Tag {
    text.parse().unwrap()
}

fn answer(status: u16, headers: &[(&str, &str)], body: impl Into<Body>) -> Response {
    let builder = Response::builder().status(status);
    headers.iter().fold(builder, |builder, (name, value)| builder.header(*name, *value)).body(body.into()).unwrap()
}

fn ok(body: impl Into<Body>) -> Response {
    answer(200, &[], body)
}

fn oci_error(status: u16, code: &str) -> Response {
    let body = json!({"errors": [{"code": code, "message": "a secret path", "detail": "/var/lib/secret"}]});
    answer(status, &[("content-type", "application/json")], body.to_string())
}
