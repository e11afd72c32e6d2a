//! What is to stay whatever the storage says: what workloads use, and what a plan keeps, as lines of a file.
//!
//! ```text
//! sha256:… apps/shop:v1                a digest, and what wants it
//! sha256:… Deployment default/web
//! end 2                                how many there are, so that a file that was cut is noticed
//! ```

use std::collections::BTreeMap;

use crate::oci::Digest;

/// Digests of manifests and configs that are to stay, each with what wants it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted(BTreeMap<Digest, String>);

/// Why a text is no list of what is wanted. None of it is used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WantedError {
    /// A line has no digest.
    #[error("its line {0} does not begin with a digest")]
    Line(usize),
    /// The last line is missing.
    #[error("it was cut: its last line is not `end COUNT`")]
    Unfinished,
    /// The last line names another number of lines.
    #[error("it has {found} lines before its end, which says {said}")]
    Miscounted {
        /// What the last line says.
        said: usize,
        /// How many there are.
        found: usize,
    },
}

/// How much of a reason is held, in characters.
const LONGEST: usize = 200;

impl Wanted {
    /// Reads a list.
    pub fn read(text: &str) -> Result<Self, WantedError> {
        let mut lines: Vec<&str> = text.lines().collect();
        let last = lines.pop().and_then(|last| last.strip_prefix("end ")).ok_or(WantedError::Unfinished)?;
        let said: usize = last.parse().map_err(|_| WantedError::Unfinished)?;
        if said != lines.len() {
            return Err(WantedError::Miscounted { said, found: lines.len() });
        }
        let mut wanted = Self::default();
        for (index, line) in lines.iter().enumerate() {
            let (digest, why) = line.split_once(' ').unwrap_or((line, ""));
            wanted.add(digest.parse().map_err(|_| WantedError::Line(index + 1))?, why);
        }
        Ok(wanted)
    }

    /// Adds a digest, and what wants it. Of several reasons the first is told.
    pub fn add(&mut self, digest: Digest, why: &str) {
        let why = || why.chars().take(LONGEST).map(|char| if char.is_control() { '?' } else { char }).collect();
        self.0.entry(digest).or_insert_with(why);
    }

    /// Adds all of another list.
    pub fn extend(&mut self, more: Self) {
        for (digest, why) in more.0 {
            self.0.entry(digest).or_insert(why);
        }
    }

    /// The digests, in order, each with what wants it.
    pub fn iter(&self) -> impl Iterator<Item = (&Digest, &str)> {
        self.0.iter().map(|(digest, why)| (digest, why.as_str()))
    }

    /// Whether it is on the list.
    pub fn contains(&self, digest: &Digest) -> bool {
        self.0.contains_key(digest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_whole_or_not_at_all() {
        let (one, two) = (Digest::of(b"1"), Digest::of(b"2"));
        let text = format!("{one} apps/shop:v1\n{two}\n{one} again\nend 3\n");
        let wanted = Wanted::read(&text).unwrap();
        let mut expected = vec![(&one, "apps/shop:v1"), (&two, "")];
        expected.sort();
        assert_eq!(wanted.iter().collect::<Vec<_>>(), expected);
        assert_eq!(Wanted::read("end 0"), Ok(Wanted::default()));
        for length in 0..text.len() - 1 {
            assert!(Wanted::read(&text[..length]).is_err(), "{:?}", &text[..length]);
        }
        assert_eq!(Wanted::read(&text.replace("end 3", "end 2")), Err(WantedError::Miscounted { said: 2, found: 3 }));
        assert_eq!(Wanted::read("sha256:12\nend 1"), Err(WantedError::Line(1)));
    }
}
