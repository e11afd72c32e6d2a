//! Reading the storage that real registries write: what is read is what the API says, and what the API does not say is
//! what the files say.

mod changing;
mod odd;
mod reading;
pub(crate) mod s3;
mod terminal;

use jiff::Timestamp;
use registry_retention::oci::{Digest, RepositoryName, Tag};
use registry_retention::retention::{Store as Inventory, StoredRepository, StoredTag};
use registry_retention::storage::{Location, StorageError, read};

use super::support::Registry;

/// Reads the storage of a registry.
pub(crate) async fn inventory(registry: &Registry) -> Inventory {
    try_inventory(registry).await.expect("an inventory")
}

async fn try_inventory(registry: &Registry) -> Result<Inventory, StorageError> {
    let root = registry.store().root().ancestors().nth(3).expect("a root directory").to_owned();
    read(&Location::Filesystem(root), Timestamp::now()).await
}

/// A repository of an inventory.
fn repository<'a>(inventory: &'a Inventory, name: &str) -> &'a StoredRepository {
    &inventory.repositories[&name.parse::<RepositoryName>().unwrap()]
}

/// A tag of an inventory.
fn tag<'a>(inventory: &'a Inventory, name: &str, tag: &str) -> &'a StoredTag {
    &repository(inventory, name).tags[&tag.parse::<Tag>().unwrap()]
}

/// What a tag is at.
fn digest_of(inventory: &Inventory, name: &str, of: &str) -> Option<Digest> {
    match tag(inventory, name, of) {
        StoredTag::At { digest, .. } => Some(digest.clone()),
        StoredTag::Broken => None,
    }
}

/// The names of the tags of a repository.
fn tags(inventory: &Inventory, name: &str) -> Vec<String> {
    repository(inventory, name).tags.keys().map(ToString::to_string).collect()
}
