//! What is kept of one registry between turns: what is remembered, and what is begun.

use std::collections::BTreeSet;

use super::context::Context;
use super::journal::ClusterJournal;
use super::memory::MemoryFile;
use super::trouble::Trouble;
use crate::worker::Journal as _;

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
        identities: &BTreeSet<String>,
    ) -> Result<&'a mut Self, Trouble> {
        Ok(match known {
            Some(files) => files,
            none => none.insert(Self::read(context, identities).await?),
        })
    }

    async fn read(context: &Context, identities: &BTreeSet<String>) -> Result<Self, Trouble> {
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
