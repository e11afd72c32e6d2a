//! Texts that do not fit one object: numbered, immutable, compressed `ConfigMaps`, named by their content, so that
//! storing the same text twice is storing it once.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kube::api::{Api, DeleteParams, ListParams, PostParams};
use kube::core::PartialObjectMeta;
use kube::{Client, ResourceExt as _};

use crate::collection::MANAGED_BY;
use crate::oci::Digest;

/// The most bytes of one part: an object may have 1 MiB, and base64 and metadata are not counted there.
const MAX_PART_BYTES: usize = 900 * 1024;
/// The most bytes of a whole text; more is not written, and not unpacked.
const MAX_TEXT_BYTES: u64 = 256 * 1024 * 1024;

/// What kind of text it is.
pub(super) const KIND: &str = "registry-retention.dev/kind";
/// The beginning of the digest of the whole text.
const CONTENT: &str = "registry-retention.dev/content";
/// Which part it is, and of how many: `2/3`.
const PART: &str = "registry-retention.dev/part";
/// The key of the data.
const DATA: &str = "lines.gz";

/// Where a text is put, and under which name.
#[derive(Clone, Debug)]
pub(super) struct Shelf {
    pub(super) namespace: String,
    /// What the names begin with.
    pub(super) prefix: String,
    /// What the names depend on beside the content: texts of different owners are never the same object.
    pub(super) salt: String,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) owner: Option<OwnerReference>,
}

/// A text that is stored whole.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    /// Its parts, in order.
    pub(super) names: Vec<String>,
    /// When its first part was stored.
    pub(super) at: Timestamp,
    pub(super) text: Vec<u8>,
}

/// A part of a text, as a list tells of it.
#[derive(Clone, Debug)]
pub(super) struct Listed {
    pub(super) name: String,
    /// When it was stored.
    pub(super) at: Timestamp,
    pub(super) labels: BTreeMap<String, String>,
}

/// Why a text could not be stored, found or read.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The API server refused, or did not answer.
    #[error("ConfigMaps in namespace {namespace}: {doing}: {why}")]
    Api {
        /// Where.
        namespace: String,
        /// What could not be done.
        doing: &'static str,
        /// Why.
        why: Box<kube::Error>,
    },
    /// What is there is not what was stored.
    #[error("ConfigMap {namespace}/{name} is damaged: {why}")]
    Damaged {
        /// Where.
        namespace: String,
        /// The first part.
        name: String,
        /// In what way.
        why: String,
    },
}

#[derive(Clone)]
pub(super) struct Ledger {
    client: Client,
}

impl Ledger {
    pub(super) fn new(client: Client) -> Self {
        Self { client }
    }

    /// Stores `text` unless it is there; the names of its parts.
    pub(super) async fn store(&self, place: &Shelf, text: &[u8]) -> Result<Vec<String>, LedgerError> {
        let api = self.api(&place.namespace);
        let mut names = Vec::new();
        for part in parts(place, text) {
            names.push(part.name_any());
            match api.create(&PostParams::default(), &part).await {
                Ok(_) => {}
                // Names are digests of the content.
                Err(kube::Error::Api(status)) if status.is_already_exists() => {}
                Err(why) => return Err(failed(&place.namespace, "cannot be created", why)),
            }
        }
        Ok(names)
    }

    /// Stores `text` unless it is what is `known` to be stored under these names.
    pub(super) async fn store_unless(
        &self,
        place: &Shelf,
        text: &[u8],
        known: &[String],
    ) -> Result<Vec<String>, LedgerError> {
        let names: Vec<String> = parts(place, text).iter().map(ConfigMap::name_any).collect();
        if names == known { Ok(names) } else { self.store(place, text).await }
    }

    /// The text of these parts; none if a part is gone.
    pub(super) async fn load(&self, namespace: &str, names: &[String]) -> Result<Option<Vec<u8>>, LedgerError> {
        let api = self.api(namespace);
        let mut parts = Vec::new();
        for name in names {
            match api.get_opt(name).await {
                Ok(Some(part)) => parts.push(part),
                Ok(None) => return Ok(None),
                Err(why) => return Err(failed(namespace, "cannot be read", why)),
            }
        }
        text_of(namespace, &parts).map(Some)
    }

    /// Every text that any of these selects and that is there with all its parts, the oldest first.
    pub(super) async fn find(&self, namespace: &str, selectors: &[String]) -> Result<Vec<Stored>, LedgerError> {
        let mut by_content: BTreeMap<String, BTreeMap<String, ConfigMap>> = BTreeMap::new();
        for selector in selectors {
            let list = self.api(namespace).list(&ListParams::default().labels(selector)).await;
            for part in list.map_err(|why| failed(namespace, "cannot be listed", why))? {
                let name = part.name_any();
                let prefix = name.rsplit_once('-').map(|(prefix, _)| prefix.to_owned()).unwrap_or_default();
                by_content.entry(prefix).or_default().insert(name, part);
            }
        }
        let mut found = Vec::new();
        for parts in by_content.into_values() {
            let mut parts: Vec<ConfigMap> = parts.into_values().collect();
            parts.sort_by_key(|part| part_of(part).map(|(number, _)| number));
            let whole = parts.first().and_then(part_of).is_some_and(|(_, count)| count == parts.len());
            // A crash may have cut the storing, and nothing was done then.
            if !whole {
                continue;
            }
            let first = &parts[0];
            found.push(Stored {
                names: parts.iter().map(ConfigMap::name_any).collect(),
                at: stored_at(first),
                text: text_of(namespace, &parts)?,
            });
        }
        found.sort_by(|a, b| (a.at, &a.names).cmp(&(b.at, &b.names)));
        Ok(found)
    }

    /// All parts with these labels, without what they hold.
    pub(super) async fn list(&self, namespace: &str, selector: &str) -> Result<Vec<Listed>, LedgerError> {
        let list = self.api(namespace).list_metadata(&ListParams::default().labels(selector)).await;
        let list = list.map_err(|why| failed(namespace, "cannot be listed", why))?;
        let listed = |part: PartialObjectMeta<ConfigMap>| Listed {
            name: part.name_any(),
            at: stored_at(&part),
            labels: part.metadata.labels.unwrap_or_default(),
        };
        Ok(list.items.into_iter().map(listed).collect())
    }

    /// Removes these parts. Those that are gone already do not matter.
    pub(super) async fn remove(&self, namespace: &str, names: &[String]) -> Result<(), LedgerError> {
        let api = self.api(namespace);
        for name in names {
            match api.delete(name, &DeleteParams::default()).await {
                Ok(_) => {}
                Err(kube::Error::Api(status)) if status.is_not_found() => {}
                Err(why) => return Err(failed(namespace, "cannot be deleted", why)),
            }
        }
        Ok(())
    }

    fn api(&self, namespace: &str) -> Api<ConfigMap> {
        Api::namespaced(self.client.clone(), namespace)
    }
}

impl LedgerError {
    /// Whether trying again may help.
    pub(super) fn is_transient(&self) -> bool {
        match self {
            Self::Api { why, .. } => !matches!(&**why, kube::Error::Api(status) if matches!(status.code, 400..=428)),
            Self::Damaged { .. } => false,
        }
    }
}

fn failed(namespace: &str, doing: &'static str, why: kube::Error) -> LedgerError {
    LedgerError::Api { namespace: namespace.to_owned(), doing, why: Box::new(why) }
}

/// The objects that hold `text`.
pub(super) fn parts(place: &Shelf, text: &[u8]) -> Vec<ConfigMap> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    // Writing to memory does not fail.
    let packed = encoder.write_all(text).and_then(|()| encoder.finish()).unwrap_or_default();
    let digest = Digest::of(text);
    let content = &digest.parts().1[..40];
    let named = Digest::of(&[place.salt.as_bytes(), text].concat());
    let name = format!("{}-{}", place.prefix, &named.parts().1[..12]);
    let count = packed.chunks(MAX_PART_BYTES).count();
    let part = |(index, bytes): (usize, &[u8])| {
        let number = index + 1;
        let mut labels = place.labels.clone();
        labels.insert(CONTENT.into(), content.into());
        labels.insert("app.kubernetes.io/managed-by".into(), MANAGED_BY.into());
        ConfigMap {
            metadata: ObjectMeta {
                name: Some(format!("{name}-{number}")),
                namespace: Some(place.namespace.clone()),
                labels: Some(labels),
                annotations: Some([(PART.into(), format!("{number}/{count}"))].into()),
                owner_references: place.owner.clone().map(|owner| vec![owner]),
                ..ObjectMeta::default()
            },
            immutable: Some(true),
            binary_data: Some([(DATA.to_owned(), ByteString(bytes.to_vec()))].into()),
            ..ConfigMap::default()
        }
    };
    packed.chunks(MAX_PART_BYTES).enumerate().map(part).collect()
}

/// When it was stored.
fn stored_at(part: &impl kube::ResourceExt) -> Timestamp {
    part.creation_timestamp().map(|time| time.0).unwrap_or_default()
}

/// Which part it is, and of how many.
fn part_of(part: &ConfigMap) -> Option<(usize, usize)> {
    let (number, count) = part.annotations().get(PART)?.split_once('/')?;
    Some((number.parse().ok()?, count.parse().ok()?))
}

/// Unpacks the parts, which are in order, and proves that they are what was stored.
fn text_of(namespace: &str, parts: &[ConfigMap]) -> Result<Vec<u8>, LedgerError> {
    let name = parts.first().map(ConfigMap::name_any).unwrap_or_default();
    let damaged = |why: &str| LedgerError::Damaged { namespace: namespace.into(), name: name.clone(), why: why.into() };
    let mut packed = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        if part_of(part) != Some((index + 1, parts.len())) {
            return Err(damaged("a part is missing or misplaced"));
        }
        let data = part.binary_data.as_ref().and_then(|data| data.get(DATA));
        packed.extend_from_slice(&data.ok_or_else(|| damaged("it holds no data"))?.0);
    }
    let mut text = Vec::new();
    let read = GzDecoder::new(packed.as_slice()).take(MAX_TEXT_BYTES).read_to_end(&mut text);
    read.map_err(|_| damaged("it cannot be unpacked"))?;
    let expected = parts.first().and_then(|part| part.labels().get(CONTENT).cloned());
    if expected.as_deref() != Some(&Digest::of(&text).parts().1[..40]) {
        return Err(damaged("it is not what was stored"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shelf() -> Shelf {
        Shelf {
            namespace: "ns".into(),
            prefix: "team-plan".into(),
            salt: String::new(),
            labels: BTreeMap::new(),
            owner: None,
        }
    }

    /// Text that does not compress.
    fn noise(bytes: usize) -> Vec<u8> {
        let mut text = Vec::new();
        for number in 0_u64.. {
            text.extend_from_slice(Digest::of(&number.to_le_bytes()).parts().1.as_bytes());
            if text.len() >= bytes {
                break;
            }
        }
        text
    }

    #[test]
    fn a_text_survives_in_parts_and_the_same_text_has_the_same_names() {
        for (text, count) in [(b"a\n".to_vec(), 1), (Vec::new(), 1), (noise(4_000_000), 3)] {
            let parts = parts(&shelf(), &text);
            assert_eq!(parts.len(), count);
            assert_eq!(text_of("ns", &parts).unwrap(), text);
            assert_eq!(super::parts(&shelf(), &text), parts);
            for part in &parts {
                assert!(serde_json::to_vec(part).unwrap().len() < 1_300_000, "etcd takes 1.5 MB");
            }
        }
    }

    #[test]
    fn damage_is_seen() {
        let parts = parts(&shelf(), &noise(4_000_000));
        let damaged = |parts: &[ConfigMap]| text_of("ns", parts).unwrap_err().to_string();
        assert!(damaged(&parts[..2]).contains("missing"));
        assert!(damaged(&[parts[1].clone(), parts[0].clone(), parts[2].clone()]).contains("misplaced"));
        let mut other = parts.clone();
        other[1].binary_data.as_mut().unwrap().get_mut(DATA).unwrap().0[5] ^= 1;
        damaged(&other);
        let mut renamed = parts;
        renamed[0].metadata.labels.as_mut().unwrap().insert(CONTENT.into(), "x".into());
        assert!(damaged(&renamed).contains("not what was stored"));
    }
}
