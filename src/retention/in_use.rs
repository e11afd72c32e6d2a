use std::collections::{BTreeMap, BTreeSet};

use super::inventory::Repository;
use super::used_images::{UsedImages, Users};
use super::uses::Uses;
use crate::oci::{Digest, ImageReference, ImageReferenceError, Manifest, RepositoryName, Tag};

/// The names by which workloads may pull from one registry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RegistryNames {
    /// `host[:port]`, in lower case.
    pub hosts: BTreeSet<String>,
    /// What mirrors and proxies put before a path, without slashes at the ends, such as `mirror`.
    pub prefixes: BTreeSet<String>,
}

/// What workloads use, as far as it may concern one registry.
///
/// A registry has more names than anybody knows: hosts are not compared, and what may mean a tag here protects it. A
/// digest says what is meant whatever the name, so it protects in every repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InUse {
    tags: BTreeMap<RepositoryName, BTreeMap<Tag, Users>>,
    digests: BTreeMap<Digest, Users>,
    named: BTreeMap<RepositoryName, BTreeSet<Digest>>,
    references: usize,
}

/// A workload names an image of this registry in a way that cannot be read. It may mean anything, so nothing may be
/// deleted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{user} uses the image {image:?} of this registry, which cannot be read: {why}; correct it, or remove who uses it"
)]
pub struct UnreadableReference {
    /// As it is written.
    pub image: String,
    /// Who uses it.
    pub user: String,
    /// What is wrong with it.
    pub why: ImageReferenceError,
}

impl InUse {
    /// What of `images` may concern the registry of these `names`.
    ///
    /// # Errors
    ///
    /// A reference under one of its hosts that cannot be read; nothing may be deleted then.
    pub fn of(images: &UsedImages, names: &RegistryNames) -> Result<Self, UnreadableReference> {
        let mut in_use = Self::default();
        for (image, users) in images.iter() {
            match ImageReference::parse(image) {
                Ok(reference) => in_use.add(&reference, users, names),
                Err(why) if names.include(ImageReference::host_of(image)) => {
                    return Err(UnreadableReference { image: image.to_owned(), user: users.to_string(), why });
                }
                Err(_) => {}
            }
        }
        Ok(in_use)
    }

    fn add(&mut self, reference: &ImageReference, users: &Users, names: &RegistryNames) {
        self.references += 1;
        if let Some(digest) = reference.digest() {
            count(&mut self.digests, digest, users);
        }
        for repository in reference.repository().into_iter().flat_map(|path| names.repositories(path)) {
            if let Some(digest) = reference.digest() {
                self.named.entry(repository.clone()).or_default().insert(digest.clone());
            }
            if let Some(tag) = reference.tag() {
                count(self.tags.entry(repository).or_default(), tag, users);
            }
        }
    }

    /// The tags of `repository` that are named there.
    pub fn tags_of<'a>(&'a self, repository: &RepositoryName) -> impl Iterator<Item = &'a Tag> + use<'a> {
        self.tags.get(repository).into_iter().flat_map(BTreeMap::keys)
    }

    /// The digests that are named in `repository`. They protect elsewhere too.
    pub fn digests_of<'a>(&'a self, repository: &RepositoryName) -> impl Iterator<Item = &'a Digest> + use<'a> {
        self.named.get(repository).into_iter().flatten()
    }

    /// How many different references there are that may concern this registry.
    pub fn references(&self) -> usize {
        self.references
    }

    /// Who uses `tag` of `name`, or what `digest` is in this `repository`.
    pub fn user_of(
        &self,
        name: &RepositoryName,
        tag: Option<&Tag>,
        digest: Option<&Digest>,
        repository: &Repository,
    ) -> Option<&Users> {
        let by_tag = tag.and_then(|tag| self.tags.get(name)?.get(tag));
        by_tag.or_else(|| digest.and_then(|digest| self.user_of_manifest(digest, repository)))
    }

    /// The same for everything in `repository` at once, which is cheaper than to ask for each.
    pub fn in_repository<'a>(&'a self, name: &RepositoryName, repository: &'a Repository) -> Uses<'a> {
        let tags = self.tags.get(name);
        if self.digests.is_empty() { Uses::of_tags(tags) } else { Uses::new(self, tags, repository) }
    }

    /// Who uses the manifest, something that it contains, or an index that contains it.
    fn user_of_manifest(&self, digest: &Digest, repository: &Repository) -> Option<&Users> {
        if self.digests.is_empty() {
            return None;
        }
        let contained = repository.reach([digest]).into_iter().find_map(|it| self.users_naming(it, repository));
        let contains = |used: &&Digest| repository.reach([*used]).contains(digest);
        contained.or_else(|| self.indexes(repository).find(contains).and_then(|used| self.digests.get(used)))
    }

    /// Who names the manifest, by its own digest or by that of its config.
    pub(super) fn users_naming(&self, digest: &Digest, repository: &Repository) -> Option<&Users> {
        let by_config = || self.digests.get(&repository.manifest(digest)?.config()?.digest);
        self.digests.get(digest).or_else(by_config)
    }

    /// The indexes of `repository` that are in use by their own digest.
    pub(super) fn indexes<'a>(&'a self, repository: &'a Repository) -> impl Iterator<Item = &'a Digest> {
        let is_index = |digest: &&Digest| repository.manifest(digest).is_some_and(Manifest::is_index);
        self.digests.keys().filter(is_index)
    }
}

impl RegistryNames {
    /// Takes in what else the registry is called.
    pub fn absorb(&mut self, more: Self) {
        self.hosts.extend(more.hosts);
        self.prefixes.extend(more.prefixes);
    }

    fn include(&self, host: Option<&str>) -> bool {
        host.is_some_and(|host| self.hosts.contains(&host.to_ascii_lowercase()))
    }

    /// The repositories that `path` may mean: itself, what is left of it behind the prefix of an alias, and what Docker
    /// Hub's short names stand for.
    fn repositories(&self, path: &RepositoryName) -> BTreeSet<RepositoryName> {
        let behind = |prefix: &String| path.as_str().strip_prefix(prefix.as_str())?.strip_prefix('/');
        let paths = std::iter::once(path.as_str()).chain(self.prefixes.iter().filter_map(behind));
        let short = |path: &str| match path.strip_prefix("library/") {
            Some(short) => short.to_owned(),
            None => format!("library/{path}"),
        };
        let official = |path: &&str| !path.strip_prefix("library/").unwrap_or(path).contains('/');
        let both = paths.flat_map(|path| [Some(path.to_owned()), Some(path).filter(official).map(short)]);
        both.flatten().filter_map(|path| path.parse().ok()).collect()
    }
}

fn count<K: Ord + Clone>(map: &mut BTreeMap<K, Users>, key: &K, users: &Users) {
    match map.get_mut(key) {
        Some(known) => known.absorb(users),
        None => drop(map.insert(key.clone(), users.clone())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest() -> Digest {
        Digest::of(b"used")
    }

    fn in_use(images: &[&str]) -> Result<InUse, UnreadableReference> {
        let mut used = UsedImages::default();
        for image in images {
            used.add(image, "Pod shop/web-1");
        }
        let set = |texts: &[&str]| texts.iter().map(ToString::to_string).collect();
        let names = RegistryNames { hosts: set(&["r:5000", "r.example"]), prefixes: set(&["mirror", "cache/hub"]) };
        InUse::of(&used, &names)
    }

    /// What an image protects by tag, and where its digest is named.
    fn protected(image: &str) -> (Vec<String>, Vec<String>) {
        let in_use = in_use(&[image]).unwrap();
        assert_eq!(in_use.references(), 1, "{image}");
        let tags = in_use.tags.iter().flat_map(|(name, tags)| tags.keys().map(move |tag| format!("{name}:{tag}")));
        let named = in_use.named.iter().filter(|(_, digests)| digests.contains(&digest()));
        assert!(in_use.named.is_empty() || in_use.digests.contains_key(&digest()), "{image}");
        (tags.collect(), named.map(|(name, _)| name.to_string()).collect())
    }

    #[test]
    fn a_path_protects_under_any_host_and_behind_the_prefix_of_an_alias() {
        let table: [(&str, &[&str]); 10] = [
            ("r:5000/apps/shop:v1", &["apps/shop:v1"]),
            ("elsewhere.example/apps/shop:v1", &["apps/shop:v1"]),
            ("apps/shop", &["apps/shop:latest"]),
            ("r:5000/mirror/apps/shop:v1", &["apps/shop:v1", "mirror/apps/shop:v1"]),
            ("r:5000/cache/hub/apps/shop:v1", &["apps/shop:v1", "cache/hub/apps/shop:v1"]),
            ("r:5000/mirrored/apps:v1", &["mirrored/apps:v1"]),
            ("r:5000/mirror:v1", &["library/mirror:v1", "mirror:v1"]),
            ("nginx:1", &["library/nginx:1", "nginx:1"]),
            ("docker.io/library/nginx:1", &["library/nginx:1", "nginx:1"]),
            ("r:5000/mirror/nginx:1", &["library/nginx:1", "mirror/nginx:1", "nginx:1"]),
        ];
        for (image, tags) in table {
            let tags: Vec<String> = tags.iter().map(ToString::to_string).collect();
            assert_eq!(protected(image), (tags, vec![]), "{image}");
        }
    }

    #[test]
    fn a_digest_protects_everywhere_and_is_named_somewhere() {
        let (path, both, id) = (
            format!("r:5000/mirror/apps/shop@{}", digest()),
            format!("apps/shop:v1@{}", digest()),
            digest().to_string(),
        );
        let named = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(protected(&path), (vec![], named(&["apps/shop", "mirror/apps/shop"])));
        assert_eq!(protected(&both), (named(&["apps/shop:v1"]), named(&["apps/shop"])));
        assert_eq!(protected(&id), (vec![], vec![]));
        let repository = Repository::default();
        for image in [path, both, id] {
            let in_use = in_use(&[&image]).unwrap();
            let user = in_use.user_of(&"any/other".parse().unwrap(), None, Some(&digest()), &repository);
            assert_eq!(user.map(ToString::to_string).as_deref(), Some("Pod shop/web-1"), "{image}");
        }
    }

    #[test]
    fn what_cannot_be_read_stops_everything_only_under_a_host_of_the_registry() {
        for image in ["r:5000/App:v1", "R.Example/app:$TAG", "docker-pullable://r:5000/app@sha256:0"] {
            let error = in_use(&["fine:v1", image]).unwrap_err();
            assert_eq!((error.image.as_str(), error.user.as_str()), (image, "Pod shop/web-1"));
            assert!(error.to_string().contains(image), "{error}");
        }
        for image in ["", "NGINX", "elsewhere.example/App:v1", "r:5001/app:$TAG", "r/App:v1"] {
            assert_eq!(in_use(&[image]), Ok(InUse::default()), "{image}");
        }
    }
}
