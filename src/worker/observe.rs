use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::stream::{self, StreamExt, TryStreamExt};

use super::CONCURRENCY;
use super::error::WorkError;
use super::observed::Observed;
use super::progress::Progress;
use crate::oci::{Digest, RepositoryName, Tag};
use crate::pruning::OpenIntents;
use crate::registry::{Client, Reference};
use crate::retention::{
    Elsewhere, InUse, Inventory, Memory, Policy, Repository, Server, Store, named_repositories, reaches,
};

/// Gathers what deciding needs to see of a registry: one GET per tag, each distinct child once, and the configs of those
/// images whose age decides something. Where the storage was read, a tag that it shows needs no request of its own: each
/// distinct manifest is read once. Nothing is changed.
#[derive(Clone, Copy)]
pub struct Observer<'a> {
    /// The registry.
    pub client: &'a Client,
    /// Whose rules decide.
    pub policies: &'a [Policy],
    /// What workloads use.
    pub in_use: &'a InUse,
    /// What the storage showed, if somebody read it in this pass.
    pub store: Option<&'a Arc<Store>>,
    /// What earlier passes saw.
    pub memory: &'a Memory,
    /// What an earlier run began and may not have ended.
    pub open: &'a OpenIntents,
    /// Who watches.
    pub progress: &'a dyn Progress,
}

impl Observer<'_> {
    /// Observes every repository that the rules reach.
    pub async fn inventory(&self) -> Result<Inventory, WorkError> {
        let names = match named_repositories(self.policies) {
            Some(named) => named,
            None => self.client.repositories().await?.into_iter().collect::<BTreeSet<_>>(),
        };
        let stored = self.store.into_iter().flat_map(|store| store.repositories.keys().cloned());
        let names: BTreeSet<RepositoryName> = names.into_iter().chain(stored).collect();
        let names: Vec<RepositoryName> = names.into_iter().filter(|name| reaches(self.policies, name)).collect();
        let server = match names.first() {
            Some(name) => self.client.probe(name).await?,
            None => Server::UNKNOWN,
        };
        let repositories: BTreeMap<RepositoryName, Repository> = stream::iter(names)
            .map(|name| async move {
                let listed = self.list(&name, None).await?;
                let listed = listed.map(|listed| match self.store {
                    Some(store) => listed.relying_on(&name, store, self.memory),
                    None => listed,
                });
                let observed = self.read(&name, listed, None, &BTreeSet::new()).await?;
                Ok::<_, WorkError>((name, observed.repository))
            })
            .buffer_unordered(CONCURRENCY)
            .try_collect()
            .await?;
        let elsewhere = match self.store {
            Some(store) => self.elsewhere(store, &repositories).await,
            None => Elsewhere::default(),
        };
        Ok(Inventory { store: self.store.cloned(), elsewhere, ..Inventory::of_api(server, repositories) })
    }

    /// Observes one repository, in the middle of a run. What `before` knows already is not fetched again, only asked
    /// whether it changed; the bytes of the manifests in `save` are kept.
    pub async fn repository(
        &self,
        name: &RepositoryName,
        before: Option<&Observed>,
        save: &BTreeSet<Digest>,
    ) -> Result<Observed, WorkError> {
        let listed = self.list(name, before).await?;
        self.read(name, listed, before, save).await
    }

    /// Reads `tags`, which were listed only now, into `observed`, with everything that they need.
    pub async fn absorb(
        &self,
        name: &RepositoryName,
        tags: Vec<Tag>,
        observed: &mut Observed,
    ) -> Result<(), WorkError> {
        for tag in tags {
            let answer = self.client.manifest(name, Reference::Tag(&tag)).await;
            observed.put_tag(tag, answer, None, &BTreeSet::new())?;
        }
        self.read_children(name, observed, &BTreeSet::new()).await
    }

    /// Reads what has come into use in the repository and is not known in `observed`, with everything that it needs.
    pub async fn absorb_used(&self, name: &RepositoryName, observed: &mut Observed) -> Result<(), WorkError> {
        self.read_used(name, observed, &BTreeSet::new()).await?;
        self.read_children(name, observed, &BTreeSet::new()).await
    }
}
