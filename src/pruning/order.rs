use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::operation::Operation;
use crate::oci::Tag;
use crate::retention::{Removal, Repository, RepositoryPlan, TagState};

/// The operations that carry out `plan` in `repository`, in a safe order:
///
/// 1. half-done removals are finished;
/// 2. tags, where the server deletes tags: each costs it one step, and the manifests then have no tags to look up;
/// 3. manifests, an index before its children and a companion after its subject, those with most tags first and
///    untagged ones last, of which the oldest come first;
/// 4. tags of companions whose manifest stays;
/// 5. whatever must store something first, last.
///
/// A companion's own tags go with its manifest also where tags can be deleted: until its subject is gone, somebody may
/// save that by a push, and would have an image without its signature.
///
/// A crash between any two leaves every kept image whole.
pub fn operations(repository: &Repository, plan: &RepositoryPlan, tags_deletable: bool) -> Vec<Operation> {
    let mut finish = Vec::new();
    let mut untag = Vec::new();
    let mut untag_companions = Vec::new();
    let mut write = Vec::new();
    for planned in &plan.tags {
        let Some(state) = repository.tags.get(&planned.tag) else { continue };
        let tag = planned.tag.clone();
        match (state, &planned.removal) {
            (TagState::Entombed { tombstone, original }, Some(_)) => {
                finish.push(Operation::FinishTombstone {
                    tag,
                    tombstone: tombstone.clone(),
                    original: original.clone(),
                });
            }
            (TagState::Entombed { tombstone, original }, None) => {
                write.push(Operation::Restore { tag, tombstone: tombstone.clone(), original: original.clone() });
            }
            (TagState::At(_), Some(Removal::WithManifest)) if planned.companion => {}
            (TagState::At(digest), Some(_)) if tags_deletable => {
                let untag = if planned.companion { &mut untag_companions } else { &mut untag };
                untag.push(Operation::Untag { tag, digest: digest.clone() });
            }
            (TagState::At(digest), Some(Removal::TagOnly)) => {
                write.push(Operation::Entomb { tag, digest: digest.clone() });
            }
            (TagState::Dangling { deleted: Some(digest) }, Some(_)) => {
                write.push(Operation::ClearDangling { tag, digest: digest.clone() });
            }
            _ => {}
        }
    }
    let mut deletions: Vec<_> = plan.deletions.iter().collect();
    deletions.sort_by_key(|it| (it.rank, Reverse(it.tags.len()), it.pushed.filter(|_| it.tags.is_empty()), &it.digest));
    let listed: BTreeMap<&Tag, &TagState> = repository.tags.iter().collect();
    let companions: BTreeSet<&Tag> = plan.tags.iter().filter(|it| it.companion).map(|it| &it.tag).collect();
    let delete = deletions.into_iter().map(|deletion| {
        let untagged = |tag: &Tag| tags_deletable && !companions.contains(tag);
        let at = |tag: &&Tag| matches!(listed.get(tag), Some(TagState::At(_))) && !untagged(tag);
        Operation::Delete { digest: deletion.digest.clone(), tags: deletion.tags.iter().filter(at).cloned().collect() }
    });
    finish.into_iter().chain(untag).chain(delete).chain(untag_companions).chain(write).collect()
}
