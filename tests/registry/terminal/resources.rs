//! Several resources in one file.

use super::{PR, Resource, Terminal, condemned, push, reason};
use crate::aftermath::exactly_is_whole;
use crate::desk::set;
use crate::support::{Registry, Version, both_versions};

both_versions![resources_of_one_file_are_judged_together, each_registry_of_a_file_is_worked_on];

const KEEPS: &str = "[{name: demo, repositories: {include: ['*']}, tags: {include: ['pr-2']}, action: Keep}]";

async fn resources_of_one_file_are_judged_together(version: Version) {
    let registry = Registry::start(version).await;
    push(&registry, &["v1", "pr-1", "pr-2", "pr-3"]).await;
    let team = Resource::of(&registry, PR);
    let other = Resource { name: "other", protect: "['pr-3']", ..Resource::of(&registry, KEEPS) };
    let terminal = Terminal::new();
    terminal.resources(&[team.clone(), other.clone()]);

    let plan = terminal.plan("").await;
    assert_eq!(condemned(&plan), ["app:pr-1"]);
    let reasons = ["v1", "pr-1", "pr-2", "pr-3"].map(|tag| reason(&plan, tag));
    assert_eq!(reasons, ["Unselected", "DeleteAction", "KeptElsewhere", "Protected"]);
    let names: Vec<_> = plan["resources"].as_array().unwrap().iter().map(|it| it["name"].clone()).collect();
    assert_eq!(names, ["team", "other"]);

    // The strictest limit holds, whose ever it is.
    terminal.resources(&[team.clone(), Resource { limits: "{maxDeletions: 0}", ..other.clone() }]);
    terminal.run("prune -f --yes").await.code(4).says(&["limits.maxDeletions"]);
    terminal.resources(&[other, team]);
    terminal.run("prune -f --yes").await.code(0).says(&["Deleted 1 tag and 1 manifest."]);
    exactly_is_whole(&registry, "app", &set(["v1", "pr-2", "pr-3"])).await;
}

async fn each_registry_of_a_file_is_worked_on(version: Version) {
    let (first, second) = (Registry::start(version).await, Registry::start(version).await);
    for registry in [&first, &second] {
        push(registry, &["v1", "pr-1"]).await;
    }
    let nowhere = Resource { name: "nowhere", url: "http://127.0.0.1:1".into(), ..Resource::of(&first, PR) };
    let terminal = Terminal::new();
    terminal.resources(&[nowhere, Resource { name: "other", ..Resource::of(&first, PR) }, Resource::of(&second, PR)]);
    let pruned = terminal.run("prune -f --yes").await.code(3);
    pruned.says(&["error: http://127.0.0.1:1: ", "no connection", first.url(), second.url()]);
    for registry in [&first, &second] {
        exactly_is_whole(registry, "app", &set(["v1"])).await;
    }
}
