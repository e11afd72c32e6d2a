//! What the terminal remembers between runs: one folder per registry under the state directory.
//!
//! - `file`: files written whole or not at all, each with the version of its format
//! - `lock`: one run at a time per registry
//! - `folder`: the files of one registry
//! - `journal`: intents, before they are acted on
//! - `plans`: stored plans of all registries, looked up by hash
//!
//! What cannot be stored is not executed, and a file that cannot be read is never taken for an empty one.

mod file;
mod folder;
mod journal;
mod lock;
mod plans;

use std::io;
use std::path::{Path, PathBuf};

pub(super) use folder::{Folder, StoredFor};
pub(super) use journal::FileJournal;
pub(super) use plans::{Accepted, accept};

/// Why the state directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum StateError {
    /// There is no place for it.
    #[error("neither XDG_STATE_HOME nor HOME is set; say where the state is kept with --state-dir DIR")]
    Nowhere,
    /// A file or folder cannot be read or written.
    #[error("{}: {doing}: {why}; nothing was deleted that is not recorded", .path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What was tried.
        doing: &'static str,
        /// Why it failed.
        why: io::Error,
    },
    /// A file does not hold what it should.
    #[error("{}: damaged: {why}; nothing was deleted by this run; {}", .path.display(), .remedy)]
    Damaged {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
        /// What to do.
        remedy: &'static str,
    },
    /// Written by a later version of this program.
    #[error(
        "{}: has format version {version}, and this registry-retention knows up to {}; use the newer one",
        .path.display(), file::VERSION
    )]
    TooNew {
        /// Which.
        path: PathBuf,
        /// Its version.
        version: u32,
    },
    /// Another run holds the lock.
    #[error("{registry} is being worked on by {holder}; wait until that has ended, then run this again ({})", .path.display())]
    Locked {
        /// Which registry.
        registry: String,
        /// Who, as far as it said.
        holder: String,
        /// The lock file.
        path: PathBuf,
    },
    /// No stored plan has the hash, or it is too short, or too old.
    #[error("{0}")]
    NoSuchPlan(String),
}

impl StateError {
    /// The stable code.
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::Nowhere => "NoStateDirectory",
            Self::Io { .. } => "StateUnusable",
            Self::Damaged { .. } => "StateDamaged",
            Self::TooNew { .. } => "StateTooNew",
            Self::Locked { .. } => "Locked",
            Self::NoSuchPlan(_) => "NoSuchPlan",
        }
    }

    fn io(path: &Path, doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |why| Self::Io { path: path.to_owned(), doing, why }
    }
}

/// The state directory: what the command line says, else where the system keeps such things.
pub(super) fn directory(given: Option<&Path>) -> Result<PathBuf, StateError> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(given) = given {
        return Ok(given.to_owned());
    }
    // A relative XDG_STATE_HOME is to be ignored, as its specification says.
    let xdg = set("XDG_STATE_HOME").filter(|path| path.is_absolute());
    let home = || set("HOME").map(|home| home.join(".local/state"));
    xdg.or_else(home).map(|base| base.join("registry-retention")).ok_or(StateError::Nowhere)
}
