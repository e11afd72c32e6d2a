use std::collections::BTreeMap;
use std::io::Read as _;

use flate2::read::GzDecoder;
use k8s_openapi::ByteString;
use registry_retention::api::{PlanReference, RegistryRetention, RegistryRetentionStatus};
use registry_retention::controller::record::PlanRecord;
use serde_json::Value;

use crate::support::{Cluster, eventually};

/// A `RegistryRetention`, as people see it.
pub struct Retention<'a> {
    cluster: &'a Cluster,
    namespace: &'a str,
    name: &'a str,
}

impl<'a> Retention<'a> {
    /// The resource of this name, which need not be there yet.
    pub fn new(cluster: &'a Cluster, namespace: &'a str, name: &'a str) -> Self {
        Self { cluster, namespace, name }
    }

    /// It and its status.
    pub fn get(&self) -> RegistryRetention {
        let resource = format!("registryretention/{}", self.name);
        serde_json::from_value(self.cluster.get_json(&[&resource, "-n", self.namespace])).expect("a RegistryRetention")
    }

    /// What the operator says of it.
    pub fn status(&self) -> RegistryRetentionStatus {
        self.get().status.unwrap_or_default()
    }

    /// Waits as people do: `kubectl wait --for=condition=Ready`, which looks at the generation as well.
    pub fn wait_for(&self, condition: &str) -> RegistryRetentionStatus {
        let resource = format!("registryretention/{}", self.name);
        self.cluster.wait(&format!("condition={condition}"), &[&resource, "-n", self.namespace]);
        self.status()
    }

    /// Changes the spec.
    pub fn patch(&self, spec: &Value) {
        let patch = serde_json::json!({"spec": spec}).to_string();
        self.cluster.kubectl(&["patch", "rr", self.name, "-n", self.namespace, "--type=merge", "--patch", &patch]);
    }

    /// Sets an annotation of the operator's.
    pub fn annotate(&self, name: &str, value: &str) {
        let annotation = format!("registry-retention.dev/{name}={value}");
        self.cluster.kubectl(&["annotate", "rr", self.name, "-n", self.namespace, "--overwrite", &annotation]);
    }

    /// Asks for a run, and waits until it has ended.
    pub fn run(&self, request: &str) -> RegistryRetentionStatus {
        self.annotate("requestedAt", request);
        eventually("the requested run ends", || {
            let status = self.status();
            let ended = status.last_handled_reconcile_at.as_deref() == Some(request) && status.run.is_none();
            ended.then_some(status)
        })
    }

    /// The conditions, in order: `Ready=True Planned`.
    pub fn conditions(&self) -> Vec<String> {
        let conditions = self.status().conditions;
        conditions.iter().map(|it| format!("{}={} {}", it.type_, it.status, it.reason)).collect()
    }

    /// The message of a condition.
    pub fn message(&self, condition: &str) -> String {
        let found = self.status().conditions.into_iter().find(|it| it.type_ == condition);
        found.unwrap_or_else(|| panic!("no condition {condition}: {:?}", self.conditions())).message
    }

    /// The events about it, in order: `Normal Planned`; one that came several times says so.
    pub fn events(&self) -> Vec<String> {
        let path = format!("/apis/events.k8s.io/v1/namespaces/{}/events", self.namespace);
        let list: Value = serde_json::from_str(&self.cluster.kubectl(&["get", "--raw", &path])).expect("JSON");
        let all = list["items"].as_array().cloned().unwrap_or_default();
        let is_about = |event: &&Value| {
            event["regarding"]["kind"] == "RegistryRetention" && event["regarding"]["name"] == self.name
        };
        let mut events: Vec<&Value> = all.iter().filter(is_about).collect();
        events.sort_by_key(|event| event["eventTime"].to_string());
        let text = |event: &Value| {
            let times = event["series"]["count"].as_i64().map(|count| format!(" {count} times")).unwrap_or_default();
            let word = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
            format!("{} {}{times}", word("type"), word("reason"))
        };
        events.into_iter().map(text).collect()
    }

    /// What `kubectl get --output wide` prints, by column.
    pub fn columns(&self) -> BTreeMap<String, String> {
        let printed = self.cluster.kubectl(&["get", "rr", self.name, "-n", self.namespace, "--output", "wide"]);
        let (header, row) = printed.trim_end().split_once('\n').expect("a header and one row");
        let begins =
            |&(at, _): &(usize, char)| at == 0 || header[..at].ends_with("  ") && !header[at..].starts_with(' ');
        let begins: Vec<usize> = header.char_indices().filter(begins).map(|(at, _)| at).collect();
        let ends = begins.iter().skip(1).copied().chain([usize::MAX]);
        let cell = |line: &str, begin: usize, end: usize| {
            line.get(begin..end.min(line.len())).unwrap_or_default().trim().to_owned()
        };
        begins.iter().zip(ends).map(|(&begin, end)| (cell(header, begin, end), cell(row, begin, end))).collect()
    }

    /// A stored plan, from its `ConfigMaps`.
    pub fn plan(&self, reference: &PlanReference) -> PlanRecord {
        let mut packed = Vec::new();
        for name in &reference.config_maps {
            let part = self.cluster.get_json(&[&format!("configmap/{name}"), "-n", self.namespace]);
            let data: ByteString = serde_json::from_value(part["binaryData"]["lines.gz"].clone()).expect("base64");
            packed.extend(data.0);
        }
        let mut lines = Vec::new();
        GzDecoder::new(packed.as_slice()).read_to_end(&mut lines).expect("gzip");
        PlanRecord::read(&lines).expect("a stored plan")
    }
}
