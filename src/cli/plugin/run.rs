use std::time::Duration;

use jiff::Timestamp;

use super::args;
use super::commands::next;
use super::desk::Desk;
use super::error::PluginError;
use super::subject::Subject;
use super::{Answer, account, now};
use crate::api::RunResult;
use crate::cli::exit::Exit;
use crate::controller::resource::REQUESTED_AT;

/// How often it is looked how a run goes.
pub(super) const POLL: Duration = Duration::from_secs(1);
/// After so many looks without an answer it is said where the operator can be found.
const PATIENCE: u32 = 30;

/// Asks for a run and, if told to, follows it; what happens meanwhile is told to `say`.
pub(super) async fn run(
    desk: &Desk,
    args: &args::Run,
    poll: Duration,
    say: &mut impl FnMut(&str),
) -> Result<Answer, PluginError> {
    let subject = desk.get(&args.name).await?;
    may_run(desk, &subject)?;
    let request = now().to_string();
    desk.annotate(&subject, REQUESTED_AT, &request).await?;
    let lines = announcement(&subject);
    if !args.wait {
        let typed = [desk.commands.status(&subject.key)];
        return Ok(Answer::done(lines.into_iter().chain(next(&typed)).collect()));
    }
    for line in &lines {
        say(line);
    }
    let (subject, exit) = follow(desk, &subject, &request, poll, say).await?;
    Ok(Answer { lines: account::lines(&subject, &desk.commands, now()), exit })
}

fn may_run(desk: &Desk, subject: &Subject) -> Result<(), PluginError> {
    let (key, commands) = (&subject.key, &desk.commands);
    if let Some(fault) = &subject.fault {
        let next = commands.kubectl(&format!("edit rr {} -n {}", key.name, key.namespace));
        return Err(PluginError::usage(format!("the operator cannot act on {key}: {fault}"), next));
    }
    if subject.suspended {
        let why = format!("{key} is suspended: nothing runs until spec.suspend is false");
        return Err(PluginError::usage(why, commands.unsuspend(key)));
    }
    Ok(())
}

/// What will happen.
fn announcement(subject: &Subject) -> Vec<String> {
    let key = &subject.key;
    let what = if subject.enforces() {
        "a plan is made and stored, and what needs nobody's word is deleted (mode Enforce)"
    } else {
        "a plan is made and stored, and nothing is deleted (mode DryRun)"
    };
    let first = format!("A run of {key} is asked for: {what}.");
    let after = subject.status.run.as_ref().map(|_| "A run is in progress; this one comes after it.".to_owned());
    std::iter::once(first).chain(after).collect()
}

/// Looks until the run that was asked for has ended, or cannot go on without a person.
async fn follow(
    desk: &Desk,
    before: &Subject,
    request: &str,
    poll: Duration,
    say: &mut impl FnMut(&str),
) -> Result<(Subject, Exit), PluginError> {
    let mut said = String::new();
    for look in 0.. {
        tokio::time::sleep(poll).await;
        let subject = desk.get(&before.key.name).await?;
        if subject.uid != before.uid {
            let why = format!("{} was deleted and created anew meanwhile", subject.key);
            return Err(PluginError::usage(why, desk.commands.status(&subject.key)));
        }
        let answered = subject.status.last_handled_reconcile_at.as_deref() == Some(request);
        if let (true, Some(exit)) = (answered, ended(&subject, before)) {
            return Ok((subject, exit));
        }
        if !answered && subject.status.run.is_none() {
            may_run(desk, &subject)?;
        }
        let goes = progress(&subject, answered, now());
        if goes != said {
            say(&goes);
            said = goes;
        }
        if look == PATIENCE && subject.status == before.status {
            say(&format!("The operator has not answered yet. Does it run? {}", desk.commands.operator()));
        }
    }
    unreachable!("looking ends with the run")
}

/// How the run that was asked for ended, if it did.
fn ended(subject: &Subject, before: &Subject) -> Option<Exit> {
    let status = &subject.status;
    if status.run.is_some() {
        let words =
            |subject: &Subject| subject.status.condition("Stalled").map(|it| (it.reason.clone(), it.message.clone()));
        let is_new = words(subject).is_some() && words(subject) != words(before);
        return is_new.then_some(Exit::Registry);
    }
    Some(match status.last_run.as_ref()?.result {
        RunResult::Succeeded if status.waiting.is_some() && subject.enforces() => Exit::Waiting,
        RunResult::Succeeded => Exit::Done,
        RunResult::Incomplete => Exit::Incomplete,
        RunResult::Failed => Exit::Registry,
    })
}

fn progress(subject: &Subject, answered: bool, now: Timestamp) -> String {
    match &subject.status.run {
        // The time since it began would make every look news.
        Some(run) => account::running(run, now).split_once(": ").map_or_else(String::new, |(_, what)| what.to_owned()),
        None if answered => "ended".to_owned(),
        None => "planning".to_owned(),
    }
}
