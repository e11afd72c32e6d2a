//! Tags that go without their manifests.

use super::{PR, Resource, Terminal, condemned, image, push, reason};
use crate::aftermath::{exactly_is_whole, exactly_survives, is_there, tombstones};
use crate::desk::set;
use crate::support::{Registry, Version, both_versions};

both_versions![manifests_stay_until_someone_vouches_for_the_lists, a_tag_goes_from_under_a_kept_one];

async fn manifests_stay_until_someone_vouches_for_the_lists(version: Version) {
    let registry = Registry::start(version).await;
    push(&registry, &["v1", "pr-1", "pr-2"]).await;
    let terminal = Terminal::new();
    terminal.resources(&[Resource { complete: false, ..Resource::of(&registry, PR) }]);
    if version == Version::V2_8 {
        // Its lists are known to be complete.
        let pruned = terminal.run("prune -f --yes").await.code(0).says(&["Deleted 2 tags and 2 manifests."]);
        pruned.conceals(&["completeTagLists"]);
        return exactly_is_whole(&registry, "app", &set(["v1"])).await;
    }
    let vouch = ["only tags would be removed", "spec.registry.completeTagLists: true", "--complete-lists"];
    terminal.run("plan -f").await.code(0).says(&vouch).says(&["No manifest is deleted, so no space comes back"]);
    let plan = terminal.plan("").await;
    assert_eq!((&plan["plan"]["digests"], &plan["totals"]["manifests"]), (&"ListsMayHideTags".into(), &0.into()));
    let pruned = terminal.run("prune -f --yes").await.code(0).says(&vouch).says(&["Deleted 2 tags and 0 manifests."]);
    pruned.conceals(&["garbage-collect"]);
    exactly_is_whole(&registry, "app", &set(["v1"])).await;
    for tag in ["pr-1", "pr-2"] {
        assert!(is_there(&registry, "app", &image(tag).digest()).await, "{tag} is only untagged");
    }

    // Who vouches later gets what still has a tag.
    push(&registry, &["pr-2", "pr-3"]).await;
    let plan = terminal.plan("--complete-lists").await;
    assert_eq!((&plan["plan"]["digests"], &plan["totals"]["manifests"]), (&"Allowed".into(), &2.into()));
    let pruned = terminal.run("prune -f --yes --complete-lists").await.code(0);
    pruned.says(&["Deleted 2 tags and 2 manifests.", "garbage-collect"]).conceals(&["only tags"]);
    for (tag, there) in [("pr-1", true), ("pr-2", false), ("pr-3", false)] {
        assert_eq!(is_there(&registry, "app", &image(tag).digest()).await, there, "{tag}");
    }
    exactly_survives(&registry, "app", &set(["v1"])).await;
}

async fn a_tag_goes_from_under_a_kept_one(version: Version) {
    let registry = Registry::start(version).await;
    push(&registry, &["v1"]).await;
    registry.pusher().tag("app", "v1", "pr-1").await;
    let terminal = Terminal::new();
    terminal.resources(&[Resource::of(&registry, PR)]);
    let option = match version {
        Version::V3_1 => "",
        Version::V2_8 => {
            let before = registry.store().files();
            let plan = terminal.plan("").await;
            assert_eq!((condemned(&plan), reason(&plan, "pr-1")), (Vec::new(), "SharedDigest"));
            terminal.run("prune -f --yes").await.code(0).says(&["Nothing is to be deleted now."]);
            assert_eq!(registry.store().files(), before);
            terminal.run("plan -f --live-shared").await.code(0).says(&["pr-1", "--yes --live-shared"]);
            " --live-shared"
        }
    };
    let pruned = terminal.run(&format!("prune -f --yes{option}")).await.code(0);
    pruned.says(&["deleted app:pr-1", "Deleted 1 tag and 0 manifests."]).conceals(&["garbage-collect"]);
    assert_eq!(tombstones(&registry, "app"), 0);
    exactly_survives(&registry, "app", &set(["v1"])).await;
}
