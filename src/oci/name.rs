use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Why a text is no name, tag or reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Not a repository name of the distribution-spec.
    #[error("not a repository name: lower-case path components joined by '/', at most 255 characters")]
    Repository,
    /// Not a tag of the distribution-spec.
    #[error("not a tag: letters, digits, '_', '.' and '-', at most 128 characters, not starting with '.' or '-'")]
    Tag,
    /// Not `REPOSITORY:TAG`.
    #[error("not a reference of the form REPOSITORY:TAG")]
    Reference,
}

/// A repository name, `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*` joined by `/` (distribution-spec, § Pulling manifests).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RepositoryName(Arc<str>);

/// A tag, `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}` (distribution-spec, § Pulling manifests).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Tag(Arc<str>);

/// One tag of one repository, written `REPOSITORY:TAG`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TagReference {
    /// The repository.
    pub repository: RepositoryName,
    /// The tag.
    pub tag: Tag,
}

fn is_component(component: &str) -> bool {
    let alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = component.as_bytes();
    let mut at = 0;
    loop {
        let run = bytes[at..].iter().take_while(|byte| alphanumeric(**byte)).count();
        if run == 0 {
            return false;
        }
        at += run;
        if at == bytes.len() {
            return true;
        }
        at += match &bytes[at..] {
            [b'_', b'_', ..] => 2,
            [b'.' | b'_', ..] => 1,
            rest => rest.iter().take_while(|byte| **byte == b'-').count(),
        };
    }
}

impl FromStr for RepositoryName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let valid = text.len() <= 255 && text.split('/').all(is_component);
        if valid { Ok(Self(text.into())) } else { Err(NameError::Repository) }
    }
}

impl FromStr for Tag {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let valid = matches!(text.len(), 1..=128)
            && word(text.as_bytes()[0])
            && text.bytes().all(|byte| word(byte) || matches!(byte, b'.' | b'-'));
        if valid { Ok(Self(text.into())) } else { Err(NameError::Tag) }
    }
}

impl FromStr for TagReference {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let (repository, tag) = text.rsplit_once(':').ok_or(NameError::Reference)?;
        Ok(Self { repository: repository.parse()?, tag: tag.parse()? })
    }
}

impl fmt::Display for TagReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.repository, self.tag)
    }
}

macro_rules! text_newtype {
    ($name:ident) => {
        impl $name {
            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;

            fn try_from(text: String) -> Result<Self, NameError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0.as_ref().to_owned()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}

text_newtype!(RepositoryName);
text_newtype!(Tag);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repository_names_follow_the_distribution_grammar() {
        for good in ["a", "apps/shop", "a/b/c", "a-b", "a--b", "a__b", "a.b_c", "0/1"] {
            assert!(good.parse::<RepositoryName>().is_ok(), "{good}");
        }
        for bad in
            ["", "/", "a/", "/a", "A", "a..b", "a_-b", "-a", "a-", "a___b", "_manifests", "a\u{1b}b", &"a".repeat(256)]
        {
            assert!(bad.parse::<RepositoryName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn tags_follow_the_distribution_grammar() {
        for good in ["latest", "v1.2.3", "_", "T12", &"x".repeat(128)] {
            assert!(good.parse::<Tag>().is_ok(), "{good}");
        }
        for bad in ["", ".a", "-a", "a/b", "a:b", "a b", "a\n", "é", &"x".repeat(129)] {
            assert!(bad.parse::<Tag>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_reference_is_repository_and_tag() {
        let reference: TagReference = "apps/shop:v1".parse().unwrap();
        assert_eq!((reference.repository.as_str(), reference.tag.as_str()), ("apps/shop", "v1"));
        assert_eq!("apps/shop".parse::<TagReference>(), Err(NameError::Reference));
    }
}
