use std::path::Path;

use super::{Cluster, eventually};

/// The operator, installed by Helm from the chart as the release `rr` in the namespace `operator`.
pub struct Operator<'a> {
    cluster: &'a Cluster,
}

impl<'a> Operator<'a> {
    /// Its namespace.
    pub const NAMESPACE: &'static str = "operator";

    /// The project's chart.
    pub const CHART: &'static str = concat!(env!("CARGO_MANIFEST_DIR"), "/charts/registry-retention");

    /// Installs it with the values that `settings` (`namespaces={registry}`) say, and returns when it is ready.
    pub fn install(cluster: &'a Cluster, settings: &[&str]) -> Self {
        Self::install_chart(cluster, Self::CHART.as_ref(), settings)
    }

    /// The same from another chart.
    pub fn install_chart(cluster: &'a Cluster, chart: &Path, settings: &[&str]) -> Self {
        let (repository, tag) = Cluster::OPERATOR_IMAGE.rsplit_once(':').expect("a tagged image");
        let (repository, tag) = (format!("image.repository={repository}"), format!("image.tag={tag}"));
        let mut arguments = vec!["--create-namespace", "--set", &repository, "--set-string", &tag];
        arguments.extend(settings.iter().flat_map(|setting| ["--set", *setting]));
        let operator = Self { cluster };
        operator.helm("install", &chart.to_string_lossy(), &arguments);
        operator
    }

    /// Upgrades it to the project's chart as the manual says, and returns when it is ready.
    pub fn upgrade(&self) {
        self.helm("upgrade", Self::CHART, &["--reset-then-reuse-values"]);
    }

    fn helm(&self, action: &str, chart: &str, arguments: &[&str]) {
        self.cluster.helm(&[&[action, "rr", chart, "--namespace", Self::NAMESPACE], arguments].concat());
        self.cluster.wait_rolled_out(Self::NAMESPACE, "deployment/rr-registry-retention");
    }

    /// Uninstalls it, and returns when its pod is gone.
    pub fn uninstall(self) {
        self.cluster.helm(&["uninstall", "rr", "--namespace", Self::NAMESPACE]);
        eventually("the operator's pod goes", || self.pods().is_empty().then_some(()));
    }

    /// Kills its process; returns when the kubelet has started the next.
    pub fn kill(&self) {
        let pod = self.pod();
        let container = || {
            let pod = self.cluster.get_json(&["pod", &pod, "--namespace", Self::NAMESPACE]);
            pod["status"]["containerStatuses"][0].clone()
        };
        let running = container();
        let restarts = running["restartCount"].as_u64().expect("a count");
        self.cluster.kill_container(running["containerID"].as_str().expect("it runs"));
        eventually("it is dead", || (container()["restartCount"] == restarts + 1).then_some(()));
    }

    /// The name of its one pod.
    pub fn pod(&self) -> String {
        match self.pods().as_slice() {
            [pod] => pod.clone(),
            pods => panic!("not one pod: {pods:?}"),
        }
    }

    fn pods(&self) -> Vec<String> {
        let label = "app.kubernetes.io/name=registry-retention";
        let list = self.cluster.get_json(&["pods", "-n", Self::NAMESPACE, "-l", label]);
        let names = list["items"].as_array().into_iter().flatten().map(|pod| pod["metadata"]["name"].as_str());
        names.flatten().map(str::to_owned).collect()
    }

    /// The value of a counter of the resource `namespace/name`; zero if nothing was counted.
    pub fn counter(&self, metric: &str, key: &str) -> u64 {
        let services = format!("/api/v1/namespaces/{}/services", Self::NAMESPACE);
        let path = format!("{services}/rr-registry-retention-metrics:metrics/proxy/metrics");
        let (namespace, name) = key.split_once('/').expect("namespace/name");
        let of_it = format!(r#"namespace="{namespace}",name="{name}""#);
        let metrics = self.cluster.kubectl(&["get", "--raw", &path]);
        let lines = metrics.lines().filter(|line| line.starts_with(metric) && line.contains(&of_it));
        lines.filter_map(|line| line.rsplit_once(' ')?.1.parse::<u64>().ok()).sum()
    }

    /// The names of what it has stored of one kind (`plan`, `memory`, `intents`) in a namespace.
    pub fn stored(&self, namespace: &str, kind: &str) -> Vec<String> {
        let label = format!("registry-retention.dev/kind={kind}");
        let names = self.cluster.kubectl(&["get", "configmaps", "-n", namespace, "-l", &label, "-o", "name"]);
        names.lines().map(str::to_owned).collect()
    }
}
