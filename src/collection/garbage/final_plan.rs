//! The last word of whoever decides, as the collector finds it: what stays and what is deleted first.
//!
//! ```text
//! registry-retention-final-plan 1
//! keep sha256:… apps/shop:v1                what stays, and what wants it
//! untag apps/shop pr-9 sha256:…             a tag that goes, of a manifest that another one keeps
//! delete apps/shop sha256:… pr-1 pr-2       a manifest that goes, with all of its tags; in this order
//! end 3                                     how many lines there are between the first and this one
//! ```
//!
//! It comes in pieces, which are put together in their order. How many there are and the sha256 of all their bytes come by
//! another way: a piece that is missing or differs leaves no plan.

use sha2::{Digest as _, Sha256};

use super::Wanted;
use super::pieces::MOST_PIECES;
use crate::oci::{Digest, RepositoryName, Tag};

/// What the first line says: the name and the version of this form.
pub(super) const FIRST: &str = "registry-retention-final-plan 1";

/// What stays and what goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FinalPlan {
    /// What stays besides what tags link.
    pub keep: Wanted,
    /// Tags that are removed before garbage is collected, and whose manifests stay.
    pub untags: Vec<PlannedUntag>,
    /// Manifests that are deleted before garbage is collected, in this order.
    pub deletions: Vec<PlannedDeletion>,
}

/// A tag that is removed, though its manifest stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedUntag {
    /// Where.
    pub repository: RepositoryName,
    /// Which.
    pub tag: Tag,
    /// What it links; at another one it stays.
    pub digest: Digest,
}

/// A manifest that is deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedDeletion {
    /// Where.
    pub repository: RepositoryName,
    /// What.
    pub digest: Digest,
    /// All its tags; another one keeps it.
    pub tags: Vec<Tag>,
}

/// What all pieces of a plan together have to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal {
    /// How many there are.
    pub pieces: usize,
    /// The sha256 of their bytes, in hex digits.
    pub hash: String,
}

/// Why there is no plan. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FinalPlanError {
    /// Pieces are missing.
    #[error("{found} of its {expected} pieces are there")]
    Missing {
        /// How many there should be.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// A piece is not the one that was sealed.
    #[error("its pieces are not those that were sealed: their hash differs")]
    Differs,
    /// It is something else.
    #[error("it is no final plan of this version")]
    Form,
    /// A line is not understood.
    #[error("its line {0} is not understood")]
    Line(usize),
    /// It has no end, or lines are missing.
    #[error("it was cut: its last line does not count its lines")]
    Unfinished,
    /// It cannot be written: what it keeps alone takes more pieces than there may be, and none of that is left out.
    #[error("what it keeps takes {0} pieces, and there may be {MOST_PIECES}")]
    TooLarge(usize),
}

impl Seal {
    /// The seal of these pieces.
    pub fn of(pieces: &[Vec<u8>]) -> Self {
        use std::fmt::Write as _;
        let mut hash = Sha256::new();
        for piece in pieces {
            hash.update(piece);
        }
        let hash = hash.finalize().iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        });
        Self { pieces: pieces.len(), hash }
    }

    /// Whether these are the pieces that were sealed.
    pub fn check(&self, pieces: &[Vec<u8>]) -> Result<(), FinalPlanError> {
        let found = Self::of(pieces);
        if found.pieces != self.pieces {
            return Err(FinalPlanError::Missing { expected: self.pieces, found: found.pieces });
        }
        if found.hash == self.hash { Ok(()) } else { Err(FinalPlanError::Differs) }
    }
}

impl FinalPlan {
    /// Reads the text of all pieces.
    pub fn read(text: &str) -> Result<Self, FinalPlanError> {
        let lines: Vec<&str> = text.lines().collect();
        let [FIRST, lines @ .., last] = lines.as_slice() else { return Err(FinalPlanError::Form) };
        if last.strip_prefix("end ") != Some(&lines.len().to_string()) {
            return Err(FinalPlanError::Unfinished);
        }
        let mut plan = Self::default();
        for (line, number) in lines.iter().zip(2..) {
            plan.line(line).ok_or(FinalPlanError::Line(number))?;
        }
        Ok(plan)
    }

    fn line(&mut self, line: &str) -> Option<()> {
        if let Some(kept) = line.strip_prefix("keep ") {
            let (digest, why) = kept.split_once(' ').unwrap_or((kept, ""));
            self.keep.add(digest.parse().ok()?, why);
            return Some(());
        }
        if let Some(untag) = line.strip_prefix("untag ") {
            let mut words = untag.split(' ');
            let (repository, tag) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
            let digest = words.next()?.parse().ok()?;
            self.untags.push(PlannedUntag { repository, tag, digest });
            return words.next().is_none().then_some(());
        }
        let mut words = line.strip_prefix("delete ")?.split(' ');
        let (repository, digest) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        let tags = words.map(|tag| tag.parse().ok()).collect::<Option<Vec<Tag>>>()?;
        self.deletions.push(PlannedDeletion { repository, digest, tags });
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text() -> String {
        let (one, two) = (Digest::of(b"1"), Digest::of(b"2"));
        format!(
            "{FIRST}\nkeep {one} apps/shop:v1\nuntag a pr-9 {one}\ndelete apps/shop {two} pr-1 pr-2\ndelete a {one}\n\
             end 4\n"
        )
    }

    #[test]
    fn a_plan_is_read_whole_or_not_at_all() {
        let plan = FinalPlan::read(&text()).unwrap();
        assert!(plan.keep.contains(&Digest::of(b"1")));
        let tags: Vec<usize> = plan.deletions.iter().map(|deletion| deletion.tags.len()).collect();
        assert_eq!((tags, plan.untags.len()), (vec![2, 0], 1));
        for length in 0..text().len() - 1 {
            assert!(FinalPlan::read(&text()[..length]).is_err(), "{:?}", &text()[..length]);
        }
        for (from, to) in [
            ("keep", "spare"),
            (" pr-1", " .pr"),
            ("plan 1", "plan 2"),
            ("end 4", "end 04"),
            ("a sha", "A sha"),
            ("untag a", "untag A"),
            ("delete a sha", "untag a x y sha"),
        ] {
            assert!(FinalPlan::read(&text().replace(from, to)).is_err(), "{from} to {to}");
        }
    }

    #[test]
    fn a_piece_that_is_missing_or_differs_is_noticed() {
        let pieces = vec![b"one".to_vec(), b"two".to_vec()];
        let seal = Seal::of(&pieces);
        assert_eq!(seal.check(&pieces), Ok(()));
        assert_eq!(seal.check(&pieces[..1]), Err(FinalPlanError::Missing { expected: 2, found: 1 }));
        assert_eq!(seal.check(&[b"two".to_vec(), b"one".to_vec()]), Err(FinalPlanError::Differs));
        assert_eq!(seal.check(&[b"onetw".to_vec(), b"O".to_vec()]), Err(FinalPlanError::Differs));
    }
}
