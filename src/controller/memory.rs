//! What is remembered of a registry between runs, in `ConfigMaps` of the operator's own namespace.

use std::collections::BTreeSet;

use super::files::{selectors, shelf};
use super::ledger::{Ledger, LedgerError, Shelf};
use crate::cluster::Identity;
use crate::retention::Memory;

/// The memory of one registry, and where it is kept.
pub(super) struct MemoryFile {
    ledger: Ledger,
    shelf: Shelf,
    /// What is stored, and under which names.
    stored: Vec<String>,
    /// What is left of before, to be removed once something newer is stored.
    outdated: Vec<String>,
    pub(super) memory: Memory,
}

impl MemoryFile {
    /// What is remembered of the registry that goes by any of `identities`: the newest.
    pub(super) async fn load(
        ledger: &Ledger,
        namespace: &str,
        identities: &BTreeSet<Identity>,
    ) -> Result<Self, LedgerError> {
        let mut file = Self {
            ledger: ledger.clone(),
            shelf: shelf(namespace, "memory", identities),
            stored: Vec::new(),
            outdated: Vec::new(),
            memory: Memory::default(),
        };
        for stored in ledger.find(namespace, &selectors("memory", identities)).await? {
            // Nothing that cannot be read is taken for nothing: tags would look young, which only keeps them.
            if let Ok(memory) = serde_json::from_slice(&stored.text) {
                file.memory = memory;
            }
            file.outdated.extend(std::mem::replace(&mut file.stored, stored.names));
        }
        Ok(file)
    }

    /// Stores what is remembered now, if it is not stored already.
    pub(super) async fn save(&mut self) -> Result<(), LedgerError> {
        let text = serde_json::to_vec(&self.memory).unwrap_or_default();
        let stored = self.ledger.store_unless(&self.shelf, &text, &self.stored).await?;
        let before = std::mem::replace(&mut self.stored, stored);
        self.outdated.extend(before);
        self.outdated.retain(|name| !self.stored.contains(name));
        self.ledger.remove(&self.shelf.namespace, &self.outdated).await?;
        self.outdated.clear();
        Ok(())
    }
}
