//! The main job, from the installation to a plan that a person accepts.
//!
//! A registry with 63 tags in five repositories; workloads that use six of them; two resources that speak of it. What
//! becomes of each tag is in `expectation.md`, and the numbers are counted from there.

use std::collections::{BTreeMap, BTreeSet};

use registry_retention::api::{Mode, RuleStatus, RunResult};
use serde_json::{Value, json};

use super::numbers::{NUMBERS_OF_2_8, NUMBERS_OF_3_1, Numbers, TAGS};
use super::{Expectation, workloads};
use crate::registries::{Credentials, Version};
use crate::support::{Cluster, Operator, RegistryPod, Retention};

#[test]
fn what_is_not_worth_keeping_goes_on_2_8() {
    from_dry_run_to_an_accepted_plan(Version::V2_8, &NUMBERS_OF_2_8);
}

#[test]
fn what_is_not_worth_keeping_goes_on_3_1() {
    from_dry_run_to_an_accepted_plan(Version::V3_1, &NUMBERS_OF_3_1);
}

fn from_dry_run_to_an_accepted_plan(version: Version, numbers: &Numbers) {
    let cluster = Cluster::up();
    let expectation = Expectation::of(version);
    let login = Credentials::new("retention", "for the test");
    let scene = Scene {
        registry: RegistryPod::builder(version).login(&login).start(&cluster),
        operator: Operator::install(&cluster, &["namespaces={registry}"]),
        team: Retention::new(&cluster, "registry", "team"),
        cluster: &cluster,
        expectation: &expectation,
        numbers,
    };
    scene.push();
    cluster.apply(include_str!("keeper.yaml"));
    cluster.apply(include_str!("team.yaml"));

    scene.a_dry_run_says_what_would_go(version);
    scene.an_enforcing_run_deletes_exactly_that();
    scene.another_run_changes_nothing();
    scene.a_plan_above_a_limit_waits_for_a_person();
}

struct Scene<'a> {
    cluster: &'a Cluster,
    registry: RegistryPod,
    operator: Operator<'a>,
    team: Retention<'a>,
    expectation: &'a Expectation,
    numbers: &'a Numbers,
}

impl Scene<'_> {
    fn push(&self) {
        let pusher = self.registry.pusher();
        for row in self.expectation.rows() {
            self.cluster.block_on(pusher.push(row.repository, &row.tag, &row.artifact));
        }
        let by_digest = self.expectation.rows().iter().find(|row| row.because_of == "Pod shop/by-digest");
        workloads::start(self.cluster, &by_digest.expect("a row").artifact.digest());
    }

    fn a_dry_run_says_what_would_go(&self, version: Version) {
        let Self { team, numbers, .. } = self;
        let status = team.wait_for("Ready");
        assert_eq!(status.observed_generation, team.get().metadata.generation);
        assert_eq!(team.conditions(), ["Ready=True Planned"]);
        team.told(&["Normal Planned"]);
        assert_eq!(
            team.message("Ready"),
            format!(
                "{} of {TAGS} tags in 5 repositories would go; nothing was deleted. Next: kubectl registry-retention plan \
                 team -n registry, then set spec.mode to Enforce (rule idle selects nothing)",
                numbers.condemned
            )
        );
        let run = status.last_run.expect("a plan counts as a run");
        let counts = &run.counts;
        assert_eq!((run.mode, run.result, run.deleted, run.failed), (Mode::DryRun, RunResult::Succeeded, 0, 0));
        assert_eq!((counts.repositories, counts.tags, counts.selected), (5, TAGS, 56));
        assert_eq!((counts.kept, counts.condemned), (TAGS - numbers.condemned, numbers.condemned));
        let by_reason: Vec<(&str, i64)> =
            counts.kept_by_reason.iter().map(|(it, count)| (it.as_str(), *count)).collect();
        assert_eq!(by_reason, numbers.kept_by_reason);
        assert!(counts.reclaimable_bytes > 10_000, "{counts:?}");
        let rules = numbers.by_rule.map(|(name, selected, condemned)| RuleStatus {
            name: name.to_owned(),
            selected,
            kept: selected - condemned,
            condemned,
            bytes: None,
        });
        assert_eq!(status.rules, rules);
        // Five tags, and the digests that the two pods run.
        let workloads = status.workloads.expect("workloads");
        assert_eq!((workloads.references, workloads.tags), (7, 6));
        let registry = status.registry.expect("a registry");
        assert_eq!(registry.version, if version == Version::V2_8 { "2.x" } else { "3.x" });
        assert!(registry.delete_enabled);
        // Nothing asks for the ages of nine releases of apps/shop: versions decide there, and two tags stay in any case.
        assert_eq!(registry.age_sources, [("Created".to_owned(), 40), ("Unknown".to_owned(), 7)].into());

        self.expectation.must_be(&team.plan(&run.plan.expect("a stored plan")));
        self.columns_are(&[("MODE", "DryRun"), ("READY", "True"), ("DELETED", "0"), ("REASON", "Planned")]);
        self.columns_are(&[("TAGS", "60"), ("CONDEMNED", &numbers.condemned.to_string()), ("NEXT RUN", "")]);
        self.columns_are(&[("REGISTRY", "http://registry.registry:5000")]);
        self.columns_are(&[("IN USE", "6"), ("AGE CREATED", "40"), ("AGE UNKNOWN", "7")]);

        let mut all: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for row in self.expectation.rows() {
            all.entry(row.repository).or_default().insert(row.tag.clone());
        }
        assert_eq!(self.tags(), all, "a dry run deletes nothing");
    }

    fn an_enforcing_run_deletes_exactly_that(&self) {
        let Self { team, numbers, .. } = self;
        team.patch(&json!({"mode": "Enforce"}));
        let status = team.wait_for("Ready");
        assert_eq!(status.last_run.expect("a plan").deleted, 0, "nobody has asked for a run yet");

        let status = team.run("first");
        let run = status.last_run.expect("a run");
        let condemned = numbers.condemned;
        // The signature that goes is none of the tags that are counted.
        assert_eq!(
            (run.mode, run.result, run.deleted, run.failed),
            (Mode::Enforce, RunResult::Succeeded, condemned + 1, 0)
        );
        assert_eq!((run.counts.tags, run.counts.condemned), (TAGS, condemned));
        assert_eq!(team.conditions(), ["Ready=True Pruned"]);
        team.told(&["Normal Planned", "Normal Pruned"]);
        self.columns_are(&[("MODE", "Enforce"), ("READY", "True"), ("REASON", "Pruned")]);
        self.columns_are(&[("DELETED", &(condemned + 1).to_string())]);
        self.expectation.must_be(&team.plan(&run.plan.expect("a stored plan")));
        assert_eq!(self.operator.stored(Operator::NAMESPACE, "intents"), [""; 0], "everything begun is finished");
        assert_eq!(
            self.operator.counter("registry_retention_deleted_tags_total", "registry/team"),
            (condemned + 1).unsigned_abs()
        );

        assert_eq!(self.tags(), self.expectation.left());
        self.what_stays_is_whole();
        let pusher = self.registry.pusher();
        for (repository, digest) in self.expectation.gone() {
            let found = self.cluster.block_on(pusher.manifest(repository, digest.as_str()));
            assert!(found.is_err(), "{repository}@{digest} is still there");
        }
    }

    fn another_run_changes_nothing(&self) {
        let pruned = self.team.status();
        let deleted = self.operator.counter("registry_retention_deleted_tags_total", "registry/team");
        let ended = self.operator.counter("registry_retention_runs_total", "registry/team");

        let before = self.versions();
        let status = self.team.run("second");
        let again = status.last_run.expect("a run");
        assert_eq!((again.mode, again.result, again.deleted), (Mode::Enforce, RunResult::Succeeded, 0));
        assert_eq!(again.counts.condemned, 0);
        // What the first run left was planned when that ended.
        assert_eq!((&again.plan, &status.rules), (&pruned.plan, &pruned.rules));
        assert_eq!(self.written_since(&before), BTreeSet::new(), "it writes nothing but its own status");
        assert_eq!(self.team.conditions(), ["Ready=True Pruned"]);
        self.team.told(&["Normal Planned", "Normal Pruned"]);
        assert_eq!(self.operator.counter("registry_retention_deleted_tags_total", "registry/team"), deleted);
        assert_eq!(self.operator.counter("registry_retention_runs_total", "registry/team"), ended + 1);
        assert_eq!(self.tags(), self.expectation.left());
    }

    fn a_plan_above_a_limit_waits_for_a_person(&self) {
        let Self { team, numbers, .. } = self;
        let mut rules: Value = serde_json::to_value(&team.get().spec.rules).expect("JSON");
        rules[2]["keep"] = json!({"mostRecentlyPushedCount": 1});
        team.patch(&json!({"rules": rules, "limits": {"maxDeletePercent": 1}}));
        let status = team.wait_for("Stalled");
        assert_eq!(team.conditions(), ["Ready=False MaxDeletePercent", "Stalled=True MaxDeletePercent"]);
        let waiting = status.waiting.expect("a plan that waits");
        let hash = &waiting.plan.hash[..12];
        let message = team.message("Stalled");
        assert!(message.contains(&format!("accept team {hash} -n registry")), "{message}");
        assert_eq!(
            (waiting.tags, waiting.reasons.as_slice()),
            (numbers.more, ["MaxDeletePercent".to_owned()].as_slice())
        );

        let status = team.run("fourth");
        assert_eq!(status.last_run.expect("a run").deleted, 0, "a run of it waits as well");
        assert_eq!(self.tags(), self.expectation.left());

        team.annotate("accept", hash);
        let status = team.wait_for("Ready");
        let run = status.last_run.expect("a run");
        assert_eq!((run.mode, run.result, run.deleted), (Mode::Enforce, RunResult::Succeeded, numbers.more));
        assert_eq!(status.waiting, None);
        let mut left = self.expectation.left();
        let os = left.get_mut("base/os").expect("a repository");
        os.retain(|tag| !["nightly-4", "nightly-5", "amd64-4"].contains(&tag.as_str()));
        assert_eq!(self.tags(), left);
        assert_eq!(team.conditions(), ["Ready=True Pruned"]);
        team.told(&["Normal Planned", "Normal Pruned", "Warning MaxDeletePercent", "Normal Pruned"]);
    }

    /// The tags that the registry has.
    fn tags(&self) -> BTreeMap<&'static str, BTreeSet<String>> {
        let repositories: BTreeSet<&str> = self.expectation.rows().iter().map(|row| row.repository).collect();
        let pusher = self.registry.pusher();
        let tags = |repository| self.cluster.block_on(pusher.tags(repository)).into_iter().flatten().collect();
        repositories.into_iter().map(|repository| (repository, tags(repository))).collect()
    }

    /// Walks every image that stays, by its tag, and hashes every byte of it again.
    fn what_stays_is_whole(&self) {
        let pusher = self.registry.pusher();
        for row in self.expectation.rows().iter().filter(|row| row.stays) {
            let digest = self.cluster.block_on(pusher.digest_of(row.repository, &row.tag));
            assert_eq!(digest, Some(row.artifact.digest()), "{}:{}", row.repository, row.tag);
            assert_eq!(self.cluster.block_on(pusher.is_whole(row.repository, &row.tag)), Ok(()));
        }
    }

    fn columns_are(&self, expected: &[(&str, &str)]) {
        let columns = self.team.columns();
        for (name, value) in expected {
            assert_eq!(columns.get(*name).map(String::as_str), Some(*value), "{name}: {columns:?}");
        }
    }

    /// The objects that came, went or changed.
    fn written_since(&self, before: &BTreeMap<String, String>) -> BTreeSet<String> {
        let now = self.versions();
        let objects = before.keys().chain(now.keys());
        objects.filter(|object| before.get(*object) != now.get(*object)).cloned().collect()
    }

    /// The version of every object of every namespace, but for the resource itself, events and leases.
    fn versions(&self) -> BTreeMap<String, String> {
        let kinds = self.cluster.kubectl(&["api-resources", "--verbs=list", "--namespaced", "-o", "name"]);
        let kinds: Vec<&str> =
            kinds.lines().filter(|kind| !kind.starts_with("events") && !kind.starts_with("leases")).collect();
        let list = self.cluster.get_json(&[&kinds.join(","), "--all-namespaces"]);
        let objects = list["items"].as_array().cloned().unwrap_or_default();
        let version = |object: &Value| {
            let text = |name: &str| object["metadata"][name].as_str().unwrap_or_default().to_owned();
            let kind = object["kind"].as_str().unwrap_or_default();
            (format!("{kind} {}/{}", text("namespace"), text("name")), text("resourceVersion"))
        };
        let mut versions: BTreeMap<String, String> = objects.iter().map(version).collect();
        versions.remove("RegistryRetention registry/team").expect("the resource");
        versions
    }
}
