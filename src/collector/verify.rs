use std::collections::BTreeMap;

use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::CollectorError;
use super::error::Several;
use crate::collection::garbage::{Keeper, Kept};
use crate::oci::Digest;
use crate::retention::{Store, StoredRepository, StoredTag};
use crate::storage::{Blobs, Location, Rehash};

/// How what is kept is looked at after a collection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verify {
    /// Whether every link, manifest and blob is there, as large as before.
    #[default]
    References,
    /// The same, and every byte is hashed again.
    Content,
    /// Not at all.
    None,
}

/// How many blobs are hashed at a time.
const READS: usize = 4;

/// Proves that everything kept is there after a collection, and that nobody else wrote meanwhile.
pub(super) fn references(kept: &Kept<'_>, before: &Store, after: &Store) -> Result<(), CollectorError> {
    let all = kept.manifests.iter().chain(&kept.blobs);
    let blobs = all.filter_map(|(digest, keeper)| {
        let fault = match (before.blobs.get(*digest), after.blobs.get(*digest)) {
            (Some(size), Some(now)) if size == now => return None,
            (None, None) => return None,
            (_, None) => "is missing",
            (_, Some(_)) => "has another size",
        };
        Some(Loss { digest: (*digest).clone(), keeper: *keeper, fault })
    });
    let mut lost: Vec<Loss<'_>> = blobs.chain(links(kept, before, after)).collect();
    lost.sort();
    if !lost.is_empty() {
        return Err(CollectorError::Lost(Several::of(lost)));
    }
    let written = Several::of(written(before, after));
    if written.is_empty() { Ok(()) } else { Err(CollectorError::Written(written)) }
}

/// Tags, and the links of kept manifests, that are gone.
fn links<'a>(kept: &'a Kept<'a>, before: &'a Store, after: &'a Store) -> impl Iterator<Item = Loss<'a>> {
    let nothing = || std::borrow::Cow::Owned(StoredRepository::default());
    before.repositories.iter().flat_map(move |(name, repository)| {
        let now = after.repositories.get(name).map_or_else(nothing, std::borrow::Cow::Borrowed);
        let tags = repository.tags.iter().filter_map(|(tag, stored)| {
            let StoredTag::At { digest, .. } = stored else { return None };
            let is_gone = !now.tags.contains_key(tag);
            is_gone.then(|| Loss { digest: digest.clone(), keeper: Keeper::Tag(name, tag), fault: "lost its tag" })
        });
        let revisions = repository.revisions.iter().filter_map(|(digest, link)| {
            let keeper = kept.manifests.get(digest).filter(|_| link.is_sound)?;
            let is_there = now.revisions.get(digest).is_some_and(|link| link.is_sound);
            (!is_there).then(|| Loss { digest: digest.clone(), keeper: *keeper, fault: "lost its link" })
        });
        tags.chain(revisions).collect::<Vec<_>>()
    })
}

/// What came, or was written anew.
fn written(before: &Store, after: &Store) -> Vec<String> {
    let nothing = StoredRepository::default();
    let mut written: Vec<String> = Vec::new();
    for (name, now) in &after.repositories {
        let then = before.repositories.get(name).unwrap_or(&nothing);
        let tags = now.tags.iter().filter(|(tag, stored)| then.tags.get(tag) != Some(stored));
        written.extend(tags.map(|(tag, _)| format!("{name}:{tag}")));
        let revisions = now.revisions.iter().filter(|(digest, link)| then.revisions.get(digest) != Some(link));
        written.extend(revisions.map(|(digest, _)| format!("{name}@{digest}")));
    }
    let blobs = after.blobs.keys().filter(|digest| !before.blobs.contains_key(*digest));
    written.extend(blobs.map(|digest| format!("blob {digest}")));
    written
}

/// Reads every byte of what is kept.
pub(super) async fn content(kept: &Kept<'_>, stored: &Store, location: &Location) -> Result<(), CollectorError> {
    let blobs = Blobs::at(location)?;
    let all = kept.manifests.iter().chain(&kept.blobs);
    // In order, and each once.
    let all: BTreeMap<&Digest, Keeper<'_>> = all
        .filter(|(digest, _)| stored.blobs.contains_key(**digest))
        .map(|(digest, keeper)| (*digest, *keeper))
        .collect();
    let judged: Vec<Option<Loss<'_>>> = stream::iter(all)
        .map(|(digest, keeper)| {
            let blobs = &blobs;
            async move {
                let fault = match blobs.rehash(digest).await? {
                    Rehash::Whole => return Ok(None),
                    Rehash::Damaged => "is damaged: its bytes are not what its digest says",
                    Rehash::Missing => "is missing",
                };
                Ok::<_, CollectorError>(Some(Loss { digest: digest.clone(), keeper, fault }))
            }
        })
        .buffered(READS)
        .try_collect()
        .await?;
    let lost = Several::of(judged.into_iter().flatten());
    if lost.is_empty() { Ok(()) } else { Err(CollectorError::Lost(lost)) }
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Loss<'a> {
    digest: Digest,
    keeper: Keeper<'a>,
    fault: &'static str,
}

impl std::fmt::Display for Loss<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of {} {}", self.digest, self.keeper, self.fault)
    }
}
