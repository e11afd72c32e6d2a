//! Hands the command line over; nothing else.

use std::process::ExitCode;

use registry_retention::cli::run;

fn main() -> ExitCode {
    run(std::env::args_os()).into()
}
