//! What is about to be done, in `ConfigMaps` of the operator's own namespace: they outlive the resource, whose deletion
//! must not cost what has to be put back.

use std::collections::BTreeSet;

use super::files::{selectors, shelf};
use super::ledger::{Ledger, LedgerError, Shelf, Stored};
use crate::cluster::Identity;
use crate::oci::{Digest, RepositoryName};
use crate::pruning::{Intent, OpenIntents};
use crate::worker::{Journal, JournalError};

/// The records of one registry.
pub(super) struct ClusterJournal {
    ledger: Ledger,
    shelf: Shelf,
    open: OpenIntents,
    batches: Vec<Batch>,
}

/// Intents that were recorded together, and are forgotten together.
struct Batch {
    names: Vec<String>,
    unsettled: BTreeSet<(RepositoryName, Digest)>,
}

impl ClusterJournal {
    /// What is open about the registry that goes by any of `identities`.
    pub(super) async fn load(
        ledger: &Ledger,
        namespace: &str,
        identities: &BTreeSet<Identity>,
    ) -> Result<Self, LedgerError> {
        let mut journal = Self {
            ledger: ledger.clone(),
            shelf: shelf(namespace, "intents", identities),
            open: OpenIntents::default(),
            batches: Vec::new(),
        };
        for stored in ledger.find(namespace, &selectors("intents", identities)).await? {
            let intents = read(namespace, &stored)?;
            journal.opened(stored.names, &intents);
        }
        Ok(journal)
    }

    fn opened(&mut self, names: Vec<String>, intents: &[Intent]) {
        let unsettled = intents.iter().map(|it| (it.repository.clone(), it.operation.digest().clone())).collect();
        self.batches.push(Batch { names, unsettled });
        for intent in intents {
            self.open.open(intent.clone());
        }
    }

    fn error(&self, what: &'static str, why: &LedgerError) -> JournalError {
        JournalError { what, place: format!("namespace {}", self.shelf.namespace), why: why.to_string() }
    }
}

impl Journal for ClusterJournal {
    fn open_intents(&self) -> &OpenIntents {
        &self.open
    }

    async fn intend(&mut self, intents: &[Intent]) -> Result<(), JournalError> {
        let names = self.ledger.store(&self.shelf, &write(intents)).await;
        let names = names.map_err(|why| self.error("what is about to be deleted", &why))?;
        self.opened(names, intents);
        Ok(())
    }

    async fn settle(&mut self, repository: &RepositoryName, digest: &Digest) -> Result<(), JournalError> {
        self.open.settle(repository, digest);
        let settled = (repository.clone(), digest.clone());
        for batch in &mut self.batches {
            batch.unsettled.remove(&settled);
        }
        let (done, open) =
            std::mem::take(&mut self.batches).into_iter().partition(|it: &Batch| it.unsettled.is_empty());
        self.batches = open;
        let still: BTreeSet<&String> = self.batches.iter().flat_map(|batch| &batch.names).collect();
        let names: Vec<String> =
            done.into_iter().flat_map(|batch| batch.names).filter(|name| !still.contains(name)).collect();
        let removed = self.ledger.remove(&self.shelf.namespace, &names).await;
        removed.map_err(|why| self.error("what was deleted", &why))
    }
}

fn write(intents: &[Intent]) -> Vec<u8> {
    let line = |intent| serde_json::to_vec(intent).unwrap_or_default();
    intents.iter().map(line).collect::<Vec<_>>().join(&b'\n')
}

fn read(namespace: &str, stored: &Stored) -> Result<Vec<Intent>, LedgerError> {
    let name = stored.names.first().cloned().unwrap_or_default();
    let lines = stored.text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(serde_json::from_slice).collect::<Result<_, _>>().map_err(|why| LedgerError::Damaged {
        namespace: namespace.to_owned(),
        name,
        why: format!("{why}; `registry-retention verify` shows what is missing; delete it to go on without it"),
    })
}
