//! What is about to be done, in `ConfigMaps` of the operator's own namespace: they outlive the resource, whose deletion
//! must not cost what has to be put back.

use std::collections::{BTreeMap, BTreeSet};

use super::ledger::{KIND, Ledger, LedgerError, Shelf, Stored};
use crate::oci::{Digest, RepositoryName};
use crate::pruning::{Intent, OpenIntents};
use crate::worker::{Journal, JournalError};

/// Which registry it is about.
pub(super) const REGISTRY: &str = "registry-retention.dev/registry";

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

/// The value of [`REGISTRY`] for a name by which a registry goes.
pub(super) fn label(identity: &str) -> String {
    Digest::of(identity.as_bytes()).parts().1[..40].to_owned()
}

/// Selects what is stored of a `kind` about any of these names.
pub(super) fn selector(kind: &str, identities: &BTreeSet<String>) -> String {
    let labels: Vec<String> = identities.iter().map(|identity| label(identity)).collect();
    format!("{KIND}={kind},{REGISTRY} in ({})", labels.join(","))
}

/// Where texts of a `kind` about the registry of this name are put.
pub(super) fn shelf(namespace: &str, kind: &str, identity: &str) -> Shelf {
    let label = label(identity);
    Shelf {
        namespace: namespace.to_owned(),
        prefix: format!("{kind}-{}", &label[..8]),
        salt: String::new(),
        labels: BTreeMap::from([(KIND.to_owned(), kind.to_owned()), (REGISTRY.to_owned(), label)]),
        owner: None,
    }
}

impl ClusterJournal {
    /// What is open about the registry that goes by any of `identities`.
    pub(super) async fn load(
        ledger: &Ledger,
        namespace: &str,
        identities: &BTreeSet<String>,
    ) -> Result<Self, LedgerError> {
        let id = identities.first().map_or("", String::as_str);
        let mut journal = Self {
            ledger: ledger.clone(),
            shelf: shelf(namespace, "intents", id),
            open: OpenIntents::default(),
            batches: Vec::new(),
        };
        for stored in ledger.find(namespace, &selector("intents", identities)).await? {
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
