//! Tokens of a token service: which scopes are asked for, and what happens when they run out or are not granted.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use registry_retention::registry::{Access, Tls};
use registry_retention::retention::{Deletes, Generation, Refusal};
use reqwest::{Method, StatusCode};

use super::{PR, image, is_pruned, login, shop};
use crate::desk::{Desk, condemned, rules, set};
use crate::support::{Credentials, Pusher, Registry, Relay, Step, TokenServer, Version, both_versions};

both_versions![
    a_prune_asks_for_no_more_than_pull_and_delete,
    only_placeholders_ask_for_push,
    only_patterns_ask_for_the_catalog,
    tokens_that_are_refused_in_the_middle_of_a_prune_are_renewed,
    a_token_that_is_refused_before_its_time_is_renewed,
    a_login_that_may_only_pull_plans_and_deletes_nothing
];

async fn guarded(version: Version) -> (Arc<TokenServer>, Registry, Pusher) {
    let tokens = Arc::new(TokenServer::start(&Credentials::new("robot", "s3cret")).await);
    let registry = Registry::builder(version).token_auth(&tokens).start().await;
    let pusher = registry.pusher().with_token(tokens.token(&["repository:app:pull,push,delete"]));
    shop(&pusher).await;
    (tokens, registry, pusher)
}

fn desk(url: &str) -> Desk {
    Desk::at_url(url, Access { credentials: login("robot", "s3cret"), tls: Tls::default() })
}

fn scopes(tokens: &TokenServer) -> BTreeSet<String> {
    assert!(tokens.requests().iter().all(|request| request.logged_in));
    tokens.requests().into_iter().flat_map(|request| request.scopes).collect()
}

async fn a_prune_asks_for_no_more_than_pull_and_delete(version: Version) {
    let (tokens, registry, pusher) = guarded(version).await;
    tokens.grant("repository:app", "pull,delete");
    let mut desk = desk(registry.url());
    let report = desk.prune(&rules(PR)).await.unwrap();
    assert!(report.is_complete() && report.deleted_tags == 1, "{report:?}");
    assert_eq!(scopes(&tokens), set(["repository:app:pull", "repository:app:delete"]));
    assert!(tokens.requests().iter().all(|request| request.scopes.len() == 1), "one token for each need");
    assert_eq!(tokens.requests().len(), 2, "and each is used again");
    is_pruned(&registry, &pusher).await;
}

async fn only_placeholders_ask_for_push(version: Version) {
    let (tokens, registry, pusher) = guarded(version).await;
    pusher.tag("app", "v1", "pr-2").await;
    tokens.grant("repository:app", "pull,push,delete");
    let mut desk = desk(registry.url());
    desk.tombstones = true;
    let report = desk.prune(&rules(PR)).await.unwrap();
    assert!(report.is_complete() && report.deleted_tags == 2, "{report:?}");
    let asked = scopes(&tokens);
    assert_eq!(asked.contains("repository:app:pull,push"), version == Version::V2_8, "{asked:?}");
    assert_eq!(asked.len(), if version == Version::V2_8 { 3 } else { 2 }, "{asked:?}");
    is_pruned(&registry, &pusher).await;
}

async fn only_patterns_ask_for_the_catalog(version: Version) {
    let (tokens, registry, pusher) = guarded(version).await;
    tokens.grant("repository:app", "pull,delete");
    let everywhere = rules(&PR.replace("[app]", "['**']"));
    let error = desk(registry.url()).plan(&everywhere).await.unwrap_err();
    assert_eq!(error.reason(), "Forbidden", "{error}");
    assert_eq!(scopes(&tokens), set(["registry:catalog:*"]));
    tokens.grant("registry:catalog", "*");
    let report = desk(registry.url()).prune(&everywhere).await.unwrap();
    assert!(report.is_complete() && report.deleted_tags == 1, "{report:?}");
    is_pruned(&registry, &pusher).await;
}

async fn tokens_that_are_refused_in_the_middle_of_a_prune_are_renewed(version: Version) {
    let (tokens, registry, pusher) = guarded(version).await;
    for n in 2..=5 {
        pusher.push("app", &format!("pr-{n}"), &image(&format!("pr-{n}"))).await;
    }
    tokens.grant("repository:app", "pull,delete");
    // A token that ends at once is asked for by each request anew; and the one after each deletion is not accepted.
    tokens.set_lifetime(Duration::ZERO);
    let relay = Relay::start(&registry).await;
    let stale = Arc::clone(&tokens);
    relay.on(Method::DELETE, "/v2/app/manifests/(pr|sha256:0*[1-9a-f])").before(move |_| {
        stale.issue_stale(1);
        async { Step::Forward }
    });
    let mut desk = desk(relay.url());
    let report = desk.prune(&rules(PR)).await.unwrap();
    assert!(report.is_complete() && report.deleted_tags == 5, "{report:?}");
    let refused = relay.exchanges().iter().filter(|it| it.status == Some(StatusCode::UNAUTHORIZED)).count();
    assert!(refused >= 5, "{refused} requests were refused at first");
    assert_eq!(scopes(&tokens), set(["repository:app:pull", "repository:app:delete"]));
    is_pruned(&registry, &pusher).await;
}

/// A token that says that it lives for minutes, and that the registry refuses: its keys may have changed.
async fn a_token_that_is_refused_before_its_time_is_renewed(version: Version) {
    let (tokens, registry, pusher) = guarded(version).await;
    tokens.grant("repository:app", "pull,delete");
    let relay = Relay::start(&registry).await;
    let stale = Arc::clone(&tokens);
    // The second probe has the token of the first; the one to pull with comes next.
    relay.on(Method::DELETE, "/v2/app/manifests/sha256:0{64}$").nth(1).before(move |_| {
        stale.issue_stale(1);
        async { Step::Forward }
    });
    let report = desk(relay.url()).prune(&rules(PR)).await.unwrap();
    assert!(report.is_complete() && report.deleted_tags == 1, "{report:?}");
    assert_eq!(tokens.requests().len(), 3, "one to delete with, and two to pull with");
    is_pruned(&registry, &pusher).await;
}

async fn a_login_that_may_only_pull_plans_and_deletes_nothing(version: Version) {
    let (tokens, registry, _) = guarded(version).await;
    tokens.grant("repository:app", "pull");
    let before = registry.store().files();
    let mut desk = desk(registry.url());
    let plan = desk.plan(&rules(PR)).await.unwrap();
    assert_eq!(condemned(&plan, "app"), set(["pr-1"]));
    assert_eq!(plan.server.deletes, Deletes::Refused(Refusal::Forbidden));
    let generation = if version == Version::V2_8 { Generation::V2 } else { Generation::V3 };
    assert_eq!(plan.server.generation, generation);
    let report = desk.prune(&rules(PR)).await.unwrap();
    assert_eq!(report.refused, [("app".parse().unwrap(), Refusal::Forbidden)]);
    assert!(!report.is_complete() && report.deleted_tags == 0);
    assert_eq!(registry.store().files(), before);
    // The right is granted, and the same client, with the same tokens in hand, goes on.
    tokens.grant("repository:app", "pull,delete");
    assert!(desk.prune(&rules(PR)).await.unwrap().is_complete());
}
