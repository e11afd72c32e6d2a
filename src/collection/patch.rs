//! The requests of a run as bodies. Each that changes the Deployment names the uid and the resourceVersion that were read,
//! so that it fails where somebody was quicker.

use serde_json::{Map, Value, json};

use super::marks::{COLLECTOR_DEAD, HOW_TO_THAW, READ_ONLY, READ_ONLY_VALUE, RUN, ZEROED};
use super::protocol::{Claim, Run, Strategy, Target, Zeroed};

/// A registry's Deployment, and which of its containers is the registry's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// Where it is.
    pub namespace: String,
    /// Its name.
    pub deployment: String,
    /// The registry's container.
    pub container: String,
}

impl Subject {
    /// Server-side apply of what the claim says; what it does not say is taken back. `collection`: the name of the
    /// `RegistryCollection`; `replicas`: those before.
    pub fn apply(&self, target: &Target, claim: &Claim, collection: &str, replicas: i32) -> Value {
        let mut body = self.nothing(target);
        body["metadata"]["annotations"] = json!({
            (RUN): text(claim),
            (HOW_TO_THAW): self.how_to_thaw(claim, collection, replicas),
        });
        if claim.is_frozen {
            let env = json!([{"name": READ_ONLY, "value": READ_ONLY_VALUE}]);
            body["spec"] = self.containers(&env);
        }
        if claim.is_paused {
            body["spec"]["paused"] = true.into();
        }
        body
    }

    /// Server-side apply of nothing: everything that is ours alone is taken back at once.
    pub fn nothing(&self, target: &Target) -> Value {
        json!({"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": self.deployment, "namespace": self.namespace,
                "uid": target.uid.to_string(), "resourceVersion": target.version.to_string()}})
    }

    /// Strategic patch that removes what the claim says, whoever owns it.
    pub fn take_back(&self, target: &Target, claim: &Claim) -> Value {
        let mut body = named(target, json!({(RUN): null, (HOW_TO_THAW): null}));
        if let Some(spec) = self.lifted(claim) {
            body["spec"] = spec;
        }
        body
    }

    /// Strategic patch that lifts read-only and nothing else: as a dry run, the guard must refuse it.
    pub fn lift(&self) -> Value {
        json!({"spec": self.containers(&json!([{"name": READ_ONLY, "$patch": "delete"}]))})
    }

    /// The commands by which somebody with nothing but kubectl makes the registry writable again. The guard keeps writable
    /// pods away for as long as the `RegistryCollection` says so, unless that is annotated as well.
    pub fn how_to_thaw(&self, claim: &Claim, collection: &str, replicas: i32) -> String {
        let run = &claim.terms.run;
        let mut marks = Map::new();
        for mark in [RUN, HOW_TO_THAW] {
            marks.insert(mark.into(), Value::Null);
        }
        let mut spec = self.lifted(claim).unwrap_or_else(|| json!({}));
        if claim.terms.strategy == Strategy::ScaleToZero && claim.is_frozen {
            marks.insert(ZEROED.into(), Value::Null);
            spec["replicas"] = replicas.into();
        }
        marks.insert(COLLECTOR_DEAD.into(), run.to_string().into());
        let patch = json!({"metadata": {"annotations": marks}, "spec": spec});
        let Self { namespace, deployment, .. } = self;
        let collector = super::name(deployment, super::Purpose::Collector);
        format!(
            "kubectl -n {namespace} delete job {collector} --ignore-not-found --cascade=foreground --wait\n\
             kubectl -n {namespace} annotate registrycollection {collection} --overwrite {COLLECTOR_DEAD}={run} || true\n\
             kubectl -n {namespace} patch deployment {deployment} --type=strategic -p '{patch}'"
        )
    }

    /// What removes that of the claim which stands in the spec.
    fn lifted(&self, claim: &Claim) -> Option<Value> {
        let mut spec = claim.is_frozen.then(|| self.containers(&json!([{"name": READ_ONLY, "$patch": "delete"}])));
        if claim.is_paused {
            spec.get_or_insert_with(|| json!({}))["paused"] = Value::Null;
        }
        spec
    }

    fn containers(&self, env: &Value) -> Value {
        json!({"template": {"spec": {"containers": [{"name": self.container, "env": env}]}}})
    }
}

/// Merge patch that sets the replicas to zero, with the mark that says so.
pub fn zero(target: &Target, zeroed: &Zeroed) -> Value {
    let mut body = named(target, json!({(ZEROED): text(zeroed)}));
    body["spec"] = json!({"replicas": 0});
    body
}

/// Merge patch that takes the mark off, and sets the replicas if some are given.
pub fn unzero(target: &Target, replicas: Option<i32>) -> Value {
    let mut body = named(target, json!({(ZEROED): null}));
    if let Some(replicas) = replicas {
        body["spec"] = json!({"replicas": replicas});
    }
    body
}

/// Merge patch by which somebody vouches that the collector of this run is dead.
pub fn collector_dead(run: &Run) -> Value {
    json!({"metadata": {"annotations": {(COLLECTOR_DEAD): run.to_string()}}})
}

fn named(target: &Target, annotations: Value) -> Value {
    let mut body = json!({"metadata": {"uid": target.uid.to_string(), "resourceVersion": target.version.to_string()}});
    body["metadata"]["annotations"] = annotations;
    body
}

/// A mark as it stands in an annotation.
fn text(mark: &impl serde::Serialize) -> String {
    serde_json::to_string(mark).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::collection::protocol::{GuardDemand, Terms, Uid, Version};

    fn subject() -> Subject {
        Subject { namespace: "ns".into(), deployment: "reg".into(), container: "registry".into() }
    }

    fn target() -> Target {
        Target { uid: Uid::new("u"), version: Version::new("7") }
    }

    fn claim(strategy: Strategy) -> Claim {
        Claim::new(Terms {
            run: Run::new("r-1"),
            deployment: Uid::new("u"),
            strategy,
            guard: GuardDemand::Required,
            last_release: Timestamp::UNIX_EPOCH,
            deadline: Timestamp::UNIX_EPOCH,
        })
    }

    fn entry(value: &Value) -> Value {
        json!({"template": {"spec": {"containers": [{"name": "registry", "env": [value]}]}}})
    }

    #[test]
    fn what_is_applied_is_what_the_claim_says() {
        let claim = claim(Strategy::ReadOnly);
        let body = |claim: &Claim| subject().apply(&target(), claim, "now", 1);
        assert_eq!(body(&claim)["spec"], Value::Null);
        let set = json!({"name": READ_ONLY, "value": READ_ONLY_VALUE});
        assert_eq!(body(&claim.clone().frozen())["spec"], entry(&set));
        assert_eq!(body(&claim.clone().frozen().paused())["spec"]["paused"], true);
        let annotations = &body(&claim.clone().frozen())["metadata"]["annotations"];
        let read: Claim = serde_json::from_str(annotations[RUN].as_str().unwrap()).unwrap();
        assert_eq!(read, claim.frozen());
        // The guard looks for it.
        assert!(annotations[RUN].as_str().unwrap().contains(r#""isFrozen":true"#));
        for body in [
            body(&read),
            subject().nothing(&target()),
            subject().take_back(&target(), &read),
            zero(&target(), &Zeroed { run: Run::new("r"), replicas: 3 }),
            unzero(&target(), None),
        ] {
            assert_eq!(
                (&body["metadata"]["uid"], &body["metadata"]["resourceVersion"]),
                (&json!("u"), &json!("7")),
                "{body}"
            );
        }
    }

    #[test]
    fn what_is_taken_back_is_what_the_claim_says_and_nothing_else() {
        let claim = claim(Strategy::ReadOnly);
        let deleted = json!({"name": READ_ONLY, "$patch": "delete"});
        let body = |claim: &Claim| subject().take_back(&target(), claim);
        assert_eq!(body(&claim)["spec"], Value::Null);
        assert_eq!(body(&claim.clone().frozen())["spec"], entry(&deleted));
        let both = body(&claim.frozen().paused());
        assert_eq!(both["spec"]["paused"], Value::Null);
        assert!(both["spec"].as_object().unwrap().contains_key("paused"));
        assert!(both["metadata"]["annotations"].as_object().unwrap().values().all(Value::is_null));
        assert_eq!(unzero(&target(), Some(3))["spec"]["replicas"], 3);
        assert_eq!(unzero(&target(), None)["spec"], Value::Null);
    }

    #[test]
    fn a_person_gets_commands_that_undo_all_of_it_and_vouch_for_the_collector() {
        let text = subject().how_to_thaw(&claim(Strategy::ScaleToZero).frozen(), "now", 3);
        let [first, second, third] = text.lines().collect::<Vec<_>>()[..] else { panic!("{text}") };
        assert!(
            second.contains("annotate registrycollection now") && second.contains("collector-dead=r-1"),
            "{second}"
        );
        assert_eq!(first, "kubectl -n ns delete job reg-collector --ignore-not-found --cascade=foreground --wait");
        let patch = third.split('\'').nth(1).unwrap();
        let patch: Value = serde_json::from_str(patch).unwrap();
        assert_eq!(patch["spec"]["replicas"], 3);
        assert_eq!(patch["metadata"]["annotations"][COLLECTOR_DEAD], "r-1");
        for mark in [RUN, HOW_TO_THAW, ZEROED] {
            assert_eq!(patch["metadata"]["annotations"].get(mark), Some(&Value::Null), "{mark}");
        }
        let env = &patch["spec"]["template"]["spec"]["containers"][0]["env"][0];
        assert_eq!(*env, json!({"name": READ_ONLY, "$patch": "delete"}));
        let unpaused = subject().how_to_thaw(&claim(Strategy::ReadOnly).frozen(), "now", 3);
        assert!(!unpaused.contains("replicas") && !unpaused.contains("paused"), "{unpaused}");
    }
}
