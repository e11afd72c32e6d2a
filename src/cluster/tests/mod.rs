//! Against an API server that is a service in this process.

#[path = "../../../tests/support/api_server.rs"]
pub(crate) mod api_server;
mod index;
mod list;
mod resources;

use kube::Client;
use serde_json::{Value, json};

use crate::retention::UsedImages;
use api_server::ApiServer;

fn client(server: &ApiServer) -> Client {
    Client::new(server.router(), "default")
}

/// Something with a template of one container.
fn with_template(image: &str) -> Value {
    json!({"spec": {"template": {"spec": {"containers": [{"name": "a", "image": image}]}}}})
}

/// As `image: users`.
fn shown(images: &UsedImages) -> Vec<String> {
    images.iter().map(|(image, users)| format!("{image}: {users}")).collect()
}
