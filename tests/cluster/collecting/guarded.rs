use std::fs;

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::Deployment;
use kube::api::{Api, Patch, PatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use registry_retention::collection::marks::{
    COLLECTOR_DEAD, FIELD_MANAGER, GUARD_PROBE, GUARD_WORDS, HOW_TO_THAW, KEEPER_ACCOUNT, READ_ONLY, READ_ONLY_VALUE,
    RUN, ZEROED,
};
use registry_retention::collection::protocol::{Claim, GuardDemand, Run, Strategy, Terms, Uid, Zeroed};
use serde_json::{Value, json};

use crate::registries::Version;
use crate::support::{Cluster, Operator, RegistryPod, eventually};

/// A registry in the namespace `registry` with the chart's policies in force, and no operator at work: the test does what
/// it would, under its name.
pub struct Guarded<'a> {
    pub cluster: &'a Cluster,
    folder: tempfile::TempDir,
}

/// Somebody who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// An administrator of the cluster, `system:masters`.
    Administrator,
    /// Somebody with the role `admin` in the namespace.
    Owner,
    /// The operator's account.
    Operator,
    /// The keeper's account.
    Keeper,
}

/// Two kinds of people, whom the guard treats alike.
pub const PEOPLE: [Who; 2] = [Who::Owner, Who::Administrator];

/// A sentence of the kind that every refusal begins with.
pub fn words(error: &str) -> bool {
    error.contains(&format!("denied request: {GUARD_WORDS}: "))
}

impl<'a> Guarded<'a> {
    /// Starts the registry and installs the chart; returns when its guard answers.
    pub fn set(cluster: &'a Cluster) -> Self {
        RegistryPod::start(cluster, Version::V3_1);
        Operator::install(cluster, &["namespaces={registry}"]);
        cluster.kubectl(&["scale", "-n", Operator::NAMESPACE, "deployment/rr-registry-retention", "--replicas=0"]);
        let owner = ["create", "rolebinding", "owner", "-n", "registry", "--clusterrole=admin", "--user=owner"];
        cluster.kubectl(&owner);
        let guarded = Self { cluster, folder: tempfile::tempdir().expect("a folder") };
        let probe = annotations(&json!({GUARD_PROBE: "1"}));
        eventually("the guard answers", || {
            guarded.ask(Who::Owner, "--dry-run=server", &probe).err().filter(|it| words(it))
        });
        guarded
    }

    /// What kubectl says to this line, typed in the registry's namespace. `FILE` in it is a file with the input.
    pub fn tried(&self, who: Who, line: &str, input: &Value) -> Result<String, String> {
        let file = self.folder.path().join("input.json");
        fs::write(&file, input.to_string()).expect("it is written");
        let user = who.user().map(|user| format!("--as={user}"));
        let file = file.to_str().expect("UTF-8");
        let typed = line.split_whitespace().map(|word| if word == "FILE" { file } else { word });
        let arguments: Vec<&str> = ["--namespace=registry"].into_iter().chain(user.as_deref()).chain(typed).collect();
        self.cluster.try_kubectl(&arguments)
    }

    /// The same with a strategic patch of the Deployment.
    pub fn ask(&self, who: Who, more: &str, patch: &Value) -> Result<String, String> {
        self.tried(who, &format!("patch deployment registry --patch-file FILE {more}"), patch)
    }

    /// What the operator does; it must be let.
    pub fn operate(&self, more: &str, patch: &Value) {
        self.ask(Who::Operator, more, patch).unwrap_or_else(|error| panic!("{patch}: {error}"));
    }

    /// The operator's apply of what a claim says; with none, of nothing. It is not kubectl's, which would take over what
    /// `kubectl apply` owns.
    pub fn apply(&self, who: Who, claim: Option<&Claim>) -> Result<Deployment, String> {
        self.apply_with(who, claim, &PatchParams::apply(FIELD_MANAGER))
    }

    /// The same as a dry run.
    pub fn apply_dry(&self, who: Who, claim: Option<&Claim>) -> Result<Deployment, String> {
        self.apply_with(who, claim, &PatchParams::apply(FIELD_MANAGER).dry_run())
    }

    fn apply_with(&self, who: Who, claim: Option<&Claim>, how: &PatchParams) -> Result<Deployment, String> {
        let mut body = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "registry"}});
        if let Some(claim) = claim {
            body["metadata"]["annotations"] = json!({RUN: text(claim), HOW_TO_THAW: "kubectl …"});
        }
        if claim.is_some_and(|claim| claim.is_frozen) {
            body["spec"] = template(&json!([entry(READ_ONLY_VALUE)]));
        }
        if claim.is_some_and(|claim| claim.is_paused) {
            body["spec"]["paused"] = json!(true);
        }
        let mut kubeconfig = Kubeconfig::read_from(self.cluster.kubeconfig()).expect("the cluster has one");
        for known in &mut kubeconfig.auth_infos {
            known.auth_info.get_or_insert_default().impersonate = who.user();
        }
        self.cluster.block_on(async {
            let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await;
            let client = Client::try_from(config.expect("a configuration")).expect("a client");
            let deployments: Api<Deployment> = Api::namespaced(client, "registry");
            deployments.patch("registry", how, &Patch::Apply(body)).await.map_err(|error| error.to_string())
        })
    }

    /// Freezes it as the operator does.
    pub fn freeze(&self, claim: &Claim) {
        self.apply(Who::Operator, Some(claim)).expect("the operator may freeze");
        assert_eq!(self.deployment()["metadata"]["annotations"][RUN], text(claim));
        self.cluster.wait_rolled_out("registry", "deployment/registry");
    }

    /// Thaws it as the operator does.
    pub fn thaw(&self) {
        self.apply(Who::Operator, None).expect("the operator may thaw");
        self.assert_untouched();
    }

    /// The Deployment as it is.
    pub fn deployment(&self) -> Value {
        self.cluster.get_json(&["deployment/registry", "-n", "registry"])
    }

    /// Proves that nothing of a run is left.
    pub fn assert_untouched(&self) {
        let deployment = self.deployment();
        for mark in [RUN, HOW_TO_THAW, ZEROED] {
            assert!(deployment["metadata"]["annotations"][mark].is_null(), "{deployment}");
        }
        assert!(!deployment.to_string().contains(READ_ONLY) && deployment["spec"]["replicas"] == 1, "{deployment}");
    }

    /// Creates a collection of this registry.
    pub fn collection(&self, name: &str, strategy: Strategy) -> Uid {
        let metadata = json!({"name": name, "namespace": "registry"});
        let (version, kind) = ("registry-retention.dev/v1alpha1", "RegistryCollection");
        let spec = json!({"deploymentRef": {"name": "registry"}, "strategy": strategy});
        self.cluster
            .apply(&json!({"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec}).to_string());
        let created = self.cluster.get_json(&[&format!("registrycollection/{name}"), "-n", "registry"]);
        Uid::new(created["metadata"]["uid"].as_str().expect("it has one"))
    }

    /// Writes into its status how far it is, and which claims its store has.
    pub fn is_at(&self, name: &str, phase: &str, claims: &[&str]) {
        let status = json!({"status": {"phase": phase, "claims": claims}});
        let line = format!("patch registrycollection {name} --subresource=status --type=merge --patch-file FILE");
        self.tried(Who::Operator, &line, &status).expect("the operator may write it");
    }
}

impl Who {
    fn user(self) -> Option<String> {
        match self {
            Self::Administrator => None,
            Self::Owner => Some("owner".to_owned()),
            Self::Operator => Some(format!("system:serviceaccount:{}:rr-registry-retention", Operator::NAMESPACE)),
            Self::Keeper => Some(format!("system:serviceaccount:registry:{KEEPER_ACCOUNT}")),
        }
    }
}

/// A claim by this run, of nothing yet.
pub fn claim(run: &str, strategy: Strategy) -> Claim {
    let deadline = Timestamp::now();
    Claim::new(Terms {
        run: Run::new(run),
        deployment: Uid::new("d"),
        strategy,
        guard: GuardDemand::Required,
        last_release: deadline,
        deadline,
    })
}

/// The mark beside a zero.
pub fn zeroed(run: &str, replicas: i32) -> String {
    serde_json::to_string(&Zeroed { run: Run::new(run), replicas }).expect("JSON")
}

/// A claim as it stands on a Deployment.
pub fn text(claim: &Claim) -> String {
    serde_json::to_string(claim).expect("JSON")
}

/// A patch of annotations.
pub fn annotations(annotations: &Value) -> Value {
    json!({"metadata": {"annotations": annotations}})
}

/// A spec with nothing but these entries of the registry's environment.
pub fn template(env: &Value) -> Value {
    json!({"template": {"spec": {"containers": [{"name": "registry", "env": env}]}}})
}

/// Our entry with this value.
pub fn entry(value: &str) -> Value {
    json!({"name": READ_ONLY, "value": value})
}

/// A patch that takes back what a run has done, all at once, with more annotations.
pub fn lift(more: &Value) -> Value {
    let mut lift = annotations(&json!({RUN: null, HOW_TO_THAW: null, ZEROED: null}));
    lift["spec"] = template(&json!([{"name": READ_ONLY, "$patch": "delete"}]));
    let all = lift["metadata"]["annotations"].as_object_mut().expect("annotations");
    all.extend(more.as_object().cloned().unwrap_or_default());
    lift
}

/// The annotation by which a person vouches for the end of this run's collector.
pub fn dead(run: &str) -> Value {
    json!({COLLECTOR_DEAD: run})
}
