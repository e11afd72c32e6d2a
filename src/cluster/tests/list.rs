use super::api_server::{ApiServer, DEPLOYMENTS, PODS};
use super::{client, shown, with_template};
use crate::cluster::{Cause, ClusterError, Scope, Verb, used_images};

async fn read(server: &ApiServer, scope: &Scope) -> Result<Vec<String>, ClusterError> {
    used_images(&client(server), scope).await.map(|images| shown(&images))
}

fn five_pods() -> ApiServer {
    let server = ApiServer::new();
    for (name, image) in [("a", "i"), ("b", "j"), ("c", "i"), ("d", "k"), ("e", "l")] {
        server.pod("shop", name, image);
    }
    server.put(DEPLOYMENTS, "other", "web", with_template("i"));
    server
}

const FIVE: [&str; 4] = ["i: Deployment other/web and 2 more", "j: Pod shop/b", "k: Pod shop/d", "l: Pod shop/e"];

#[tokio::test]
async fn all_pages_of_all_kinds_are_read_from_where_writes_go() {
    let server = five_pods();
    assert_eq!(read(&server, &Scope::Cluster).await.unwrap(), FIVE);
    let requests = server.requests();
    assert_eq!(requests.iter().filter(|line| line.starts_with(PODS)).count(), 3, "{requests:?}");
    assert_eq!(requests.len(), 9 + 3, "{requests:?}");
    assert!(
        requests.iter().all(|line| line.contains("limit=500") && !line.contains("resourceVersion")),
        "{requests:?}"
    );
}

#[tokio::test]
async fn only_the_namespaces_that_are_asked_for_are_read() {
    let server = five_pods();
    server.pod("third", "x", "z");
    let scope = |names: &[&str]| Scope::Namespaces(names.iter().map(ToString::to_string).collect());
    assert_eq!(read(&server, &scope(&["other"])).await.unwrap(), ["i: Deployment other/web"]);
    assert_eq!(read(&server, &scope(&["other", "shop"])).await.unwrap(), FIVE);
    assert!(server.requests().iter().all(|line| line.contains("/namespaces/")));
}

#[tokio::test]
async fn a_list_that_expires_is_begun_anew() {
    let server = five_pods();
    server.answers(PODS, "continue=4", 410, 2);
    assert_eq!(read(&server, &Scope::Cluster).await.unwrap(), FIVE, "and nothing counts twice");
    assert_eq!(server.requests().iter().filter(|line| line.starts_with(PODS)).count(), 9);
    server.answers(PODS, "continue=2", 410, usize::MAX);
    let Err(ClusterError::Workloads(unread)) = read(&server, &Scope::Cluster).await else { panic!("it goes on") };
    assert_eq!((unread.resource.as_str(), unread.cause), ("pods", Cause::Expired));
}

#[tokio::test]
async fn one_kind_that_may_not_be_read_is_an_error_that_names_it() {
    let server = five_pods();
    server.answers(DEPLOYMENTS, "", 403, usize::MAX);
    let error = read(&server, &Scope::Cluster).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "what workloads use is not known: deployments.apps cannot be listed in all namespaces: the role of this user lacks \
         the verb list; nothing is deleted; grant the verbs list and watch on deployments.apps in all namespaces"
    );
    assert_eq!(error.reason(), "WorkloadsUnreadable");
    let one = Scope::Namespaces(["other".to_owned()].into());
    let Err(ClusterError::Workloads(unread)) = read(&server, &one).await else { panic!("it goes on") };
    assert_eq!((unread.verb, unread.namespace.as_deref()), (Verb::List, Some("other")));
}

#[tokio::test]
async fn whatever_else_goes_wrong_is_an_error_too() {
    for (code, cause) in [
        (401, Cause::Unauthenticated),
        (404, Cause::NotFound),
        (500, Cause::Refused(500, "so it is".into())),
        (503, Cause::Refused(503, "so it is".into())),
    ] {
        let server = five_pods();
        server.answers("/apis/batch/v1/jobs", "", code, usize::MAX);
        let Err(ClusterError::Workloads(unread)) = read(&server, &Scope::Cluster).await else { panic!("it goes on") };
        assert_eq!((unread.resource.as_str(), unread.cause), ("jobs.batch", cause));
    }
    let server = five_pods();
    server.put(PODS, "shop", "broken", serde_json::json!({"spec": {"containers": {"image": "i"}}}));
    let Err(ClusterError::Workloads(unread)) = read(&server, &Scope::Cluster).await else { panic!("it goes on") };
    assert!(matches!(unread.cause, Cause::Malformed(_)), "{unread}");
}
