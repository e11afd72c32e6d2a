//! What we leave on objects of the cluster, by name: what the operator, its keeper, the chart's admission guard and a
//! person with kubectl must agree on.

/// The annotation of a Deployment that names the run and says which of its changes are ours:
/// [`Claim`](super::protocol::Claim), as JSON.
pub const RUN: &str = "registry-retention.dev/run";
/// The annotation beside it with the commands that make the registry writable again, for someone who has only kubectl.
pub const HOW_TO_THAW: &str = "registry-retention.dev/how-to-thaw";
/// The annotation that goes with our zero in `spec.replicas`: [`Zeroed`](super::protocol::Zeroed), as JSON.
pub const ZEROED: &str = "registry-retention.dev/zeroed";
/// The annotation by which a person vouches that the collector of the run that it names is dead.
pub const COLLECTOR_DEAD: &str = "registry-retention.dev/collector-dead";
/// An annotation that the guard refuses to every dry run, whoever asks: so it shows that it is there.
pub const GUARD_PROBE: &str = "registry-retention.dev/guard-probe";
/// What every refusal of the guard says.
pub const GUARD_WORDS: &str = "registry-retention guards this registry";

/// The environment entry that makes a registry read-only. Only this spelling works (`configuration/parser.go`); one with
/// `_ENABLED` crash-loops or is ignored.
pub const READ_ONLY: &str = "REGISTRY_STORAGE_MAINTENANCE_READONLY";
/// Its value.
pub const READ_ONLY_VALUE: &str = r#"{"enabled":true}"#;

/// The field manager of all that is applied to a Deployment, by operator and keeper alike.
pub const FIELD_MANAGER: &str = "registry-retention";
/// The finalizer of a `RegistryCollection` that has begun.
pub const FINALIZER: &str = "registry-retention.dev/thaw";
/// The `ServiceAccount` of keepers, in each namespace that the chart is told of.
pub const KEEPER_ACCOUNT: &str = "registry-retention-keeper";
