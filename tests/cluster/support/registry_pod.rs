use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use crate::registries::{Authority, Credentials, Pusher, Store, Version};

use super::{Cluster, eventually};

/// Where the registry has its volume.
const DATA: &str = "/var/lib/registry";

/// A registry in the cluster: a Deployment and a Service, both named `registry`, and a volume that is a folder of this
/// machine, bound to the claim `registry`. It allows deletes, over plain HTTP, without a login unless one is asked for.
pub struct RegistryPod {
    namespace: String,
    node_port: u16,
    volume: PathBuf,
    login: Option<Credentials>,
    tls: Option<Arc<Authority>>,
}

/// What a registry in the cluster is to be like; see [`RegistryPod::builder`].
pub struct Builder {
    version: Version,
    namespace: String,
    node_port: u16,
    environment: Vec<(String, String)>,
    login: Option<Credentials>,
    tls: Option<Arc<Authority>>,
}

impl RegistryPod {
    /// One in the namespace `registry`, which answers on the node's port 30500. Returns when it does.
    pub fn start(cluster: &Cluster, version: Version) -> Self {
        Self::builder(version).start(cluster)
    }

    /// Says what the registry is to be like; then [`Builder::start`].
    pub fn builder(version: Version) -> Builder {
        let namespace = "registry".to_owned();
        Builder { version, namespace, node_port: 30500, environment: vec![], login: None, tls: None }
    }

    /// The namespace in which it is.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Where it answers to the test, without a slash at the end.
    pub fn url(&self) -> String {
        format!("{}://{}:{}", self.scheme(), Cluster::NODE, self.node_port)
    }

    fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    /// Where it answers to pods, without a slash at the end.
    pub fn service_url(&self) -> String {
        format!("{}://{}", self.scheme(), self.service_host())
    }

    /// `host:port` of its Service, as in a reference. The node can pull images by this name.
    pub fn service_host(&self) -> String {
        format!("registry.{}.svc:5000", self.namespace)
    }

    /// `host:port` of its `NodePort`, as in a reference. The node can pull images by this name.
    pub fn node_host(&self) -> String {
        format!("localhost:{}", self.node_port)
    }

    /// A client that pushes and looks.
    pub fn pusher(&self) -> Pusher {
        let pusher = Pusher::new(&self.url());
        let pusher = self.tls.iter().fold(pusher, |pusher, tls| pusher.with_certificate(tls, &tls.client()));
        self.login.iter().fold(pusher, Pusher::with_basic)
    }

    /// The folder that is its volume.
    pub fn volume(&self) -> &Path {
        &self.volume
    }

    /// Its storage, for looking and for damage.
    pub fn store(&self) -> Store {
        Store::new(self.volume.join("docker/registry/v2"))
    }

    /// Waits until its pods are the new ones and it answers.
    pub fn wait_ready(&self, cluster: &Cluster) {
        cluster.wait_rolled_out(&self.namespace, "deployment/registry");
        // The Service follows a moment later.
        eventually("the registry answers by its Service", || {
            let request = self.pusher().request(Method::GET, "/v2/").timeout(Duration::from_secs(1));
            let answer = cluster.block_on(async { request.send().await });
            answer.is_ok_and(|answer| answer.status().is_success()).then_some(())
        });
    }

    /// What a registry that speaks TLS finds on its volume.
    fn write_certificates(&self) {
        let Some(authority) = &self.tls else { return };
        let names = [Cluster::NODE.to_owned(), format!("registry.{}.svc", self.namespace)];
        authority.write_server(&self.volume, names);
    }

    /// Tells the node's containerd to speak plain HTTP to the Service; for `localhost` it does so by itself.
    fn make_known_to_node(&self, cluster: &Cluster) {
        let folder = cluster.folder().join("certs.d").join(self.service_host());
        let server = format!("http://registry.{}.svc.cluster.local:5000", self.namespace);
        let hosts = format!("[host.\"{server}\"]\ncapabilities = [\"pull\", \"resolve\"]\n");
        fs::create_dir_all(&folder).and_then(|()| fs::write(folder.join("hosts.toml"), hosts)).expect("it is written");
    }
}

impl Builder {
    /// In this namespace, which is made; another registry's port must be another.
    pub fn namespace(self, namespace: &str) -> Self {
        Self { namespace: namespace.into(), ..self }
    }

    /// On this port of the node, 30000 to 32767.
    pub fn node_port(self, node_port: u16) -> Self {
        Self { node_port, ..self }
    }

    /// With a setting more, or another value: `env("REGISTRY_LOG_LEVEL", "debug")`.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Asks for name and password; [`RegistryPod::pusher`] knows them.
    pub fn login(self, credentials: &Credentials) -> Self {
        let with = self.env("REGISTRY_AUTH_HTPASSWD_REALM", "test");
        let with = with.env("REGISTRY_AUTH_HTPASSWD_PATH", &format!("{DATA}/htpasswd"));
        Self { login: Some(credentials.clone()), ..with }
    }

    /// Speaks TLS with a certificate of this authority, and wants one of its from whoever comes; [`RegistryPod::pusher`] has
    /// one.
    pub fn mutual_tls(self, authority: &Arc<Authority>) -> Self {
        let with = self.env("REGISTRY_HTTP_TLS_CERTIFICATE", &format!("{DATA}/tls.crt"));
        let with = with.env("REGISTRY_HTTP_TLS_KEY", &format!("{DATA}/tls.key"));
        let with = with.env("REGISTRY_HTTP_TLS_CLIENTCAS", &format!("[{DATA}/ca.crt]"));
        Self { tls: Some(Arc::clone(authority)), ..with }
    }

    /// Starts it, and returns when it answers.
    pub fn start(self, cluster: &Cluster) -> RegistryPod {
        let volume = cluster.volumes().join(format!("{}-registry", self.namespace));
        fs::create_dir_all(&volume).expect("a folder for the volume");
        if let Some(Credentials { user, password }) = &self.login {
            let hash = bcrypt::hash(password, 4).expect("a password can be hashed");
            fs::write(volume.join("htpasswd"), format!("{user}:{hash}\n")).expect("it is written");
        }
        let (namespace, login, tls) = (self.namespace.clone(), self.login.clone(), self.tls.clone());
        let registry = RegistryPod { namespace, node_port: self.node_port, volume, login, tls };
        registry.write_certificates();
        registry.make_known_to_node(cluster);
        cluster.apply(&self.manifests(&registry.volume).to_string());
        registry.wait_ready(cluster);
        registry
    }

    fn manifests(&self, volume: &Path) -> serde_json::Value {
        let image = match self.version {
            Version::V2_8 => "localhost/registry:2.8",
            Version::V3_1 => "localhost/registry:3.1",
        };
        let settings = [
            ("REGISTRY_STORAGE_DELETE_ENABLED", "true"),
            // With a fixed secret an upload session outlives a restart.
            ("REGISTRY_HTTP_SECRET", "test"),
            // 3.x sends traces unless it is told not to.
            ("OTEL_TRACES_EXPORTER", "none"),
        ];
        let mut environment: BTreeMap<&str, &str> = settings.into();
        environment.extend(self.environment.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let environment: Vec<_> =
            environment.into_iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
        let metadata = json!({"name": "registry", "namespace": self.namespace, "labels": {"app": "registry"}});
        let size = json!({"storage": "10Gi"});
        // The kubelet has no certificate to show.
        let (asks, of) = match self.tls {
            Some(_) => ("tcpSocket", json!({"port": "http"})),
            None => ("httpGet", json!({"path": "/", "port": "http"})),
        };
        let probe = json!({asks: of, "periodSeconds": 1, "timeoutSeconds": 10, "failureThreshold": 60});
        let container = json!({
            "name": "registry",
            "image": image,
            "env": environment,
            "ports": [{"name": "http", "containerPort": 5000}],
            "readinessProbe": probe,
            "volumeMounts": [{"name": "data", "mountPath": DATA}],
        });
        let volumes = json!([{"name": "data", "persistentVolumeClaim": {"claimName": "registry"}}]);
        let items = json!([
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}},
            {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": format!("{}-registry", self.namespace)},
             "spec": {"capacity": size, "accessModes": ["ReadWriteOnce"], "storageClassName": "manual",
                      "claimRef": {"namespace": self.namespace, "name": "registry"},
                      "hostPath": {"path": volume, "type": "Directory"}}},
            {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata,
             "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "manual", "resources": {"requests": size}}},
            {"apiVersion": "v1", "kind": "Service", "metadata": metadata,
             "spec": {"type": "NodePort", "selector": {"app": "registry"},
                      "ports": [{"name": "http", "port": 5000, "targetPort": "http", "nodePort": self.node_port}]}},
            {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata,
             "spec": {"replicas": 1, "strategy": {"type": "Recreate"}, "selector": {"matchLabels": {"app": "registry"}},
                      "template": {"metadata": {"labels": {"app": "registry"}},
                                   "spec": {"terminationGracePeriodSeconds": 5, "containers": [container],
                                            "volumes": volumes}}}},
        ]);
        json!({"apiVersion": "v1", "kind": "List", "items": items})
    }
}
