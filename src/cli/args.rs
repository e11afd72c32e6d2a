#![expect(clippy::doc_markdown, reason = "these comments are the help texts, where backticks would be in the way")]

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use super::exit;
use crate::api::Age;
use crate::oci::{Digest, RepositoryName, TagReference};
use crate::registry::Endpoint;
use crate::storage::Location;

const EXAMPLES: &str = "\
Start with:
  registry-retention plan -f retention.yaml            what would go, and why; deletes nothing
  registry-retention explain apps/shop:pr-7 -f retention.yaml
  registry-retention prune -f retention.yaml --yes     deletes it
";

/// Prunes the tags of self-hosted CNCF Distribution registries (2.8 and 3.x) by rules, without losing an image that is
/// kept or used.
///
/// A RegistryRetention resource, in a file, says which tags are worth keeping. `plan` shows what becomes of every tag,
/// and why; `prune --yes` deletes the others through the registry's HTTP API, and ends with the commands that give the
/// disk space back.
#[derive(Debug, Parser)]
#[command(name = "registry-retention", version, max_term_width = 110, after_help = format!("{EXAMPLES}\n{}", exit::HELP))]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
    #[command(flatten)]
    pub(super) loudness: Loudness,
}

#[derive(Debug, Args)]
pub(super) struct Loudness {
    /// No progress, and no line for each deletion
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(super) quiet: bool,
    /// Log to standard error what the program does; RUST_LOG chooses more finely
    #[arg(short, long, global = true)]
    pub(super) verbose: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Plan(Plan),
    Prune(Prune),
    Accept(Accept),
    Explain(Explain),
    Verify(Verify),
    Inventory(Inventory),
    Collector(Collector),
    /// Run the operator; its Deployment does this
    Controller(Controller),
    Install(Install),
    /// Print the CustomResourceDefinitions, or one of them
    Crd {
        /// The resource, by its plural
        #[arg(value_parser = ["registrycollections", "registryretentions"])]
        plural: Option<String>,
    },
    /// Print the completions for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// Show what becomes of every tag, and why; delete nothing
///
/// All resources of the file that name the same registry are judged together: a tag stays if any rule of any of them
/// keeps it. What would go is shown tag by tag, what stays as counts; `-o wide` shows every tag.
#[derive(Debug, Args)]
#[command(after_help = exit::HELP)]
pub(super) struct Plan {
    #[command(flatten)]
    pub(super) source: Source,
    /// How it is shown: json and yaml hold the whole plan
    #[arg(short, long, value_enum, default_value_t)]
    pub(super) output: PlanOutput,
    #[command(flatten)]
    pub(super) storage: Storage,
    #[command(flatten)]
    pub(super) mandate: Mandate,
    #[command(flatten)]
    pub(super) cluster: Cluster,
    #[command(flatten)]
    pub(super) access: Access,
    #[command(flatten)]
    pub(super) state: State,
}

/// Delete what the plan condemns
///
/// Without --yes the plan is shown and nothing is deleted. With --yes it is carried out for every resource of the file,
/// whatever its spec.mode says. Each tag is looked up once more right before it is deleted. What is about to happen is
/// recorded in the state directory first, so that a run that was cut short at any moment is finished by the next one.
///
/// A plan above a limit of the resources waits until `accept HASH`; the rest is carried out.
#[derive(Debug, Args)]
#[command(after_help = exit::HELP)]
pub(super) struct Prune {
    #[command(flatten)]
    pub(super) source: Source,
    /// Do it; stands for `mode: Enforce` in every resource
    #[arg(long)]
    pub(super) yes: bool,
    /// Read the registry's storage directly, as it is now: its root directory, or a bucket, s3://BUCKET...; see `plan`
    ///
    /// A saved inventory will not do: what was pushed since could be hidden.
    #[arg(long, value_name = "LOCATION", help_heading = "Reading the storage")]
    pub(super) storage: Option<Location>,
    #[command(flatten)]
    pub(super) mandate: Mandate,
    #[command(flatten)]
    pub(super) cluster: Cluster,
    #[command(flatten)]
    pub(super) access: Access,
    #[command(flatten)]
    pub(super) state: State,
}

/// Accept a waiting plan, so that `prune --yes` carries it out
///
/// A plan waits if it is above a limit, or if far fewer tags are listed than before. Accepting it lets go what stands
/// both in it and in the plan of the moment. A plan can be accepted for 7 days.
#[derive(Debug, Args)]
#[command(after_help = exit::HELP)]
pub(super) struct Accept {
    /// The hash that `plan` and `prune` show, at least 12 of its digits
    pub(super) hash: String,
    /// The registry of the plan, where two registries have the same one
    #[arg(long, value_name = "URL")]
    pub(super) registry: Option<Endpoint>,
    #[command(flatten)]
    pub(super) state: State,
}

/// Explain what becomes of one tag: what each rule says, what protects it, and what would change it
///
/// Only its repository is read, and nothing is written.
#[derive(Debug, Args)]
#[command(after_help = exit::HELP)]
pub(super) struct Explain {
    /// The tag, such as apps/shop:pr-7, without the registry's host
    #[arg(value_name = "REPO:TAG")]
    pub(super) reference: TagReference,
    #[command(flatten)]
    pub(super) source: Source,
    #[command(flatten)]
    pub(super) storage: Storage,
    #[command(flatten)]
    pub(super) mandate: Mandate,
    #[command(flatten)]
    pub(super) cluster: Cluster,
    #[command(flatten)]
    pub(super) access: Access,
    #[command(flatten)]
    pub(super) state: State,
}

/// Walk everything that tags reach, and report what is missing or damaged
///
/// Every manifest is read and every blob asked for; --rehash reads the blobs as well and compares their digests. With
/// --registry: every repository of its catalog, or those that are named. With -f: the repositories that rules reach.
#[derive(Debug, Args)]
#[command(after_help = exit::HELP)]
#[command(group = clap::ArgGroup::new("what").required(true).multiple(true).args(["file", "registry"]))]
pub(super) struct Verify {
    /// Only these repositories
    #[arg(value_name = "REPO", conflicts_with = "file")]
    pub(super) repositories: Vec<RepositoryName>,
    /// A file of resources, YAML or JSON; `-` is standard input
    #[arg(short, long, value_name = "FILE")]
    pub(super) file: Option<PathBuf>,
    /// The registry, http(s)://HOST[:PORT]; with -f, instead of the URL in the file
    #[arg(long, value_name = "URL")]
    pub(super) registry: Option<Endpoint>,
    /// Read every blob and compare its digest
    #[arg(long)]
    pub(super) rehash: bool,
    /// How it is shown
    #[arg(short, long, value_enum, default_value_t)]
    pub(super) output: VerifyOutput,
    #[command(flatten)]
    pub(super) access: Access,
}

/// Read the registry's storage directly, beside the registry, and save what is there
///
/// It shows what no API tells: when each tag was pushed, every manifest and its links, what each blob takes, uploads that
/// did not end, tags that lists hide. Nothing is changed, and the registry may go on meanwhile. Run it as a user that may
/// read all of the storage: what cannot be read ends it.
#[derive(Debug, Args)]
#[command(after_help = exit::HELP)]
#[command(group = clap::ArgGroup::new("where").required(true).args(["storage", "configuration", "detect"]))]
pub(super) struct Inventory {
    /// The storage: the root directory of the registry, or a bucket
    ///
    /// The root directory holds docker/registry/v2. A bucket is s3://BUCKET[/ROOT][?region=REGION&endpoint=URL],
    /// gs://BUCKET[/ROOT] or azure://CONTAINER[/ROOT]?account=ACCOUNT. Its login comes from the environment
    /// (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, GOOGLE_APPLICATION_CREDENTIALS, AZURE_STORAGE_ACCOUNT_KEY), or is
    /// that of the machine.
    #[arg(long, value_name = "LOCATION")]
    pub(super) storage: Option<Location>,
    /// The configuration file of the registry, which says where its storage is; variables REGISTRY_STORAGE_... of the
    /// environment stand over it
    #[arg(long, value_name = "FILE")]
    pub(super) configuration: Option<PathBuf>,
    /// In the registry's own image: find the configuration file as the registry does
    #[arg(long)]
    pub(super) detect: bool,
    /// Refuse a storage that lies in none of these folders, separated by colons
    ///
    /// The operator's Job names the volumes that it shares with the registry: elsewhere it would read another storage.
    #[arg(long, value_name = "DIRS")]
    pub(super) volumes: Option<String>,
    /// Write to this file, compressed if its name ends in .gz [default: standard output]
    #[arg(short, long, value_name = "FILE", conflicts_with = "log")]
    pub(super) output: Option<PathBuf>,
    /// Write to standard output as lines of a container's log, which the operator follows
    #[arg(long)]
    pub(super) log: bool,
}

/// Collect the registry's garbage beside its storage, while nothing can write there; the operator's Job does this
///
/// It runs the registry's own garbage-collect, first as a dry run, and lets it delete only if everything that tags, children
/// of indexes, referrers and what is in use need would stay. It needs no login at the registry, only its program, its
/// configuration, its environment and its user.
///
/// THE REGISTRY HAS TO BE STOPPED OR READ-ONLY, in every one of its processes: whatever is pushed meanwhile is lost. Only
/// --dry-run may run beside a writable registry.
#[derive(Debug, Args)]
#[command(after_help = exit::HELP)]
#[command(group = clap::ArgGroup::new("by").required(true).args(["configuration", "detect"]))]
#[command(group = clap::ArgGroup::new("consent").required(true).args(["registry_is_read_only", "dry_run"]))]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
pub(super) struct Collector {
    /// The configuration file of the registry; variables REGISTRY_... of the environment stand over it
    #[arg(long, value_name = "FILE")]
    pub(super) configuration: Option<PathBuf>,
    /// In the registry's own image: find the configuration file as the registry does
    #[arg(long)]
    pub(super) detect: bool,
    /// The registry's program [default: registry or docker-registry in the PATH]
    #[arg(long, value_name = "FILE")]
    pub(super) executable: Option<PathBuf>,
    /// Refuse a storage that lies in none of these folders, separated by colons
    #[arg(long, value_name = "DIRS")]
    pub(super) volumes: Option<String>,
    /// Vouch that every process of the registry is stopped, or read-only and restarted since
    ///
    /// A push that ends while garbage is collected is lost, though it was accepted. Restart every process afterwards: what
    /// it remembers of blobs is no longer true.
    #[arg(long)]
    pub(super) registry_is_read_only: bool,
    /// Delete nothing: tell what nothing needs, and how long a collection would take
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Keep the manifests in this list, too: a line `DIGEST [WHY]` for each, and at last `end COUNT`; can be repeated
    #[arg(long, value_name = "FILE")]
    pub(super) keep: Vec<PathBuf>,
    /// Keep the manifest or config with this digest, too; can be repeated
    #[arg(long, value_name = "DIGEST")]
    pub(super) in_use: Vec<Digest>,
    /// Keep what the final plan in this folder keeps, too; its pieces are DIR/0/plan, DIR/1/plan and so on
    ///
    /// The operator mounts them. A piece that is missing or differs ends the run before anything is changed.
    #[arg(long, value_name = "DIR", requires_all = ["plan_pieces", "plan_hash"])]
    pub(super) plan: Option<PathBuf>,
    /// How many pieces the final plan has
    #[arg(long, value_name = "COUNT", env = "REGISTRY_RETENTION_PLAN_PIECES")]
    pub(super) plan_pieces: Option<usize>,
    /// The sha256 of the pieces of the final plan, one after another
    #[arg(long, value_name = "HASH", env = "REGISTRY_RETENTION_PLAN_HASH")]
    pub(super) plan_hash: Option<String>,
    /// Remove uploads in which nothing was written for so long, such as 24h; those in a bucket are left [default: none]
    #[arg(long, value_name = "AGE", conflicts_with = "dry_run")]
    pub(super) stale_uploads_older_than: Option<Age>,
    /// How what is kept is looked at afterwards
    #[arg(long, value_enum, default_value_t, conflicts_with = "dry_run")]
    pub(super) verify: CollectorVerify,
    /// End with a line for programs on standard output, which the operator reads from the Job's log
    #[arg(long)]
    pub(super) log: bool,
    /// Write that line to this file, too; in a pod, /dev/termination-log puts it into the pod's status
    #[arg(long, value_name = "FILE")]
    pub(super) report: Option<PathBuf>,
}

/// Copy this program into a folder; the operator's Jobs do this, to run it in the registry's own image
#[derive(Debug, Args)]
pub(super) struct Install {
    /// The folder, which must be there
    #[arg(value_name = "DIR")]
    pub(super) folder: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct Controller {
    /// The operator's own namespace, where it keeps its records; else that of its pod
    #[arg(long, env = "POD_NAMESPACE", value_name = "NAMESPACE")]
    pub(super) namespace: Option<String>,
    /// Act only for resources in these namespaces; those elsewhere still keep what they keep
    #[arg(long, value_name = "NAMESPACES", value_delimiter = ',')]
    pub(super) namespaces: Vec<String>,
    /// Where probes and metrics are served
    #[arg(long, value_name = "ADDRESS", default_value = "0.0.0.0:8080")]
    pub(super) listen: std::net::SocketAddr,
    /// The operator's own image: Jobs that read a registry's storage take the program from it
    #[arg(long, value_name = "IMAGE")]
    pub(super) image: Option<String>,
}

/// Where the resources come from, and what is said in place of them.
#[derive(Debug, Args)]
pub(super) struct Source {
    /// The file of resources, YAML or JSON; `-` is standard input
    #[arg(short, long, value_name = "FILE")]
    pub(super) file: PathBuf,
    /// Use this registry, http(s)://HOST[:PORT], instead of spec.registry.url of every resource
    #[arg(long, value_name = "URL")]
    pub(super) registry: Option<Endpoint>,
    /// Vouch that the registry's tag lists hide nothing, as spec.registry.completeTagLists does
    ///
    /// True of 2.8 without saying so, of 3.x on a filesystem, and of 3.1.2 and later on any storage. 3.0 to 3.1.1 on S3
    /// hide tags: said there, images can be lost. Without it, nothing but tags is removed from a 3.x, and no space comes
    /// back.
    #[arg(long)]
    pub(super) complete_lists: bool,
}

/// What the registry's storage shows, beside its API: push times, untagged manifests, exact bytes, and all tags.
#[derive(Debug, Args)]
#[command(next_help_heading = "Reading the storage")]
pub(super) struct Storage {
    /// Read the storage directly: the root directory of the registry, or a bucket
    ///
    /// Then ages are push times, manifests that nothing reaches are seen, bytes are exact, and no tag is hidden. A bucket
    /// is s3://BUCKET[/ROOT][?region=REGION&endpoint=URL], gs://BUCKET[/ROOT] or azure://CONTAINER[/ROOT]?account=ACCOUNT.
    /// Its login comes from the environment (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, GOOGLE_APPLICATION_CREDENTIALS,
    /// AZURE_STORAGE_ACCOUNT_KEY), or is that of the machine.
    #[arg(long, value_name = "LOCATION")]
    pub(super) storage: Option<Location>,
    /// The same from an inventory that `registry-retention inventory` saved; tags pushed since are kept
    #[arg(long, value_name = "FILE", conflicts_with = "storage")]
    pub(super) inventory: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct Mandate {
    /// On 2.8: also remove tags that share their digest with a kept one
    ///
    /// 2.8 cannot delete a tag alone: a small placeholder is pushed over the tag and deleted by its own digest. A push to
    /// that very tag in that instant can be lost. It frees no space.
    #[arg(long)]
    pub(super) live_shared: bool,
}

/// Which cluster is asked what its workloads use, and what its resources keep.
#[derive(Debug, Args)]
#[command(next_help_heading = "Asking the cluster")]
pub(super) struct Cluster {
    /// Ask the cluster of this kubeconfig [default: $KUBECONFIG, else ~/.kube/config, else that of the pod]
    ///
    /// What workloads there use stays, as far as spec.protect.inUse says; so does what other RegistryRetention resources
    /// there keep in the same registry. If it cannot be asked, nothing is deleted.
    #[arg(long, value_name = "FILE", conflicts_with = "ignore_cluster")]
    pub(super) kubeconfig: Option<PathBuf>,
    /// Ask the cluster of this context in it
    #[arg(long, value_name = "NAME", conflicts_with = "ignore_cluster")]
    pub(super) context: Option<String>,
    /// Ask no cluster: neither workloads in use nor other resources of the cluster protect anything
    #[arg(id = "ignore_cluster", long = "ignore-cluster")]
    pub(super) ignored: bool,
}

/// How the registry is reached.
#[derive(Debug, Args)]
#[command(next_help_heading = "Reaching the registry")]
pub(super) struct Access {
    /// Log in with this name, and the password from --password-stdin; else the login in docker's config.json is used
    #[arg(long, value_name = "NAME", requires = "password_stdin")]
    pub(super) username: Option<String>,
    /// Read the password from standard input; one newline at its end does not count
    #[arg(long, requires = "username")]
    pub(super) password_stdin: bool,
    /// The docker configuration with logins [default: $DOCKER_CONFIG/config.json, else ~/.docker/config.json]
    #[arg(long, value_name = "FILE", conflicts_with = "username")]
    pub(super) docker_config: Option<PathBuf>,
    /// Trust the authorities in this PEM file, besides the system's
    #[arg(long, value_name = "FILE")]
    pub(super) ca: Option<PathBuf>,
    /// Show this client certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "key")]
    pub(super) cert: Option<PathBuf>,
    /// The client certificate's key (PEM)
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub(super) key: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct State {
    /// What is remembered between runs [default: $XDG_STATE_HOME/registry-retention, else
    /// ~/.local/state/registry-retention]
    ///
    /// Since when each tag is known, what a run was about to delete, and the plans that wait. Keep it: without it every
    /// tag counts as first seen now.
    #[arg(long, value_name = "DIR")]
    pub(super) state_dir: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum PlanOutput {
    /// What would go tag by tag, what stays as counts
    #[default]
    Table,
    /// Every tag, with its digest and what else is known of it
    Wide,
    /// The whole plan as JSON
    Json,
    /// The whole plan as YAML
    Yaml,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum VerifyOutput {
    /// For people
    #[default]
    Table,
    /// As JSON
    Json,
    /// As YAML
    Yaml,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "PascalCase")]
pub(super) enum CollectorVerify {
    /// Every link, manifest and blob is there, as large as before
    #[default]
    References,
    /// The same, and every byte is hashed again
    Content,
    /// Not at all
    None,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn what_belongs_together_is_asked_for_together() {
        let parse = |line: &str| Cli::try_parse_from(line.split(' ')).map(|_| ()).map_err(|error| error.to_string());
        for line in [
            "rr plan -f x",
            "rr plan -f x --username a --password-stdin -o json",
            "rr prune --file x --yes --live-shared --registry http://r:5000",
            "rr verify --registry https://r a b --rehash",
            "rr verify -f x --registry https://r",
            "rr explain a/b:c -f x -q",
            "rr plan -f x --kubeconfig y --context z",
            "rr prune -f x --ignore-cluster",
            "rr inventory --storage /x",
            "rr inventory --configuration x -o y.gz",
            "rr inventory --storage gs://x",
            "rr inventory --detect --volumes /a:/b --log",
            "rr collector --detect --dry-run --log",
            "rr collector --detect --dry-run --report x",
            "rr collector --configuration x --registry-is-read-only --verify Content --stale-uploads-older-than 24h",
        ] {
            assert_eq!(parse(line), Ok(()), "{line}");
        }
        for line in [
            "rr plan",
            "rr plan -f x --username a",
            "rr plan -f x --cert a",
            "rr plan -f x --registry r:5000",
            "rr plan -f x --registry http://u:p@r",
            "rr plan -f x -q -v",
            "rr plan -f x --ignore-cluster --context z",
            "rr verify",
            "rr verify -f x a",
            "rr explain a/b -f x",
            "rr verify --registry http://r A",
            "rr inventory",
            "rr inventory --storage /x --configuration y",
            "rr inventory --storage ftp://x",
            "rr inventory --detect --storage /x",
            "rr inventory --detect --log -o x",
            "rr collector --detect",
            "rr collector --dry-run",
            "rr collector --detect --dry-run --plan x --plan-pieces 1",
            "rr collector --detect --dry-run --registry-is-read-only",
            "rr collector --detect --dry-run --stale-uploads-older-than 24h",
            "rr collector --detect --registry-is-read-only --in-use x",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
