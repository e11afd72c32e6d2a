//! What a run of the collector did, as the last line of its log: `MARK CHECKSUM JSON`, where the checksum is the first 16
//! digits of the JSON's sha256.
//!
//! The line is shorter than 2 KiB: that much of a log the kubelet puts into the status of a container that failed.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::Forecast;
use crate::collection::{Listening, Stored};

/// What the line begins with. The number is the version of this form.
const MARK: &str = "registry-retention-collector/1";
/// How many digits the checksum has.
const CHECKSUM: usize = 16;
/// The longest line, in bytes.
const LONGEST: usize = 2000;
/// How much is told in words, in characters, and how much less at each try to make it fit.
const WORDS: usize = 900;
const LESS: usize = 100;

/// What a run of the collector did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    /// How it ended.
    pub outcome: Outcome,
    /// Why, in one word that stays the same.
    pub reason: String,
    /// What happened, what was not done, and what to do next.
    pub message: String,
    /// Which Distribution collected, by its own word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registry: Option<String>,
    /// How the registry serves. A preview tells it, for whoever asks its pods whether they take writes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serving: Option<Listening>,
    /// Where the registry stores, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stored: Option<Stored>,
    /// What stays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stays: Option<Stays>,
    /// What became of the deletions of a plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pruned: Option<Pruned>,
    /// What became of uploads that did not end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stale_uploads: Option<StaleUploads>,
    /// Links to manifests that were empty or cut, and were written again or taken away.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub mended_links: u64,
    /// What the dry run showed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub predicted: Option<Deleted>,
    /// What was deleted, by the storage itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted: Option<Deleted>,
    /// What is free on the filesystem.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub free: Option<Bytes>,
    /// How long a collection of now would take, as far as that can be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub predicted_seconds: Option<f64>,
    /// How long each step took.
    pub seconds: Seconds,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// The garbage is gone, and what is kept was found whole.
    Collected,
    /// The dry run is through, and a collection would be let pass.
    Previewed,
    /// Nothing was deleted.
    Refused,
    /// The deletions of a plan, or the collection, were begun and not brought to their end; a second run finishes them.
    Incomplete,
    /// Something kept is missing or damaged after the collection.
    Damaged,
}

/// What stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stays {
    /// Tags that link a manifest.
    pub tags: u64,
    /// Manifests that they, or what is in use, need.
    pub manifests: u64,
    /// Configs and layers, likewise.
    pub blobs: u64,
    /// Tags that answer 404, since their manifest is gone.
    pub dangling_tags: u64,
    /// Tags whose link is empty, or no digest.
    pub broken_tags: u64,
}

/// What became of the deletions of a plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pruned {
    /// How many manifests were deleted.
    pub manifests: u64,
    /// How many tags were removed, with their manifest or alone.
    pub tags: u64,
    /// How many lines of the plan were left, since something needs by now what they would delete, or since a tag could not
    /// be removed for want of space.
    pub skipped: u64,
}

/// What became of uploads that did not end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StaleUploads {
    /// How many were removed.
    pub removed: u64,
    /// What they took, in bytes.
    pub bytes: u64,
    /// How many are old enough, and were left: in a bucket, or since they could not be removed.
    pub left: u64,
}

/// What goes, or went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Deleted {
    /// Manifests, by deletions of a plan; the collection itself deletes none but as blobs.
    pub manifests: u64,
    /// Blobs, those of manifests among them.
    pub blobs: u64,
    /// What the blobs took, in bytes.
    pub bytes: u64,
}

/// Bytes, before and after.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bytes {
    /// Before anything was done.
    pub before: u64,
    /// In the end.
    pub after: u64,
}

/// How long each step took, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Seconds {
    /// Deleting what a plan condemns.
    #[serde(default)]
    pub pruning: f64,
    /// Reading the storage, and reckoning what is kept.
    pub reading: f64,
    /// Removing stale uploads.
    pub uploads: f64,
    /// The dry run.
    pub dry_run: f64,
    /// The collection.
    pub collecting: f64,
    /// Looking whether what is kept is there.
    pub verifying: f64,
}

/// Why a line is no account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccountError {
    /// It is some other line.
    #[error("not the last line of a collector's log")]
    Other,
    /// It was cut, or altered.
    #[error("the last line of the collector's log is damaged")]
    Damaged,
}

impl Account {
    /// One that has nothing to tell but how it ended.
    pub fn of(outcome: Outcome, reason: &str, message: String) -> Self {
        Self {
            outcome,
            reason: reason.to_owned(),
            message,
            registry: None,
            serving: None,
            stored: None,
            stays: None,
            pruned: None,
            stale_uploads: None,
            mended_links: 0,
            predicted: None,
            deleted: None,
            free: None,
            predicted_seconds: None,
            seconds: Seconds::default(),
        }
    }

    /// The line, without its newline.
    pub fn to_line(&self) -> String {
        let mut account = self.clone();
        for words in (0..=WORDS).rev().step_by(LESS) {
            account.message = shortened(&self.message, words);
            let json = serde_json::to_string(&account).unwrap_or_default();
            let line = format!("{MARK} {} {json}", checksum(&json));
            if line.len() <= LONGEST || words == 0 {
                return line;
            }
        }
        String::new()
    }

    /// Reads the last line that is one.
    pub fn last_in(text: &str) -> Option<Self> {
        text.lines().rev().find_map(|line| Self::read(line).ok())
    }

    /// Reads the line.
    pub fn read(line: &str) -> Result<Self, AccountError> {
        let rest = line.strip_prefix(MARK).and_then(|rest| rest.strip_prefix(' ')).ok_or(AccountError::Other)?;
        let (sum, json) = rest.split_once(' ').ok_or(AccountError::Damaged)?;
        if sum != checksum(json) {
            return Err(AccountError::Damaged);
        }
        serde_json::from_str(json).map_err(|_| AccountError::Damaged)
    }
}

impl From<Forecast> for Deleted {
    fn from(Forecast { blobs, bytes }: Forecast) -> Self {
        Self { manifests: 0, blobs, bytes }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference to the field")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

fn shortened(text: &str, to: usize) -> String {
    if text.chars().count() <= to {
        return text.to_owned();
    }
    text.chars().take(to).chain(['…']).collect()
}

fn checksum(json: &str) -> String {
    use std::fmt::Write as _;
    Sha256::digest(json).iter().take(CHECKSUM / 2).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collection::{Auth, Serving};

    fn account(message: &str) -> Account {
        Account {
            registry: Some("v3.1.2".into()),
            serving: Some(Listening::At(Serving {
                port: 5000,
                tls: true,
                prefix: "/".repeat(200),
                auth: Auth::Htpasswd,
                read_only: true,
            })),
            stored: Some(Stored::Folder("/".repeat(300))),
            stays: Some(Stays { tags: 3, ..Stays::default() }),
            pruned: Some(Pruned { manifests: u64::MAX, tags: u64::MAX, skipped: u64::MAX }),
            stale_uploads: Some(StaleUploads::default()),
            predicted: Some(Deleted { manifests: 0, blobs: u64::MAX, bytes: 7 }),
            deleted: Some(Deleted::default()),
            free: Some(Bytes { before: 1, after: 2 }),
            predicted_seconds: Some(1.25),
            seconds: Seconds { reading: 0.125, ..Seconds::default() },
            ..Account::of(Outcome::Collected, "Collected", message.to_owned())
        }
    }

    #[test]
    fn what_is_told_is_what_is_read() {
        let account = account("3 blobs\nare gone: \"x\"");
        let line = account.to_line();
        assert!(!line.contains('\n'), "{line}");
        assert_eq!(Account::read(&line), Ok(account));
        assert_eq!(Account::read("anything else"), Err(AccountError::Other));
        for length in MARK.len() + 1..line.len() {
            assert_eq!(Account::read(&line[..length]), Err(AccountError::Damaged), "{length}");
        }
        assert_eq!(Account::read(&line.replace("gone", "here")), Err(AccountError::Damaged));
    }

    #[test]
    fn a_long_story_is_cut_to_fit() {
        for char in ["x", "\"", "é", "\u{1}"] {
            let line = account(&char.repeat(5000)).to_line();
            assert!(line.len() <= LONGEST, "{char:?}: {}", line.len());
            let read = Account::read(&line).unwrap();
            assert!(read.message.ends_with('…') && read.stays.is_some(), "{line}");
        }
    }
}
