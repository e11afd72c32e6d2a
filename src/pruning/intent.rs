use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::operation::Operation;
use crate::oci::{Digest, RepositoryName, Tag};

/// What is recorded before an operation. Until it is settled, whoever comes next knows what may have happened: which
/// tags may dangle by our doing, which manifest may have lost its last tag, and the bytes to put back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Intent {
    /// The run that means to do it; tombstones carry it.
    pub run: String,
    /// Where.
    pub repository: RepositoryName,
    /// What.
    #[serde(flatten)]
    pub operation: Operation,
    /// The manifest that is about to lose a tag or to be deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manifest: Option<SavedManifest>,
}

/// The bytes of a manifest: a PUT of them undoes any deletion until the registry's collector has run.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SavedManifest {
    /// Its media type.
    pub media_type: String,
    /// Its bytes.
    #[serde(serialize_with = "to_base64", deserialize_with = "from_base64")]
    pub bytes: Vec<u8>,
}

impl fmt::Debug for SavedManifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SavedManifest({}, {} bytes)", self.media_type, self.bytes.len())
    }
}

fn to_base64<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    BASE64.encode(bytes).serialize(serializer)
}

fn from_base64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    BASE64.decode(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}

/// The intents of one registry that are not settled yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenIntents(Vec<Intent>);

impl OpenIntents {
    /// One more. The same intent twice is one.
    pub fn open(&mut self, intent: Intent) {
        if !self.0.contains(&intent) {
            self.0.push(intent);
        }
    }

    /// Whatever was to happen to `digest` in `repository` has happened, and left nothing behind.
    pub fn settle(&mut self, repository: &RepositoryName, digest: &Digest) {
        self.0.retain(|intent| intent.repository != *repository || intent.operation.digest() != digest);
    }

    /// None is left.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them, in the order in which they were opened.
    pub fn iter(&self) -> impl Iterator<Item = &Intent> {
        self.0.iter()
    }

    /// The repositories in which something is open.
    pub fn repositories(&self) -> BTreeSet<&RepositoryName> {
        self.0.iter().map(|intent| &intent.repository).collect()
    }

    /// The tags that may have been taken away, with where.
    pub fn taken(&self) -> impl Iterator<Item = (RepositoryName, Tag)> {
        let tags = |intent: &Intent| {
            let repository = intent.repository.clone();
            intent.operation.tags().to_vec().into_iter().map(move |tag| (repository.clone(), tag))
        };
        self.0.iter().flat_map(tags)
    }

    /// For each tag that may have been taken away in `repository`: the digest that it pointed at.
    pub fn tags_of(&self, repository: &RepositoryName) -> BTreeMap<&Tag, &Digest> {
        self.in_repository(repository)
            .flat_map(|it| it.operation.tags().iter().map(|tag| (tag, it.operation.digest())))
            .collect()
    }

    /// The digests that something was to happen to in `repository`.
    pub fn digests_of(&self, repository: &RepositoryName) -> BTreeSet<&Digest> {
        self.in_repository(repository).map(|intent| intent.operation.digest()).collect()
    }

    /// The run that began to entomb `tag`. A tombstone that could not be stored for want of space must be put again
    /// with the very same bytes: nothing else mends what 2.8 leaves behind then.
    pub fn entombing_run(&self, repository: &RepositoryName, tag: &Tag) -> Option<&str> {
        let entombs =
            |it: &&Intent| matches!(&it.operation, Operation::Entomb { tag: entombed, .. } if entombed == tag);
        self.in_repository(repository).find(entombs).map(|intent| intent.run.as_str())
    }

    /// The saved manifest of `digest` in `repository`.
    pub fn saved(&self, repository: &RepositoryName, digest: &Digest) -> Option<&SavedManifest> {
        self.in_repository(repository).filter(|it| it.operation.digest() == digest).find_map(|it| it.manifest.as_ref())
    }

    fn in_repository(&self, repository: &RepositoryName) -> impl Iterator<Item = &Intent> {
        self.0.iter().filter(move |intent| intent.repository == *repository)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intents_survive_being_written() {
        let intent = Intent {
            run: "4e1f".into(),
            repository: "apps/shop".parse().unwrap(),
            operation: Operation::Delete { digest: Digest::of(b"a"), tags: vec!["v1".parse().unwrap()] },
            manifest: Some(SavedManifest { media_type: "text/plain".into(), bytes: vec![0, 255, 10] }),
        };
        let line = serde_json::to_string(&intent).unwrap();
        assert!(!line.contains('\n'));
        assert_eq!(serde_json::from_str::<Intent>(&line).unwrap(), intent);
        let mut open = OpenIntents::default();
        open.open(intent.clone());
        open.open(intent.clone());
        assert_eq!(open.iter().count(), 1);
        assert_eq!(open.tags_of(&intent.repository).len(), 1);
        open.settle(&intent.repository, &Digest::of(b"other"));
        assert!(!open.is_empty());
        open.settle(&intent.repository, &Digest::of(b"a"));
        assert!(open.is_empty());
    }
}
