use std::io;
use std::path::PathBuf;

use super::BucketProblem;

/// Why a storage, or an inventory of one, was not read. Nothing of what was read until then is used.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// There is no repository.
    #[error(
        "{place}: no registry stores anything there: docker/registry/v2/repositories is missing or empty; check that \
         this is the registry's root directory"
    )]
    Nothing {
        /// Where it was looked for.
        place: String,
    },
    /// There are manifests, but no blobs at all.
    #[error(
        "{place}: repositories are stored there, but no blobs: docker/registry/v2/blobs is missing or empty; check that \
         the whole storage is there"
    )]
    NoBlobs {
        /// Where it was looked for.
        place: String,
    },
    /// A file or folder cannot be read. What it holds may be tags, so there is no inventory without it.
    #[error("{}: cannot be read: {why}; no inventory was made; run this as the user that the registry runs as", path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        why: io::Error,
    },
    /// The object store did not answer as it should.
    #[error("{place}: {problem}; no inventory was made{}", problem.advice())]
    Bucket {
        /// The bucket, and what was asked for there.
        place: String,
        /// What went wrong.
        problem: BucketProblem,
    },
    /// What was found could not be written down.
    #[error("the inventory could not be written: {0}; there is none")]
    Unwritten(io::Error),
    /// A saved inventory cannot be used.
    #[error("{}: {why}; nothing in it was used; make the inventory again", path.display())]
    Saved {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: SavedError,
    },
}

impl StorageError {
    /// The stable code.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Nothing { .. } => "StorageEmpty",
            Self::NoBlobs { .. } => "StorageIncomplete",
            Self::Unreadable { .. } | Self::Bucket { .. } => "StorageUnreadable",
            Self::Unwritten(_) => "InventoryUnwritten",
            Self::Saved { .. } => "InventoryDamaged",
        }
    }
}

/// What is wrong with a saved inventory.
#[derive(Debug, thiserror::Error)]
pub enum SavedError {
    /// It cannot be read.
    #[error("cannot be read: {0}")]
    Io(io::Error),
    /// It is something else.
    #[error("not an inventory of registry-retention")]
    NoInventory,
    /// A later release wrote it.
    #[error("an inventory of version {version}, which a later registry-retention wrote")]
    TooNew {
        /// Its version.
        version: u32,
    },
    /// A line is not what is written there.
    #[error("line {number} is damaged")]
    Malformed {
        /// Its number, from 0.
        number: u64,
    },
    /// Lines are missing, or came twice.
    #[error("line {expected} is missing: line {found} stands in its place")]
    Gap {
        /// The line that should stand there.
        expected: u64,
        /// The one that does.
        found: u64,
    },
    /// It has no end.
    #[error("cut off after {lines} lines")]
    Unfinished {
        /// How many are there.
        lines: u64,
    },
    /// Its checksum differs.
    #[error("altered since it was written: its checksum differs")]
    Altered,
    /// Its counts differ from what is there.
    #[error("altered since it was written: its counts differ")]
    Miscounted,
    /// Something stands after its end.
    #[error("it goes on after its end")]
    GoesOn,
}

/// What is wrong with a result that came as a log. Nothing of it is used.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// A line is not what is written there.
    #[error("its line {number} is damaged")]
    Malformed {
        /// The number that it should have, from 0.
        number: u64,
    },
    /// Lines are missing, or came twice.
    #[error("its line {expected} is missing: line {found} stands in its place")]
    Gap {
        /// The line that should stand there.
        expected: u64,
        /// The one that does.
        found: u64,
    },
    /// It has no end.
    #[error("it is cut off after {lines} lines")]
    Unfinished {
        /// How many are there.
        lines: u64,
    },
    /// Its checksum differs, or it is not compressed as it should be.
    #[error("it was altered on the way: its checksum differs")]
    Altered,
    /// Something stands after its end.
    #[error("it goes on after its end")]
    GoesOn,
    /// It is whole, and what it carries is not.
    #[error("what it carries cannot be used: {0}")]
    Content(SavedError),
    /// Instead of a result it says why there is none.
    #[error("{text}")]
    Failed {
        /// The stable code.
        reason: String,
        /// What happened.
        text: String,
    },
}
