//! What each version among the names of `cases.rs` is, written down by hand.

/// A tag as a version.
#[derive(Debug)]
pub(crate) struct KnownVersion {
    pub(crate) numbers: &'static [u64],
    /// A release is newer than its candidate.
    pub(crate) release: bool,
    pub(crate) rebuild: u64,
    pub(crate) variant: &'static str,
    /// Whether it may lie in `>=1.1.0`.
    pub(crate) from_1_1_0: bool,
}

/// The version that `tag` is, if it is one.
pub(crate) fn known_version(tag: &str) -> Option<KnownVersion> {
    let plain = |numbers: &'static [u64], from_1_1_0: bool| KnownVersion {
        numbers,
        release: true,
        rebuild: 0,
        variant: "",
        from_1_1_0,
    };
    Some(match tag {
        "1.0.0" | "v1.0.0" => plain(&[1, 0, 0], false),
        "1.0.1" => plain(&[1, 0, 1], false),
        "1.0.1-alpine" => KnownVersion { variant: "alpine", ..plain(&[1, 0, 1], false) },
        "1.1.0" | "1.1.0_x" => plain(&[1, 1, 0], true),
        "1.1.0-1" => KnownVersion { rebuild: 1, ..plain(&[1, 1, 0], true) },
        "2.0.0" => plain(&[2, 0, 0], true),
        "2.0.0-rc.1" => KnownVersion { release: false, ..plain(&[2, 0, 0], true) },
        "1.1" => plain(&[1, 1], true),
        "2.0" => plain(&[2, 0], true),
        _ => return None,
    })
}

impl KnownVersion {
    /// What is compared within a line.
    pub(crate) fn rank(&self) -> (&'static [u64], bool, u64) {
        (self.numbers, self.release, self.rebuild)
    }

    /// Whether the two compete.
    pub(crate) fn competes_with(&self, other: &Self, leading: usize) -> bool {
        let leading = leading.min(self.numbers.len());
        self.variant == other.variant
            && self.numbers.len() == other.numbers.len()
            && self.numbers[..leading] == other.numbers[..leading]
    }
}
