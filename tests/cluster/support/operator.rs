use std::path::Path;

use super::{Cluster, eventually};

/// The operator, installed by Helm.
pub struct Operator<'a> {
    cluster: &'a Cluster,
}

impl<'a> Operator<'a> {
    /// The release, and its Deployment.
    pub const NAME: &'static str = "registry-retention";

    /// Where it is, and where its records are.
    pub const NAMESPACE: &'static str = "registry-retention";

    /// The project's chart.
    pub const CHART: &'static str = concat!(env!("CARGO_MANIFEST_DIR"), "/charts/registry-retention");

    /// Installs the project's chart, to serve these namespaces, which exist. Returns when its pod is ready.
    pub fn install(cluster: &'a Cluster, namespaces: &[&str]) -> Self {
        Self::install_chart(cluster, Self::CHART.as_ref(), namespaces)
    }

    /// The same with another chart.
    pub fn install_chart(cluster: &'a Cluster, chart: &Path, namespaces: &[&str]) -> Self {
        let (repository, tag) = Cluster::OPERATOR_IMAGE.split_once(':').expect("the image has a tag");
        let values = format!(
            "image.repository={repository},image.tag={tag},image.pullPolicy=Never,namespaces={{{}}}",
            namespaces.join(",")
        );
        let operator = Self { cluster };
        operator.helm("install", &[&chart.to_string_lossy(), "--create-namespace", "--set", &values]);
        cluster.wait_rolled_out(Self::NAMESPACE, &format!("deployment/{}", Self::NAME));
        operator
    }

    /// Upgrades it to the project's chart, as the chart's manual says. Returns when its pod is ready.
    pub fn upgrade(&self) {
        self.helm("upgrade", &[Self::CHART, "--reset-then-reuse-values"]);
        self.cluster.wait_rolled_out(Self::NAMESPACE, &format!("deployment/{}", Self::NAME));
    }

    /// Uninstalls it. Returns when its pod is gone.
    pub fn uninstall(self) {
        self.helm("uninstall", &[]);
        eventually("the operator's pod goes", || self.pods().is_empty().then_some(()));
    }

    fn helm(&self, action: &str, arguments: &[&str]) {
        self.cluster.helm(&[&[action, Self::NAME, "--namespace", Self::NAMESPACE], arguments].concat());
    }

    /// Its pods' names, of those too that are about to go.
    pub fn pods(&self) -> Vec<String> {
        let selector = "--selector=app.kubernetes.io/name=registry-retention";
        let list = self.cluster.get_json(&["pods", "--namespace", Self::NAMESPACE, selector]);
        let names = list["items"].as_array().into_iter().flatten().map(|pod| pod["metadata"]["name"].as_str());
        names.flatten().map(str::to_owned).collect()
    }

    /// The name of its one pod.
    pub fn pod(&self) -> String {
        match self.pods().as_slice() {
            [pod] => pod.clone(),
            pods => panic!("not one pod: {pods:?}"),
        }
    }

    /// What its pod has said.
    pub fn log(&self, pod: &str) -> String {
        self.cluster.kubectl(&["logs", "--namespace", Self::NAMESPACE, pod])
    }

    /// The records of what is about to be deleted, by name. None of them is left when everything that was begun is
    /// finished.
    pub fn intents(&self) -> String {
        let selector = "--selector=registry-retention.dev/kind=intents";
        self.cluster.kubectl(&["get", "configmaps", "--namespace", Self::NAMESPACE, selector, "--output=name"])
    }
}
