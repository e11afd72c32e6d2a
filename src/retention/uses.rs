use std::collections::BTreeMap;

use super::in_use::InUse;
use super::inventory::{Repository, TagState};
use super::used_images::Users;
use crate::oci::{Digest, Manifest, Tag};

/// What of one repository is in use.
#[derive(Clone, Debug, Default)]
pub struct Uses<'a> {
    tags: Option<&'a BTreeMap<Tag, Users>>,
    manifests: BTreeMap<&'a Digest, &'a Users>,
}

impl<'a> Uses<'a> {
    /// Where nobody names any digest.
    pub(super) fn of_tags(tags: Option<&'a BTreeMap<Tag, Users>>) -> Self {
        Self { tags, manifests: BTreeMap::new() }
    }

    pub(super) fn new(in_use: &'a InUse, tags: Option<&'a BTreeMap<Tag, Users>>, repository: &'a Repository) -> Self {
        let mut manifests = upwards(in_use, repository);
        for used in in_use.indexes(repository) {
            if let Some(users) = manifests.get(used).copied() {
                for part in repository.reach([used]) {
                    manifests.entry(part).or_insert(users);
                }
            }
        }
        Self { tags, manifests }
    }

    /// Who uses `tag`, or what it is at.
    pub fn user(&self, tag: &Tag, digest: Option<&Digest>) -> Option<&'a Users> {
        let by_tag = self.tags.and_then(|tags| tags.get(tag));
        by_tag.or_else(|| self.manifests.get(digest?).copied())
    }

    /// Who uses the manifest, by whatever it is named.
    pub(super) fn manifest_user(&self, digest: &Digest) -> Option<&'a Users> {
        self.manifests.get(digest).copied()
    }

    /// The manifests that are in use: by themselves, for what they contain, or for what contains them.
    pub fn manifests(&self) -> impl Iterator<Item = &'a Digest> {
        self.manifests.keys().copied()
    }
}

/// The manifests that are named by their digest or their config's, and every index that contains one.
fn upwards<'a>(in_use: &'a InUse, repository: &'a Repository) -> BTreeMap<&'a Digest, &'a Users> {
    let mut parents: BTreeMap<&Digest, Vec<&Digest>> = BTreeMap::new();
    let tagged = repository.tags.values().filter_map(TagState::digest);
    for digest in repository.manifests.keys().chain(tagged) {
        parents.entry(digest).or_default();
        for child in repository.manifest(digest).into_iter().flat_map(Manifest::children) {
            parents.entry(child).or_default().push(digest);
        }
    }
    let named = parents.keys().filter_map(|digest| Some((*digest, in_use.users_naming(digest, repository)?)));
    let mut open: Vec<(&Digest, &Users)> = named.collect();
    let mut used: BTreeMap<&Digest, &Users> = open.iter().copied().collect();
    while let Some((digest, users)) = open.pop() {
        for parent in parents.get(digest).into_iter().flatten() {
            if !used.contains_key(parent) {
                used.insert(parent, users);
                open.push((parent, users));
            }
        }
    }
    used
}
