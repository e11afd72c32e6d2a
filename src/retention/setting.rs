//! What the verdicts in one repository depend on, and what it alone says of a manifest that no tag is at.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::age::AgeDoubt;
use super::approval::Entry;
use super::inventory::Repository;
use super::policy::Policy;
use super::push_times::RepositoryPushes;
use super::pushed::Pushed;
use super::rules::age_text;
use super::uses::Uses;
use super::verdict::{AskedBy, Kept, Youth};
use crate::oci::{Digest, RepositoryName};

/// Who pushes an image of several parts sends these before what names them, and no parts for longer than this.
const PUSH: SignedDuration = SignedDuration::from_hours(1);

/// What deciding on the untagged manifests of one repository depends on.
pub(super) struct Setting<'a> {
    pub(super) name: &'a RepositoryName,
    pub(super) repository: &'a Repository,
    pub(super) policies: &'a [Policy],
    pub(super) uses: &'a Uses<'a>,
    pub(super) pushes: &'a RepositoryPushes<'a>,
    /// The stored plan that is being carried out.
    pub(super) within: Option<&'a BTreeSet<Entry>>,
    pub(super) now: Timestamp,
}

impl Setting<'_> {
    pub(super) fn used(&self, digest: &Digest) -> Option<Kept> {
        let user = self.uses.manifest_user(digest)?;
        Some(Kept::InUse { user: user.to_string() })
    }

    pub(super) fn young(&self, digest: &Digest, least: SignedDuration, asked_by: AskedBy) -> Option<Kept> {
        match self.pushes.revision(digest) {
            Pushed::Unknown(doubt) => Some(Kept::AgeUnknown { asked_by, doubt: AgeDoubt::Pushed(doubt) }),
            Pushed::At(since) if self.now.duration_since(since) < least => {
                Some(Kept::TooYoung { since, by: Youth::Pushed, asked_by, minimum_age: age_text(least) })
            }
            Pushed::At(_) => None,
        }
    }

    pub(super) fn is_within(&self, digest: &Digest) -> bool {
        let entry = || Entry { repository: self.name.clone(), tag: None, digest: digest.clone() };
        self.within.is_none_or(|within| within.contains(&entry()))
    }

    /// Whether somebody may be pushing here: an open upload, a manifest without a tag that came lately, or a tag that
    /// came since the storage was read.
    pub(super) fn is_pushed_to(&self, unreached: &[&Digest]) -> bool {
        let Setting { repository, pushes, now, .. } = self;
        let uploads = pushes.stored().into_iter().flat_map(|stored| &stored.uploads);
        uploads.map(|upload| now.duration_since(upload.active)).any(|ago| ago < PUSH)
            || unreached.iter().any(|digest| pushes.may_be_of_late(digest, PUSH))
            || repository.tags.iter().any(|(tag, state)| pushes.is_newer(tag, state))
    }
}
