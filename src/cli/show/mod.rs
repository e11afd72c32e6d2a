//! What people and programs are shown. All of it reads the one `Plan`, so that what is applied is what was shown.
//!
//! - `table`: a plan tag by tag; `summary`: its counts; `storage`: what the storage adds; `notice`: what an admin must know
//! - `ending`: what a run did, and how the space is given back
//! - `document`: the same for programs; `text`: numbers, ages, columns

mod document;
mod ending;
mod notice;
mod storage;
mod summary;
mod table;
pub(super) mod text;

pub(super) use document::{Document, RegistryDocument};
pub(super) use ending::{report, space};
pub(super) use notice::Notice;
pub(super) use storage::given_back;
pub(super) use summary::rule_table;
pub(super) use table::staying;

use super::pass::{Pass, Setting};
use super::screen::{out, out_all};

/// The whole plan of one registry.
pub(super) fn plan(pass: &Pass, wide: bool) {
    heading(pass);
    for repository in &pass.plan.repositories {
        let lines = table::repository(repository, pass.plan.made_at, wide);
        if !lines.is_empty() {
            out("");
            out_all(lines);
        }
    }
    out("");
    counts(pass);
}

/// The plan without its tags.
pub(super) fn summary(pass: &Pass) {
    heading(pass);
    counts(pass);
}

fn heading(pass: &Pass) {
    out_all(summary::heading(&pass.group, pass.plan.server));
}

fn counts(pass: &Pass) {
    out_all(summary::counts(&pass.plan, &pass.group.policies));
    for notice in &pass.notices {
        out(format_args!("Note: {notice}"));
    }
}

/// What waits for a person, and the commands that accept it and carry it out.
pub(super) fn waiting(pass: &Pass, setting: &Setting<'_>) {
    let Some(waiting) = &pass.approval.waiting else { return };
    out_all(summary::waiting(waiting, pass.approval.approved.len()));
    out(format_args!("  registry-retention accept {}{}", waiting.hash, setting.state_option));
    out(format_args!("  {}", setting.next));
}

/// What to type after a plan.
pub(super) fn next_step(pass: &Pass, setting: &Setting<'_>) {
    if pass.approval.waiting.is_some() {
        waiting(pass, setting);
    } else if !pass.approval.approved.is_empty() && !notice::refuses(&pass.notices) {
        out("Nothing was deleted. To delete:");
        out(format_args!("  {}", setting.next));
    }
}

/// What a `prune` without `--yes` ends with.
pub(super) fn nothing_deleted(pass: &Pass) {
    if pass.approval.approved.is_empty() && pass.approval.waiting.is_none() {
        out("Nothing was deleted; nothing is to be.");
    } else {
        out("Nothing was deleted: this was only the plan. Add --yes to carry it out.");
    }
}
