use super::{Digest, Tag};

/// A tag that belongs to another manifest, its *subject*, by its very name: the referrers fallback tag
/// `sha256-<hex>` (distribution-spec, § Referrers Tag Schema) and cosign's `sha256-<hex>.sig`, `.att`, `.sbom`.
///
/// Neither 2.8 nor 3.x has a referrers API, so clients use these tags; they never look recent, and most patterns
/// match them by accident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompanionTag<'a> {
    key: &'a str,
}

/// The schema cuts the encoded part to this many characters.
const ENCODED: usize = 64;

impl<'a> CompanionTag<'a> {
    /// Reads `tag` as a companion's; `None` if it is an ordinary tag.
    pub fn parse(tag: &'a Tag) -> Option<Self> {
        let text = tag.as_str();
        let (algorithm, rest) = text.split_once('-')?;
        let encoded = rest.get(..ENCODED)?;
        let is_hex = encoded.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let suffix = &rest[ENCODED..];
        let known =
            matches!(algorithm, "sha256" | "sha512") && is_hex && (suffix.is_empty() || suffix.starts_with('.'));
        known.then(|| Self { key: &text[..algorithm.len() + 1 + ENCODED] })
    }

    /// Whether `digest` is the subject.
    pub fn belongs_to(&self, digest: &Digest) -> bool {
        self.key == Self::key_of(digest)
    }

    /// What every companion tag of one subject starts with; equal to [`Self::key_of`] its digest.
    pub fn key(&self) -> &'a str {
        self.key
    }

    /// What the companion tags of `digest` start with.
    pub fn key_of(digest: &Digest) -> String {
        let (algorithm, encoded) = digest.parts();
        format!("{algorithm}-{}", &encoded[..ENCODED])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn companion_tags_name_their_subject() {
        let subject = Digest::of(b"subject");
        let base = subject.as_str().replace(':', "-");
        for suffix in ["", ".sig", ".att", ".sbom", ".other"] {
            let tag: Tag = format!("{base}{suffix}").parse().unwrap();
            assert!(CompanionTag::parse(&tag).unwrap().belongs_to(&subject), "{tag}");
            assert!(!CompanionTag::parse(&tag).unwrap().belongs_to(&Digest::of(b"other")));
        }
        for ordinary in ["latest", "sha256-abc", &base[..70], &format!("{base}x"), &base.replace("sha256", "md5")] {
            let tag: Tag = ordinary.parse().unwrap();
            assert_eq!(CompanionTag::parse(&tag), None, "{ordinary}");
        }
    }
}
