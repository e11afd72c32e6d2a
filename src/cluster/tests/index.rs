use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::api_server::{ApiServer, DEPLOYMENTS, PODS};
use super::{client, shown, with_template};
use crate::cluster::{ClusterError, Index, Scope, Verb, Watched, used_images};
use crate::retention::RegistryNames;
use crate::worker::Workloads as _;

async fn synced(server: &ApiServer) -> Index {
    let index = Index::start(&client(server), &Scope::Cluster);
    index.synced().await.expect("everything can be read");
    index
}

/// Waits until the index shows just this.
#[track_caller]
fn shows<'a>(index: &'a Index, expected: &'a [&str]) -> impl Future<Output = ()> + 'a {
    let caller = std::panic::Location::caller();
    async move {
        for _ in 0..500 {
            if index.snapshot().is_ok_and(|images| shown(&images) == expected) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{caller}: {:?} instead of {expected:?}", index.snapshot().map(|images| shown(&images)));
    }
}

#[tokio::test]
async fn it_follows_what_comes_changes_and_goes() {
    let server = ApiServer::new();
    for name in ["a", "b", "c"] {
        server.pod("shop", name, "i");
    }
    let index = synced(&server).await;
    assert_eq!(shown(&index.snapshot().unwrap()), ["i: Pod shop/a and 2 more"]);
    let snapshot = index.snapshot().unwrap();
    assert!(Arc::ptr_eq(&snapshot, &index.snapshot().unwrap()), "nothing is counted again where nothing changed");
    server.pod("shop", "d", "j");
    shows(&index, &["i: Pod shop/a and 2 more", "j: Pod shop/d"]).await;
    server.pod("shop", "a", "k");
    server.put(DEPLOYMENTS, "shop", "web", with_template("j"));
    shows(&index, &["i: Pod shop/b and 1 more", "j: Deployment shop/web and 1 more", "k: Pod shop/a"]).await;
    for name in ["b", "c", "d"] {
        server.remove(PODS, "shop", name);
    }
    shows(&index, &["j: Deployment shop/web", "k: Pod shop/a"]).await;
    assert!(!Arc::ptr_eq(&snapshot, &index.snapshot().unwrap()), "it is counted again where something changed");
}

#[tokio::test]
async fn the_first_error_ends_the_waiting() {
    let server = ApiServer::new();
    server.answers(DEPLOYMENTS, "", 403, usize::MAX);
    let index = Index::start(&client(&server), &Scope::Cluster);
    let ended = tokio::time::timeout(Duration::from_secs(5), index.synced()).await.expect("it does not wait");
    let Err(ClusterError::Workloads(unread)) = ended else { panic!("it is synced") };
    assert_eq!((unread.resource.as_str(), unread.verb), ("deployments.apps", Verb::List));
    assert!(index.snapshot().is_err(), "what is not known whole is not shown");
}

#[tokio::test]
async fn a_watch_that_fails_says_so_until_everything_is_listed_anew() {
    let server = ApiServer::new();
    server.pod("shop", "a", "i");
    let index = synced(&server).await;
    // Whatever was missed meanwhile is in the new list.
    server.answers(PODS, "limit=500", 500, 1);
    server.tell(
        PODS,
        json!({"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired",
                             "status": "Failure", "message": "too old", "metadata": {}}}),
    );
    let failed = async {
        while index.snapshot().is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), failed).await.expect("it says so");
    assert_eq!(index.health().unwrap_err().reason(), "WorkloadsUnreadable");
    server.pod("shop", "b", "j");
    shows(&index, &["i: Pod shop/a", "j: Pod shop/b"]).await;
}

#[tokio::test]
async fn an_object_that_cannot_be_read_is_not_passed_over() {
    let server = ApiServer::new();
    let index = synced(&server).await;
    server.put(PODS, "shop", "broken", json!({"spec": {"containers": "i"}}));
    let failed = async {
        while index.snapshot().is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), failed).await.expect("it says so");
    server.remove(PODS, "shop", "broken");
    shows(&index, &[]).await;
}

#[tokio::test]
async fn watches_end_with_the_index() {
    let server = ApiServer::new();
    drop(synced(&server).await);
    tokio::time::sleep(Duration::from_millis(50)).await;
    let before = server.requests().len();
    server.tell(PODS, json!({"type": "ERROR", "object": {"kind": "Status", "code": 410}}));
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(server.requests().len(), before);
}

#[tokio::test]
async fn what_was_read_or_is_followed_is_in_use() {
    let server = ApiServer::new();
    server.pod("shop", "a", "r.r:5000/app:v1");
    let index = Arc::new(synced(&server).await);
    let mut read = used_images(&client(&server), &Scope::Cluster).await.unwrap();
    read.add("r.r:5000/app:v2", "Pod shop/short");
    let names = RegistryNames { hosts: ["r.r:5000".to_owned()].into(), ..RegistryNames::default() };
    let watched = Watched::new(Arc::clone(&index), names, read);
    let tags = || -> Vec<String> {
        let in_use = watched.in_use().expect("it is known");
        in_use.tags_of(&"app".parse().unwrap()).map(ToString::to_string).collect()
    };
    assert_eq!(tags(), ["v1", "v2"]);
    assert!(Arc::ptr_eq(&watched.in_use().unwrap(), &watched.in_use().unwrap()));
    server.pod("shop", "b", "r.r:5000/app:v3");
    shows(&index, &["r.r:5000/app:v1: Pod shop/a", "r.r:5000/app:v3: Pod shop/b"]).await;
    assert_eq!(tags(), ["v1", "v2", "v3"]);
    server.pod("shop", "c", "r.r:5000/App");
    shows(&index, &["r.r:5000/App: Pod shop/c", "r.r:5000/app:v1: Pod shop/a", "r.r:5000/app:v3: Pod shop/b"]).await;
    let error = watched.in_use().unwrap_err();
    assert_eq!(error.reason, "UnreadableReference");
    assert!(error.message.contains("Pod shop/c"), "{error}");
}
