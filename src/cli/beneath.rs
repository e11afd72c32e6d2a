use std::os::unix::process::CommandExt as _;
use std::process::Command;

use rustix::process::{Pid, Signal, getppid, set_parent_process_death_signal};

use super::args;
use super::error::CliError;
use super::exit::Exit;

/// Becomes the program, which the kernel then ends with the process that started this one, however that ends. Whoever
/// starts a process can have no word in between otherwise.
pub(super) fn run(args: &args::Beneath) -> Result<Exit, CliError> {
    let failed = |why: &dyn std::fmt::Display| CliError::Internal(format!("the program was not started: {why}"));
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(|why| failed(&why))?;
    let parent = getppid().map(Pid::as_raw_nonzero);
    if parent.and_then(|parent| u32::try_from(parent.get()).ok()) != Some(args.parent) {
        return Err(failed(&"whoever wanted it has ended"));
    }
    let Some((program, arguments)) = args.program.split_first() else { return Err(failed(&"none is named")) };
    Err(failed(&Command::new(program).args(arguments).exec()))
}
