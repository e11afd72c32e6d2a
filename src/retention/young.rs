//! `protect.minimumAge`: nothing more recent than that goes, and nothing whose age cannot be told.

use jiff::{SignedDuration, Timestamp};

use super::age::{AgeDoubt, Created};
use super::inventory::TagState;
use super::pushed::{PushDoubt, Pushed};
use super::rules::age_text;
use super::verdict::{AskedBy, Kept, Youth};

/// What is known of a tag's age.
pub(super) struct Ages {
    pub(super) created: Created,
    pub(super) pushed: Pushed,
    pub(super) first_seen: Option<Timestamp>,
}

/// Why the minimum age keeps a tag: it was pushed too lately. Where nobody read the storage, both the creation and the
/// first sight at this digest must be older.
pub(super) fn too_young(minimum: SignedDuration, state: &TagState, ages: &Ages, now: Timestamp) -> Option<Kept> {
    if minimum.is_zero() {
        return None;
    }
    let (since, by) = match youth(state, ages, now) {
        Err(doubt) => return Some(Kept::AgeUnknown { asked_by: AskedBy::MinimumAge, doubt }),
        Ok(found) => found,
    };
    let is_young = now.duration_since(since) < minimum;
    is_young.then(|| Kept::TooYoung { since, by, asked_by: AskedBy::MinimumAge, minimum_age: age_text(minimum) })
}

/// Since when it is that old. A tag that a run of ours removed was known for long enough then, and is forgotten now.
fn youth(state: &TagState, ages: &Ages, now: Timestamp) -> Result<(Timestamp, Youth), AgeDoubt> {
    match (ages.pushed, ages.created) {
        (Pushed::At(at), _) => Ok((at, Youth::Pushed)),
        (Pushed::Unknown(PushDoubt::Unread), Created::Unknown(doubt)) => Err(AgeDoubt::Created(doubt)),
        (Pushed::Unknown(PushDoubt::Unread), Created::At(at)) => {
            let first_seen = match state {
                TagState::Removed(_) => None,
                _ => Some(ages.first_seen.unwrap_or(now)),
            };
            Ok(match first_seen {
                Some(seen) if seen >= at => (seen, Youth::FirstSeen),
                _ => (at, Youth::Created),
            })
        }
        (Pushed::Unknown(doubt), _) => Err(AgeDoubt::Pushed(doubt)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oci::{Digest, Manifest};
    use crate::retention::{
        Deletes, Generation, InUse, Inventory, Mandate, ManifestState, Policy, Repository, Server, decide,
    };

    /// A run on 3.x that removes a tag forgets when it was first seen; its manifest, which comes in a later batch or
    /// after a crash, must go nevertheless.
    #[test]
    fn a_manifest_whose_tag_a_run_removed_is_not_young_again() {
        let text = "{apiVersion: registry-retention.dev/v1alpha1, kind: RegistryRetention, metadata: {name: t}, spec: \
                    {registry: {url: 'http://r.r', completeTagLists: true}, protect: {inUse: {scope: None}}, limits: \
                    {minTagsPerRepository: 0}, rules: [{name: a, repositories: {include: [app]}, tags: {include: ['*']}, \
                    action: Delete}]}}";
        let policies = [Policy::compile(&crate::api::read_resources(text).unwrap()[0]).unwrap()];
        let bytes = br#"{"schemaVersion":2,"manifests":[],
            "annotations":{"org.opencontainers.image.created":"2020-01-01T00:00:00Z"}}"#;
        let digest = Digest::of(bytes);
        let manifest = Manifest::parse("application/vnd.oci.image.index.v1+json", bytes).unwrap();
        let decided = |state: TagState| {
            let repository = Repository {
                tags: [("v1".parse().unwrap(), state)].into(),
                manifests: [(digest.clone(), ManifestState::Read(manifest.clone()))].into(),
                ..Repository::default()
            };
            let server = Server { generation: Generation::V3, deletes: Deletes::TagsAndDigests };
            let inventory = Inventory::of_api(server, [("app".parse().unwrap(), repository)].into());
            let now = "2026-11-22T00:00:00Z".parse().unwrap();
            let plan = decide(&inventory, &policies, &InUse::default(), Mandate::default(), now);
            plan.repositories[0].deletions.len()
        };
        assert_eq!(decided(TagState::At(digest.clone())), 0, "nobody has known it for long");
        assert_eq!(decided(TagState::Removed(digest.clone())), 1);
    }
}
