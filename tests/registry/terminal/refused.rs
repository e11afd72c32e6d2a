//! Registries that let nothing be deleted.

use super::{PR, Resource, Terminal, condemned, push};
use crate::aftermath::exactly_is_whole;
use crate::desk::set;
use crate::support::{Registry, Version, both_versions};

both_versions![what_refuses_says_its_setting, a_cache_is_no_place_to_prune];

/// The plan is shown, with what stands in its way; nothing is carried out.
async fn is_refused(registry: &Registry, code: &str, words: &[&str]) {
    let terminal = Terminal::new();
    terminal.resources(&[Resource::of(registry, PR)]);
    let said = terminal.run("plan -f").await.code(0).says(words).says(&["Note: nothing can be deleted there"]);
    let said = said.says(&["pr-1", "deletes nothing"]).conceals(&["prune -f"]);
    assert!(words.iter().all(|word| said.stdout.contains(word)), "{said}");
    let plan = terminal.plan("").await;
    assert_eq!(condemned(&plan), ["app:pr-1", "app:pr-2"]);
    assert_eq!(plan["notices"][0]["reason"], code);
    let pruned = terminal.run("prune -f --yes").await.code(3).says(words);
    let pruned = pruned.says(&["nothing was deleted"]).conceals(&["garbage-collect", "deleted app:"]);
    assert!(pruned.stderr.starts_with("reading ") && pruned.stderr.contains("\nerror: "), "{pruned}");
}

async fn what_refuses_says_its_setting(version: Version) {
    let registry = Registry::builder(version).deletes(false).start().await;
    push(&registry, &["v1", "pr-1", "pr-2"]).await;
    let before = registry.store().files();
    is_refused(&registry, "DeleteDisabled", &["deletion is disabled", "REGISTRY_STORAGE_DELETE_ENABLED=true"]).await;
    assert_eq!(registry.store().files(), before);
    registry.restart_as(|it| it.deletes(true).read_only(true)).await;
    is_refused(&registry, "ReadOnly", &["read-only", "REGISTRY_STORAGE_MAINTENANCE_READONLY"]).await;
    assert_eq!(registry.store().files(), before);

    registry.restart_as(|it| it.read_only(false)).await;
    let terminal = Terminal::new();
    terminal.resources(&[Resource::of(&registry, PR)]);
    terminal.run("prune -f --yes").await.code(0).says(&["Deleted 2 tags and 2 manifests."]);
    exactly_is_whole(&registry, "app", &set(["v1"])).await;
}

async fn a_cache_is_no_place_to_prune(version: Version) {
    let upstream = Registry::start(version).await;
    push(&upstream, &["v1", "pr-1", "pr-2"]).await;
    let cache = Registry::builder(version).cache_of(&upstream).start().await;
    let tags = ["v1", "pr-1", "pr-2"];
    for tag in tags {
        assert_eq!(cache.pusher().is_whole("app", tag).await, Ok(()));
    }
    let before = upstream.store().files();
    is_refused(&cache, "PullThrough", &["pull-through cache", "proxy.ttl"]).await;
    assert_eq!(upstream.store().files(), before);
    exactly_is_whole(&cache, "app", &set(tags)).await;
}
