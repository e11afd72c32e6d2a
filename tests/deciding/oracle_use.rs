//! The oracle's reading of what is in use, and of what needs what.

use registry_retention::oci::{Content, Digest, Tag};
use registry_retention::retention::{ManifestState, Repository};

use crate::world::{UsedWords, World, blob, digest};

/// "`path:tag` protects under any host", and the short names of Docker Hub mean what they stand for.
pub(crate) fn used_tag(world: &World, repository: &str, tag: &Tag) -> bool {
    world.used.iter().any(|used| match used {
        UsedWords::Tag { path, tag: used, .. } => {
            *used == tag.as_str() && path.trim_start_matches("library/") == repository
        }
        UsedWords::Digest { .. } | UsedWords::Config { .. } => false,
    })
}

/// "A digest protects in every repository; a config digest protects every manifest with that config. Everything that a
/// used digest needs, and every index that contains it, is kept."
pub(crate) fn used_manifest(world: &World, repository: &Repository, it: &Digest) -> bool {
    let contains = |above: &Digest, below: &Digest| is_below(repository, below, above, &mut Vec::new());
    world.used.iter().any(|used| match used {
        UsedWords::Tag { .. } => false,
        UsedWords::Digest { label, .. } => contains(it, &digest(*label)) || contains(&digest(*label), it),
        UsedWords::Config { label } => repository.manifests.iter().any(|(below, state)| match state {
            ManifestState::Read(manifest) => {
                matches!(&manifest.content, Content::Image { config, .. } if *config == blob(*label))
                    && contains(it, below)
            }
            ManifestState::Missing | ManifestState::Unreadable(_) => false,
        }),
    })
}

/// Whether `digest` is `from` or below it, at any depth.
pub(crate) fn is_below(repository: &Repository, digest: &Digest, from: &Digest, path: &mut Vec<Digest>) -> bool {
    if digest == from {
        return true;
    }
    if path.contains(from) {
        return false;
    }
    path.push(from.clone());
    let Some(ManifestState::Read(manifest)) = repository.manifests.get(from) else { return false };
    let Content::Index { manifests } = &manifest.content else { return false };
    manifests.iter().any(|child| is_below(repository, digest, &child.digest, path))
}
