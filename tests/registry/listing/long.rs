//! More tags than a page holds.

use std::collections::BTreeSet;
use std::sync::Arc;

use reqwest::{Method, header};

use super::push_hourly;
use crate::desk::{Desk, condemned, rules};
use crate::support::{Registry, Relay, Reply, Version, both_versions};

both_versions![thirteen_hundred_tags_are_seen_and_the_newest_thousand_stay, every_page_of_a_list_is_read];

const TAGS: usize = 1_300;

fn first(count: usize) -> BTreeSet<String> {
    (1..=count).map(|n| format!("T{n}")).collect()
}

fn newest(count: usize) -> Vec<registry_retention::retention::Policy> {
    let keep = format!("{{mostRecentlyPushedCount: {count}}}");
    rules(&format!("[{{name: newest, repositories: {{include: [many]}}, tags: {{include: ['*']}}, keep: {keep}}}]"))
}

async fn thirteen_hundred_tags_are_seen_and_the_newest_thousand_stay(version: Version) {
    let registry = Registry::start(version).await;
    push_hourly(&registry.pusher(), "many", TAGS).await;
    let mut desk = Desk::at(&registry);
    desk.now = "2026-06-01T00:00:00Z".parse().unwrap();
    let policies = newest(1_000);
    let plan = desk.plan(&policies).await.unwrap();
    assert_eq!(plan.totals().tags, TAGS);
    assert_eq!(condemned(&plan, "many"), first(300));
    let report = desk.prune(&policies).await.unwrap();
    assert!(report.is_complete() && report.skipped.is_empty(), "{:?} {:?}", report.stopped, report.failed);
    assert_eq!((report.deleted_tags, report.deleted_manifests), (300, 300));
    let left: BTreeSet<String> = registry.pusher().tags("many").await.unwrap().into_iter().collect();
    assert_eq!(left, first(TAGS).difference(&first(300)).cloned().collect());
    registry.garbage_collect().await;
    registry.restart().await;
    for tag in ["T301", "T302", "T1299", "T1300"] {
        assert_eq!(registry.pusher().is_whole("many", tag).await, Ok(()), "{tag}");
    }
    assert_eq!(registry.store().blobs().len(), 1_000 + 2, "a thousand manifests, one config, one layer");
}

/// The client does not ask for pages; here it gets those that 3.1 makes when it is asked for a hundred tags at a time.
async fn every_page_of_a_list_is_read(version: Version) {
    let registry = Arc::new(Registry::start(version).await);
    push_hourly(&registry.pusher(), "many", 250).await;
    let relay = Relay::start(&registry).await;
    let asked = Arc::clone(&registry);
    relay.on(Method::GET, "/tags/list$").after(move |request, reply| {
        let paged = asked.pusher().request(Method::GET, &format!("{}?n=100", request.path));
        async move {
            let answer = paged.send().await.unwrap();
            let mut headers = answer.headers().clone();
            headers.remove(header::TRANSFER_ENCODING);
            Reply { headers, body: answer.bytes().await.unwrap(), ..reply }
        }
    });
    let mut desk = Desk::at_url(relay.url(), registry_retention::registry::Access::default());
    desk.now = "2026-06-01T00:00:00Z".parse().unwrap();
    let plan = desk.plan(&newest(200)).await.unwrap();
    let pages = relay.lines().iter().filter(|line| line.contains("/tags/list")).count();
    assert_eq!(pages, if version == Version::V3_1 { 3 } else { 1 }, "2.8 ignores what it is asked for");
    assert_eq!(plan.totals().tags, 250);
    assert_eq!(condemned(&plan, "many"), first(50));
}
