use super::access::Access;
use super::args::{self, Loudness};
use super::cluster::Cluster;
use super::error::CliError;
use super::exit::Exit;
use super::pass::{Pass, Setting};
use super::screen::{self, out};
use super::show;
use super::source::Group;
use super::stop::Stop;
use super::storage::Storage;
use super::watch::Watcher;
use super::{next, source, state};
use crate::retention::{Deletes, StoredPlan};
use crate::worker::{Journal as _, Pruner, Report};

/// Carries the plan of each registry out, or shows it. What fails at one registry does not hold up the others.
pub(super) async fn run(args: &args::Prune, loudness: &Loudness, stop: Stop) -> Result<Exit, CliError> {
    let groups = source::read(&args.source)?;
    let access = Access::read(&args.access, Some(&args.source.file), groups.len())?;
    let cluster = Cluster::find(&args.cluster, &groups).await?;
    let root = state::directory(args.state.state_dir.as_deref())?;
    let now = crate::cli::now();
    let storage = Storage::read_now(args.storage.as_ref(), &groups, now).await?;
    let setting = Setting {
        command: if args.yes { "prune --yes" } else { "prune" },
        access: &access,
        cluster: &cluster,
        follow: args.yes,
        complete_lists: args.source.complete_lists,
        root: &root,
        storage: &storage,
        next: next::prune(&args.source, args.storage.as_ref(), &args.mandate, &args.cluster, &args.access, &args.state),
        state_option: next::state_option(&args.state),
        tombstones: args.mandate.live_shared,
        now,
    };
    let mut exit = Exit::Done;
    for group in groups {
        if let Some(ended) = stop.came() {
            return Ok(ended);
        }
        let registry = group.endpoint.to_string();
        let watcher = Watcher::new(loudness, stop.clone());
        let ended = prune(group, args, &setting, &watcher).await.unwrap_or_else(|error| {
            watcher.end();
            screen::fail(format_args!("{registry}: {error}"));
            error.exit()
        });
        exit = exit.worse(ended);
    }
    Ok(stop.came().unwrap_or(exit))
}

async fn prune(group: Group, args: &args::Prune, setting: &Setting<'_>, watcher: &Watcher) -> Result<Exit, CliError> {
    let pass = Pass::make(group, setting, watcher).await?;
    if !args.yes {
        show::plan(&pass, false);
        show::nothing_deleted(&pass);
        return Ok(Exit::Done);
    }
    show::summary(&pass);
    if let Deletes::Refused(refusal) = pass.plan.server.deletes
        && !pass.plan.repositories.is_empty()
    {
        return Err(CliError::Refused(refusal.remedy()));
    }
    let waits = pass.approval.waiting.is_some();
    if waits {
        show::waiting(&pass, setting);
    }
    let ended = carry_out(pass, setting, watcher).await?;
    Ok(if waits { ended.worse(Exit::Waiting) } else { ended })
}

/// Deletes what is approved, and finishes what an earlier run began.
async fn carry_out(pass: Pass, setting: &Setting<'_>, watcher: &Watcher) -> Result<Exit, CliError> {
    let waits = pass.approval.waiting.is_some();
    let Pass { group, client, folder, mut journal, mut memory, running, accepted, made_for, .. } = pass;
    let (plan, approval, workloads) = (pass.plan, pass.approval, pass.workloads);
    if approval.approved.is_empty() && journal.open_intents().is_empty() {
        folder.finish_running()?;
        if !waits {
            folder.forget_accepted(&accepted)?;
        }
        out("Nothing is to be deleted now.");
        return Ok(Exit::Done);
    }
    let in_use = workloads.before_deleting(&group).await?;
    // A plan that goes on is as old as it was: what was accepted in it does not stay accepted for ever.
    let made_at = running.map_or(setting.now, |running| running.made_at.min(setting.now));
    let stored = StoredPlan::new(approval.approved, Vec::new(), made_at);
    folder.start_running(&stored, &made_for)?;
    watcher.delete(stored.entries.len());
    let pruner = Pruner {
        client: &client,
        policies: &group.policies,
        in_use: &*in_use,
        memory: &mut memory,
        journal: &mut journal,
        store: setting.storage.store().cloned(),
        plan: &stored,
        tombstones: setting.tombstones,
        now: setting.now,
        progress: watcher,
    };
    let report = pruner.run().await;
    watcher.end();
    folder.save_memory(&memory)?;
    let report = report?;
    let open = journal.close()?;
    if report.is_complete() && open.is_empty() {
        folder.finish_running()?;
        folder.forget_accepted(&accepted)?;
    }
    show::report(&report, &open);
    if report.deleted_manifests > 0 {
        show::space(&plan, report.is_complete() && !waits);
    }
    Ok(exit_of(&report, open.is_empty()))
}

fn exit_of(report: &Report, settled: bool) -> Exit {
    match (report.refused.is_empty(), report.is_complete() && settled) {
        (false, _) => Exit::Registry,
        (true, false) => Exit::Incomplete,
        (true, true) => Exit::Done,
    }
}
