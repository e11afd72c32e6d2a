//! The command line: what a person types, what is printed, and what is remembered between runs.
//!
//! - `args`: the options; `exit`: the exit codes
//! - `cluster`: what workloads use, and what others keep
//! - `source`, `access`, `state`: resources, logins and certificates, and the state directory, as they are read
//! - `pass`: one pass over one registry, up to the point where something would be deleted
//! - `plan`, `prune`, `accept`, `explain`, `verify`, `inventory`, `collector`: the commands
//! - `plugin`: the same binary as `kubectl registry-retention`
//! - `show`: plans, reports and findings as text, JSON and YAML; `screen`: what reaches the terminal
//! - `next`: the next command to type; `watch`, `stop`: progress, and signals

mod accept;
mod access;
mod args;
mod beneath;
mod beside;
mod cluster;
mod collector;
mod controller;
mod error;
mod exit;
mod explain;
mod install;
mod inventory;
mod keeper;
mod next;
mod pass;
mod plan;
mod plugin;
mod prune;
mod screen;
mod show;
mod signals;
mod source;
mod state;
mod stop;
mod storage;
mod verify;
mod watch;

use std::ffi::OsString;

use clap::{CommandFactory as _, Parser as _};
use tokio::runtime::Runtime;
use tracing_subscriber::EnvFilter;

pub use exit::Exit;

use args::{Cli, Command};
use error::CliError;
use stop::Stop;

/// Does what the command line says, whose first word tells as what the binary was called.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    if arguments.first().is_some_and(|name| plugin::is_called(name)) {
        let plugin = plugin::Plugin::parse_from(arguments);
        return end(runtime().and_then(|runtime| runtime.block_on(plugin::dispatch(plugin))));
    }
    let cli = Cli::parse_from(arguments);
    log(&cli);
    end(dispatch(cli))
}

/// Says what went wrong, and whether all of the output was written.
fn end(ended: Result<Exit, CliError>) -> Exit {
    let ended = ended.unwrap_or_else(|error| {
        screen::fail(&error);
        error.exit()
    });
    if screen::is_whole() {
        return ended;
    }
    screen::err("error: standard output could not be written whole");
    ended.worse(Exit::Internal)
}

fn dispatch(cli: Cli) -> Result<Exit, CliError> {
    match cli.command {
        Command::Controller(args) => runtime()?.block_on(controller::run(&args)),
        Command::Keeper(args) => runtime()?.block_on(keeper::run(&args)),
        Command::Collector(args) => {
            let runtime = runtime()?;
            let ended = runtime.block_on(collector::run(&args, &cli.loudness));
            // A blob that is being hashed may be large.
            runtime.shutdown_background();
            ended
        }
        Command::Crd { plural } => {
            let all = crate::api::crds();
            let wanted = all.iter().filter(|it| plural.as_ref().is_none_or(|plural| it.spec.names.plural == *plural));
            let texts: Vec<String> = wanted.map(crate::api::crd_yaml).collect();
            screen::raw(&texts.join("---\n"));
            Ok(Exit::Done)
        }
        Command::Completions { shell } => {
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "registry-retention", &mut text);
            screen::raw(&String::from_utf8_lossy(&text));
            Ok(Exit::Done)
        }
        Command::Install(args) => install::run(&args),
        Command::Beneath(args) => beneath::run(&args),
        Command::Accept(args) => accept::run(&args),
        Command::Plan(args) => block_on(async |stop| plan::run(&args, &cli.loudness, stop).await),
        Command::Prune(args) => block_on(async |stop| prune::run(&args, &cli.loudness, stop).await),
        Command::Explain(args) => block_on(async |stop| explain::run(&args, &cli.loudness, stop).await),
        Command::Inventory(args) => block_on(async |_| inventory::run(&args, &cli.loudness).await),
        Command::Verify(args) => block_on(async |stop| verify::run(&args, &cli.loudness, stop).await),
    }
}

fn block_on(command: impl AsyncFnOnce(Stop) -> Result<Exit, CliError>) -> Result<Exit, CliError> {
    runtime()?.block_on(async { command(Stop::listen()?).await })
}

fn runtime() -> Result<Runtime, CliError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.map_err(|why| CliError::Internal(format!("no runtime: {why}")))
}

/// Logs go to standard error: the operator's as JSON, a command's for people and only if someone asks for them.
fn log(cli: &Cli) {
    let is_operator = matches!(cli.command, Command::Controller(_) | Command::Keeper(_));
    let usual = match (cli.loudness.verbose, is_operator) {
        (true, _) => "registry_retention=debug",
        (false, true) => "info",
        (false, false) => "off",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(usual));
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if is_operator { logs.json().flatten_event(true).init() } else { logs.init() }
}

/// The one `now` of a command; everything below gets it handed in.
#[expect(clippy::disallowed_methods, reason = "this is where the terminal asks the clock")]
fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}
