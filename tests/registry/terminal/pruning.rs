//! From the first plan to the collection.

use std::collections::BTreeSet;

use super::{Resource, Terminal, condemned};
use crate::aftermath::{exactly_is_whole, exactly_survives};
use crate::support::{Registry, TAGS, Version, both_versions, release};

both_versions![exactly_three_tags_of_three_repositories_go, what_is_too_young_stays];

const THREE: [&str; 3] = ["i1", "i2", "i3"];
const WITHDRAWN: &str = "[{name: withdrawn, repositories: {include: ['i[123]']}, tags: {include: [T12, T22, T52]}, \
                         action: Delete}]";

/// Four repositories, each with T1 to T52.
async fn start(version: Version) -> Registry {
    let registry = Registry::start(version).await;
    for repository in THREE.into_iter().chain(["i4"]) {
        let tagged: Vec<_> = (1..=TAGS).map(|week| (format!("T{week}"), release(repository, week))).collect();
        registry.pusher().push_all(repository, &tagged).await;
    }
    registry
}

async fn exactly_three_tags_of_three_repositories_go(version: Version) {
    let registry = start(version).await;
    let terminal = Terminal::new();
    terminal.resources(&[Resource::of(&registry, WITHDRAWN)]);
    let before = registry.store().files();

    let plan = terminal.run("plan -f").await.code(0);
    let deleted = plan.stdout.lines().filter(|line| line.contains("  delete  "));
    let mut shown: Vec<&str> = deleted.filter_map(|line| line.split_whitespace().next()).collect();
    shown.sort_unstable();
    assert_eq!(shown, ["T12", "T12", "T12", "T22", "T22", "T22", "T52", "T52", "T52"], "{plan}");
    plan.says(&["i1: 3 of 52 tags go", "i2: 3 of 52", "i3: 3 of 52", "DeleteAction", " --yes"]).conceals(&["i4:"]);

    let all: Vec<String> = THREE.iter().flat_map(|it| ["T12", "T22", "T52"].map(|tag| format!("{it}:{tag}"))).collect();
    let json = terminal.plan("").await;
    assert_eq!(condemned(&json), all);
    assert_eq!((&json["totals"]["condemned"], &json["totals"]["manifests"]), (&9.into(), &9.into()));
    assert_eq!(json["approved"].as_array().map(Vec::len), Some(9));
    assert!(json["waiting"].is_null());
    let yaml = terminal.run("plan -f -o yaml").await.code(0);
    yaml.says(&["condemned: true", "reason: DeleteAction"]);

    terminal.run("prune -f").await.code(0).says(&["othing was deleted", "--yes"]);
    assert_eq!(registry.store().files(), before, "whatever went before --yes was only looking");

    let (config, other) = match version {
        Version::V2_8 => ("/etc/docker/registry/config.yml", "/etc/distribution/config.yml"),
        Version::V3_1 => {
            ("/etc/distribution/config.yml", "kubectl exec deployment/registry -- registry garbage-collect /etc/docker")
        }
    };
    let pruned = terminal.run("prune -f --yes").await.code(0);
    for tag in &all {
        assert!(pruned.stdout.lines().any(|line| line == format!("deleted {tag}")), "{tag}: {pruned}");
    }
    let collects = pruned.stdout.lines().filter(|line| line.contains("garbage-collect"));
    assert!(collects.clone().count() >= 3 && collects.clone().all(|line| !line.contains("-untagged")), "{pruned}");
    pruned
        .says(&[
            "Deleted 9 tags and 9 manifests.",
            config,
            r#"REGISTRY_STORAGE_MAINTENANCE_READONLY='{"enabled":true}'"#,
        ])
        .conceals(&["deleted i4", other]);

    let again = terminal.run("prune -f --yes").await.code(0);
    again.says(&["Nothing is to be deleted now."]).conceals(&["garbage-collect", "deleted i"]);

    let rehash = format!("verify --registry {} --rehash", registry.url());
    terminal.run(&rehash).await.code(0).says(&["nothing is missing"]);
    let whole: BTreeSet<String> = (1..=TAGS).map(|week| format!("T{week}")).collect();
    let gone: BTreeSet<String> = ["T12", "T22", "T52"].map(str::to_owned).into();
    let left = whole.difference(&gone).cloned().collect();
    for repository in THREE {
        exactly_is_whole(&registry, repository, &left).await;
    }
    exactly_survives(&registry, "i4", &whole).await;

    registry.store().remove_blob(&release("i2", 7).blob_digests()[0]);
    let damaged = terminal.run(&rehash).await.code(6).says(&["i2", "T7", "1 fault"]);
    assert!(!damaged.stdout.contains("nothing is missing"));
    let json = terminal.run(&format!("{rehash} -o json")).await.code(6);
    let json: serde_json::Value = serde_json::from_str(&json.stdout).expect("JSON");
    assert_eq!(json["registries"][0]["findings"][0]["tags"], serde_json::json!(["T7"]));
}

async fn what_is_too_young_stays(version: Version) {
    let registry = Registry::start(version).await;
    super::push(&registry, &["v1", "pr-1", "pr-2"]).await;
    let before = registry.store().files();
    let terminal = Terminal::new();
    let resource = Resource { minimum_age: "24h", ..Resource::of(&registry, super::PR) };
    terminal.resources(std::slice::from_ref(&resource));

    let plan = terminal.plan("").await;
    assert_eq!(condemned(&plan), Vec::<String>::new());
    assert_eq!((super::reason(&plan, "pr-1"), super::reason(&plan, "pr-2")), ("TooYoung", "TooYoung"));
    assert_eq!(plan["notices"][0]["reason"], "FirstSeen");
    terminal.run("plan -f").await.code(0).says(&["TooYoung", "only `minimumAge: 0h` deletes"]);
    let explained = terminal.run("explain app:pr-1 -f").await.code(0);
    explained.says(&[
        "keep (TooYoung)",
        "created      2026-01-01T00:00:00Z",
        "ago, at this digest",
        "Time, or a shorter",
    ]);
    let pruned = terminal.run("prune -f --yes").await.code(0);
    pruned.says(&["only `minimumAge: 0h` deletes", "Nothing is to be deleted now."]);
    assert_eq!(registry.store().files(), before);

    terminal.resources(&[Resource { minimum_age: "0h", ..resource }]);
    terminal.run("prune -f --yes").await.code(0).says(&["Deleted 2 tags and 2 manifests."]);
    exactly_is_whole(&registry, "app", &["v1".to_owned()].into()).await;
}
