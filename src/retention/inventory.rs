use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::age::{Created, Doubt};
use super::server::Server;
use super::store::Store;
use crate::oci::{CompanionTag, Content, Digest, Manifest, RepositoryName, Tag};

/// What was observed of one registry in one pass. Deciding sees nothing else.
#[derive(Clone, Debug)]
pub struct Inventory {
    /// What answers, and what it lets us delete.
    pub server: Server,
    /// The repositories that some rule reaches.
    pub repositories: BTreeMap<RepositoryName, Repository>,
    /// What the storage showed, if somebody read it.
    pub store: Option<Arc<Store>>,
    /// What repositories need that no rule reaches, as far as they were read; only beside a store.
    pub elsewhere: Elsewhere,
}

/// What repositories need that no rule reaches.
#[derive(Clone, Debug, Default)]
pub struct Elsewhere {
    /// Those that were read, whole.
    pub repositories: BTreeSet<RepositoryName>,
    /// The manifests of all, and what these name, as the registry's collector marks it.
    pub marked: BTreeSet<Digest>,
}

/// What is listed: the tags of each repository that the rules reach.
pub type Listing = BTreeMap<RepositoryName, BTreeSet<Tag>>;

impl Inventory {
    /// What the API alone shows.
    pub fn of_api(server: Server, repositories: BTreeMap<RepositoryName, Repository>) -> Self {
        Self { server, repositories, store: None, elsewhere: Elsewhere::default() }
    }

    /// The tags that the registry lists.
    pub fn listing(&self) -> Listing {
        let listed = |repository: &Repository| repository.listed().cloned().collect();
        self.repositories.iter().map(|(name, repository)| (name.clone(), listed(repository))).collect()
    }
}

/// What was observed of one repository.
#[derive(Clone, Debug, Default)]
pub struct Repository {
    /// Each listed tag, and those that this run removed while their manifest still is to go.
    pub tags: BTreeMap<Tag, TagState>,
    /// Each manifest that a tag or another manifest names, as far as it was read.
    pub manifests: BTreeMap<Digest, ManifestState>,
    /// Manifests that a run of ours deleted, and that are no longer there. What belongs to them goes after them.
    pub deleted: BTreeSet<Digest>,
    /// What manifests that a run of ours deleted had as children: they may go after them.
    pub orphans: BTreeSet<Digest>,
    /// The `created` text of the image configs that were wanted, by config digest.
    pub configs: BTreeMap<Digest, Option<String>>,
    /// Since when each tag is known at its present digest.
    pub first_seen: BTreeMap<Tag, Timestamp>,
    /// Set if the tag list itself could not be read, with the reason.
    pub unreadable: Option<String>,
}

/// What a tag points at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TagState {
    /// This manifest.
    At(Digest),
    /// One of our tombstones: the removal of the tag was cut short. It is judged by what stood there before.
    Entombed {
        /// The tombstone's own digest.
        tombstone: Digest,
        /// What the tag pointed at before.
        original: Digest,
    },
    /// Nothing any more: this run removed it from this manifest, which itself still is to go.
    Removed(Digest),
    /// Listed, but 404 twice. Known to be of our making if our record says that we deleted its digest.
    Dangling {
        /// The digest that we deleted.
        deleted: Option<Digest>,
    },
    /// It could not be read, with the reason.
    Unreadable(String),
    /// Nobody asked, since no rule selects any tag of the repository.
    Unread,
}

/// What is known of a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ManifestState {
    /// It was read.
    Read(Manifest),
    /// It is not there (a sparse index, or damage).
    Missing,
    /// It could not be read, with the reason.
    Unreadable(String),
}

impl TagState {
    /// The manifest by which the tag is judged.
    pub fn digest(&self) -> Option<&Digest> {
        match self {
            Self::At(digest) | Self::Removed(digest) | Self::Entombed { original: digest, .. } => Some(digest),
            Self::Dangling { .. } | Self::Unreadable(_) | Self::Unread => None,
        }
    }
}

impl Repository {
    /// The tags that the registry lists here.
    pub fn listed(&self) -> impl Iterator<Item = &Tag> {
        self.tags.iter().filter(|(_, state)| !matches!(state, TagState::Removed(_))).map(|(tag, _)| tag)
    }

    /// The manifest, if it was read.
    pub fn manifest(&self, digest: &Digest) -> Option<&Manifest> {
        match self.manifests.get(digest) {
            Some(ManifestState::Read(manifest)) => Some(manifest),
            _ => None,
        }
    }

    /// The manifests that were read.
    pub fn read(&self) -> impl Iterator<Item = (&Digest, &Manifest)> {
        self.manifests.keys().filter_map(|digest| Some((digest, self.manifest(digest)?)))
    }

    /// Whether it is known what became of the manifest: it was asked for, or a run of ours deleted it.
    pub fn knows(&self, digest: &Digest) -> bool {
        self.manifests.contains_key(digest) || self.deleted.contains(digest)
    }

    /// Everything that `roots` need, themselves included: manifests at any depth. Cycles end where they began.
    pub fn reach<'a>(&'a self, roots: impl IntoIterator<Item = &'a Digest>) -> BTreeSet<&'a Digest> {
        let mut reached = BTreeSet::new();
        let mut open: Vec<&Digest> = roots.into_iter().collect();
        while let Some(digest) = open.pop() {
            if reached.insert(digest) {
                open.extend(self.manifest(digest).into_iter().flat_map(Manifest::children));
            }
        }
        reached
    }

    /// The first thing that could not be read, and why; it keeps the whole repository. What a manifest names and nobody
    /// read is no better known than what could not be read: it may need anything.
    pub fn first_unreadable(&self) -> Option<(String, &str)> {
        let list = self.unreadable.iter().map(|why| ("the tag list".to_owned(), why.as_str()));
        let tags = self.tags.iter().filter_map(|(tag, state)| match state {
            TagState::Unreadable(why) => Some((format!("tag {tag}"), why.as_str())),
            _ => None,
        });
        let manifests = self.manifests.iter().filter_map(|(digest, state)| match state {
            ManifestState::Unreadable(why) => Some((format!("manifest {}", digest.short()), why.as_str())),
            _ => None,
        });
        let never_read = || {
            let by_tags = self.tags.values().filter_map(TagState::digest);
            let by_indexes = self.read().flat_map(|(_, manifest)| manifest.children());
            let unread = by_tags.chain(by_indexes).filter(|digest| !self.manifests.contains_key(*digest)).min()?;
            Some((format!("manifest {}", unread.short()), "nobody asked for it"))
        };
        list.chain(tags).chain(manifests).next().or_else(never_read)
    }

    /// When the image was created: the annotation, else the config's `created`, else that of the youngest child. A
    /// child that says nothing, as attestations do, is passed over; but one whose config was not read may be younger.
    pub fn created(&self, digest: &Digest, now: Timestamp) -> Created {
        let mut seen = BTreeSet::new();
        let mut open = vec![digest];
        let mut times = Vec::new();
        while let Some(digest) = open.pop() {
            let Some(manifest) = self.manifest(digest).filter(|_| seen.insert(digest)) else { continue };
            match (&manifest.created, &manifest.content) {
                (Some(text), _) => times.push(Created::judge(Some(text), now)),
                (None, Content::Image { config, .. }) => match self.configs.get(&config.digest) {
                    Some(text) => times.push(Created::judge(text.as_deref(), now)),
                    None => return Created::Unknown(Doubt::Unread),
                },
                (None, Content::Index { manifests }) => open.extend(manifests.iter().map(|child| &child.digest)),
            }
        }
        Created::youngest(times.into_iter())
    }

    /// The digest whose companion `tag` is, if it is one: by its name, or because its manifest has a `subject`. Where
    /// the two differ it is in doubt whose it is.
    pub fn subject_of<'a>(
        &'a self,
        tag: &Tag,
        state: &'a TagState,
        by_key: &BTreeMap<String, &'a Digest>,
    ) -> Subject<'a> {
        let by_name = CompanionTag::parse(tag).map(|companion| by_key.get(companion.key()).copied());
        let manifest = state.digest().and_then(|digest| self.manifest(digest));
        let by_field = manifest.and_then(|manifest| manifest.subject.as_ref());
        match (by_name, by_field) {
            (None, None) => Subject::None,
            (Some(Some(subject)), None) => Subject::Of(subject),
            (Some(Some(subject)), Some(field)) if subject == field => Subject::Of(subject),
            (None, Some(subject)) if self.knows(subject) => Subject::Of(subject),
            _ => Subject::Unknown,
        }
    }

    /// Every known manifest by the key that its companion tags begin with.
    pub fn companion_keys(&self) -> BTreeMap<String, &Digest> {
        self.manifests.keys().chain(&self.deleted).map(|digest| (CompanionTag::key_of(digest), digest)).collect()
    }
}

/// What a tag belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject<'a> {
    /// Itself: it is an ordinary tag.
    None,
    /// This manifest, whose companion it is.
    Of(&'a Digest),
    /// It is a companion of something that is not known here, or of two things at once.
    Unknown,
}
