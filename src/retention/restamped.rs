//! Whether the times of links tell anything: a restore, or a copy that kept no times, gives all of them the same.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::oci::Digest;

/// A restore writes links faster than anybody pushes.
const MINUTE: SignedDuration = SignedDuration::from_secs(60);
/// Below this many digests, most of them in one minute may well be one push.
const FEWEST: usize = 4;

/// Whether most of these links are from within one minute. Several links of one digest are one push, whatever their
/// number. A link without a time counts as if it were of that minute too: so whatever is taken away, what was distrusted
/// is not trusted for it.
pub(super) fn is_restamped<'a>(links: impl Iterator<Item = (&'a Digest, Option<Timestamp>)>) -> bool {
    let mut digests = BTreeSet::new();
    let mut timed: Vec<(Timestamp, &Digest)> = Vec::new();
    let mut without = 0;
    for (digest, at) in links {
        digests.insert(digest);
        match at {
            Some(at) => timed.push((at, digest)),
            None => without += 1,
        }
    }
    digests.len() >= FEWEST && (most_in_a_minute(timed) + without) * 2 > digests.len()
}

/// The largest number of different digests within any minute.
fn most_in_a_minute(mut links: Vec<(Timestamp, &Digest)>) -> usize {
    links.sort_unstable();
    let mut within: BTreeMap<&Digest, usize> = BTreeMap::new();
    let (mut first, mut most) = (0, 0);
    for (at, digest) in &links {
        *within.entry(digest).or_default() += 1;
        while at.duration_since(links[first].0) > MINUTE {
            let left = links[first].1;
            first += 1;
            match within.get_mut(left) {
                Some(count) if *count > 1 => *count -= 1,
                _ => drop(within.remove(left)),
            }
        }
        most = most.max(within.len());
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Links as `digest@seconds`, or `digest@-` without a time.
    fn restamped(links: &str) -> bool {
        let link = |link: &str| {
            let (digest, at) = link.split_once('@').unwrap();
            (Digest::of(digest.as_bytes()), at.parse().ok().map(|at| Timestamp::from_second(at).unwrap()))
        };
        let links: Vec<(Digest, Option<Timestamp>)> = links.split_whitespace().map(link).collect();
        is_restamped(links.iter().map(|(digest, at)| (digest, *at)))
    }

    #[test]
    fn most_of_at_least_four_within_a_minute() {
        let table = [
            ("", false),
            ("a@0 b@0 c@0", false),
            ("a@0 b@0 c@0 d@0", true),
            ("a@0 b@20 c@60 d@900", true),
            ("a@0 b@20 c@61 d@900", false),
            ("a@0 b@0 c@500 d@900", false),
            ("a@0 b@0 c@0 d@500 e@900", true),
            ("a@0 b@0 c@0 d@500 e@900 f@1300", false),
            // Tags of one digest are one push.
            ("a@0 a@1 a@2 a@3 b@500 c@900 d@1300", false),
            ("a@0 a@70 b@70 c@70 d@900", true),
            // What has no time counts for the minute.
            ("a@- b@- c@500 d@900", true),
            ("a@- b@- c@500 d@900 e@1300 f@1700", false),
            ("a@- b@- b@- c@500 d@900 e@1300 f@1700", true),
        ];
        for (links, expected) in table {
            assert_eq!(restamped(links), expected, "{links}");
        }
    }

    #[test]
    fn what_is_taken_away_makes_no_source_credible() {
        let (links, left) = ("a@0 b@0 c@0 d@500 e@900", "a@- b@0 c@0 d@500 e@900");
        assert!(restamped(links) && restamped(left));
    }
}
