use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{self, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tokio::runtime::Runtime;

use super::namespace::OnNetwork;
use super::starter::{Starter, cache};
use super::wait::BOUND;

/// A real cluster of one node, `node0`, which ends when this is dropped.
///
/// The thread that has started it is on its network, where the node has the address [`Cluster::NODE`]. So are the
/// processes and threads that this thread starts; those of a multi-threaded runtime must be started after the cluster.
pub struct Cluster {
    run: PathBuf,
    starter: Starter,
    network: Option<OnNetwork>,
    runtime: Runtime,
    _turn: MutexGuard<'static, ()>,
}

impl Cluster {
    /// The node's address, on which the ports of Services of type `NodePort` answer; they do on `localhost` as well.
    pub const NODE: &str = "10.77.0.1";

    /// The operator's image, built from this source and present on the node.
    pub const OPERATOR_IMAGE: &str = "localhost/registry-retention:test";

    /// Starts one, when the tests before this one are through with theirs.
    ///
    /// Without root this fails and says so; no test is skipped.
    pub fn up() -> Self {
        /// Clusters do well beside each other, but two machines' worth of them on one is slow.
        static TURN: Mutex<()> = Mutex::new(());
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let run = cache().join("clusters").join(format!("{}-{number}", process::id()));
        let starter = Starter::start(&run);
        let first_process = fs::read_to_string(run.join("ns.pid")).expect("the cluster has a first process");
        let network = Some(OnNetwork::of_process(first_process.trim()));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        Self { run, starter, network, runtime, _turn: turn }
    }

    /// Runs a future to its end, on this thread and so on the cluster's network.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    /// An administrator's kubeconfig.
    pub fn kubeconfig(&self) -> PathBuf {
        self.run.join("admin.conf")
    }

    /// The folder in which persistent volumes lie, the same path on the node and on this machine.
    pub fn volumes(&self) -> PathBuf {
        self.run.join("volumes")
    }

    /// Where the cluster keeps what it has: `log/kubelet` and so on.
    pub fn folder(&self) -> &Path {
        &self.run
    }

    /// A program of the cache (`kubectl`, `helm`) that finds the cluster and leaves nothing in the home folder.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(cache().join("bin").join(program));
        command.env("KUBECONFIG", self.kubeconfig()).env("HOME", self.run.join("home")).stdin(Stdio::null());
        command
    }

    /// What a person's shell prints, which finds `kubectl` and the cluster; panics with what it complains about.
    pub fn shell(&self, script: &str) -> String {
        let folders = std::env::var("PATH").unwrap_or_default();
        let mut shell = self.command("/bin/sh");
        shell.args(["-euc", script]).env("PATH", format!("{}:{folders}", cache().join("bin").display()));
        run(&mut shell, "").unwrap_or_else(|error| panic!("{script}: {error}"))
    }

    /// What `kubectl` prints; panics with what it complains about.
    pub fn kubectl(&self, arguments: &[&str]) -> String {
        self.try_kubectl(arguments).unwrap_or_else(|error| panic!("kubectl {}: {error}", arguments.join(" ")))
    }

    /// What `kubectl` prints, or what it complains about.
    pub fn try_kubectl(&self, arguments: &[&str]) -> Result<String, String> {
        run(self.command("kubectl").args(arguments), "")
    }

    /// What `helm` prints; panics with what it complains about.
    pub fn helm(&self, arguments: &[&str]) -> String {
        self.try_helm(arguments).unwrap_or_else(|error| panic!("helm {}: {error}", arguments.join(" ")))
    }

    /// What `helm` prints, or what it complains about.
    pub fn try_helm(&self, arguments: &[&str]) -> Result<String, String> {
        run(self.command("helm").args(arguments), "")
    }

    /// Applies manifests, in YAML or JSON.
    pub fn apply(&self, manifests: &str) {
        self.try_apply(manifests).unwrap_or_else(|error| panic!("kubectl apply: {error}\n{manifests}"));
    }

    /// Applies manifests; what the API server says against them.
    pub fn try_apply(&self, manifests: &str) -> Result<String, String> {
        run(self.command("kubectl").args(["apply", "--filename", "-"]), manifests)
    }

    /// Objects as JSON: `get_json(&["deployment/registry", "-n", "registry"])`.
    pub fn get_json(&self, arguments: &[&str]) -> Value {
        let arguments = [&["get", "--output", "json"], arguments].concat();
        serde_json::from_str(&self.kubectl(&arguments)).expect("kubectl prints JSON")
    }

    /// Waits as `kubectl wait --for` does: `wait("condition=Ready", &["pod/x", "-n", "apps"])`.
    pub fn wait(&self, condition: &str, arguments: &[&str]) {
        let (condition, timeout) = (format!("--for={condition}"), format!("--timeout={}s", BOUND.as_secs()));
        self.kubectl(&[&["wait", &condition, &timeout], arguments].concat());
    }

    /// Waits until every pod of a workload (`deployment/registry`) is the new one and ready.
    pub fn wait_rolled_out(&self, namespace: &str, workload: &str) {
        let timeout = format!("--timeout={}s", BOUND.as_secs());
        self.kubectl(&["rollout", "status", "--namespace", namespace, &timeout, workload]);
    }

    /// Ends a daemon of the node at once (SIGKILL): `kubelet`, `containerd`, `kube-apiserver`, …
    pub fn kill_daemon(&self, name: &str) {
        self.daemon("kill", name);
    }

    /// Starts again a daemon that was killed.
    pub fn start_daemon(&self, name: &str) {
        self.daemon("start", name);
    }

    /// Kills a container of the node by the id that its pod's status has.
    pub fn kill_container(&self, id: &str) {
        let id = id.strip_prefix("containerd://").expect("containerd runs it");
        self.on_node(&["ctr", "tasks", "kill", "--signal", "SIGKILL", id]);
    }

    /// What a command prints that runs inside of the node, such as `ctr`; panics with what it complains about.
    pub fn on_node<T: AsRef<OsStr>>(&self, arguments: &[T]) -> String {
        let mut command = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/cluster"));
        command.args(["node", "--run"]).arg(&self.run).arg("--").args(arguments);
        run(&mut command, "").unwrap_or_else(|error| panic!("{command:?}: {error}"))
    }

    fn daemon(&self, action: &str, name: &str) {
        let script = self.run.join("node/daemon");
        self.on_node(&[script.as_os_str(), self.run.as_os_str(), OsStr::new(action), OsStr::new(name)]);
    }

    fn show(&self, arguments: &[&str]) {
        let said = self.try_kubectl(arguments).unwrap_or_else(|error| error);
        eprintln!("$ kubectl {}\n{said}", arguments.join(" "));
    }

    /// Says what there is to see after a failure, and keeps the logs.
    fn report(&self) {
        for arguments in [
            &["get", "all,persistentvolumeclaims", "--all-namespaces", "--output", "wide"][..],
            &["get", "events", "--all-namespaces", "--sort-by", ".lastTimestamp"],
        ] {
            self.show(arguments);
        }
        let operators = ["get", "pods", "--all-namespaces", "--selector", "app.kubernetes.io/name=registry-retention"];
        let names = r#"--output=jsonpath={range .items[*]}{.metadata.namespace} {.metadata.name}{"\n"}{end}"#;
        for line in self.try_kubectl(&[&operators[..], &[names]].concat()).unwrap_or_default().lines() {
            let (namespace, name) = line.split_once(' ').unwrap_or_default();
            self.show(&["logs", "--namespace", namespace, "--all-containers", "--tail", "200", name]);
        }
        let kept = self.run.with_extension("logs");
        let copied = Command::new("cp").arg("--recursive").arg(self.run.join("log")).arg(&kept).status();
        if copied.is_ok_and(|status| status.success()) {
            eprintln!("the logs of the cluster's daemons are in {}", kept.display());
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.report();
        }
        self.network = None;
        let ended = self.starter.end();
        assert!(ended || std::thread::panicking(), "something of the cluster is left; scripts/cluster has said what");
    }
}

/// Runs a command with an input; what it prints, or what it complains about.
fn run(command: &mut Command, input: &str) -> Result<String, String> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| error.to_string())?;
    // It may end without having read its input.
    let _ = child.stdin.take().expect("it is piped").write_all(input.as_bytes());
    let output = child.wait_with_output().map_err(|error| error.to_string())?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}
