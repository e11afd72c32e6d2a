//! What is to be seen of a resource beside its status.

use std::collections::BTreeMap;
use std::io::Read as _;

use flate2::read::GzDecoder;
use k8s_openapi::ByteString;
use registry_retention::api::PlanReference;
use registry_retention::controller::record::PlanRecord;
use serde_json::Value;

use super::Retention;
use crate::support::eventually;

impl Retention<'_> {
    /// Waits for the events about it, for they follow the status; then they must be these, in order: `Normal Planned`.
    pub fn told(&self, expected: &[&str]) {
        let events = eventually(&format!("the events {expected:?}"), || {
            let events = self.events();
            (events.len() >= expected.len()).then_some(events)
        });
        assert_eq!(events, expected);
    }

    /// The events about it, in order; one that came several times says so.
    fn events(&self) -> Vec<String> {
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
        let printed = self.cluster.kubectl(&["get", "rr", &self.name, "-n", &self.namespace, "--output", "wide"]);
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
            let part = self.cluster.get_json(&[&format!("configmap/{name}"), "-n", &self.namespace]);
            let data: ByteString = serde_json::from_value(part["binaryData"]["lines.gz"].clone()).expect("base64");
            packed.extend(data.0);
        }
        let mut lines = Vec::new();
        GzDecoder::new(packed.as_slice()).read_to_end(&mut lines).expect("gzip");
        PlanRecord::read(&lines).expect("a stored plan")
    }
}
