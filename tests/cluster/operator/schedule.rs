//! Runs that nobody asks for.

use serde_json::json;

use crate::registries::{Artifact, Version};
use crate::support::{Cluster, Operator, RegistryPod, Retention, eventually};

#[test]
fn a_run_comes_with_its_schedule_in_its_time_zone() {
    let cluster = Cluster::up();
    let registry = RegistryPod::start(&cluster, Version::V3_1);
    let image = |tag: &str| Artifact::image(tag).layers(1, 1000).build();
    cluster.block_on(registry.pusher().push("app", "stable", &image("stable")));
    Operator::install(&cluster, &["namespaces={registry}"]);
    let spec = json!({
        "mode": "Enforce",
        "schedule": "30 3 * * *",
        "timeZone": "Asia/Kolkata",
        "registry": {"url": registry.service_url(), "completeTagLists": true},
        "rules": [{"name": "pull-requests", "repositories": {"include": ["app"]}, "tags": {"include": ["pr-*"]},
                   "action": "Delete"}],
        "protect": {"minimumAge": "0h"},
    });
    let team = Retention::apply(&cluster, registry.namespace(), "team", &spec);
    let planned = team.wait_for("Ready");
    // Half past three there, five and a half hours before it is so in UTC.
    let next = planned.next_run_time.expect("it has a schedule").0.to_string();
    assert!(next.ends_with("T22:00:00Z"), "{next}");
    assert_eq!(team.columns()["NEXT RUN"], next);

    cluster.block_on(registry.pusher().push("app", "pr-1", &image("pr-1")));
    team.patch(&json!({"schedule": "* * * * *"}));
    let run = eventually("the next minute's run", || {
        let run = team.status().last_run?;
        (run.deleted > 0).then_some(run)
    });
    assert_eq!(run.deleted, 1);
    assert_eq!(cluster.block_on(registry.pusher().tags("app")), Some(vec!["stable".to_owned()]));

    // Suspended, it is not even foreseen.
    team.patch(&json!({"suspend": true}));
    team.until(&["Ready=True Suspended"]);
    assert_eq!(team.status().next_run_time, None);
}
