use crate::support::Cluster;

/// The operator, installed by Helm from the chart as the release `rr` in the namespace `operator`.
pub struct Operator<'a> {
    cluster: &'a Cluster,
}

impl<'a> Operator<'a> {
    /// Its namespace.
    pub const NAMESPACE: &'static str = "operator";

    /// Installs it with the values that `settings` (`namespaces={registry}`) say, and returns when it is ready.
    pub fn install(cluster: &'a Cluster, settings: &[&str]) -> Self {
        let (repository, tag) = Cluster::OPERATOR_IMAGE.rsplit_once(':').expect("a tagged image");
        let (repository, tag) = (format!("image.repository={repository}"), format!("image.tag={tag}"));
        let chart = concat!(env!("CARGO_MANIFEST_DIR"), "/charts/registry-retention");
        let mut arguments =
            vec!["install", "rr", chart, "--namespace", Self::NAMESPACE, "--create-namespace", "--wait"];
        arguments.extend(["--set", &repository, "--set-string", &tag]);
        arguments.extend(settings.iter().flat_map(|setting| ["--set", *setting]));
        cluster.helm(&arguments);
        Self { cluster }
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
