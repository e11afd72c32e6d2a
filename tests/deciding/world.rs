//! A whole case: what was observed, which policies there are, and what the caller allows; in few letters, so that
//! everything collides with everything.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use registry_retention::oci::{Content, Descriptor, Digest, Manifest, RepositoryName, Tag};
use registry_retention::retention::{
    InUse, Inventory, Mandate, ManifestState, Plan, RegistryNames, Repository, Server, TagState, UsedImages, decide,
};

use crate::policies::{PolicyWords, compile};
use crate::stored::StoredWords;

/// Manifests have the labels below this; the labels from here to [`LABELS`] are named, but known nowhere.
pub(crate) const KNOWN: usize = 7;
/// All labels that a subject or a companion tag may name.
pub(crate) const LABELS: usize = KNOWN + 1;

/// One case.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) server: Server,
    pub(crate) tombstones: bool,
    pub(crate) repositories: BTreeMap<&'static str, RepositoryWords>,
    pub(crate) policies: Vec<PolicyWords>,
    pub(crate) used: Vec<UsedWords>,
    /// Whether somebody read the storage.
    pub(crate) store_is_read: bool,
}

/// An image that a workload uses.
#[derive(Clone, Copy, Debug)]
pub(crate) enum UsedWords {
    Tag {
        host: &'static str,
        path: &'static str,
        tag: &'static str,
    },
    Digest {
        host: &'static str,
        path: &'static str,
        label: usize,
    },
    /// By the label of its config, which is all that a kubelet may know.
    Config {
        label: usize,
    },
}

/// A repository; labels stand for digests.
#[derive(Clone, Debug)]
pub(crate) struct RepositoryWords {
    pub(crate) tags: BTreeMap<TagWords, State>,
    pub(crate) manifests: Vec<ManifestWords>,
    /// By config label.
    pub(crate) configs: Vec<ConfigWords>,
    pub(crate) first_seen: BTreeMap<TagWords, SignedDuration>,
    pub(crate) unreadable: Option<Unreadable>,
    /// `None`: the storage has nothing of it.
    pub(crate) stored: Option<StoredWords>,
}

/// A tag's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum TagWords {
    Ordinary(&'static str),
    /// `sha256-<hex of the label><suffix>`
    Companion(usize, &'static str),
}

/// What a tag points at.
#[derive(Clone, Copy, Debug)]
pub(crate) enum State {
    At(usize),
    Removed(usize),
    Entombed(usize),
    DanglingOfOurs,
    Dangling,
}

/// A manifest.
#[derive(Clone, Debug)]
pub(crate) enum ManifestWords {
    Missing,
    Image { config: usize, layers: Vec<usize>, about: About },
    Index { children: Vec<usize>, about: About },
}

/// What images and indexes have in common.
#[derive(Clone, Debug)]
pub(crate) struct About {
    pub(crate) subject: Option<usize>,
    pub(crate) created: Option<Age>,
}

/// A config that was asked for, or not, and what it says.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ConfigWords {
    Unasked,
    Silent,
    Says(Age),
}

/// How a creation time is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Age {
    /// So many hours ago; negative is the future.
    Hours(i64),
    /// The same, written in another time zone.
    HoursElsewhere(i64),
    Illegible,
    Epoch,
}

/// What could not be read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Unreadable {
    List,
    Tag(&'static str),
    Manifest(usize),
}

/// The one `now` of all cases.
pub(crate) fn now() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().expect("a time")
}

/// The digest of a manifest's label.
pub(crate) fn digest(label: usize) -> Digest {
    Digest::of(format!("manifest {label}").as_bytes())
}

/// A blob's descriptor; configs and layers share labels, so that a layer may be a config elsewhere.
pub(crate) fn blob(label: usize) -> Descriptor {
    Descriptor { digest: Digest::of(format!("blob {label}").as_bytes()), size: 1 << (8 + label) }
}

impl Age {
    pub(crate) fn text(self) -> String {
        let at = |hours: i64| now().checked_sub(SignedDuration::from_hours(hours)).expect("a time");
        match self {
            Self::Hours(hours) => at(hours).to_string(),
            Self::HoursElsewhere(hours) => at(hours - 2).to_string().replace('Z', "+02:00"),
            Self::Illegible => "last week".into(),
            Self::Epoch => "1970-01-01T00:00:00Z".into(),
        }
    }
}

impl TagWords {
    pub(crate) fn tag(self) -> Tag {
        let text = match self {
            Self::Ordinary(name) => name.to_owned(),
            Self::Companion(label, suffix) => format!("{}{suffix}", digest(label).as_str().replace(':', "-")),
        };
        text.parse().expect("a tag")
    }
}

impl World {
    pub(crate) fn inventory(&self) -> Inventory {
        let repositories = self.repositories.iter();
        let observed = repositories.map(|(name, words)| (repository_name(name), words.observed())).collect();
        Inventory { store: self.store(), ..Inventory::of_api(self.server, observed) }
    }

    pub(crate) fn plan(&self) -> Plan {
        self.plan_for(&self.inventory())
    }

    pub(crate) fn plan_for(&self, inventory: &Inventory) -> Plan {
        let mandate = Mandate { tombstones: self.tombstones, within: None };
        decide(inventory, &compile(&self.policies), &self.in_use(), mandate, now())
    }

    pub(crate) fn in_use(&self) -> InUse {
        let mut images = UsedImages::default();
        for (index, used) in self.used.iter().enumerate() {
            images.add(&used.image(), &format!("Pod shop/web-{index}"));
        }
        InUse::of(&images, &RegistryNames::default()).expect("readable references")
    }

    pub(crate) fn with_minimum_tags(mut self, minimum_tags: usize) -> Self {
        self.policies.iter_mut().for_each(|policy| policy.minimum_tags = minimum_tags);
        self
    }
}

impl UsedWords {
    fn image(self) -> String {
        match self {
            Self::Tag { host, path, tag } => format!("{host}{path}:{tag}"),
            Self::Digest { host, path, label } => format!("{host}{path}@{}", digest(label)),
            Self::Config { label } => blob(label).digest.to_string(),
        }
    }
}

pub(crate) fn repository_name(name: &str) -> RepositoryName {
    name.parse().expect("a repository name")
}

impl RepositoryWords {
    fn observed(&self) -> Repository {
        let mut repository = Repository {
            tags: self.tags.iter().map(|(tag, state)| (tag.tag(), state.observed(*tag))).collect(),
            manifests: self.manifests.iter().enumerate().map(|(label, it)| (digest(label), it.observed())).collect(),
            first_seen: self
                .first_seen
                .iter()
                .map(|(tag, ago)| (tag.tag(), now().checked_sub(*ago).expect("a time")))
                .collect(),
            ..Repository::default()
        };
        for (label, config) in self.configs.iter().enumerate() {
            match config {
                ConfigWords::Unasked => None,
                ConfigWords::Silent => repository.configs.insert(blob(label).digest, None),
                ConfigWords::Says(age) => repository.configs.insert(blob(label).digest, Some(age.text())),
            };
        }
        match self.unreadable {
            None => {}
            Some(Unreadable::List) => repository.unreadable = Some("502".into()),
            Some(Unreadable::Tag(tag)) => {
                repository.tags.insert(TagWords::Ordinary(tag).tag(), TagState::Unreadable("timed out".into()));
            }
            Some(Unreadable::Manifest(label)) => {
                repository.manifests.insert(digest(label), ManifestState::Unreadable("schema 1".into()));
            }
        }
        repository
    }
}

impl State {
    fn observed(self, tag: TagWords) -> TagState {
        match self {
            Self::At(label) => TagState::At(digest(label)),
            Self::Removed(label) => TagState::Removed(digest(label)),
            Self::Entombed(label) => TagState::Entombed {
                tombstone: Digest::of(format!("tombstone of {tag:?}").as_bytes()),
                original: digest(label),
            },
            Self::DanglingOfOurs => TagState::Dangling { deleted: Some(Digest::of(b"deleted before")) },
            Self::Dangling => TagState::Dangling { deleted: None },
        }
    }
}

impl ManifestWords {
    fn observed(&self) -> ManifestState {
        let (content, about) = match self {
            Self::Missing => return ManifestState::Missing,
            Self::Image { config, layers, about } => {
                let layers = layers.iter().map(|label| blob(*label)).collect();
                (Content::Image { config: blob(*config), layers }, about)
            }
            Self::Index { children, about } => {
                let descriptor = |label: &usize| Descriptor { digest: digest(*label), size: 5 };
                (Content::Index { manifests: children.iter().map(descriptor).collect() }, about)
            }
        };
        ManifestState::Read(Manifest {
            size: 5,
            content,
            subject: about.subject.map(digest),
            created: about.created.map(Age::text),
            tombstone: None,
        })
    }
}
