use std::io;
use std::net::SocketAddr;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::Metrics;

/// Serves `/livez`, `/readyz` and `/metrics`. It lives as long as it answers, whatever the API server does; it is ready
/// once it has read all resources.
///
/// # Errors
///
/// If nothing can listen on `address`.
pub async fn serve(address: SocketAddr, metrics: Metrics, ready: watch::Receiver<bool>) -> io::Result<JoinHandle<()>> {
    let listener = TcpListener::bind(address).await?;
    let readiness = move || {
        let ready = *ready.borrow();
        async move { if ready { (StatusCode::OK, "ok") } else { (StatusCode::SERVICE_UNAVAILABLE, "resources not read") } }
    };
    let text = move || {
        let text = metrics.text();
        async move { ([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text) }
    };
    let routes =
        Router::new().route("/livez", get(async || "ok")).route("/readyz", get(readiness)).route("/metrics", get(text));
    Ok(tokio::spawn(async move {
        if let Err(why) = axum::serve(listener, routes).await {
            tracing::error!(%why, "probes and metrics are no longer served");
        }
    }))
}
