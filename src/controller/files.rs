//! What is kept of one registry between turns: what is remembered, and what is begun.

use std::collections::{BTreeMap, BTreeSet};

use super::context::Context;
use super::journal::ClusterJournal;
use super::ledger::{KIND, Shelf};
use super::memory::MemoryFile;
use super::trouble::Trouble;
use crate::cluster::Identity;
use crate::oci::Digest;
use crate::worker::Journal as _;

/// Which registry it is about.
const REGISTRY: &str = "registry-retention.dev/registry";

/// What is kept of a registry between turns.
pub(super) struct Files {
    pub(super) memory: MemoryFile,
    pub(super) journal: ClusterJournal,
}

impl Files {
    /// What is kept of the registry that goes by any of `identities`; what `known` has is not read again.
    pub(super) async fn open<'a>(
        known: &'a mut Option<Self>,
        context: &Context,
        identities: &BTreeSet<Identity>,
    ) -> Result<&'a mut Self, Trouble> {
        Ok(match known {
            Some(files) => files,
            none => none.insert(Self::read(context, identities).await?),
        })
    }

    async fn read(context: &Context, identities: &BTreeSet<Identity>) -> Result<Self, Trouble> {
        Ok(Self {
            memory: MemoryFile::load(&context.ledger, &context.namespace, identities).await?,
            journal: ClusterJournal::load(&context.ledger, &context.namespace, identities).await?,
        })
    }

    /// Whether something was begun that did not end.
    pub(super) fn is_open(&self) -> bool {
        !self.journal.open_intents().is_empty()
    }
}

/// Where texts of a `kind` about the registry of these names are put.
pub(super) fn shelf(namespace: &str, kind: &str, identities: &BTreeSet<Identity>) -> Shelf {
    let label = identities.first().map(label).unwrap_or_default();
    Shelf {
        namespace: namespace.to_owned(),
        prefix: format!("{kind}-{}", &label[..8]),
        salt: String::new(),
        labels: BTreeMap::from([(KIND.to_owned(), kind.to_owned()), (REGISTRY.to_owned(), label)]),
        owner: None,
    }
}

/// Selects what is stored of a `kind` about any of these names.
pub(super) fn selector(kind: &str, identities: &BTreeSet<Identity>) -> String {
    let labels: Vec<String> = identities.iter().map(label).collect();
    format!("{KIND}={kind},{REGISTRY} in ({})", labels.join(","))
}

/// The value of [`REGISTRY`] for something by which a registry is known.
fn label(identity: &Identity) -> String {
    Digest::of(identity.to_string().as_bytes()).parts().1[..40].to_owned()
}
