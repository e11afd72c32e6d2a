use std::sync::Arc;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use crate::api::RunResult;
use crate::controller::resource::Key;

/// The operator's metrics. Clones share them.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    runs: Family<RunLabels, Counter>,
    deleted_tags: Family<ResourceLabels, Counter>,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ResourceLabels {
    namespace: String,
    name: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RunLabels {
    namespace: String,
    name: String,
    result: &'static str,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("registry_retention");
        let (runs, deleted_tags) = (Family::default(), Family::default());
        registry.register("runs", "Plans and runs that ended, by result", Family::clone(&runs));
        registry.register("deleted_tags", "Tags that were deleted", Family::clone(&deleted_tags));
        Self { registry: Arc::new(registry), runs, deleted_tags }
    }
}

impl Metrics {
    /// A plan or a run of `key` ended.
    pub fn ended(&self, key: &Key, result: RunResult) {
        let result = match result {
            RunResult::Succeeded => "Succeeded",
            RunResult::Incomplete => "Incomplete",
            RunResult::Failed => "Failed",
        };
        let labels = RunLabels { namespace: key.namespace.clone(), name: key.name.clone(), result };
        self.runs.get_or_create(&labels).inc();
    }

    /// So many tags more were deleted for `key`.
    pub fn deleted(&self, key: &Key, tags: usize) {
        let labels = ResourceLabels { namespace: key.namespace.clone(), name: key.name.clone() };
        self.deleted_tags.get_or_create(&labels).inc_by(tags as u64);
    }

    /// In the text format of `OpenMetrics`.
    pub fn text(&self) -> String {
        let mut out = String::new();
        // Writing to memory does not fail.
        let _ = text::encode(&mut out, &self.registry);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ended_and_what_went_is_counted() {
        let metrics = Metrics::default();
        let key = Key { namespace: "ns".into(), name: "team".into() };
        metrics.ended(&key, RunResult::Succeeded);
        metrics.deleted(&key, 3);
        metrics.deleted(&key, 4);
        let text = metrics.text();
        assert!(
            text.contains(r#"registry_retention_runs_total{namespace="ns",name="team",result="Succeeded"} 1"#),
            "{text}"
        );
        assert!(text.contains(r#"registry_retention_deleted_tags_total{namespace="ns",name="team"} 7"#), "{text}");
    }
}
