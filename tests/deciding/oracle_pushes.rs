//! The oracle's reading of push times: what the storage tells, and when it is not believed.

use std::collections::BTreeSet;

use jiff::Timestamp;
use registry_retention::oci::{Digest, Tag};
use registry_retention::retention::{Inventory, ManifestState, Repository, StoredRepository, StoredTag, TagState};

use crate::oracle_rules::judged_by;

/// What is known of the push of a tag.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Push {
    /// Nobody read the storage: creation times are all there is.
    pub(crate) unread: bool,
    pub(crate) at: Option<Timestamp>,
    /// By a link of its own.
    pub(crate) own: bool,
    /// It came, or moved, since the storage was read.
    pub(crate) newer: bool,
}

/// "The storage's link time of that tag if the store has it at the same digest." What is left of a removal goes by the
/// manifest's link where the tag's own is gone.
pub(crate) fn push(inventory: &Inventory, name: &str, tag: &Tag, state: &TagState, now: Timestamp) -> Push {
    let nothing = Push { unread: true, at: None, own: true, newer: false };
    let (Some(store), Some(digest)) = (&inventory.store, judged_by(state)) else { return nothing };
    let stored = store.repositories.iter().find(|(it, _)| it.as_str() == name).map(|(_, stored)| stored);
    let own = link(stored, tag, digest);
    let is_left_over = matches!(state, TagState::Removed(_) | TagState::Entombed { .. });
    let at = match own {
        None if is_left_over => {
            let link = stored.and_then(|stored| stored.revisions.get(digest)).filter(|link| link.is_sound);
            link.map(|link| link.pushed)
        }
        own => own,
    };
    let distrusted = !matches!(state, TagState::Removed(_)) && is_distrusted(inventory, name, now);
    Push {
        unread: false,
        at: at.filter(|at| believed(*at, now) && !distrusted),
        own: own.is_some_and(|at| believed(at, now)),
        newer: own.is_none() && matches!(state, TagState::At(_)),
    }
}

/// What is known of the push of a manifest.
pub(crate) struct LinkTime {
    pub(crate) is_linked: bool,
    pub(crate) raw: Option<Timestamp>,
    pub(crate) believed: Option<Timestamp>,
}

/// The same of a manifest, under whatever name.
pub(crate) fn revision(inventory: &Inventory, name: &str, digest: &Digest, now: Timestamp) -> LinkTime {
    let links = |repository: &Repository, stored: Option<&StoredRepository>| {
        let read = repository.manifests.iter().filter(|(_, state)| matches!(state, ManifestState::Read(_)));
        let at = |digest: &Digest| stored?.revisions.get(digest).filter(|it| it.is_sound).map(|it| it.pushed);
        let pair = |(digest, _): (&Digest, _)| (digest.clone(), at(digest).filter(|at| believed(*at, now)));
        read.map(pair).collect::<Vec<_>>()
    };
    let Some(store) = &inventory.store else { panic!("only with a storage") };
    let each: Vec<(&str, Vec<_>)> = inventory
        .repositories
        .iter()
        .map(|(name, repository)| (name.as_str(), links(repository, store.repositories.get(name))))
        .collect();
    let all: Vec<_> = each.iter().flat_map(|(_, links)| links.clone()).collect();
    let here = each.iter().any(|(it, links)| *it == name && is_most_in_a_minute(links));
    let distrusted = here || is_most_in_a_minute(&all);
    let stored = store.repositories.iter().find(|(it, _)| it.as_str() == name);
    let link = stored.and_then(|(_, stored)| stored.revisions.get(digest)).filter(|link| link.is_sound);
    let raw = link.map(|link| link.pushed);
    LinkTime { is_linked: link.is_some(), raw, believed: raw.filter(|at| believed(*at, now) && !distrusted) }
}

fn link(stored: Option<&StoredRepository>, tag: &Tag, digest: &Digest) -> Option<Timestamp> {
    match stored?.tags.get(tag)? {
        StoredTag::At { digest: found, pushed } if found == digest => Some(*pushed),
        _ => None,
    }
}

fn believed(at: Timestamp, now: Timestamp) -> bool {
    at <= now && at.to_string().as_str() >= "1990"
}

/// "When most link times of a repository fall within a minute, the source is distrusted"; the same for all together.
fn is_distrusted(inventory: &Inventory, name: &str, now: Timestamp) -> bool {
    let Some(store) = &inventory.store else { return false };
    let links = |(name, repository): (&_, &Repository)| {
        let stored = store.repositories.get(name);
        let listed = repository.tags.iter().filter(|(_, state)| !matches!(state, TagState::Removed(_)));
        let pointing = listed.filter_map(|(tag, state)| Some((tag, judged_by(state)?.clone())));
        pointing
            .map(|(tag, digest)| {
                let at = link(stored, tag, &digest).filter(|at| believed(*at, now));
                (digest, at)
            })
            .collect::<Vec<_>>()
    };
    let all: Vec<_> = inventory.repositories.iter().flat_map(links).collect();
    let here: Vec<_> = inventory.repositories.iter().filter(|(it, _)| it.as_str() == name).flat_map(links).collect();
    is_most_in_a_minute(&all) || is_most_in_a_minute(&here)
}

fn is_most_in_a_minute(links: &[(Digest, Option<Timestamp>)]) -> bool {
    let digests: BTreeSet<&Digest> = links.iter().map(|(digest, _)| digest).collect();
    let missing = links.iter().filter(|(_, at)| at.is_none()).count();
    let from = |start: &Timestamp| {
        let within = links
            .iter()
            .filter(|(_, at)| at.is_some_and(|at| at >= *start && at.as_second() - start.as_second() <= 60));
        within.map(|(digest, _)| digest).collect::<BTreeSet<_>>().len()
    };
    let most = links.iter().filter_map(|(_, at)| at.as_ref()).map(from).max().unwrap_or(0);
    digests.len() >= 4 && 2 * (most + missing) > digests.len()
}
