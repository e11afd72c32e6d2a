use kube::api::{ListParams, Patch, PatchParams};
use kube::core::DynamicObject;
use kube::{Api, Client};
use serde_json::json;

use super::args::Place;
use super::commands::Commands;
use super::error::{Attempt, PluginError};
use super::subject::Subject;
use crate::api::{PlanReference, api_resource};
use crate::cluster::{self, Cause, ClusterError, Configuration};
use crate::controller::record::PlanRecord;
use crate::controller::resource::Key;
use crate::controller::stored_plans::{LedgerError, StoredPlans, WaitingPlan};

/// Our kind, as roles name it.
const RETENTIONS: &str = "registryretentions.registry-retention.dev";

/// The API server, as these commands ask it.
pub(super) struct Desk {
    client: Client,
    namespace: String,
    pub(super) commands: Commands,
}

impl Desk {
    /// Finds the cluster as `kubectl` does. Nothing is asked yet.
    pub(super) async fn open(place: &Place) -> Result<Self, PluginError> {
        let commands = Commands::new(place);
        let unusable = |why: ClusterError| {
            let why = match why {
                ClusterError::Configuration(why) => why,
                other => other.to_string(),
            };
            PluginError::usage(why, commands.kubectl("config get-contexts"))
        };
        let which = cluster::Place { kubeconfig: place.kubeconfig.clone(), context: place.context.clone() };
        let Some(configuration) = Configuration::find(&which).await.map_err(unusable)? else {
            let why = "there is no kubeconfig: neither --kubeconfig, nor $KUBECONFIG, nor ~/.kube/config";
            return Err(PluginError::usage(why, commands.kubectl("config view")));
        };
        let client = configuration.client().map_err(unusable)?;
        let namespace = place.namespace.clone().unwrap_or_else(|| configuration.namespace().to_owned());
        Ok(Self::new(client, namespace, commands))
    }

    pub(super) fn new(client: Client, namespace: String, commands: Commands) -> Self {
        Self { client, namespace, commands }
    }

    /// The resource of this name.
    pub(super) async fn get(&self, name: &str) -> Result<Subject, PluginError> {
        match self.api().get(name).await {
            Ok(object) => self.read(&object),
            Err(why) => Err(self.failed(Some(name), "get", &why).await),
        }
    }

    /// All resources of the namespace, or of all namespaces, by namespace and name.
    pub(super) async fn list(&self, everywhere: bool) -> Result<Vec<Subject>, PluginError> {
        let api = if everywhere { Api::all_with(self.client.clone(), &api_resource()) } else { self.api() };
        let attempt =
            Attempt { verb: "list", resource: RETENTIONS, namespace: (!everywhere).then_some(&*self.namespace) };
        let objects = cluster::all(&api).await.map_err(|cause| match cause {
            Cause::NotFound => PluginError::no_kind(),
            cause => self.refused(attempt, &cause),
        })?;
        let mut all = objects.iter().map(|object| self.read(object)).collect::<Result<Vec<_>, _>>()?;
        all.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(all)
    }

    /// Sets an annotation, unless the resource was replaced by another of its name meanwhile.
    pub(super) async fn annotate(&self, subject: &Subject, name: &str, value: &str) -> Result<(), PluginError> {
        let patch = json!({"metadata": {"uid": subject.uid, "annotations": {name: value}}});
        let patched = self.api().patch(&subject.key.name, &PatchParams::default(), &Patch::Merge(patch)).await;
        match patched {
            Ok(_) => Ok(()),
            Err(why) => Err(self.failed(Some(&subject.key.name), "patch", &why).await),
        }
    }

    /// The stored plan under `reference`.
    pub(super) async fn plan(&self, key: &Key, reference: &PlanReference) -> Result<PlanRecord, PluginError> {
        let stored = StoredPlans::new(self.client.clone()).load(&key.namespace, reference).await;
        stored.map_err(|why| self.unread(key, "get", &why))?.ok_or_else(|| {
            let names = reference.config_maps.join(", ");
            let why = format!("the stored plan of {key} is gone, or is not what was stored (ConfigMaps {names})");
            PluginError::usage(why, self.commands.run(key))
        })
    }

    /// The plans of the resource that wait, or did, the oldest first.
    pub(super) async fn waiting(&self, subject: &Subject) -> Result<Vec<WaitingPlan>, PluginError> {
        let key = &subject.key;
        let waiting = StoredPlans::new(self.client.clone()).waiting(&key.namespace, &subject.uid).await;
        waiting.map_err(|why| self.unread(key, "list", &why))
    }

    fn api(&self) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), &self.namespace, &api_resource())
    }

    fn read(&self, object: &DynamicObject) -> Result<Subject, PluginError> {
        Subject::read(object).map_err(|why| PluginError::cluster(why, self.commands.kubectl("get rr -A -o yaml")))
    }

    /// What did not work with the resource of this name, or with its kind.
    async fn failed(&self, name: Option<&str>, verb: &'static str, why: &kube::Error) -> PluginError {
        let cause = Cause::from(why);
        if cause == Cause::NotFound {
            // The answer is the same whether the object or its kind is not there.
            let list = self.api().list(&ListParams::default().limit(1)).await;
            let unknown = list.is_err_and(|why| Cause::from(&why) == Cause::NotFound);
            let key = Key { namespace: self.namespace.clone(), name: name.unwrap_or_default().to_owned() };
            let kubectl = |command: &str| self.commands.kubectl(command);
            return if unknown { PluginError::no_kind() } else { PluginError::no_resource(&key, kubectl) };
        }
        self.refused(Attempt { verb, resource: RETENTIONS, namespace: Some(&self.namespace) }, &cause)
    }

    fn unread(&self, key: &Key, verb: &'static str, why: &LedgerError) -> PluginError {
        match why {
            LedgerError::Api { why, .. } => {
                let attempt = Attempt { verb, resource: "configmaps", namespace: Some(&key.namespace) };
                self.refused(attempt, &Cause::from(&**why))
            }
            LedgerError::Damaged { name, .. } => {
                let delete = format!("delete configmap {name} -n {}", key.namespace);
                PluginError::cluster(why.to_string(), self.commands.kubectl(&delete))
            }
        }
    }

    fn refused(&self, attempt: Attempt<'_>, cause: &Cause) -> PluginError {
        PluginError::refused(attempt, cause, |command| self.commands.kubectl(command))
    }
}
