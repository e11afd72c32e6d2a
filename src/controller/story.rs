//! What a resource's status says of how it stands. Pure: the same standing at the same time gives the same words.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use super::resource::Key;
use super::trouble::Trouble;
use crate::api::{Mode, PlanCounts, RegistryRetentionSpec, RuleStatus, WaitingStatus};
use crate::retention::Cause;

/// How a resource stands.
#[derive(Clone, Debug, PartialEq)]
pub enum Standing {
    /// It is suspended; what it keeps stays kept.
    Suspended,
    /// Its plan is made, and nothing else was to be done.
    Planned {
        /// Whether its runs would delete.
        mode: Mode,
        /// The plan in numbers.
        counts: PlanCounts,
        /// Why carrying it out would have to wait.
        causes: Vec<Cause>,
    },
    /// Its plan was carried out.
    Pruned {
        /// Tags that are gone.
        tags: i64,
        /// Manifests that are gone.
        manifests: i64,
        /// What was left, because somebody pushed or used it meanwhile.
        skipped: i64,
    },
    /// Some of its plan waits for a person.
    Waits(WaitingStatus),
    /// A run was ended before its time.
    Incomplete(String),
    /// Something stands in the way.
    Troubled(Trouble),
}

/// The type of a condition.
pub(super) const READY: &str = "Ready";
pub(super) const STALLED: &str = "Stalled";
pub(super) const RECONCILING: &str = "Reconciling";

/// A condition's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// The stable code.
    pub reason: String,
    /// For a person; it ends with the next command.
    pub message: String,
}

impl Standing {
    /// What is said of it.
    pub fn words(&self, key: &Key, rules: &[RuleStatus]) -> Words {
        let (reason, message) = match self {
            Self::Suspended => (
                "Suspended",
                format!(
                    "suspended: nothing runs, and what it keeps stays kept. Next: kubectl patch rr {} -n {} --type merge \
                     -p '{{\"spec\":{{\"suspend\":false}}}}'",
                    key.name, key.namespace
                ),
            ),
            Self::Planned { mode, counts, causes } => ("Planned", planned(key, *mode, counts, causes)),
            Self::Pruned { tags, manifests, skipped } => {
                let left = if *skipped == 0 {
                    String::new()
                } else {
                    format!(", and left {skipped} undone, since somebody pushed or used something meanwhile")
                };
                let done = match (tags, manifests) {
                    (0, 0) => "nothing was to be deleted".to_owned(),
                    _ => format!("deleted {tags} tags and {manifests} manifests"),
                };
                ("Pruned", format!("{done}{left}. Next: {}", plan_command(key)))
            }
            Self::Waits(waiting) => {
                let WaitingStatus { reasons, message, tags, plan, .. } = waiting;
                let reason = reasons.first().map_or("Waiting", String::as_str);
                let message = format!(
                    "{message}; {tags} tags wait for a person, and none of them was deleted. Next: {}, then kubectl \
                     registry-retention accept {} {} -n {}",
                    waiting_command(key),
                    key.name,
                    plan.hash.get(..12).unwrap_or(&plan.hash),
                    key.namespace
                );
                (reason, message)
            }
            Self::Incomplete(why) => {
                ("Incomplete", format!("{why}; what is left goes with the next run. Next: {}", run_command(key)))
            }
            Self::Troubled(trouble) => {
                let sentence = trouble.message.trim_end_matches('.');
                (trouble.reason, format!("{sentence}; nothing more was deleted. Next: {}", run_command(key)))
            }
        };
        Words { reason: reason.to_owned(), message: message + &idle(rules) }
    }

    /// Whether all is as it should be.
    fn is_ready(&self) -> bool {
        matches!(self, Self::Suspended | Self::Planned { .. } | Self::Pruned { .. })
    }

    /// Whether only a person can help.
    fn is_stalled(&self) -> bool {
        matches!(self, Self::Waits(_) | Self::Troubled(Trouble { stalled: true, .. }))
    }

    /// The conditions, in kstatus manner; what did not change keeps its time.
    pub fn conditions(&self, before: &[Condition], words: &Words, generation: i64, now: Timestamp) -> Vec<Condition> {
        let mut conditions = vec![condition(before, READY, self.is_ready(), words, generation, now)];
        if self.is_stalled() {
            conditions.push(condition(before, STALLED, true, words, generation, now));
        }
        conditions
    }
}

/// The conditions while a new generation is not planned yet.
pub fn reconciling(before: &[Condition], generation: i64, now: Timestamp) -> Vec<Condition> {
    let words = Words { reason: "Planning".into(), message: format!("generation {generation} is being planned") };
    let mut conditions: Vec<Condition> = before.iter().filter(|it| it.type_ == READY).cloned().collect();
    conditions.push(condition(before, RECONCILING, true, &words, generation, now));
    conditions
}

pub(super) fn condition(
    before: &[Condition],
    type_: &str,
    holds: bool,
    words: &Words,
    generation: i64,
    now: Timestamp,
) -> Condition {
    let status = if holds { "True" } else { "False" };
    let since =
        before.iter().find(|it| it.type_ == type_ && it.status == status).map(|it| it.last_transition_time.clone());
    Condition {
        type_: type_.to_owned(),
        status: status.to_owned(),
        reason: words.reason.clone(),
        message: words.message.clone(),
        observed_generation: Some(generation),
        last_transition_time: since.unwrap_or(Time(now)),
    }
}

fn planned(key: &Key, mode: Mode, counts: &PlanCounts, causes: &[Cause]) -> String {
    let PlanCounts { condemned, tags, repositories, .. } = counts;
    let waits = match causes.first() {
        Some(cause) => format!(" It would wait for a person: {cause}."),
        None => String::new(),
    };
    let next = match (mode, condemned) {
        (_, 0) => plan_command(key),
        (Mode::DryRun, _) => format!("{}, then set spec.mode to Enforce", plan_command(key)),
        (Mode::Enforce, _) => format!("{}, then {}", plan_command(key), run_command(key)),
    };
    format!(
        "{condemned} of {tags} tags in {repositories} repositories would go; nothing was deleted.{waits} Next: {next}"
    )
}

/// What the spec asks for and cannot be done, as long as nobody reads the storage.
pub(super) fn undone(spec: &RegistryRetentionSpec, is_read: bool) -> &'static str {
    if spec.untagged.is_none() || is_read || spec.registry.deployment().is_some() {
        return "";
    }
    " (spec.untagged deletes nothing: only the registry's storage shows such manifests; name its Deployment in \
     spec.registry.deploymentRef)"
}

/// A rule that selects nothing is a mistake more often than not.
fn idle(rules: &[RuleStatus]) -> String {
    let idle: Vec<&str> = rules.iter().filter(|rule| rule.selected == 0).map(|rule| rule.name.as_str()).collect();
    match idle.as_slice() {
        [] => String::new(),
        [one] => format!(" (rule {one} selects nothing)"),
        more => format!(" (rules {} select nothing)", more.join(", ")),
    }
}

fn plan_command(key: &Key) -> String {
    format!("kubectl registry-retention plan {} -n {}", key.name, key.namespace)
}

fn waiting_command(key: &Key) -> String {
    format!("kubectl registry-retention plan {} --waiting -n {}", key.name, key.namespace)
}

fn run_command(key: &Key) -> String {
    format!("kubectl registry-retention run {} -n {}", key.name, key.namespace)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::PlanReference;

    fn key() -> Key {
        Key { namespace: "registry".into(), name: "team".into() }
    }

    fn counts(condemned: i64) -> PlanCounts {
        PlanCounts { repositories: 5, tags: 60, condemned, ..PlanCounts::default() }
    }

    fn rule(name: &str, selected: i64) -> RuleStatus {
        RuleStatus { name: name.into(), selected, kept: 0, condemned: selected, bytes: None }
    }

    fn waiting() -> WaitingStatus {
        WaitingStatus {
            reasons: vec!["MaxDeletePercent".into()],
            message: "40 of 60 tags would go, more than 50 % (limits.maxDeletePercent)".into(),
            tags: 40,
            since: Time(Timestamp::UNIX_EPOCH),
            plan: PlanReference { config_maps: Vec::new(), hash: "0123456789abcdef".into() },
        }
    }

    #[test]
    fn every_message_ends_with_the_next_command() {
        let planned = |mode, condemned| Standing::Planned { mode, counts: counts(condemned), causes: Vec::new() };
        let standings = [
            Standing::Suspended,
            planned(Mode::DryRun, 0),
            planned(Mode::DryRun, 6),
            planned(Mode::Enforce, 6),
            Standing::Pruned { tags: 6, manifests: 5, skipped: 1 },
            Standing::Pruned { tags: 0, manifests: 0, skipped: 0 },
            Standing::Waits(waiting()),
            Standing::Incomplete("the run was ended: spec.timeout has passed".into()),
            Standing::Troubled(Trouble::stalled("DeleteDisabled", "deletion is disabled.")),
        ];
        let said: Vec<String> = standings
            .iter()
            .map(|standing| {
                let words = standing.words(&key(), &[rule("all", 6)]);
                format!("{}: {}", words.reason, words.message)
            })
            .collect();
        insta::assert_snapshot!(said.join("\n"));
        for words in said {
            let next = words.rsplit_once("Next: ").unwrap().1;
            assert!(next.contains("team") && next.contains("-n registry"), "{words}");
        }
    }

    #[test]
    fn a_rule_that_selects_nothing_says_so() {
        let standing = Standing::Suspended;
        let message = |rules: &[RuleStatus]| standing.words(&key(), rules).message;
        assert!(!message(&[rule("a", 1)]).contains("rule a"));
        assert!(message(&[rule("a", 1), rule("b", 0)]).ends_with("(rule b selects nothing)"));
        assert!(message(&[rule("a", 0), rule("b", 0)]).ends_with("(rules a, b select nothing)"));
    }

    #[test]
    fn conditions_are_as_kstatus_reads_them() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let shown = |conditions: &[Condition]| -> Vec<String> {
            let one = |it: &Condition| {
                format!("{}={} {} since {}", it.type_, it.status, it.reason, it.last_transition_time.0.as_second())
            };
            conditions.iter().map(one).collect()
        };
        let stand = |standing: &Standing, before: &[Condition], now| {
            let words = standing.words(&key(), &[]);
            standing.conditions(before, &words, 1, at(now))
        };
        let pruned = Standing::Pruned { tags: 1, manifests: 1, skipped: 0 };
        let first = stand(&pruned, &[], 1);
        assert_eq!(shown(&first), ["Ready=True Pruned since 1"]);
        assert_eq!(stand(&pruned, &first, 2), first, "what did not change is not written again");
        let changing = reconciling(&first, 2, at(3));
        assert_eq!(shown(&changing), ["Ready=True Pruned since 1", "Reconciling=True Planning since 3"]);
        let waits = stand(&Standing::Waits(waiting()), &changing, 4);
        assert_eq!(shown(&waits), ["Ready=False MaxDeletePercent since 4", "Stalled=True MaxDeletePercent since 4"]);
        let passing = Standing::Troubled(Trouble::transient("Unreachable", "no answer"));
        assert_eq!(shown(&stand(&passing, &waits, 5)), ["Ready=False Unreachable since 4"]);
        assert_eq!(shown(&stand(&pruned, &waits, 6)), ["Ready=True Pruned since 6"]);
    }

    #[test]
    fn what_the_operator_cannot_do_is_said() {
        let text = "{apiVersion: registry-retention.dev/v1alpha1, kind: RegistryRetention, metadata: {name: team}, spec: \
                    {registry: {url: 'http://r.r'}, rules: [{name: a, repositories: {include: [a]}, tags: {include: ['*']}, \
                    action: Keep}], untagged: {olderThan: 7d}}}";
        let spec = crate::api::read_resources(text).unwrap().remove(0).spec;
        assert!(undone(&spec, false).contains("deploymentRef"));
        assert_eq!(undone(&spec, true), "", "another resource names it");
        let mut named = spec.clone();
        named.registry.deployment_ref = Some(crate::api::DeploymentReference { name: "registry".into() });
        let without = RegistryRetentionSpec { untagged: None, ..spec };
        assert_eq!([undone(&named, false), undone(&without, false)], ["", ""]);
    }
}
