//! What was done, as it is told in the end.

use std::time::{Duration, Instant};

use super::CollectorError;
use crate::collection::garbage::{Account, Bytes, Deleted, Forecast, Outcome, Pruned};
use crate::retention::Store;

/// What deleting a blob takes: measured at 0.2 to 0.5 ms.
const SECONDS_A_BLOB: f64 = 0.0005;

/// What is gone, by the storage itself.
pub(super) fn measure(account: &mut Account, before: &Store, after: &Store) {
    let gone = before.blobs.iter().filter(|(digest, _)| !after.blobs.contains_key(*digest));
    let none = Deleted { manifests: deleted_manifests(account), ..Deleted::default() };
    account.deleted = Some(gone.fold(none, |sum, (_, bytes)| Deleted {
        blobs: sum.blobs + 1,
        bytes: sum.bytes.saturating_add(*bytes),
        ..sum
    }));
    if let (Some(free), Some(capacity)) = (&mut account.free, after.capacity) {
        free.after = capacity.free;
    }
}

/// How many manifests the deletions of a plan took away.
pub(super) fn deleted_manifests(account: &Account) -> u64 {
    account.pruned.map_or(0, |pruned| pruned.manifests)
}

/// What a dry run showed.
pub(super) fn foresee(store: &Store, forecast: Forecast, account: &mut Account) {
    account.predicted = Some(forecast.into());
    account.free = store.capacity.map(|capacity| Bytes { before: capacity.free, after: capacity.free });
    account.predicted_seconds = Some(predicted_seconds(account, forecast));
}

/// All steps of a collection: the storage is read before and after, and garbage-collect marks twice.
fn predicted_seconds(account: &Account, forecast: Forecast) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a forecast")]
    let sweep = forecast.blobs as f64 * SECONDS_A_BLOB;
    rounded(2.0 * (account.seconds.reading + account.seconds.dry_run) + sweep)
}

/// Says what happened, what was not done, and what to do next.
pub(super) fn fail(account: &mut Account, error: &CollectorError) {
    let has_begun = account.outcome == Outcome::Incomplete;
    let is_collecting = has_begun && account.predicted.is_some_and(|predicted| predicted.blobs > 0);
    account.outcome = error.outcome(has_begun);
    account.reason = error.reason().into();
    let uploads = account.stale_uploads.map_or(0, |uploads| uploads.removed);
    let done = match (account.outcome, has_begun) {
        (Outcome::Damaged, _) => {
            "collect no more before this is understood; restore it from a backup, or push it again".into()
        }
        (_, true) if !is_collecting => {
            let Pruned { manifests, tags, .. } = account.pruned.unwrap_or_default();
            format!(
                "{manifests} manifests and {tags} tags of the plan were deleted, and no blob; run it again to go on"
            )
        }
        (_, true) => match account.deleted {
            Some(Deleted { blobs, .. }) => {
                format!("{blobs} blobs were deleted, none of which anything needs; run it again to delete the rest")
            }
            None => "a part of the blobs that nothing needs was deleted; run it again to delete the rest".into(),
        },
        (_, false) if uploads > 0 => format!("no blob was deleted, only {uploads} stale uploads"),
        (_, false) => "nothing was deleted".to_owned(),
    };
    account.message = format!("{error}; {done}");
}

pub(super) fn seconds(since: Instant) -> f64 {
    rounded(Duration::as_secs_f64(&since.elapsed()))
}

fn rounded(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}
