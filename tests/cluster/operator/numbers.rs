//! What `expectation.md` comes to in numbers, counted there by hand.

/// Tags, without the signatures, which count as part of their images.
pub const TAGS: i64 = 60;

/// The numbers of one version: 2.8 cannot delete a tag alone, so two tags more stay.
pub struct Numbers {
    /// Tags that go, without the signature.
    pub condemned: i64,
    /// How many tags each rule selects, and how many of these go.
    pub by_rule: [(&'static str, i64, i64); 7],
    /// How many tags stay for which reason, signatures included.
    pub kept_by_reason: &'static [(&'static str, i64)],
    /// Tags that go when only one nightly is kept: two, and on 2.8 that of a child, which had to stay before.
    pub more: i64,
}

/// Of a registry of version 2.8.
pub const NUMBERS_OF_2_8: Numbers = Numbers {
    condemned: 26,
    by_rule: [
        ("releases", 20, 6),
        ("pull-requests", 9, 4),
        ("nightly", 7, 3),
        ("platforms", 2, 1),
        ("tools", 3, 2),
        ("withdrawn", 15, 10),
        ("idle", 0, 0),
    ],
    kept_by_reason: &[
        ("AgeUnknown", 3),
        ("ChildOfKeptIndex", 1),
        ("CompanionOfKept", 2),
        ("InUse", 6),
        ("KeptByRule", 14),
        ("KeptElsewhere", 2),
        ("Protected", 3),
        ("SharedDigest", 1),
        ("Unselected", 4),
    ],
    more: 3,
};

/// Of a registry of version 3.1.
pub const NUMBERS_OF_3_1: Numbers = Numbers {
    condemned: 28,
    by_rule: [
        ("releases", 20, 7),
        ("pull-requests", 9, 4),
        ("nightly", 7, 3),
        ("platforms", 2, 2),
        ("tools", 3, 2),
        ("withdrawn", 15, 10),
        ("idle", 0, 0),
    ],
    kept_by_reason: &[
        ("AgeUnknown", 3),
        ("CompanionOfKept", 2),
        ("InUse", 6),
        ("KeptByRule", 14),
        ("KeptElsewhere", 2),
        ("Protected", 3),
        ("Unselected", 4),
    ],
    more: 2,
};
