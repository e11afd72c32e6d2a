//! What the cluster has to say: the workloads that use images, and the resources of others.

use std::sync::Arc;

use kube::Client;
use kube::core::DynamicObject;

use super::args;
use super::error::CliError;
use super::show::Notice;
use super::source::Group;
use crate::cluster::{self, ClusterError, Configuration, Index, Origin, Place, Scope, Watched, joined, used_images};
use crate::retention::InUse;
use crate::worker::{self, WorkError, WorkloadsError};

/// The cluster that a command asks, if it asks one.
pub(super) enum Cluster {
    /// A person wants it so.
    Ignored,
    /// There is none, and no resource needs one.
    Absent,
    /// This one.
    Found(Found),
}

pub(super) struct Found {
    client: Client,
    /// That of the context.
    namespace: String,
    /// Every resource: those of the file, and those of the cluster that they do not replace.
    resources: Vec<DynamicObject>,
}

impl Cluster {
    /// Finds it, and reads its resources. One that is needed and is not there, or that does not answer, is an error.
    pub(super) async fn find(args: &args::Cluster, groups: &[Group]) -> Result<Self, CliError> {
        if args.ignored {
            return Ok(Self::Ignored);
        }
        let place = Place { kubeconfig: args.kubeconfig.clone(), context: args.context.clone() };
        let asking = groups.iter().flat_map(Group::asking_for_workloads).next();
        let configuration = match (Configuration::find(&place).await.map_err(CliError::Asked)?, asking) {
            (Some(found), asking) if asking.is_some() || found.origin() == Origin::Kubeconfig => found,
            (_, None) => return Ok(Self::Absent),
            (_, Some(name)) => {
                let why = format!(
                    "{name} keeps what workloads use (spec.protect.inUse), and there is no kubeconfig to ask a cluster \
                     with: neither --kubeconfig, nor $KUBECONFIG, nor ~/.kube/config"
                );
                return Err(CliError::Asked(ClusterError::Configuration(why)));
            }
        };
        let (client, namespace) =
            (configuration.client().map_err(CliError::Asked)?, configuration.namespace().to_owned());
        let mut resources = cluster::resources(&client).await.map_err(CliError::Asked)?;
        resources.retain(|object| !groups.iter().any(|group| group.replaces(object, &namespace)));
        // What the file takes for two registries may be one by the names that a resource of the cluster knows.
        for mut object in groups.iter().flat_map(|group| group.objects.iter().cloned()) {
            object.metadata.namespace.get_or_insert_with(|| namespace.clone());
            resources.push(object);
        }
        Ok(Self::Found(Found { client, namespace, resources }))
    }

    /// Lets the resources of others that concern the registry of `group` keep what they keep.
    pub(super) fn join(&self, group: &mut Group, complete_lists: bool) -> Result<(), CliError> {
        let Self::Found(found) = self else { return Ok(()) };
        let others = found.resources.iter().filter(|object| !group.replaces(object, &found.namespace));
        for other in joined(&others.cloned().collect::<Vec<_>>(), &group.identities).map_err(CliError::Asked)? {
            group.join(other, complete_lists);
        }
        Ok(())
    }

    /// What workloads use of the registry of `group`: read once, or followed from now on by whoever deletes.
    pub(super) async fn workloads(&self, group: &Group, follow: bool) -> Result<Workloads, CliError> {
        let Self::Found(found) = self else { return Ok(Workloads::read(InUse::default())) };
        let scopes = group.scopes.iter();
        let namespace = |own: &Option<String>| own.as_ref().unwrap_or(&found.namespace).clone();
        let Some(scope) = Scope::of(scopes.map(|(scope, own)| (*scope, namespace(own)))) else {
            return Ok(Workloads::read(InUse::default()));
        };
        if !follow {
            let used = used_images(&found.client, &scope).await.map_err(CliError::Asked)?;
            return Ok(Workloads::read(InUse::of(&used, &group.names).map_err(unknown)?));
        }
        let index = Arc::new(Index::start(&found.client, &scope));
        index.synced().await.map_err(CliError::Asked)?;
        let in_use = InUse::of(&*index.snapshot().map_err(CliError::Asked)?, &group.names).map_err(unknown)?;
        Ok(Workloads {
            in_use: Arc::new(in_use),
            followed: Some(Followed { client: found.client.clone(), scope, index }),
        })
    }

    /// What an admin must know about it.
    pub(super) fn notices(&self, group: &Group) -> Vec<Notice> {
        let ignored = matches!(self, Self::Ignored).then_some(Notice::ClusterIgnored);
        let others = (!group.others.is_empty()).then(|| Notice::OthersKeep(group.others.clone()));
        ignored.into_iter().chain(others).collect()
    }
}

/// What workloads use of one registry.
pub(super) struct Workloads {
    /// When they were first asked.
    pub(super) in_use: Arc<InUse>,
    followed: Option<Followed>,
}

struct Followed {
    client: Client,
    scope: Scope,
    index: Arc<Index>,
}

impl Workloads {
    fn read(in_use: InUse) -> Self {
        Self { in_use: Arc::new(in_use), followed: None }
    }

    /// What is asked before each deletion. Where workloads are followed, all of them are read once more first.
    pub(super) async fn before_deleting(self, group: &Group) -> Result<Box<dyn worker::Workloads>, CliError> {
        let Some(Followed { client, scope, index }) = self.followed else { return Ok(Box::new(self.in_use)) };
        let read = used_images(&client, &scope).await.map_err(CliError::Asked)?;
        Ok(Box::new(Watched::new(index, group.names.clone(), read)))
    }
}

fn unknown(why: impl Into<WorkloadsError>) -> WorkError {
    WorkError::Workloads(why.into())
}
