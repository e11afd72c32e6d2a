//! Against an API server that cuts connections as it is told to.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::http::{Request, Response};
use bytes::Bytes;
use futures::stream;
use kube::Client;
use serde_json::json;

use super::*;
use crate::storage::LogWriter;

/// How a connection ends.
#[derive(Clone, Copy)]
enum End {
    Cut,
    Closed,
}

/// What is still to be asked for.
type Logs = Arc<Mutex<VecDeque<(Vec<u8>, End)>>>;

/// What the log says at one request after another; the container has ended before the last of them.
fn server(logs: impl IntoIterator<Item = (Vec<u8>, End)>) -> (Api<Pod>, Logs) {
    let logs: Logs = Arc::new(Mutex::new(logs.into_iter().collect()));
    let answers = Arc::clone(&logs);
    let service = tower::service_fn(move |request: Request<kube::client::Body>| {
        let answers = Arc::clone(&answers);
        async move {
            let mut answers = answers.lock().unwrap();
            let body = if request.uri().path().ends_with("/log") {
                assert_eq!(request.uri().query(), Some("&container=main&follow=true"), "from the beginning");
                let (bytes, end) = answers.pop_front().expect("no more is asked for");
                // In pieces that end anywhere.
                let mut pieces: Vec<io::Result<Bytes>> =
                    bytes.chunks(1000).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
                if matches!(end, End::Cut) {
                    pieces.push(Err(io::Error::other("cut")));
                }
                Body::from_stream(stream::iter(pieces))
            } else {
                let state = match answers.len() {
                    0 | 1 => json!({"terminated": {"exitCode": 0, "reason": "Completed"}}),
                    _ => json!({"running": {}}),
                };
                let status = json!({"name": "main", "state": state, "image": "", "imageID": "", "ready": true, "restartCount": 0});
                let pod =
                    json!({"metadata": {"name": "pod"}, "status": {"phase": "Running", "containerStatuses": [status]}});
                Body::from(pod.to_string())
            };
            Ok::<_, Infallible>(Response::new(body))
        }
    });
    (Api::namespaced(Client::new(service, "default"), "default"), logs)
}

/// What was sent, and the log of it.
fn sent() -> (Vec<u8>, Vec<u8>) {
    let bytes: Vec<u8> = (0..40_000u32).flat_map(|number| number.wrapping_mul(2_654_435_761).to_be_bytes()).collect();
    let mut writer = LogWriter::new(b"reading\n".to_vec());
    writer.write_all(&bytes).unwrap();
    (bytes, writer.end().unwrap())
}

async fn received(pods: &Api<Pod>) -> Result<Vec<u8>, FollowError> {
    let (reader, ended) = follow(pods, "pod", "main", || LogReader::new(Vec::new())).await?;
    assert_eq!(ended.exit_code, 0);
    reader.finish().map_err(FollowError::Log)
}

#[tokio::test]
async fn the_whole_log_is_read() {
    let (bytes, log) = sent();
    let (pods, _) = server([(log, End::Closed)]);
    assert_eq!(received(&pods).await.unwrap(), bytes);
}

#[tokio::test]
async fn what_breaks_is_read_from_the_beginning_again() {
    let (bytes, log) = sent();
    let cut = |length: usize, end| (log[..length].to_vec(), end);
    let broken = [cut(0, End::Cut), cut(20_000, End::Cut), cut(20_000, End::Closed), cut(log.len() - 1, End::Closed)];
    let (pods, left) = server(broken.into_iter().chain([(log.clone(), End::Closed)]));
    assert_eq!(received(&pods).await.unwrap(), bytes);
    assert!(left.lock().unwrap().is_empty());
}

#[tokio::test]
async fn it_is_given_up_in_the_end() {
    let (_, log) = sent();
    let (pods, left) = server(vec![(log[..20_000].to_vec(), End::Cut); 7]);
    let error = received(&pods).await.unwrap_err();
    assert!(matches!(&error, FollowError::Broken(_)) && error.to_string().contains("broke 5 times"), "{error}");
    assert_eq!(left.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_beginning_that_is_gone_is_no_result() {
    let (_, log) = sent();
    let rest: Vec<u8> = log.split_inclusive(|byte| *byte == b'\n').skip(3).flatten().copied().collect();
    let (pods, _) = server([(log[..20_000].to_vec(), End::Cut), (rest, End::Closed)]);
    let error = received(&pods).await.unwrap_err();
    assert!(matches!(&error, FollowError::Rotated), "{error}");
}

#[tokio::test]
async fn a_gap_is_no_result() {
    let (_, log) = sent();
    let lines: Vec<&[u8]> = log.split_inclusive(|byte| *byte == b'\n').collect();
    let (pods, _) = server([([&lines[..5], &lines[6..]].concat().concat(), End::Closed)]);
    let error = received(&pods).await.unwrap_err();
    assert!(matches!(&error, FollowError::Log(LogError::Gap { expected: 4, found: 5 })), "{error}");
}

#[tokio::test]
async fn a_container_that_wrote_no_end_is_read_once_more_and_then_believed() {
    let (_, log) = sent();
    let part = (log[..20_000].to_vec(), End::Closed);
    let (pods, left) = server([part.clone(), part]);
    let error = received(&pods).await.unwrap_err();
    assert!(matches!(&error, FollowError::Log(LogError::Unfinished { .. })), "{error}");
    assert!(left.lock().unwrap().is_empty());
}
