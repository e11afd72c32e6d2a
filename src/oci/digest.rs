use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256, Sha512};

/// A content digest, `sha256:<64 hex>` or `sha512:<128 hex>` (OCI image-spec, descriptor.md § Digests).
///
/// Cheap to clone: a plan of ten thousand tags names each digest many times.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest(Arc<str>);

/// Why a text is no digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a sha256 or sha512 digest")]
pub struct DigestError;

impl Digest {
    /// The sha256 digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(format!("sha256:{}", hex(&Sha256::digest(bytes))).into())
    }

    /// The whole text, algorithm included.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The algorithm and the encoded part.
    pub fn parts(&self) -> (&str, &str) {
        self.0.split_once(':').unwrap_or((&self.0, ""))
    }

    /// Enough of it for a person: the algorithm and twelve hex digits.
    pub fn short(&self) -> &str {
        let (algorithm, _) = self.parts();
        &self.0[..algorithm.len() + 1 + 12]
    }

    /// Whether `bytes` are what this digest names.
    pub fn matches(&self, bytes: &[u8]) -> bool {
        let mut hasher = Hasher::of(self);
        hasher.update(bytes);
        hasher.is(self)
    }
}

/// Hashes bytes as they come, to be compared with a digest.
#[derive(Clone, Debug)]
pub struct Hasher(Algorithm);

#[derive(Clone, Debug)]
enum Algorithm {
    Sha256(Sha256),
    Sha512(Sha512),
}

impl Hasher {
    /// By the algorithm of `digest`.
    pub fn of(digest: &Digest) -> Self {
        Self(match digest.parts().0 {
            "sha256" => Algorithm::Sha256(Sha256::new()),
            _ => Algorithm::Sha512(Sha512::new()),
        })
    }

    /// Takes more bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            Algorithm::Sha256(hash) => hash.update(bytes),
            Algorithm::Sha512(hash) => hash.update(bytes),
        }
    }

    /// Whether the bytes were what `digest` names.
    pub fn is(self, digest: &Digest) -> bool {
        let computed = match self.0 {
            Algorithm::Sha256(hash) => hex(&hash.finalize()),
            Algorithm::Sha512(hash) => hex(&hash.finalize()),
        };
        computed == digest.parts().1
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let (algorithm, encoded) = text.split_once(':').ok_or(DigestError)?;
        let length = match algorithm {
            "sha256" => 64,
            "sha512" => 128,
            _ => return Err(DigestError),
        };
        let is_hex = encoded.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if encoded.len() == length && is_hex { Ok(Self(text.into())) } else { Err(DigestError) }
    }
}

impl TryFrom<String> for Digest {
    type Error = DigestError;

    fn try_from(text: String) -> Result<Self, DigestError> {
        text.parse()
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.0.as_ref().to_owned()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_complete_lower_case_digests_are_digests() {
        let empty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(Digest::of(b"").as_str(), empty);
        assert_eq!(empty.parse::<Digest>().unwrap().short(), "sha256:e3b0c44298fc");
        for bad in
            ["", "sha256:", "sha256:zz", "md5:d41d8cd98f00b204e9800998ecf8427e", &empty.to_uppercase(), &empty[..70]]
        {
            assert_eq!(bad.parse::<Digest>(), Err(DigestError), "{bad:?}");
        }
    }

    #[test]
    fn a_digest_knows_its_bytes() {
        assert!(Digest::of(b"x").matches(b"x"));
        assert!(!Digest::of(b"x").matches(b"y"));
        let sha512: Digest = format!("sha512:{}", hex(&Sha512::digest(b"x"))).parse().unwrap();
        assert!(sha512.matches(b"x") && !sha512.matches(b"y"));
    }
}
