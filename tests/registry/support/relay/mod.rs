//! An HTTP relay in front of a registry: it records each request, and lets a test act at an exact point between two.

mod message;
mod rule;

use std::sync::{Arc, Mutex};

use axum::body::{Body, to_bytes};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use regex::Regex;
use reqwest::{Client, Method, header};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

pub use message::{Exchange, Reply, Request};
pub use rule::{Gate, On, Step};

use super::pusher::unproxied;
use super::{Pusher, Registry};
use rule::Rule;

/// A relay in front of one registry, on a port of its own. It ends when this is dropped.
pub struct Relay {
    url: String,
    pusher: Pusher,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

struct Shared {
    upstream: String,
    client: Client,
    exchanges: Mutex<Vec<Exchange>>,
    rules: Mutex<Vec<Arc<Rule>>>,
}

impl Relay {
    /// A relay that passes everything on to `registry`.
    pub async fn start(registry: &Registry) -> Self {
        Self::listen("127.0.0.1", registry.url(), registry.client(), &registry.pusher()).await
    }

    /// A relay on this address of the machine, that passes everything on to what answers at the URL `upstream`.
    #[allow(dead_code, reason = "tests in a cluster use it")]
    pub async fn between(address: &str, upstream: &str) -> Self {
        let client = unproxied().build().expect("a client");
        Self::listen(address, upstream, client, &Pusher::new(upstream)).await
    }

    async fn listen(address: &str, upstream: &str, client: Client, pusher: &Pusher) -> Self {
        let listener = TcpListener::bind((address, 0)).await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        let shared = Arc::new(Shared {
            upstream: upstream.to_owned(),
            client,
            exchanges: Mutex::default(),
            rules: Mutex::default(),
        });
        let server = tokio::spawn(serve(listener, Arc::clone(&shared)));
        Self { pusher: pusher.clone().at(&url), url, shared, server }
    }

    /// Where it answers, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The registry's [`Registry::pusher`], going through the relay.
    pub fn pusher(&self) -> Pusher {
        self.pusher.clone()
    }

    /// Begins a rule about the requests of this method whose path and query match the regular expression.
    ///
    /// Rules are asked in the order in which they were made; the first that answers in the registry's place ends it.
    pub fn on(&self, method: Method, path: &str) -> On<'_> {
        On { relay: self, method, path: Regex::new(path).expect("a regular expression"), nth: None }
    }

    /// Forgets the rules.
    pub fn clear_rules(&self) {
        self.shared.rules.lock().unwrap().clear();
    }

    /// Every request so far, in the order of arrival.
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.shared.exchanges.lock().unwrap().clone()
    }

    /// `METHOD /path` of every request so far.
    pub fn lines(&self) -> Vec<String> {
        self.exchanges().iter().map(Exchange::line).collect()
    }

    /// Forgets the requests so far; to be called while none is open.
    pub fn clear_exchanges(&self) {
        self.shared.exchanges.lock().unwrap().clear();
    }

    /// Goes away: every connection breaks, and new ones are refused.
    pub fn stop(&self) {
        self.server.abort();
    }

    fn add(&self, rule: Rule) {
        self.shared.rules.lock().unwrap().push(Arc::new(rule));
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Says to the server that it shall close the connection without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is to be closed")]
struct Disconnect;

/// Serves until it is aborted, and its connections with it.
async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        connections.spawn(async move {
            let service = service_fn(|request| shared.handle(request));
            // A connection that breaks is the client's affair, or was asked for.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

impl Shared {
    async fn handle(&self, request: hyper::Request<Incoming>) -> Result<hyper::Response<Body>, Disconnect> {
        let (head, body) = request.into_parts();
        let body = to_bytes(Body::new(body), usize::MAX).await.map_err(|_| Disconnect)?;
        let request = Request { method: head.method, path: head.uri.to_string(), headers: head.headers, body };
        let (place, rules) = self.enter(&request);
        let reply = self.reply(&request, &rules).await?;
        if let Some(exchange) = self.exchanges.lock().unwrap().get_mut(place) {
            exchange.status = Some(reply.status);
        }
        Ok(reply.into_response())
    }

    /// Records a request; its place in the record, and the rules about it.
    fn enter(&self, request: &Request) -> (usize, Vec<Arc<Rule>>) {
        let Request { method, path, headers, .. } = request.clone();
        let mut exchanges = self.exchanges.lock().unwrap();
        exchanges.push(Exchange { method, path, headers, status: None });
        let rules = self.rules.lock().unwrap().iter().filter(|rule| rule.applies(request)).cloned().collect();
        (exchanges.len() - 1, rules)
    }

    async fn reply(&self, request: &Request, rules: &[Arc<Rule>]) -> Result<Reply, Disconnect> {
        for rule in rules {
            match rule.before(request).await {
                Step::Forward => {}
                Step::Answer(reply) => return Ok(reply),
                Step::Disconnect => return Err(Disconnect),
                Step::Hang => std::future::pending().await,
            }
        }
        let mut reply = self.forward(request).await.map_err(|_| Disconnect)?;
        for rule in rules {
            reply = rule.after(request, reply).await;
        }
        Ok(reply)
    }

    /// Asks the registry. `Host` stays the relay's, so that the registry's own links lead through it too.
    async fn forward(&self, request: &Request) -> reqwest::Result<Reply> {
        let url = format!("{}{}", self.upstream, request.path);
        let forwarded = self.client.request(request.method.clone(), url).headers(request.headers.clone());
        let answer = forwarded.body(request.body.clone()).send().await?;
        let (status, mut headers) = (answer.status(), answer.headers().clone());
        // The body is whole here.
        headers.remove(header::TRANSFER_ENCODING);
        Ok(Reply { status, headers, body: answer.bytes().await?, cut: None })
    }
}
