use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::extract::Query;
use futures::future::join_all;

use super::*;

/// A catalog that refuses large pages and takes its time; the most requests that it had at once.
async fn slow_catalog() -> (Client, Arc<AtomicUsize>) {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let peak = Arc::clone(&most);
    let router = Router::new().fallback(move |Query(query): Query<Vec<(String, String)>>| {
        let (now, peak) = (Arc::clone(&now), Arc::clone(&peak));
        async move {
            peak.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(20)).await;
            now.fetch_sub(1, Ordering::SeqCst);
            if query.is_empty() { ok(r#"{"repositories": []}"#) } else { answer(400, &[], "") }
        }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (Client::new(url.parse().unwrap(), Access::default()).unwrap(), most)
}

#[tokio::test]
async fn clones_share_four_requests_and_never_wait_for_one_another() {
    let (client, most) = slow_catalog().await;
    let asked = (0..16).map(|_| {
        let client = client.clone();
        // Spawned, since callers do: every future of the client can move between threads.
        tokio::spawn(async move { client.repositories().await })
    });
    let all = tokio::time::timeout(Duration::from_secs(30), join_all(asked)).await.expect("no request waits for ever");
    assert!(all.into_iter().all(|one| one.unwrap().unwrap().is_empty()));
    assert_eq!(most.load(Ordering::SeqCst), 4);
}
