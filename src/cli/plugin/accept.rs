use jiff::Timestamp;

use super::Answer;
use super::args;
use super::commands::next;
use super::desk::Desk;
use super::error::PluginError;
use super::subject::Subject;
use crate::cli::show::text::count;
use crate::controller::resource::ACCEPT;
use crate::controller::stored_plans::WaitingPlan;
use crate::retention::StoredPlan;

/// Accepts a plan that waits.
pub(super) async fn run(desk: &Desk, args: &args::Accept, now: Timestamp) -> Result<Answer, PluginError> {
    let subject = desk.get(&args.name).await?;
    let waiting = desk.waiting(&subject).await?;
    let plan = find(desk, &subject, &waiting, &args.hash, now)?;
    let header = &plan.record.header;
    let already = subject.accept.as_deref().is_some_and(|typed| header.hash.is_meant_by(typed));
    if !already {
        desk.annotate(&subject, ACCEPT, header.hash.as_str()).await?;
    }
    Ok(Answer::done(lines(desk, &subject, plan, already)))
}

/// The plan that is meant, the newest where one was stored several times.
fn find<'a>(
    desk: &Desk,
    subject: &Subject,
    waiting: &'a [WaitingPlan],
    hash: &str,
    now: Timestamp,
) -> Result<&'a WaitingPlan, PluginError> {
    let key = &subject.key;
    let fresh = |plan: &&WaitingPlan| now < StoredPlan::acceptable_until(plan.made_at);
    let meant: Vec<&WaitingPlan> = waiting.iter().filter(|plan| plan.record.header.hash.is_meant_by(hash)).collect();
    if let Some(plan) = meant.iter().rev().copied().find(fresh) {
        return Ok(plan);
    }
    if let Some(plan) = meant.last() {
        let hash = &plan.record.header.hash;
        let why = format!("the plan {hash} of {key} is older than 7 days and can no longer be accepted");
        return Err(PluginError::usage(why, desk.commands.run(key)));
    }
    let others: Vec<String> = waiting.iter().filter(fresh).map(described).collect();
    if others.is_empty() {
        return Err(PluginError::usage(format!("no plan of {key} waits for a person"), desk.commands.status(key)));
    }
    let why = format!("no plan of {key} that waits begins with {hash}; these do wait: {}", others.join("; "));
    Err(PluginError::usage(why, desk.commands.plan_waiting(key)))
}

fn described(plan: &WaitingPlan) -> String {
    format!("{} ({}, made {:.0})", plan.record.header.hash, tags(plan), plan.made_at)
}

fn tags(plan: &WaitingPlan) -> String {
    count(plan.record.tags.iter().filter(|tag| tag.condemned).count(), "tag")
}

fn lines(desk: &Desk, subject: &Subject, plan: &WaitingPlan, already: bool) -> Vec<String> {
    let (key, header) = (&subject.key, &plan.record.header);
    let is_current = subject.status.waiting.as_ref().is_some_and(|it| it.plan.hash == header.hash.as_str());
    let until = StoredPlan::acceptable_until(plan.made_at);
    let said = if already { "had been accepted before" } else { "is accepted" };
    let mut lines = vec![format!("The plan {} of {key} {said}: {} may go.", header.hash, tags(plan))];
    lines.extend(header.causes.iter().map(|cause| format!("It waited because {cause}.")));
    let (when, typed) = if subject.suspended {
        ("by the next run, and none begins while the resource is suspended", desk.commands.unsuspend(key))
    } else if !subject.enforces() {
        ("by the next run, and none deletes while the mode is DryRun", desk.commands.enforce(key))
    } else if already || !is_current {
        ("by the next run", desk.commands.run(key))
    } else {
        ("by a run that begins now", desk.commands.status(key))
    };
    lines.push(format!(
        "What stands both in it and in the plan of the moment is deleted {when}; it counts until {until:.0}."
    ));
    lines.extend(next(&[typed]));
    lines
}
