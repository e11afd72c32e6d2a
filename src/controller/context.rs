//! What all workers share.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kube::runtime::events::Reporter;
use kube::{Api, Client};
use serde_json::Value;
use tokio::sync::Mutex;

use super::Options;
use super::ledger::Ledger;
use super::resource::Key;
use super::trouble::Trouble;
use crate::cluster::{Index, Scope};
use crate::telemetry::Metrics;

/// What all workers share.
pub(super) struct Context {
    pub(super) client: Client,
    pub(super) ledger: Ledger,
    /// The operator's own namespace, where its records are.
    pub(super) namespace: String,
    /// Where it acts; absent: everywhere. Resources elsewhere only keep.
    pub(super) namespaces: Option<BTreeSet<String>>,
    /// Who tells of events.
    pub(super) reporter: Reporter,
    pub(super) metrics: Metrics,
    /// The operator's own image.
    pub(super) image: Option<String>,
    indexes: Mutex<BTreeMap<String, Arc<Index>>>,
}

impl Context {
    pub(super) fn new(client: Client, options: &Options, metrics: Metrics) -> Self {
        Self {
            ledger: Ledger::new(client.clone()),
            reporter: Reporter { controller: "registry-retention".into(), instance: None },
            client,
            namespace: options.namespace.clone(),
            namespaces: options.namespaces.clone(),
            metrics,
            image: options.image.clone(),
            indexes: Mutex::default(),
        }
    }

    /// Whether it acts for the resource, and may write its status.
    pub(super) fn serves(&self, key: &Key) -> bool {
        self.namespaces.as_ref().is_none_or(|namespaces| namespaces.contains(&key.namespace))
    }

    /// The operator's own image, for a Job whose program does that.
    pub(super) fn image(&self, does: &str) -> Result<&str, Trouble> {
        self.image.as_deref().ok_or_else(|| {
            let why = format!(
                "the operator was not told its own image, which brings the program that {does}; the chart does that \
                 (controller --image)"
            );
            Trouble::stalled("ImageUnknown", why)
        })
    }

    /// The index of what workloads use in `scope`; it is followed from the first time on that somebody asks.
    pub(super) async fn index(&self, scope: &Scope) -> Result<Arc<Index>, Trouble> {
        let index = {
            let mut indexes = self.indexes.lock().await;
            let index = indexes.entry(format!("{scope:?}"));
            Arc::clone(index.or_insert_with(|| Arc::new(Index::start(&self.client, scope))))
        };
        index.synced().await?;
        Ok(index)
    }

    /// Whether the API server serves all our resources as this version knows them. Where it does not, fields that keep may
    /// have been dropped.
    pub(super) async fn serves_this_crd(&self) -> Result<(), Trouble> {
        use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
        let schemas = |crd: &CustomResourceDefinition| {
            let schema = |schema| without_descriptions(serde_json::to_value(schema).unwrap_or_default());
            let versions = crd.spec.versions.iter();
            versions.map(|version| (version.name.clone(), schema(&version.schema))).collect::<BTreeMap<_, _>>()
        };
        for ours in crate::api::crds() {
            let name = ours.metadata.name.clone().unwrap_or_default();
            let served = Api::<CustomResourceDefinition>::all(self.client.clone()).get_opt(&name).await;
            let served = served.map_err(|why| Trouble::of_api(&format!("CustomResourceDefinition {name}"), &why))?;
            if served.as_ref().map(&schemas) != Some(schemas(&ours)) {
                let why = format!(
                    "the CustomResourceDefinition {name} in the cluster is missing, or not the one of this version ({}), so fields may \
                     be missing; `helm upgrade` brings it, or `registry-retention crd | kubectl apply --server-side -f -`",
                    env!("CARGO_PKG_VERSION")
                );
                return Err(Trouble::stalled("CRDOutdated", why));
            }
        }
        Ok(())
    }
}

/// A schema without its words: what `kubectl explain` says drops no field.
fn without_descriptions(mut schema: Value) -> Value {
    fn strip(node: &mut Value) {
        match node {
            Value::Object(fields) => {
                fields.retain(|name, value| name != "description" || !value.is_string());
                fields.values_mut().for_each(strip);
            }
            Value::Array(items) => items.iter_mut().for_each(strip),
            _ => {}
        }
    }
    strip(&mut schema);
    schema
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_schema_is_compared_without_its_words() {
        let described =
            json!({"properties": {"description": {"type": "string", "description": "words"}}, "description": "more"});
        assert_eq!(without_descriptions(described), json!({"properties": {"description": {"type": "string"}}}));
    }
}
