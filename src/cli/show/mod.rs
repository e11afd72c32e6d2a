//! What people and programs are shown. All of it reads the one `Plan`, so that what is applied is what was shown.
//!
//! - `table`: a plan tag by tag; `summary`: its counts; `notice`: what an admin must know about it
//! - `ending`: what a run did, and how the space is given back
//! - `document`: the same for programs; `text`: numbers, ages, columns

mod document;
mod ending;
mod notice;
mod summary;
mod table;
pub(super) mod text;

use std::path::{Path, PathBuf};

pub(super) use document::{Document, RegistryDocument};
pub(super) use ending::{report, space};
pub(super) use notice::{Notice, refusal};

use super::pass::Pass;
use super::screen::{out, out_all};
use super::source::is_stdin;

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

/// What waits for a person, and the command that accepts it.
pub(super) fn waiting(pass: &Pass, file: &Path, state_dir: Option<&Path>) {
    let Some(waiting) = &pass.approval.waiting else { return };
    out_all(summary::waiting(waiting, pass.approval.approved.len()));
    let state = state_dir.map(|dir| format!(" --state-dir {}", shell_word(dir))).unwrap_or_default();
    out(format_args!("  registry-retention accept {}{state}", waiting.hash));
    out(format_args!("  registry-retention prune -f {} --yes{state}", shell_word(file)));
}

/// What to type after a plan.
pub(super) fn next_step(pass: &Pass, file: &Path, state_dir: Option<&Path>) {
    if pass.approval.waiting.is_some() {
        waiting(pass, file, state_dir);
    } else if !pass.approval.approved.is_empty() && !notice::refuses(&pass.notices) {
        let state = state_dir.map(|dir| format!(" --state-dir {}", shell_word(dir))).unwrap_or_default();
        out("Nothing was deleted. To delete:");
        out(format_args!("  registry-retention prune -f {} --yes{state}", shell_word(file)));
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

/// The path from the root, for whoever stands elsewhere; none of standard input.
pub(super) fn absolute(file: &Path) -> Option<PathBuf> {
    if is_stdin(file) { None } else { std::path::absolute(file).ok() }
}

/// A path as a shell takes it.
pub(super) fn shell_word(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |char: char| char.is_alphanumeric() || "/._-+:@%".contains(char);
    if !text.is_empty() && text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}
