//! `kubectl registry-retention`: what the operator knows and does, asked for and told from a terminal. Everything is read
//! from the API server, nothing from a registry.
//!
//! - `args`: the options; `desk`: the API server, as these commands ask it; `subject`: a resource as it is shown
//! - `status`, `plan`, `run`, `accept`: the commands
//! - `account`, `overview`, `sheet`: one resource, all resources and a stored plan in words (pure)
//! - `commands`: the next command to type; `error`: why something cannot be had, and what to do about it

mod accept;
mod account;
mod args;
mod commands;
mod desk;
mod error;
mod overview;
mod plan;
mod run;
mod sheet;
mod status;
mod subject;
#[cfg(test)]
mod tests;

use std::ffi::OsStr;
use std::path::Path;

use clap::CommandFactory as _;

use super::error::CliError;
use super::{Exit, now, screen};
use desk::Desk;

pub(super) use args::Plugin;
pub(super) use error::PluginError;

use args::Command;

/// The file name by which `kubectl` finds the plugin `kubectl registry-retention`.
const FILE_NAME: &str = "kubectl-registry_retention";

/// What a command has to say, and how it ends.
#[derive(Debug, PartialEq, Eq)]
struct Answer {
    lines: Vec<String>,
    exit: Exit,
}

impl Answer {
    fn done(lines: Vec<String>) -> Self {
        Self { lines, exit: Exit::Done }
    }
}

/// Whether the binary was called by `name` as the plugin.
pub(super) fn is_called(name: &OsStr) -> bool {
    Path::new(name).file_stem().is_some_and(|stem| stem == FILE_NAME)
}

/// Does what the command line says.
pub(super) async fn dispatch(plugin: Plugin) -> Result<Exit, CliError> {
    if let Command::Completions { shell } = plugin.command {
        let mut text = Vec::new();
        clap_complete::generate(shell, &mut Plugin::command(), FILE_NAME, &mut text);
        screen::raw(&String::from_utf8_lossy(&text));
        return Ok(Exit::Done);
    }
    let desk = Desk::open(&plugin.place).await?;
    let answer = match plugin.command {
        Command::Status(args) => status::run(&desk, &args, now()).await?,
        Command::Plan(args) => return plan::run(&desk, &args, now()).await,
        Command::Run(args) => run::run(&desk, &args, run::POLL, &mut |line: &str| screen::err(line)).await?,
        Command::Accept(args) => accept::run(&desk, &args, now()).await?,
        Command::Completions { .. } => Answer::done(Vec::new()),
    };
    screen::out_all(answer.lines);
    Ok(answer.exit)
}
