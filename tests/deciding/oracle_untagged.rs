//! The oracle's reading of what no tag is at: what goes for that, and what goes with an index.

use std::collections::{BTreeMap, BTreeSet};

use registry_retention::oci::{Digest, Manifest};
use registry_retention::retention::{Inventory, ManifestState, Repository, StoredTag, TagState};

use crate::oracle::Pointing;
use crate::oracle_pushes::{LinkTime, push, revision};
use crate::oracle_rules::{any_glob, judged_by};
use crate::oracle_use::{is_below, used_manifest};
use crate::policies::PolicyWords;
use crate::world::{World, now};

const HOUR: i64 = 3600;

/// Everything that is known of one repository, where the storage was read.
pub(crate) struct Known<'a> {
    named_by: BTreeMap<&'a Digest, Vec<&'a Digest>>,
    /// What could go without a tag of its own, apart from what names it or has it for a subject.
    eligible: BTreeSet<&'a Digest>,
    /// The subjects of those of them that no tag reaches, if these are there.
    subjects: BTreeMap<&'a Digest, Option<&'a Digest>>,
}

impl<'a> Known<'a> {
    pub(crate) fn new(
        world: &World,
        (inventory, name): (&'a Inventory, &str),
        repository: &'a Repository,
        tags: &[Pointing<'a>],
    ) -> Self {
        let read: Vec<(&Digest, &Manifest)> = repository.manifests.iter().filter_map(is_read).collect();
        let mut it = Self { named_by: BTreeMap::new(), eligible: BTreeSet::new(), subjects: BTreeMap::new() };
        for (digest, manifest) in &read {
            manifest.children().for_each(|child| it.named_by.entry(child).or_default().push(*digest));
        }
        let below = |digest: &Digest, from: &Digest| is_below(repository, digest, from, &mut Vec::new());
        let moved = moved_since(inventory, name, repository);
        let by_tag = |digest: &Digest| {
            let dangling = repository.tags.values().filter_map(|state| match state {
                TagState::Dangling { deleted } => deleted.as_ref(),
                _ => None,
            });
            tags.iter().map(|it| it.digest).chain(dangling).any(|from| below(digest, from))
        };
        let by_moved = |digest: &Digest| moved.iter().any(|from| below(digest, from));
        let unreached: Vec<&Digest> =
            read.iter().map(|(digest, _)| *digest).filter(|digest| !by_tag(digest) && !by_moved(digest)).collect();
        let least = world.policies.iter().map(|policy| policy.minimum_age_hours).max().unwrap_or(0);
        let patience = patience(&world.policies, name);
        let busy = is_busy(inventory, name, repository, &unreached);
        for (digest, manifest) in &read {
            if tags.iter().any(|it| it.digest == *digest) || used_manifest(world, repository, digest) {
                continue;
            }
            let link = revision(inventory, name, digest, now());
            let older = |hours: i64| link.believed.is_some_and(|at| now().as_second() - at.as_second() >= hours * HOUR);
            if unreached.contains(digest) {
                if link.is_linked && !busy && patience.is_some_and(|hours| older(hours.max(least))) {
                    it.eligible.insert(digest);
                }
                if let Some(subject) = &manifest.subject {
                    let is_there = match repository.manifests.get(subject) {
                        Some(ManifestState::Missing) => continue,
                        there => there.is_some(),
                    };
                    it.subjects.insert(digest, is_there.then_some(subject));
                }
            } else if !by_moved(digest) && link.is_linked && (least == 0 || older(least)) {
                it.eligible.insert(digest);
            }
        }
        if repository.first_unreadable().is_some() {
            it.eligible.clear();
        }
        it
    }

    /// "No remaining manifest of the repository names it": the largest set that goes with these tagged ones.
    pub(crate) fn going(&self, tagged: &BTreeSet<&'a Digest>) -> BTreeSet<&'a Digest> {
        let mut going: BTreeSet<&Digest> = self.eligible.union(tagged).copied().collect();
        loop {
            let stays = |digest: &&Digest| !going.contains(*digest);
            let held = |digest: &&&'a Digest| {
                let subject = self.subjects.get(*digest).filter(|_| self.eligible.contains(*digest));
                self.named_by.get(*digest).is_some_and(|namers| namers.iter().any(stays))
                    || subject.is_some_and(|it| it.is_none_or(|it| tagged.contains(it) || !going.contains(it)))
            };
            let Some(digest) = going.iter().find(held).copied() else { return going };
            going.remove(digest);
        }
    }
}

fn is_read<'a>((digest, state): (&'a Digest, &'a ManifestState)) -> Option<(&'a Digest, &'a Manifest)> {
    match state {
        ManifestState::Read(manifest) => Some((digest, manifest)),
        _ => None,
    }
}

/// What tags are at by the storage alone.
fn moved_since<'a>(inventory: &'a Inventory, name: &str, repository: &Repository) -> Vec<&'a Digest> {
    let stored = inventory.store.iter().flat_map(|store| &store.repositories).filter(|(it, _)| it.as_str() == name);
    let tags = stored.flat_map(|(_, stored)| &stored.tags);
    tags.filter_map(|(tag, link)| match link {
        StoredTag::At { digest, .. } => {
            (repository.tags.get(tag).and_then(judged_by) != Some(digest)).then_some(digest)
        }
        StoredTag::Broken => None,
    })
    .collect()
}

/// The longest `olderThan`, if all say one and one of them may delete.
fn patience(policies: &[PolicyWords], name: &str) -> Option<i64> {
    let reaches = |policy: &&PolicyWords| {
        let mut rules = policy.rules.iter();
        rules.any(|rule| any_glob(&rule.repositories, name) && !any_glob(&rule.not_repositories, name))
    };
    let all: Vec<&PolicyWords> = policies.iter().filter(reaches).collect();
    let said: Vec<i64> = all.iter().filter_map(|policy| policy.untagged_hours).collect();
    let may = all.iter().any(|policy| !policy.only_keeps) && said.len() == all.len();
    said.into_iter().max().filter(|_| may)
}

/// "The repository is not being pushed to."
fn is_busy(inventory: &Inventory, name: &str, repository: &Repository, unreached: &[&Digest]) -> bool {
    let of_late = |digest: &&Digest| match revision(inventory, name, digest, now()) {
        LinkTime { raw: Some(at), is_linked: true, .. } => {
            at.to_string().as_str() >= "1990" && now().as_second() - at.as_second() < HOUR
        }
        _ => true,
    };
    let newer = repository.tags.iter().any(|(tag, state)| push(inventory, name, tag, state, now()).newer);
    let stored = inventory.store.iter().flat_map(|store| &store.repositories).filter(|(it, _)| it.as_str() == name);
    let mut uploads = stored.flat_map(|(_, stored)| &stored.uploads);
    newer || unreached.iter().any(of_late) || uploads.any(|it| now().as_second() - it.active.as_second() < HOUR)
}
