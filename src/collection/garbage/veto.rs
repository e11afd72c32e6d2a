use std::collections::{BTreeMap, HashSet};
use std::fmt;

use super::output::{Counts, Said};
use super::{Keeper, Kept};
use crate::oci::Digest;

/// Compares what a collection says with what is kept by our own reckoning. Nothing is collected before a dry run has passed
/// this, and the collection itself is ended at its first contradiction.
#[derive(Debug)]
pub struct Veto<'a> {
    kept: &'a Kept<'a>,
    blobs: &'a BTreeMap<Digest, u64>,
    /// What is needed, as the collection says.
    marked: HashSet<Digest>,
    /// The manifests among it that a repository links.
    manifests: HashSet<Digest>,
    eligible: HashSet<Digest>,
}

/// Who else may write to the storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writers {
    /// Nobody: what was read is what the collection sees.
    None,
    /// Anybody. What came since is in neither; what went since is not there to be kept.
    Some,
}

/// What a dry run shows that a collection would delete.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forecast {
    /// Blobs.
    pub blobs: u64,
    /// What they take, in bytes.
    pub bytes: u64,
}

/// A contradiction.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Objection<'a> {
    /// Something that is kept would be deleted.
    Deletes(&'a Digest, Keeper<'a>),
    /// A kept manifest was not seen, so that what it needs would go one day.
    Overlooks(&'a Digest, Keeper<'a>),
    /// Something would be deleted that was not there when the storage was read.
    Unseen(Digest),
    /// Something that is stored would neither stay nor go.
    Skips(&'a Digest),
    /// Something would both stay and go.
    Both(Digest),
    /// It counts otherwise than its lines say.
    Miscounts {
        /// What is counted.
        what: &'static str,
        /// What the summary says.
        said: u64,
        /// What the lines say.
        told: u64,
    },
}

impl<'a> Veto<'a> {
    /// Nothing was said yet. `blobs` is what is stored.
    pub fn of(kept: &'a Kept<'a>, blobs: &'a BTreeMap<Digest, u64>) -> Self {
        Self { kept, blobs, marked: HashSet::new(), manifests: HashSet::new(), eligible: HashSet::new() }
    }

    /// Takes what the collection says next, and objects at once if it deletes something kept.
    pub fn take(&mut self, said: Said) -> Option<Objection<'a>> {
        match said {
            Said::Nothing | Said::Counts(_) => {}
            Said::Manifest(digest) => {
                let digest = self.shared(digest);
                self.marked.insert(digest.clone());
                self.manifests.insert(digest);
            }
            Said::Marked(digest) => {
                let digest = self.shared(digest);
                self.marked.insert(digest);
            }
            Said::Eligible(digest) => {
                let objection = self.deletes(&digest);
                let digest = self.shared(digest);
                self.eligible.insert(digest);
                return objection;
            }
        }
        None
    }

    /// What is to be said of the whole: all objections in order, or what would be deleted.
    pub fn end(self, counts: Counts, writers: Writers) -> Result<Forecast, Vec<Objection<'a>>> {
        let mut objections: Vec<Objection<'a>> =
            self.eligible.iter().filter_map(|digest| self.deletes(digest)).collect();
        let overlooked = self.kept.manifests.iter().filter(|(digest, _)| !self.manifests.contains(**digest));
        objections.extend(overlooked.map(|(digest, keeper)| Objection::Overlooks(digest, *keeper)));
        objections.extend(self.eligible.intersection(&self.marked).cloned().map(Objection::Both));
        for (what, said, told) in [
            ("marked blobs", counts.marked, self.marked.len() as u64),
            ("blobs to delete", counts.blobs, self.eligible.len() as u64),
            // It was not asked to delete any.
            ("manifests to delete", counts.manifests, 0),
        ] {
            if said != told {
                objections.push(Objection::Miscounts { what, said, told });
            }
        }
        if writers == Writers::None {
            let unseen = self.eligible.iter().filter(|digest| !self.blobs.contains_key(*digest));
            objections.extend(unseen.cloned().map(Objection::Unseen));
            let is_told = |digest: &Digest| self.marked.contains(digest) || self.eligible.contains(digest);
            objections.extend(self.blobs.keys().filter(|digest| !is_told(digest)).map(Objection::Skips));
        }
        if objections.is_empty() {
            return Ok(self.forecast());
        }
        objections.sort();
        Err(objections)
    }

    fn deletes(&self, digest: &Digest) -> Option<Objection<'a>> {
        let kept = self.kept.manifests.get_key_value(digest).or_else(|| self.kept.blobs.get_key_value(digest));
        kept.map(|(digest, keeper)| Objection::Deletes(digest, *keeper))
    }

    /// What came since the storage was read may be part of a push, and is not counted.
    fn forecast(&self) -> Forecast {
        let sizes = self.eligible.iter().filter_map(|digest| self.blobs.get(digest));
        sizes.fold(Forecast::default(), |sum, bytes| Forecast {
            blobs: sum.blobs + 1,
            bytes: sum.bytes.saturating_add(*bytes),
        })
    }

    /// The digest as the storage has it, so that each is held once.
    fn shared(&self, digest: Digest) -> Digest {
        self.blobs.get_key_value(&digest).map_or(digest, |(same, _)| same.clone())
    }
}

impl Objection<'_> {
    /// The stable code.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Deletes(..) => "KeptWouldBeDeleted",
            Self::Overlooks(..) => "KeptNotMarked",
            Self::Unseen(_) | Self::Skips(_) => "StoreDiffers",
            Self::Both(_) | Self::Miscounts { .. } => "OutputNotUnderstood",
        }
    }
}

impl fmt::Display for Objection<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deletes(digest, keeper) => write!(f, "it would delete {digest}, which {keeper} needs"),
            Self::Overlooks(digest, keeper) => {
                write!(f, "it does not see manifest {digest}, which {keeper} needs")
            }
            Self::Unseen(digest) => {
                write!(f, "it would delete {digest}, which was not there when the storage was read")
            }
            Self::Skips(digest) => write!(f, "it says nothing of {digest}, which is stored"),
            Self::Both(digest) => write!(f, "it would both keep and delete {digest}"),
            Self::Miscounts { what, said, told } => {
                write!(f, "its summary says {said} {what}, and its lines {told}")
            }
        }
    }
}
