use super::args;
use super::error::CliError;
use super::exit::Exit;
use super::screen::out;
use super::show::text::count;
use super::state::{self, Accepted};
use crate::retention::StoredPlan;

/// Accepts a waiting plan, and says how it is carried out.
pub(super) fn run(args: &args::Accept) -> Result<Exit, CliError> {
    let root = state::directory(args.state.state_dir.as_deref())?;
    let registry = args.registry.as_ref().map(ToString::to_string);
    let Accepted { plan, made_for, already } =
        state::accept(&root, &args.hash, registry.as_deref(), crate::cli::now())?;
    let tags = count(plan.entries.len(), "tag");
    let when = if already { "had been accepted before" } else { "is accepted" };
    out(format_args!("The plan {} for {} {when}: {tags}.", plan.hash, made_for.registry));
    for cause in &plan.causes {
        out(format_args!("It waited because {cause}."));
    }
    out(format_args!(
        "What stands both in it and in the plan of the moment is deleted by the next `prune --yes` until {:.0}:",
        StoredPlan::acceptable_until(plan.made_at)
    ));
    out(format_args!("  {}", made_for.command));
    Ok(Exit::Done)
}
