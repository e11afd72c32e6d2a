use jiff::Timestamp;

use super::args;
use super::desk::Desk;
use super::error::PluginError;
use super::{Answer, account, overview};

/// Shows how one resource stands, or all of them.
pub(super) async fn run(desk: &Desk, args: &args::Status, now: Timestamp) -> Result<Answer, PluginError> {
    let lines = match &args.name {
        Some(name) => account::lines(&desk.get(name).await?, &desk.commands, now),
        None => overview::lines(&desk.list(args.all_namespaces).await?, args.all_namespaces, &desk.commands, now),
    };
    Ok(Answer::done(lines))
}
