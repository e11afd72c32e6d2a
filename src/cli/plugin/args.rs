#![expect(clippy::doc_markdown, reason = "these comments are the help texts, where backticks would be in the way")]

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

use crate::cli::args::PlanOutput;

const HELP: &str = "\
Start with:
  kubectl registry-retention status             every resource of the namespace; with -A, every one
  kubectl registry-retention status NAME        how it stands, and what to type next
  kubectl registry-retention plan NAME          what would go, or went, and why

Exit codes:
  0    done
  1    an internal error, or the output could not be written
  2    the command line is wrong; also an unknown resource, plan or hash
  3    the cluster could not be asked, or refused; `run --wait`: the run failed
  4    `run --wait`: some of the plan waits for acceptance
  5    `run --wait`: incomplete; what is left goes with the next run
  130  ended by SIGINT; what the operator does goes on";

/// Shows and steers what the operator does about RegistryRetention resources
///
/// Everything is read from the cluster's API server; the registry is not asked.
#[derive(Debug, Parser)]
#[command(name = "kubectl-registry_retention", bin_name = "kubectl registry-retention", version)]
#[command(max_term_width = 110, after_help = HELP)]
pub(in crate::cli) struct Plugin {
    #[command(subcommand)]
    pub(super) command: Command,
    #[command(flatten)]
    pub(super) place: Place,
}

/// Which cluster, and where in it.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Asking the cluster")]
pub(super) struct Place {
    /// The namespace of the resource [default: that of the context]
    #[arg(short, long, value_name = "NAMESPACE", global = true)]
    pub(super) namespace: Option<String>,
    /// The kubeconfig [default: $KUBECONFIG, else ~/.kube/config]
    #[arg(long, value_name = "FILE", global = true)]
    pub(super) kubeconfig: Option<PathBuf>,
    /// The context in it
    #[arg(long, value_name = "NAME", global = true)]
    pub(super) context: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Status(Status),
    Plan(Plan),
    Run(Run),
    Accept(Accept),
    /// Print the completions for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// Show how a resource stands: its last run, what it does now, what waits, and what to type next
#[derive(Debug, Args)]
pub(super) struct Status {
    /// The resource; without it, a table of all
    pub(super) name: Option<String>,
    /// Those of all namespaces
    #[arg(short = 'A', long, conflicts_with_all = ["name", "namespace"])]
    pub(super) all_namespaces: bool,
}

/// Show a stored plan: what goes and why, and what stays as counts
///
/// The newest, unless another is asked for: after a run it is of what that left.
#[derive(Debug, Args)]
pub(super) struct Plan {
    /// The resource
    pub(super) name: String,
    /// The plan that waits for a person
    #[arg(long, group = "which")]
    pub(super) waiting: bool,
    /// The plan of the run in progress
    #[arg(long, group = "which")]
    pub(super) running: bool,
    /// The plan that the last run carried out: what is gone, and why
    #[arg(long, group = "which")]
    pub(super) last_run: bool,
    /// How it is shown: wide has every tag with its digest; json and yaml are the record as it is stored
    #[arg(short, long, value_enum, default_value_t)]
    pub(super) output: PlanOutput,
}

/// Ask for a run now, whatever the schedule says
///
/// A resource in mode DryRun is planned anew. One in mode Enforce is planned anew and what needs nobody's word is deleted.
#[derive(Debug, Args)]
pub(super) struct Run {
    /// The resource
    pub(super) name: String,
    /// Show how it goes until it has ended; the exit code then tells how
    #[arg(long)]
    pub(super) wait: bool,
}

/// Accept a plan that waits
///
/// What stands both in it and in the plan of the moment is deleted, by a run that begins at once if the mode is Enforce. A
/// plan can be accepted for 7 days.
#[derive(Debug, Args)]
pub(super) struct Accept {
    /// The resource
    pub(super) name: String,
    /// The hash that status and plan show, at least 12 of its digits
    #[arg(value_parser = hash)]
    pub(super) hash: String,
}

fn hash(typed: &str) -> Result<String, String> {
    let digits = typed.to_ascii_lowercase();
    match digits.len() {
        12..=64 if digits.bytes().all(|byte| byte.is_ascii_hexdigit()) => Ok(digits),
        _ => Err("the hash of a plan has 64 digits, 0-9 and a-f, of which at least the first 12 are needed".into()),
    }
}
