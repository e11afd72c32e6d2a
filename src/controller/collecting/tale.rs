//! What a `RegistryCollection` says of itself. Pure.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use crate::api::{DeletedStatus, ForecastStatus, RegistryCollectionStatus, binary_size};
use crate::collection::garbage::{Account, Outcome};
use crate::collection::marks::COLLECTOR_DEAD;
use crate::collection::protocol::{Abort, End, For, Journal, Phase, Step};
use crate::controller::resource::Key;
use crate::controller::storage::size;
use crate::controller::story::{READY, RECONCILING, STALLED, Words, condition};
use crate::controller::trouble::Trouble;

/// How a collection stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Standing {
    /// It has not begun, and waits for that.
    Waiting(Words),
    /// It cannot begin.
    Refused(Trouble),
    /// It is under way.
    UnderWay(Words),
    /// Nobody can say that the collector is dead, so the registry stays read-only.
    Unproven(Words),
    /// It ended well.
    Collected(Words),
    /// It ended otherwise; the registry is as it was.
    Failed(Words),
}

impl Standing {
    /// How it stands after this step of a run that has a journal.
    pub(super) fn of_step(key: &Key, deployment: &str, journal: &Journal, step: &Step) -> Self {
        if let Step::Wait(For::CollectorProof(_)) = step {
            return Self::Unproven(unproven(key, deployment, journal));
        }
        let message = match step {
            Step::Wait(what) => waits_for(*what),
            _ => phase_is(&journal.phase),
        };
        let reason = word(&journal.phase).to_owned();
        let message = format!("{message}. Next: kubectl get registrycollection {} -n {} -w", key.name, key.namespace);
        Self::UnderWay(Words { reason, message })
    }

    /// How it ended.
    pub(super) fn of_end(key: &Key, end: End, account: Option<&Result<Account, String>>, seconds: Option<f64>) -> Self {
        let writable = match seconds {
            Some(seconds) => format!("the registry was read-only for {seconds:.0} s and is writable again"),
            None => "the registry was not made read-only".to_owned(),
        };
        let told = account.and_then(|account| account.as_ref().ok());
        match (end, told) {
            (End::Collected, told) => {
                let done = told.map_or_else(|| "the garbage is gone".to_owned(), |told| told.message.clone());
                Self::Collected(Words { reason: "Collected".into(), message: format!("{done}; {writable}") })
            }
            (End::Aborted(Abort::CollectorFailed), Some(told)) => {
                let next = match told.outcome {
                    Outcome::Damaged => {
                        "restore what is named from a backup or push it again; until this resource is deleted, nothing more of this registry is deleted"
                    }
                    _ => "mend what is named, delete this resource and create another one",
                };
                let message = format!("{}; {writable}. Next: {next}", told.message);
                Self::Failed(Words { reason: told.reason.clone(), message })
            }
            (End::Aborted(abort), _) => {
                let silent = account.and_then(|account| account.as_ref().err());
                let how = silent.map(|how| format!(" ({how})")).unwrap_or_default();
                let message = format!(
                    "{abort}{how}; what was not collected is left; {writable}. Next: kubectl describe registrycollection {} \
                     -n {}; then delete it and create another one",
                    key.name, key.namespace
                );
                Self::Failed(Words { reason: abort.reason().into(), message })
            }
        }
    }

    /// What is said of it.
    pub(super) fn words(&self) -> Words {
        match self {
            Self::Refused(trouble) => Words { reason: trouble.reason.into(), message: trouble.message.clone() },
            Self::Waiting(words)
            | Self::UnderWay(words)
            | Self::Unproven(words)
            | Self::Collected(words)
            | Self::Failed(words) => words.clone(),
        }
    }

    /// Whether it is told as good news.
    pub(super) fn is_good(&self) -> bool {
        matches!(self, Self::Waiting(_) | Self::UnderWay(_) | Self::Collected(_))
    }

    /// The phase, as a column shows it.
    pub(super) fn phase(&self, journal: Option<&Journal>) -> String {
        match (self, journal) {
            (Self::Refused(trouble), _) if trouble.stalled => "Refused",
            (Self::Waiting(_) | Self::Refused(_), _) | (_, None) => "Waiting",
            (Self::Collected(_), _) => "Collected",
            (Self::Failed(_), _) => "Failed",
            (_, Some(journal)) => word(&journal.phase),
        }
        .to_owned()
    }

    /// The conditions, in kstatus manner.
    pub(super) fn conditions(&self, before: &[Condition], generation: i64, now: Timestamp) -> Vec<Condition> {
        let words = self.words();
        let is_ready = matches!(self, Self::Collected(_));
        let mut conditions = vec![condition(before, READY, is_ready, &words, generation, now)];
        let other = match self {
            Self::Collected(_) => None,
            Self::Refused(trouble) if !trouble.stalled => None,
            Self::Refused(_) | Self::Unproven(_) | Self::Failed(_) => Some(STALLED),
            Self::Waiting(_) | Self::UnderWay(_) => Some(RECONCILING),
        };
        conditions.extend(other.map(|type_| condition(before, type_, true, &words, generation, now)));
        conditions
    }
}

/// The status with what the collector left behind.
pub(super) fn with_account(status: &mut RegistryCollectionStatus, account: &Account) {
    status.registry.clone_from(&account.registry);
    if let Some(deleted) = account.deleted {
        let stale_uploads = account.stale_uploads.map_or(0, |uploads| uploads.removed);
        status.deleted = Some(DeletedStatus {
            manifests: size(deleted.manifests),
            blobs: size(deleted.blobs),
            bytes: size(deleted.bytes),
            stale_uploads: size(stale_uploads),
        });
        let uploads = account.stale_uploads.map_or(0, |uploads| uploads.bytes);
        status.freed = Some(binary_size(deleted.bytes.saturating_add(uploads)));
    }
}

/// The status with what a preview foretold.
pub(super) fn with_forecast(status: &mut RegistryCollectionStatus, account: &Account, read_only_seconds: u64) {
    let predicted = account.predicted.unwrap_or_default();
    status.forecast = Some(ForecastStatus {
        blobs: size(predicted.blobs),
        bytes: size(predicted.bytes),
        read_only_seconds: size(read_only_seconds),
    });
}

fn word(phase: &Phase) -> &'static str {
    match phase {
        Phase::Claiming => "Claiming",
        Phase::Freezing { .. } => "Freezing",
        Phase::Collecting { .. } => "Collecting",
        Phase::Thawing { .. } => "Thawing",
        Phase::Over { end: End::Collected, .. } => "Collected",
        Phase::Over { end: End::Aborted(_), .. } => "Failed",
    }
}

fn phase_is(phase: &Phase) -> &'static str {
    match phase {
        Phase::Claiming => "the Deployment is claimed, and a keeper is started that restores it if nobody else does",
        Phase::Freezing { .. } => "the registry is made read-only",
        Phase::Collecting { .. } => "the garbage is collected",
        Phase::Thawing { .. } => "the registry is made writable again",
        Phase::Over { .. } => "the registry is as it was before",
    }
}

fn waits_for(what: For) -> &'static str {
    match what {
        For::Preflight => "it is looked whether the registry can be made read-only",
        For::OtherRun => "another collection of this Deployment is under way; this one waits for its end",
        For::Keeper => "waiting for the keeper to run and to have tried the thaw",
        For::RollOut => "waiting for the Deployment's roll-out",
        For::Drain(_) => "waiting for the last pod that can write to be gone",
        For::Answers => "waiting for every pod to answer that it takes no writes",
        For::Machine => "waiting for the machine that has the store to be Ready",
        For::Collector => "the registry is read-only, and its garbage is collected",
        For::CollectorGone => "waiting for the collector to be gone",
        For::CollectorProof(_) => "waiting for a proof that the collector is dead",
        For::Replacement(_) => {
            "the registry is writable again; pods that saw the collection may believe in what is gone, and are waited for to be \
             replaced; should one stay, restart the Deployment"
        }
        For::KeeperGone => "waiting for the keeper to be gone",
        For::Trouble => "watching",
    }
}

fn unproven(key: &Key, deployment: &str, journal: &Journal) -> Words {
    let machine = journal.release().map_or("its machine", |release| &release.machine.name);
    let message = format!(
        "the collector may still be running on {machine}, which does not answer or has not answered for long enough, so the \
         registry stays read-only. Next: see to that machine; or, if it is off, kubectl annotate deployment {deployment} -n \
         {} {COLLECTOR_DEAD}={}",
        key.namespace, journal.terms.run
    );
    Words { reason: "CollectorUnproven".into(), message }
}
