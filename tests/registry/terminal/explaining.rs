//! One tag, explained.

use super::{Resource, Terminal, push};
use crate::support::{Registry, Version, both_versions};

both_versions![each_verdict_is_explained];

const RULES: &str = "[{name: pr, repositories: {include: [app]}, tags: {include: ['pr-*', stable]}, action: Delete}, \
                     {name: demo, repositories: {include: [app]}, tags: {include: [pr-2]}, action: Keep}]";

async fn each_verdict_is_explained(version: Version) {
    let registry = Registry::start(version).await;
    push(&registry, &["v1", "pr-1", "pr-2", "stable"]).await;
    registry.pusher().tag("app", "pr-1", "also").await;
    let before = registry.store().files();
    let terminal = Terminal::new();
    terminal.resources(&[Resource { protect: "[stable]", ..Resource::of(&registry, RULES) }]);
    // 2.8 cannot take a tag from what another one keeps.
    let (verdict, why) = match version {
        Version::V2_8 => ("keep (SharedDigest)", "tag also, which stays, has the same digest"),
        Version::V3_1 => ("delete (DeleteAction)", "rule pr of team deletes it"),
    };
    for (tag, verdict, why, change) in [
        ("v1", "keep (Unselected)", "no rule selects it", "A rule whose repositories and tags include it"),
        ("pr-1", verdict, why, if version == Version::V2_8 { "--live-shared" } else { "any rule of any resource" }),
        ("pr-2", "keep (KeptByRule)", "rule demo of team keeps it", "action: Keep; only changing it"),
        ("stable", "keep (Protected)", "protected by \"stable\" of team", "out of spec.protect.tags of team"),
    ] {
        let explained = terminal.run(&format!("explain app:{tag} -f")).await.code(0);
        explained.says(&[&format!("app:{tag} of {}: {verdict}", registry.url()), why, change]);
    }
    let said = terminal.run("explain app:pr-1 -f").await.code(0).says(&["same digest  also (keep, Unselected)"]);
    said.says(&["created      not read, since no rule asks for it", "rules        team/pr deletes it"]);
    terminal.run("explain app:pr-9 -f").await.code(2).says(&["has no tag pr-9 in app, which lists 5"]);
    terminal.run("explain nowhere:v1 -f").await.code(2).says(&["has no repository nowhere"]);
    assert_eq!(registry.store().files(), before);
    assert!(!terminal.home.path().join("state").exists(), "explaining remembers nothing");
}
