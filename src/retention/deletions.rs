//! Which manifests are deleted, and in which order.

use std::collections::{BTreeMap, BTreeSet};

use super::inventory::{Repository, Subject};
use super::judge::Judged;
use super::plan::Deletion;
use super::setting::Setting;
use crate::oci::{Digest, Manifest, Tag};

/// The deletions of `deleted`, all of it, tagged or not.
pub(super) fn deletions(setting: &Setting<'_>, judged: &[Judged<'_>], deleted: &BTreeSet<Digest>) -> Vec<Deletion> {
    let Setting { repository, pushes, .. } = *setting;
    let mut tags: BTreeMap<&Digest, Vec<Tag>> = BTreeMap::new();
    for it in judged.iter().filter(|it| it.verdict.is_condemned()) {
        if let Some(digest) = it.state.digest() {
            tags.entry(digest).or_default().push(it.tag.clone());
        }
    }
    let tagged: BTreeSet<&Digest> = judged.iter().filter_map(|it| it.state.digest()).collect();
    let ranks = ranks(repository, judged, deleted);
    deleted
        .iter()
        .map(|digest| Deletion {
            digest: digest.clone(),
            tags: tags.remove(digest).unwrap_or_default(),
            rank: ranks.get(digest).copied().unwrap_or_default(),
            pushed: pushes.revision(digest).at(),
            untagged_children: repository
                .reach([digest])
                .into_iter()
                .filter(|child| *child != digest && !tagged.contains(child) && !deleted.contains(*child))
                .count(),
        })
        .collect()
}

/// Layers of the deleted: whoever is needed or referred to comes after who needs or refers (Kahn's algorithm). What
/// is left in cycles, which no honest registry has, comes last.
fn ranks<'a>(
    repository: &'a Repository,
    judged: &'a [Judged<'_>],
    deleted: &'a BTreeSet<Digest>,
) -> BTreeMap<&'a Digest, usize> {
    let mut followers: BTreeMap<&Digest, BTreeSet<&Digest>> = BTreeMap::new();
    for digest in deleted {
        let children = repository.manifest(digest).into_iter().flat_map(Manifest::children);
        followers
            .entry(digest)
            .or_default()
            .extend(children.filter(|child| *child != digest && deleted.contains(*child)));
    }
    for it in judged {
        if let (Subject::Of(subject), Some(digest)) = (it.subject, it.state.digest())
            && subject != digest
            && deleted.contains(subject)
            && deleted.contains(digest)
        {
            followers.entry(subject).or_default().insert(digest);
        }
    }
    for digest in deleted {
        let subject = repository.manifest(digest).and_then(|manifest| manifest.subject.as_ref());
        if let Some(subject) = subject.filter(|subject| *subject != digest && deleted.contains(*subject)) {
            followers.entry(subject).or_default().insert(digest);
        }
    }
    let mut waiting: BTreeMap<&Digest, usize> = deleted.iter().map(|digest| (digest, 0)).collect();
    for follower in followers.values().flatten() {
        *waiting.entry(follower).or_default() += 1;
    }
    let mut ranks = BTreeMap::new();
    for rank in 0.. {
        let ready: Vec<&Digest> = waiting.iter().filter(|(_, count)| **count == 0).map(|(digest, _)| *digest).collect();
        if ready.is_empty() {
            ranks.extend(waiting.into_keys().map(|digest| (digest, rank)));
            break;
        }
        for digest in ready {
            waiting.remove(digest);
            ranks.insert(digest, rank);
            for follower in followers.get(digest).into_iter().flatten() {
                if let Some(count) = waiting.get_mut(follower) {
                    *count -= 1;
                }
            }
        }
    }
    ranks
}
