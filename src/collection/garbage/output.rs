//! What `registry garbage-collect` prints on standard output, line by line (`registry/storage/garbagecollect.go`):
//!
//! ```text
//! apps/shop                                               a repository, then what it needs
//! apps/shop: marking manifest sha256:…
//! apps/shop: marking blob sha256:…                        2.x: each time; 3.x: only what is not marked yet
//!
//! 6 blobs marked, 3 blobs and 0 manifests eligible for deletion
//! blob eligible for deletion: sha256:…                    right before it is deleted, unless it is a dry run
//! apps/shop: layer link eligible for deletion: sha256:…   3.x alone, after all blobs
//! ```
//!
//! A dry run prints the same. Whatever else is printed is not understood, and so it is no collection.

use super::Generation;
use crate::oci::{Digest, RepositoryName};

/// The longest line that there can be: a name of 255 characters, words, and a digest.
pub const LONGEST_LINE: usize = 1024;
/// How much of a strange line is shown, in characters.
const SHOWN: usize = 100;

/// Takes the lines of one run.
#[derive(Debug)]
pub struct Output {
    generation: Generation,
    state: State,
    lines: u64,
}

#[derive(Debug)]
enum State {
    /// What is needed is looked for; in this repository.
    Marking(Option<RepositoryName>),
    /// All repositories were looked at.
    Marked,
    /// What nothing needs is told of, and deleted.
    Sweeping(Counts, u64),
    /// After the blobs.
    Links(Counts, u64),
}

/// What the summary says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Distinct digests that are needed.
    pub marked: u64,
    /// Blobs that nothing needs.
    pub blobs: u64,
    /// Manifests that nothing needs; none, unless it was asked for them.
    pub manifests: u64,
}

/// What a line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// Nothing that matters.
    Nothing,
    /// A repository links this manifest, and it stays.
    Manifest(Digest),
    /// This stays, for a manifest names it.
    Marked(Digest),
    /// The summary.
    Counts(Counts),
    /// This blob is deleted now; in a dry run: would be.
    Eligible(Digest),
}

impl Said {
    /// The counts, if it is the summary.
    pub fn counts(&self) -> Option<Counts> {
        match self {
            Self::Counts(counts) => Some(*counts),
            _ => None,
        }
    }
}

/// Why an output is not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutputError {
    /// A line is none that is known in its place.
    #[error("its line {line} is not understood: {text:?}")]
    Strange {
        /// Its number, from 1.
        line: u64,
        /// Its beginning.
        text: String,
    },
    /// It ended before its summary.
    #[error("it ended after {lines} lines without its summary")]
    NoSummary {
        /// How many lines there were.
        lines: u64,
    },
    /// It told of more or fewer blobs than its summary.
    #[error("its summary says {said} blobs to delete, and {told} are listed")]
    Miscounted {
        /// What the summary says.
        said: u64,
        /// How many there were.
        told: u64,
    },
}

impl Output {
    /// Nothing yet.
    pub fn of(generation: Generation) -> Self {
        Self { generation, state: State::Marking(None), lines: 0 }
    }

    /// Takes the next line, without its newline.
    pub fn take(&mut self, line: &[u8]) -> Result<Said, OutputError> {
        self.lines += 1;
        let text = std::str::from_utf8(line).ok().filter(|text| text.len() <= LONGEST_LINE);
        text.and_then(|text| self.understand(text)).ok_or_else(|| OutputError::Strange {
            line: self.lines,
            text: String::from_utf8_lossy(&line[..line.len().min(4 * SHOWN)]).chars().take(SHOWN).collect(),
        })
    }

    /// `None` for what is not known here.
    fn understand(&mut self, line: &str) -> Option<Said> {
        match &mut self.state {
            State::Marking(_) if line.is_empty() => {
                self.state = State::Marked;
                Some(Said::Nothing)
            }
            State::Marking(repository) => match line.split_once(": marking ") {
                None => {
                    *repository = Some(line.parse().ok()?);
                    Some(Said::Nothing)
                }
                Some((name, what)) => {
                    let is_in_hand = repository.as_ref().is_some_and(|repository| repository.as_str() == name);
                    marking(what).filter(|_| is_in_hand)
                }
            },
            State::Marked => {
                let counts = summary(line)?;
                self.state = State::Sweeping(counts, 0);
                Some(Said::Counts(counts))
            }
            State::Sweeping(counts, told) => {
                if let Some(digest) = line.strip_prefix("blob eligible for deletion: ") {
                    *told += 1;
                    return Some(Said::Eligible(digest.parse().ok()?));
                }
                let (counts, told) = (*counts, *told);
                self.layer_link(line).inspect(|_| self.state = State::Links(counts, told))
            }
            State::Links(..) => self.layer_link(line),
        }
    }

    fn layer_link(&self, line: &str) -> Option<Said> {
        let (name, digest) = line.split_once(": layer link eligible for deletion: ")?;
        let _: (RepositoryName, Digest) = (name.parse().ok()?, digest.parse().ok()?);
        (self.generation == Generation::V3).then_some(Said::Nothing)
    }

    /// What the summary said, if all of the output came.
    pub fn end(self) -> Result<Counts, OutputError> {
        match self.state {
            State::Sweeping(counts, told) | State::Links(counts, told) if counts.blobs == told => Ok(counts),
            State::Sweeping(Counts { blobs: said, .. }, told) | State::Links(Counts { blobs: said, .. }, told) => {
                Err(OutputError::Miscounted { said, told })
            }
            State::Marking(_) | State::Marked => Err(OutputError::NoSummary { lines: self.lines }),
        }
    }
}

fn marking(what: &str) -> Option<Said> {
    match what.split_once(' ')? {
        // A blank ends the line.
        ("manifest", digest) => Some(Said::Manifest(digest.strip_suffix(' ')?.parse().ok()?)),
        ("blob", digest) => Some(Said::Marked(digest.parse().ok()?)),
        _ => None,
    }
}

fn summary(line: &str) -> Option<Counts> {
    let (marked, rest) = line.split_once(" blobs marked, ")?;
    let (blobs, rest) = rest.split_once(" blobs and ")?;
    let manifests = rest.strip_suffix(" manifests eligible for deletion")?;
    Some(Counts { marked: number(marked)?, blobs: number(blobs)?, manifests: number(manifests)? })
}

/// As it is printed: no sign, no leading zero.
fn number(text: &str) -> Option<u64> {
    text.parse().ok().filter(|read: &u64| read.to_string() == text)
}
