use std::time::Duration;

use super::Objection;
use super::deployment::one;
use super::facts::Subject;
use crate::collection::garbage::{Account, Outcome};
use crate::collection::{Listening, Unreachable};

/// Until the last writable pod is gone: on a small cluster 1 to 15 s with the usual probes and grace periods (30 s at most
/// by default), and a pod more to be pulled and started elsewhere.
const FREEZE: Duration = Duration::from_secs(60);
/// The collector does its own reckoning; that it is alone on the store says nothing of how busy its disk is.
const COLLECTOR_FACTOR: u32 = 2;
/// As long as the freeze: the same roll-out back.
pub const THAW: Duration = Duration::from_secs(60);

/// Reasons of a preview that are told on: what comes out of a pod can say anything, and a reason becomes a condition's.
const REASONS: [&str; 18] = [
    "ConfigurationUnreadable",
    "EntryPointUnknown",
    "GarbageCollectFailed",
    "KeptDamaged",
    "KeptNotMarked",
    "KeptWouldBeDeleted",
    "LinkDamaged",
    "NothingKept",
    "OutputNotUnderstood",
    "PullThrough",
    "RedisCache",
    "StorageEmpty",
    "StorageIncomplete",
    "StorageUnreadable",
    "StoreDiffers",
    "StoreNotShared",
    "Stopped",
    "Usage",
];
/// Those of them that say nothing of the registry.
const PASSING: [&str; 2] = ["Stopped", "StoreDiffers"];

/// For how long the registry would be read-only, by what a dry run beside it took. It says rather too much: a run that
/// does not end in time was for nothing.
pub fn window(preview: &Account) -> Duration {
    // Nothing is known of a figure that is none.
    let seconds = preview.predicted_seconds.unwrap_or(0.0);
    let collector = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
    collector.saturating_mul(COLLECTOR_FACTOR).saturating_add(FREEZE).saturating_add(THAW)
}

/// The dry run beside the registry would not have let a collection pass.
pub(super) fn refused(it: &Subject<'_>) -> Vec<Objection> {
    let told = it.facts.told().filter(|account| account.outcome != Outcome::Previewed);
    one(told.map(|account| {
        let reason = REASONS.iter().find(|reason| **reason == account.reason).copied().unwrap_or("PreviewRefused");
        let objection = Objection::told(reason, plain(&account.message));
        if PASSING.contains(&reason) { objection.passing() } else { objection }
    }))
}

/// Its pods could not be asked whether they take writes.
pub(super) fn listening(it: &Subject<'_>) -> Vec<Objection> {
    let Some(account) = it.facts.told() else { return Vec::new() };
    let name = it.name();
    let (found, remedy) = match &account.serving {
        Some(Listening::At(serving)) if serving.read_only => {
            let found = format!("the configuration of {name} makes it read-only (storage.maintenance.readonly)");
            let remedy = "take that out; a registry that is to stay read-only cannot be collected";
            return vec![Objection::new("FrozenBySomeoneElse", found, remedy)];
        }
        Some(Listening::At(_)) => return Vec::new(),
        // Where it was refused there may be none.
        None if account.outcome != Outcome::Previewed => return Vec::new(),
        Some(Listening::Nowhere { unreachable: Unreachable::Loopback }) => {
            ("listens on the loopback interface alone", "set http.addr to :5000, or to 0.0.0.0:5000")
        }
        Some(Listening::Nowhere { unreachable: Unreachable::UnixSocket }) => {
            ("listens on a unix socket", "set http.net to tcp, and http.addr to :5000")
        }
        Some(Listening::Nowhere { unreachable: Unreachable::AddressUnclear }) | None => {
            ("listens where its configuration does not tell", "set http.addr to HOST:PORT or :PORT")
        }
    };
    let found = format!("the registry of {name} {found}, so that its pods cannot be asked whether they take writes");
    vec![Objection::new("ListenerUnreachable", found, remedy)]
}

/// It would take too long, or give too little.
pub(super) fn window_or_worth(it: &Subject<'_>) -> Vec<Objection> {
    let Some(account) = it.facts.told().filter(|account| account.outcome == Outcome::Previewed) else {
        return Vec::new();
    };
    let (window, longest) = (window(account), it.facts.wish.max_read_only);
    let too_long = (window > longest).then(|| {
        let (window, longest) = (window.as_secs(), longest.as_secs());
        let found = format!("the registry would be read-only for {window} s, and may be for {longest} s");
        Objection::new("WindowTooLong", found, "raise maxReadOnly, at a time when nobody pushes")
    });
    let bytes = account.predicted.unwrap_or_default().bytes;
    let too_little = it.facts.wish.minimum_reclaim.filter(|minimum| bytes < *minimum).map(|minimum| {
        let found = format!("a collection would free {bytes} bytes, and {minimum} are worth it");
        Objection::new("NotWorthIt", found, "it waits for more; see minimumReclaim").passing()
    });
    too_long.into_iter().chain(too_little).collect()
}

fn plain(text: &str) -> String {
    text.chars().map(|char| if char.is_control() { ' ' } else { char }).collect()
}
