//! An API server that serves lists in pages, watches, and single objects, which it merges patches into, of whatever a test
//! puts into it.

#![allow(dead_code, reason = "whoever takes it in uses a part of it")]
#![allow(unreachable_pub, reason = "it is a module of several test binaries")]

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Query, State};
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

/// Where each kind is.
pub const PODS: &str = "/api/v1/pods";
/// Where each kind is.
pub const DEPLOYMENTS: &str = "/apis/apps/v1/deployments";
/// Where the resources of this program are.
pub const RETENTIONS: &str = "/apis/registry-retention.dev/v1alpha1/registryretentions";

const KINDS: [&str; 8] = [
    "/api/v1/podtemplates",
    "/api/v1/replicationcontrollers",
    "/apis/apps/v1/controllerrevisions",
    "/apis/apps/v1/daemonsets",
    "/apis/apps/v1/replicasets",
    "/apis/apps/v1/statefulsets",
    "/apis/batch/v1/cronjobs",
    "/apis/batch/v1/jobs",
];

/// One of them. Clones are the same.
#[derive(Clone)]
pub struct ApiServer(Arc<Mutex<Inside>>);

struct Inside {
    objects: BTreeMap<String, BTreeMap<(String, String), Value>>,
    /// What happened, for watches.
    log: Vec<(u64, String, Value)>,
    version: u64,
    page: usize,
    faults: Vec<Fault>,
    requests: Vec<String>,
}

/// An answer in place of the right one.
struct Fault {
    path: String,
    /// Part of the query of the requests that are meant.
    query: &'static str,
    code: u16,
    times: usize,
}

impl ApiServer {
    /// An empty one, with pages of two, that does not know our kind.
    pub fn new() -> Self {
        let kinds = KINDS.into_iter().chain([PODS, DEPLOYMENTS]);
        let objects = kinds.map(|path| (path.to_owned(), BTreeMap::new())).collect();
        let (log, faults, requests) = Default::default();
        Self(Arc::new(Mutex::new(Inside { objects, log, version: 1, page: 2, faults, requests })))
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap()
    }

    /// Knows the kind of `path`, too.
    pub fn serves(&self, path: &str) {
        self.lock().objects.entry(path.to_owned()).or_default();
    }

    /// Creates an object, or replaces it.
    pub fn put(&self, path: &str, namespace: &str, name: &str, mut object: Value) {
        let mut inside = self.lock();
        inside.version += 1;
        let version = inside.version;
        merge(
            &mut object["metadata"],
            &json!({"name": name, "namespace": namespace, "resourceVersion": version.to_string()}),
        );
        let objects = inside.objects.get_mut(path).expect("a kind that is served");
        let old = objects.insert((namespace.to_owned(), name.to_owned()), object.clone());
        let kind = if old.is_some() { "MODIFIED" } else { "ADDED" };
        inside.log.push((version, path.to_owned(), json!({"type": kind, "object": object})));
    }

    /// The object as it is now.
    pub fn get(&self, path: &str, namespace: &str, name: &str) -> Value {
        self.lock().objects[path][&(namespace.to_owned(), name.to_owned())].clone()
    }

    /// Deletes an object.
    pub fn remove(&self, path: &str, namespace: &str, name: &str) {
        let mut inside = self.lock();
        inside.version += 1;
        let version = inside.version;
        let objects = inside.objects.get_mut(path).expect("a kind that is served");
        let mut gone = objects.remove(&(namespace.to_owned(), name.to_owned())).expect("an object");
        gone["metadata"]["resourceVersion"] = version.to_string().into();
        inside.log.push((version, path.to_owned(), json!({"type": "DELETED", "object": gone})));
    }

    /// A pod with one container.
    pub fn pod(&self, namespace: &str, name: &str, image: &str) {
        self.put(PODS, namespace, name, json!({"spec": {"containers": [{"name": "a", "image": image}]}}));
    }

    /// Answers the next `times` requests for `path` whose query has `query` in it with `code`.
    pub fn answers(&self, path: &str, query: &'static str, code: u16, times: usize) {
        self.lock().faults.push(Fault { path: path.to_owned(), query, code, times });
    }

    /// What every watch of `path` is told now.
    pub fn tell(&self, path: &str, event: Value) {
        let mut inside = self.lock();
        inside.version += 1;
        let version = inside.version;
        inside.log.push((version, path.to_owned(), event));
    }

    /// Every request so far, as path and query.
    pub fn requests(&self) -> Vec<String> {
        self.lock().requests.clone()
    }

    /// As a service.
    pub fn router(&self) -> Router {
        Router::new().fallback(answer).with_state(self.clone())
    }

    /// Serves over plain HTTP, as long as the runtime lives; the text of a kubeconfig that leads there.
    pub async fn kubeconfig(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let router = self.router();
        tokio::spawn(async move { axum::serve(listener, router).await });
        format!(
            "{{apiVersion: v1, kind: Config, current-context: test, \
             clusters: [{{name: test, cluster: {{server: 'http://127.0.0.1:{port}'}}}}], \
             users: [{{name: test, user: {{}}}}], \
             contexts: [{{name: test, context: {{cluster: test, user: test, namespace: team}}}}]}}\n"
        )
    }

    fn fault(&self, path: &str, query: &str) -> Option<u16> {
        let mut inside = self.lock();
        let matches = |fault: &&mut Fault| fault.times > 0 && fault.path == path && query.contains(fault.query);
        let fault = inside.faults.iter_mut().find(matches)?;
        fault.times -= 1;
        Some(fault.code)
    }
}

async fn answer(
    State(server): State<ApiServer>,
    method: Method,
    uri: Uri,
    Query(query): Query<HashMap<String, String>>,
    body: Bytes,
) -> Response {
    let Place { path, namespace, name } = place(uri.path());
    let text = uri.query().unwrap_or_default();
    server.lock().requests.push(format!("{}?{text}", uri.path()));
    if let Some(code) = server.fault(&path, text) {
        return failure(code);
    }
    if !server.lock().objects.contains_key(&path) {
        return failure(404);
    }
    if let (Some(namespace), Some(name)) = (&namespace, &name) {
        return single(&server, &method, &path, namespace, name, &body);
    }
    if query.get("watch").is_some_and(|watch| watch == "true" || watch == "1") {
        let from = query.get("resourceVersion").and_then(|text| text.parse().ok()).unwrap_or(0);
        return watch(server, path, namespace, from);
    }
    let inside = server.lock();
    let objects = &inside.objects[&path];
    let selector = query.get("labelSelector").map_or("", String::as_str);
    let selected = |(namespace_and_name, object): &(&(String, String), &Value)| {
        namespace.as_ref().is_none_or(|it| *it == namespace_and_name.0) && matches(selector, object)
    };
    let objects: Vec<&Value> = objects.iter().filter(selected).map(|(_, object)| object).collect();
    let start: usize = query.get("continue").and_then(|token| token.parse().ok()).unwrap_or(0);
    // Without a limit everything comes at once.
    let page = if query.contains_key("limit") { inside.page } else { usize::MAX };
    let end = objects.len().min(start.saturating_add(page));
    let token = if end < objects.len() { end.to_string() } else { String::new() };
    let metadata = json!({"resourceVersion": inside.version.to_string(), "continue": token});
    let list = json!({"apiVersion": "v1", "kind": "List", "metadata": metadata, "items": objects[start.min(end)..end]});
    axum::Json(list).into_response()
}

/// One object: read, or patched by a merge.
fn single(server: &ApiServer, method: &Method, path: &str, namespace: &str, name: &str, body: &[u8]) -> Response {
    let key = (namespace.to_owned(), name.to_owned());
    let found = server.lock().objects[path].get(&key).cloned();
    let Some(mut object) = found else { return failure(404) };
    if *method == Method::PATCH {
        let change: Value = serde_json::from_slice(body).expect("a patch in JSON");
        let is_another = |field: &str| {
            let named = &change["metadata"][field];
            !named.is_null() && *named != object["metadata"][field]
        };
        if is_another("uid") || is_another("resourceVersion") {
            return failure(409);
        }
        merge(&mut object, &change);
        server.put(path, namespace, name, object.clone());
    }
    axum::Json(object).into_response()
}

/// As RFC 7396 has it.
fn merge(object: &mut Value, patch: &Value) {
    let Value::Object(fields) = patch else { return *object = patch.clone() };
    if !object.is_object() {
        *object = json!({});
    }
    for (name, value) in fields {
        match value {
            Value::Null => drop(object.as_object_mut().and_then(|fields| fields.remove(name))),
            value => merge(&mut object[name.as_str()], value),
        }
    }
}

/// Whether the labels of `object` are as `selector` wants: `a=b,c`.
fn matches(selector: &str, object: &Value) -> bool {
    let labels = &object["metadata"]["labels"];
    selector.split(',').filter(|term| !term.is_empty()).all(|term| match term.split_once('=') {
        Some((name, value)) => labels[name] == value,
        None => !labels[term].is_null(),
    })
}

/// What a path means.
struct Place {
    /// The path of its kind in all namespaces.
    path: String,
    namespace: Option<String>,
    name: Option<String>,
}

fn place(path: &str) -> Place {
    let split = path.split_once("/namespaces/").and_then(|(before, after)| Some((before, after.split_once('/')?)));
    let Some((before, (namespace, rest))) = split else {
        return Place { path: path.to_owned(), namespace: None, name: None };
    };
    // The status is a part of the object like any other here.
    let rest = rest.strip_suffix("/status").unwrap_or(rest);
    let (plural, name) = rest.split_once('/').map_or((rest, None), |(plural, name)| (plural, Some(name.to_owned())));
    Place { path: format!("{before}/{plural}"), namespace: Some(namespace.to_owned()), name }
}

fn failure(code: u16) -> Response {
    let reason = match code {
        403 => "Forbidden",
        404 => "NotFound",
        409 => "Conflict",
        410 => "Expired",
        _ => "InternalError",
    };
    let status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": "so it is",
                        "reason": reason, "code": code});
    (StatusCode::from_u16(code).expect("a code"), axum::Json(status)).into_response()
}

fn watch(server: ApiServer, path: String, namespace: Option<String>, from: u64) -> Response {
    let events = futures::stream::unfold(from, move |from| {
        let (server, path, namespace) = (server.clone(), path.clone(), namespace.clone());
        async move {
            loop {
                let news: Vec<(u64, Value)> = {
                    let inside = server.lock();
                    let ours = inside.log.iter().filter(|(version, at, _)| *version > from && *at == path);
                    ours.map(|(version, _, event)| (*version, event.clone())).collect()
                };
                if let Some((last, _)) = news.last() {
                    let (last, mut lines) = (*last, String::new());
                    for (_, event) in &news {
                        let of = event["object"]["metadata"]["namespace"].as_str();
                        if namespace.is_none() || of == namespace.as_deref() {
                            lines.extend([event.to_string(), "\n".to_owned()]);
                        }
                    }
                    return Some((Ok::<_, std::convert::Infallible>(Bytes::from(lines)), last));
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    });
    Body::from_stream(events).into_response()
}
