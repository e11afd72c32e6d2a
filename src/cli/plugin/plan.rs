use jiff::Timestamp;
use serde::Serialize;

use super::args;
use super::commands::next;
use super::desk::Desk;
use super::error::PluginError;
use super::sheet;
use super::subject::Subject;
use crate::api::PlanReference;
use crate::cli::args::PlanOutput;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::show::text::ago;
use crate::cli::{plan, screen};
use crate::controller::record::{Header, PlanRecord, TagRecord};

/// Which of a resource's plans.
pub(super) struct Chosen<'a> {
    pub(super) reference: &'a PlanReference,
    /// In words.
    what: String,
}

/// What `-o json` and `-o yaml` print.
#[derive(Serialize)]
pub(super) struct Document<'a> {
    #[serde(flatten)]
    header: &'a Header,
    tags: &'a [TagRecord],
}

impl<'a> Document<'a> {
    pub(super) fn of(record: &'a PlanRecord) -> Self {
        Self { header: &record.header, tags: &record.tags }
    }
}

/// Shows a stored plan.
pub(super) async fn run(desk: &Desk, args: &args::Plan, now: Timestamp) -> Result<Exit, CliError> {
    let subject = desk.get(&args.name).await?;
    let chosen = choose(desk, &subject, args, now)?;
    let record = desk.plan(&subject.key, chosen.reference).await?;
    let document = Document::of(&record);
    match args.output {
        PlanOutput::Json => screen::document(&plan::json(&document)?),
        PlanOutput::Yaml => screen::document(&plan::yaml(&document)?),
        PlanOutput::Table | PlanOutput::Wide => {
            screen::out_all(lines(desk, &subject, &chosen, &record, args.output == PlanOutput::Wide));
        }
    }
    Ok(Exit::Done)
}

/// The plan that is meant.
pub(super) fn choose<'a>(
    desk: &Desk,
    subject: &'a Subject,
    args: &args::Plan,
    now: Timestamp,
) -> Result<Chosen<'a>, PluginError> {
    let (key, status) = (&subject.key, &subject.status);
    let running = status.run.as_ref().map(|run| Chosen {
        reference: &run.plan,
        what: format!("the plan of the run in progress since {}", ago(run.start_time.0, now)),
    });
    let waiting = status.waiting.as_ref().map(|waiting| Chosen {
        reference: &waiting.plan,
        what: format!("the plan that has waited for {}", ago(waiting.since.0, now)),
    });
    let last = status.last_run.as_ref().and_then(|run| {
        let what = format!("the plan of the last run, {} ago", ago(run.start_time.0, now));
        Some(Chosen { reference: run.plan.as_ref()?, what })
    });
    let is_of_last = last.as_ref().is_some_and(|last| Some(last.reference) == status.plan.as_ref());
    let newest = status.plan.as_ref().filter(|_| !is_of_last);
    let newest = newest.map(|reference| Chosen { reference, what: "the newest plan".to_owned() });
    let (chosen, lacking) = match (args.running, args.waiting, args.last_run) {
        (true, ..) => (running, "no run is in progress"),
        (_, true, _) => (waiting, "no plan waits for a person"),
        (.., true) => (last, "no run has ended yet"),
        _ => (newest.or(last).or(running), "no plan was stored yet"),
    };
    chosen.ok_or_else(|| PluginError::usage(format!("{key}: {lacking}"), desk.commands.status(key)))
}

/// The plan for people, and what to type after it.
pub(super) fn lines(
    desk: &Desk,
    subject: &Subject,
    chosen: &Chosen<'_>,
    record: &PlanRecord,
    wide: bool,
) -> Vec<String> {
    let (key, status, commands) = (&subject.key, &subject.status, &desk.commands);
    let mut lines = vec![format!("{key}: {}, {}", chosen.what, record.header.hash)];
    lines.extend(sheet::lines(record, wide));
    let hash = record.header.hash.as_str();
    let waits = status.waiting.as_ref().filter(|waiting| waiting.plan.hash == hash);
    let typed = match (waits, &status.waiting) {
        (Some(_), _) => vec![commands.accept(key, record.header.hash.short())],
        (None, Some(_)) => vec![commands.plan_waiting(key)],
        (None, None) => vec![commands.status(key)],
    };
    lines.extend(next(&typed));
    lines
}
