//! Lists that are not to be believed: such as hide a tag, and such as show far fewer tags than there were.

use std::collections::BTreeSet;

use registry_retention::registry::Access;
use registry_retention::retention::{Cause, Memory, StoredPlan, approve, entries};
use reqwest::Method;

use super::push_hourly;
use crate::desk::{Desk, condemned, in_use, resource, rules, set};
use crate::support::{Artifact, Registry, Relay, Reply, Version, both_versions};

both_versions![
    a_list_that_hides_a_tag_stops_everything,
    a_list_that_begins_to_hide_a_tag_stops_a_prune,
    a_protected_tag_is_asked_for_by_its_name,
    a_tag_in_use_is_asked_for_by_its_name,
    a_list_that_shrank_waits_for_a_person
];

const OLD: &str = "[{name: old, repositories: {include: [app]}, tags: {include: ['T*', pr], exclude: [T9]}, \
                   action: Delete}]";

/// From now on the list lacks `tag`, as 3.0 to 3.1.1 leave names out on S3.
fn hide(relay: &Relay, tag: &'static str) {
    relay.on(Method::GET, "/tags/list$").after(move |_, reply: Reply| async move {
        let mut list: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
        list["tags"].as_array_mut().unwrap().retain(|listed| listed != tag);
        let reply = Reply { body: list.to_string().into(), ..reply };
        let length = reply.body.len().to_string();
        reply.header("content-length", &length)
    });
}

async fn a_list_that_hides_a_tag_stops_everything(version: Version) {
    let registry = Registry::start(version).await;
    push_hourly(&registry.pusher(), "app", 9).await;
    let relay = Relay::start(&registry).await;
    let mut desk = Desk::at_url(relay.url(), Access::default());
    let policies = rules(OLD);
    let seen = desk.observe(&policies).await.unwrap();
    desk.memory.learn(&seen, desk.now);
    hide(&relay, "T9");
    let before = registry.store().files();
    for error in [desk.plan(&policies).await.unwrap_err(), desk.prune(&policies).await.unwrap_err()] {
        assert_eq!(error.reason(), "HiddenTags");
        assert!(error.to_string().contains("T9"), "{error}");
    }
    assert_eq!(registry.store().files(), before);
    // A tag that is gone indeed is no hidden one.
    relay.clear_rules();
    let digest = registry.pusher().digest_of("app", "T9").await.unwrap();
    assert!(registry.pusher().delete("app", digest.as_str()).await.is_success());
    assert_eq!(condemned(&desk.plan(&policies).await.unwrap(), "app").len(), 7, "and the newest stays");
}

/// The tag that hides shares its manifest with one that is to go. 3.x would remove that tag alone, and then, seeing no
/// other, the manifest under the hidden one.
async fn a_list_that_begins_to_hide_a_tag_stops_a_prune(version: Version) {
    let registry = Registry::start(version).await;
    push_hourly(&registry.pusher(), "app", 9).await;
    registry.pusher().tag("app", "T9", "pr").await;
    registry.pusher().push("app", "v1", &Artifact::image("v1").build()).await;
    let relay = Relay::start(&registry).await;
    let mut desk = Desk::at_url(relay.url(), Access::default());
    let policies = rules(OLD);
    let seen = desk.observe(&policies).await.unwrap();
    desk.memory.learn(&seen, desk.now);
    let stored = StoredPlan::new(entries(&desk.decide(&seen, &policies)), Vec::new(), desk.now);
    hide(&relay, "T9");
    let before = registry.store().files();
    let report = desk.carry_out(&policies, &stored).await.unwrap();
    assert!(report.stopped.as_ref().is_some_and(|why| why.to_string().contains("T9")), "{report:?}");
    assert_eq!((report.deleted_tags, report.deleted_manifests), (0, 0));
    assert_eq!(registry.store().files(), before);
    relay.clear_rules();
    let report = desk.carry_out(&policies, &stored).await.unwrap();
    assert!(report.is_complete(), "{report:?}");
    let left: BTreeSet<String> = registry.pusher().tags("app").await.unwrap().into_iter().collect();
    assert_eq!(left, if version == Version::V2_8 { set(["T9", "pr", "v1"]) } else { set(["T9", "v1"]) });
    registry.garbage_collect().await;
    registry.restart().await;
    assert_eq!(registry.pusher().is_whole("app", "T9").await, Ok(()));
}

async fn a_protected_tag_is_asked_for_by_its_name(version: Version) {
    let registry = Registry::start(version).await;
    push_hourly(&registry.pusher(), "app", 3).await;
    registry.pusher().tag("app", "T3", "latest").await;
    let relay = Relay::start(&registry).await;
    hide(&relay, "latest");
    let policies = resource(
        "{tags: [latest, 'stable-*', absent], minimumAge: 0h, inUse: {scope: None}}",
        "{maxDeletePercent: 100}",
        "[{name: old, repositories: {include: [app]}, tags: {include: ['T*']}, keep: {mostRecentlyPushedCount: 1}}]",
    );
    let desk = Desk::at_url(relay.url(), Access::default());
    assert_eq!(desk.plan(&policies).await.unwrap_err().reason(), "HiddenTags");
    relay.clear_rules();
    assert_eq!(condemned(&desk.plan(&policies).await.unwrap(), "app"), set(["T1", "T2"]));
}

async fn a_tag_in_use_is_asked_for_by_its_name(version: Version) {
    let registry = Registry::start(version).await;
    push_hourly(&registry.pusher(), "app", 3).await;
    let relay = Relay::start(&registry).await;
    hide(&relay, "T3");
    let policies = rules("[{name: old, repositories: {include: [app]}, tags: {include: ['T*']}, action: Delete}]");
    let mut desk = Desk::at_url(relay.url(), Access::default());
    desk.in_use = in_use(["r.example/app:T3", "r.example/app:absent", "r.example/other:T2"]);
    let error = desk.plan(&policies).await.unwrap_err();
    assert_eq!(error.reason(), "HiddenTags");
    assert!(error.to_string().contains("T3"), "{error}");
    relay.clear_rules();
    assert_eq!(condemned(&desk.plan(&policies).await.unwrap(), "app"), set(["T1", "T2"]));
}

async fn a_list_that_shrank_waits_for_a_person(version: Version) {
    let registry = Registry::start(version).await;
    push_hourly(&registry.pusher(), "app", 10).await;
    let mut desk = Desk::at(&registry);
    desk.now = "2026-06-01T00:00:00Z".parse().unwrap();
    let policies = rules(
        "[{name: old, repositories: {include: [app]}, tags: {include: ['*']}, keep: {mostRecentlyPushedCount: 5}}]",
    );
    let seen = desk.observe(&policies).await.unwrap();
    desk.memory.learn(&seen, desk.now);
    let someone_deletes = async |tag: &str| {
        let digest = registry.pusher().digest_of("app", tag).await.unwrap();
        assert!(registry.pusher().delete("app", digest.as_str()).await.is_success());
    };
    let shrinkage = async |memory: &Memory, desk: &Desk| {
        let inventory = desk.observe(&policies).await.unwrap();
        memory.shrinkage(&policies, &inventory.listing(), &BTreeSet::new())
    };
    someone_deletes("T1").await;
    someone_deletes("T2").await;
    assert_eq!(shrinkage(&desk.memory, &desk).await, [], "a fifth is not over a fifth");
    someone_deletes("T10").await;
    let causes = shrinkage(&desk.memory, &desk).await;
    assert_eq!(causes, [Cause::FewerTags { before: 10, now: 7 }]);

    let plan = desk.plan(&policies).await.unwrap();
    assert_eq!(condemned(&plan, "app"), set(["T3", "T4"]));
    let waits = approve(&plan, &causes, &[], desk.now);
    assert!(waits.approved.is_empty());
    let waiting = waits.waiting.expect("it waits");
    assert_eq!(waiting.causes, causes);
    let accepted = approve(&plan, &causes, std::slice::from_ref(&waiting), desk.now);
    assert_eq!((&accepted.approved, accepted.waiting), (&waiting.entries, None));
    let stored = StoredPlan::new(accepted.approved, Vec::new(), desk.now);
    let report = desk.carry_out(&policies, &stored).await.unwrap();
    assert!(report.is_complete() && report.deleted_tags == 2, "{report:?}");
    assert_eq!(registry.pusher().tags("app").await.unwrap(), ["T5", "T6", "T7", "T8", "T9"]);
}
