use std::cmp::Ordering;

use semver::{Version, VersionReq};

use crate::oci::Tag;

/// A tag read as a version, as people write them: `v1.2.3`, `1.2`, `1.2.3-alpine`, `2.0.0-rc.1-slim`, `2024.10.1`.
///
/// The tag is cut at `-`: first the numbers (an optional `v`, then numbers joined by `.`); then, piece by piece, a
/// prerelease word with its number (`rc.1`, `beta2`), bare numbers (a rebuild, *newer* than the version without:
/// `1.2.3-1`), or anything else: the *variant*. What follows a `_` is build metadata and ranks nothing.
///
/// Versions compete only within their [`Line`]: `1.2.3-alpine` never pushes out `1.2.3`, nor `1.2.3` the floating
/// tag `1.2`, which has fewer numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagVersion {
    numbers: Vec<u64>,
    prerelease: Option<Prerelease>,
    rebuild: Vec<u64>,
    variant: String,
}

/// What is ranked together: as many numbers, the same variant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Line {
    precision: usize,
    variant: String,
    prefix: Vec<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Prerelease {
    stage: Stage,
    number: Vec<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Development,
    Alpha,
    Beta,
    Milestone,
    Candidate,
}

/// The words that make a prerelease, in the order of a project's life.
const STAGES: [(&str, Stage); 20] = [
    ("dev", Stage::Development),
    ("develop", Stage::Development),
    ("snapshot", Stage::Development),
    ("nightly", Stage::Development),
    ("canary", Stage::Development),
    ("edge", Stage::Development),
    ("experimental", Stage::Development),
    ("a", Stage::Alpha),
    ("alpha", Stage::Alpha),
    ("ea", Stage::Alpha),
    ("b", Stage::Beta),
    ("beta", Stage::Beta),
    ("m", Stage::Milestone),
    ("milestone", Stage::Milestone),
    ("pre", Stage::Milestone),
    ("preview", Stage::Milestone),
    ("prerelease", Stage::Milestone),
    ("rc", Stage::Candidate),
    ("cr", Stage::Candidate),
    ("next", Stage::Candidate),
];

impl TagVersion {
    /// Reads `tag`; `None` if it does not begin with a version.
    pub fn parse(tag: &Tag) -> Option<Self> {
        let text = tag.as_str().split('_').next().unwrap_or_default();
        let mut pieces = text.split('-');
        let core = pieces.next()?;
        let numbers = numbers(core.strip_prefix(['v', 'V']).unwrap_or(core))?;
        let mut version = Self { numbers, prerelease: None, rebuild: Vec::new(), variant: String::new() };
        for piece in pieces {
            version.take(piece);
        }
        Some(version)
    }

    fn take(&mut self, piece: &str) {
        if let Some(numbers) = numbers(piece) {
            // `1.0.0-rc-2`: the number belongs to the word before it.
            match &mut self.prerelease {
                Some(prerelease) if self.variant.is_empty() => prerelease.number.extend(numbers),
                _ => self.rebuild.extend(numbers),
            }
        } else if let (None, Some(prerelease)) = (&self.prerelease, Prerelease::parse(piece)) {
            self.prerelease = Some(prerelease);
        } else {
            if !self.variant.is_empty() {
                self.variant.push('-');
            }
            self.variant.push_str(piece);
        }
    }

    /// Whether it is an alpha, beta, candidate, nightly or the like.
    pub fn is_prerelease(&self) -> bool {
        self.prerelease.is_some()
    }

    /// The line that it competes in; `leading` numbers that must be equal (1: per major, 2: per minor, 0: all).
    pub fn line(&self, leading: usize) -> Line {
        Line {
            precision: self.numbers.len(),
            variant: self.variant.clone(),
            prefix: self.numbers.iter().take(leading).copied().collect(),
        }
    }

    /// Whether `range` admits it. A floating tag such as `1.2` is in a range if any `1.2.x` may be.
    pub fn is_in(&self, range: &VersionReq) -> bool {
        let at = |missing: u64| {
            let number = |index: usize| self.numbers.get(index).copied().unwrap_or(missing);
            range.matches(&Version::new(number(0), number(1), number(2)))
        };
        at(0) || at(u64::MAX)
    }
}

impl Prerelease {
    /// Reads `rc`, `rc1`, `rc.1`, `beta.2.1`; the word must be one of [`STAGES`].
    fn parse(piece: &str) -> Option<Self> {
        let split = piece.find(|letter: char| !letter.is_ascii_alphabetic()).unwrap_or(piece.len());
        let (word, rest) = piece.split_at(split);
        let word = word.to_ascii_lowercase();
        let (_, stage) = STAGES.iter().find(|(name, _)| *name == word)?;
        let rest = rest.strip_prefix('.').unwrap_or(rest);
        let number = if rest.is_empty() { Vec::new() } else { numbers(rest)? };
        Some(Self { stage: *stage, number })
    }
}

fn numbers(text: &str) -> Option<Vec<u64>> {
    text.split('.')
        .map(|part| if part.bytes().all(|byte| byte.is_ascii_digit()) { part.parse().ok() } else { None })
        .collect()
}

impl Ord for TagVersion {
    /// By the numbers, then a prerelease before its release, then rebuilds; the variant comes last so that the order
    /// agrees with equality.
    fn cmp(&self, other: &Self) -> Ordering {
        let release_last = |version: &Self| version.prerelease.is_none();
        self.numbers
            .cmp(&other.numbers)
            .then_with(|| release_last(self).cmp(&release_last(other)))
            .then_with(|| self.prerelease.cmp(&other.prerelease))
            .then_with(|| self.rebuild.cmp(&other.rebuild))
            .then_with(|| self.variant.cmp(&other.variant))
    }
}

impl PartialOrd for TagVersion {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> TagVersion {
        TagVersion::parse(&text.parse().unwrap()).unwrap_or_else(|| panic!("{text} is a version"))
    }

    #[test]
    fn people_write_versions_in_many_ways() {
        for text in [
            "v1.2.3",
            "1.2",
            "1",
            "V2",
            "1.2.3.4",
            "2024.10.1",
            "2024-10-01",
            "20241001",
            "1.2.3-alpine",
            "1.2.3_b5",
            "1.0.0-rc.1",
        ] {
            version(text);
        }
        for text in
            ["latest", "stable-1.2", "release-1.2.3", "v", "1.x", "1..2", "abc123", "v.1", "99999999999999999999"]
        {
            assert_eq!(TagVersion::parse(&text.parse().unwrap()), None, "{text}");
        }
    }

    #[test]
    fn order_is_by_number_and_prereleases_come_first() {
        let rising = [
            "0.9.9",
            "1.0.0-dev",
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha2",
            "1.0.0-alpha.10",
            "1.0.0-beta",
            "1.0.0-m3",
            "1.0.0-rc.2",
            "1.0.0-rc-3",
            "1.0.0",
            "1.0.0-1",
            "1.0.0-2",
            "1.0.1",
            "1.2.0",
            "1.10.0",
            "2.0.0",
            "2024.9.30",
            "2024.10.1",
        ];
        for pair in rising.windows(2) {
            assert!(version(pair[0]) < version(pair[1]), "{} < {}", pair[0], pair[1]);
        }
        assert_eq!(version("v1.2.3"), version("1.2.3"));
        assert_eq!(version("1.2.3_build5"), version("1.2.3_build6"));
    }

    #[test]
    fn variants_and_floating_tags_have_lines_of_their_own() {
        assert_ne!(version("1.2.3-alpine").line(0), version("1.2.3").line(0));
        assert_ne!(version("1.2").line(0), version("1.2.3").line(0));
        assert_eq!(version("1.2.3-rc1-alpine").line(0), version("1.2.4-alpine").line(0));
        assert_eq!(version("1.2.3").line(2), version("1.2.9").line(2));
        assert_ne!(version("1.2.3").line(2), version("1.3.0").line(2));
        assert_eq!(version("1.2.3").line(1), version("1.3.0").line(1));
        assert!(version("1.2.3-rc1-alpine").is_prerelease());
        assert!(!version("1.2.3-alpine3.20").is_prerelease());
        assert!(!version("1.2.3-bookworm").is_prerelease());
    }

    #[test]
    fn a_range_admits_what_may_lie_in_it() {
        let range: VersionReq = ">=1.2.3, <2.0.0".parse().unwrap();
        for (text, expected) in [
            ("1.2.3", true),
            ("1.2.2", false),
            ("1.2", true),
            ("1", true),
            ("1.1", false),
            ("2.0.0", false),
            ("2", false),
            ("1.2.3-rc1", true),
            ("1.9.0-alpine", true),
        ] {
            assert_eq!(version(text).is_in(&range), expected, "{text}");
        }
    }
}
