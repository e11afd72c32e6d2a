//! Parses the command line and dispatches; nothing else.

use std::process::ExitCode;

use clap::Parser as _;
use registry_retention::cli::{Cli, run};

fn main() -> ExitCode {
    run(Cli::parse()).into()
}
