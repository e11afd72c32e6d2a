//! The registry's storage, where a person says where it is: read now, or saved before.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;

use super::args;
use super::error::CliError;
use super::source::Group;
use crate::retention::{Listing, Store};
use crate::storage::{Location, load, read};

/// What is known of the storage of the one registry that is asked about.
pub(super) struct Storage {
    store: Option<Arc<Store>>,
    /// As a person gave it.
    place: String,
}

impl Storage {
    /// Reads what `args` name. It belongs to one registry, so there must not be several in the file.
    pub(super) async fn read(args: &args::Storage, groups: &[Group], now: Timestamp) -> Result<Self, CliError> {
        Self::of(args.storage.as_ref(), args.inventory.as_ref(), groups, now).await
    }

    /// The same, where only the storage itself will do.
    pub(super) async fn read_now(
        location: Option<&Location>,
        groups: &[Group],
        now: Timestamp,
    ) -> Result<Self, CliError> {
        Self::of(location, None, groups, now).await
    }

    async fn of(
        location: Option<&Location>,
        inventory: Option<&PathBuf>,
        groups: &[Group],
        now: Timestamp,
    ) -> Result<Self, CliError> {
        let option = if location.is_some() { "--storage" } else { "--inventory" };
        let (place, store) = match (location, inventory) {
            (Some(location), _) => (location.to_string(), read(location, now).await?),
            (None, Some(path)) => (path.display().to_string(), load(path)?),
            (None, None) => return Ok(Self { store: None, place: String::new() }),
        };
        if groups.len() > 1 {
            let registries: Vec<String> = groups.iter().map(|group| group.endpoint.to_string()).collect();
            return Err(CliError::Usage(format!(
                "{option} is the storage of one registry, and the file is about {}; give a file about one of them",
                registries.join(", ")
            )));
        }
        Ok(Self { store: Some(Arc::new(store)), place })
    }

    /// What deciding sees of it.
    pub(super) fn store(&self) -> Option<&Arc<Store>> {
        self.store.as_ref()
    }

    /// Refuses the storage of another registry: none of the tags that are listed is stored there.
    pub(super) fn check(&self, group: &Group, listing: &Listing) -> Result<(), CliError> {
        let Some(store) = &self.store else { return Ok(()) };
        if store.may_be_of(listing) {
            return Ok(());
        }
        Err(CliError::Usage(format!(
            "{}: none of the tags that {} lists is stored there, so it is the storage of another registry; nothing was \
             decided",
            self.place, group.endpoint
        )))
    }
}
