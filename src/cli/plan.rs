use serde::Serialize;

use super::access::Access;
use super::args::{self, Loudness, PlanOutput};
use super::cluster::Cluster;
use super::error::CliError;
use super::exit::Exit;
use super::pass::{Pass, Setting};
use super::screen;
use super::show::{self, Document, RegistryDocument};
use super::stop::Stop;
use super::storage::Storage;
use super::watch::Watcher;
use super::{next, source, state};

/// Shows the plan of each registry. One that cannot be judged does not keep the others from being shown.
pub(super) async fn run(args: &args::Plan, loudness: &Loudness, stop: Stop) -> Result<Exit, CliError> {
    let groups = source::read(&args.source)?;
    let access = Access::read(&args.access, Some(&args.source.file), groups.len())?;
    let cluster = Cluster::find(&args.cluster, &groups).await?;
    let root = state::directory(args.state.state_dir.as_deref())?;
    let now = crate::cli::now();
    let storage = Storage::read(&args.storage, &groups, now).await?;
    let setting = Setting {
        command: "plan",
        access: &access,
        cluster: &cluster,
        follow: false,
        complete_lists: args.source.complete_lists,
        root: &root,
        storage: &storage,
        next: next::prune(
            &args.source,
            args.storage.storage.as_ref(),
            &args.mandate,
            &args.cluster,
            &args.access,
            &args.state,
        ),
        state_option: next::state_option(&args.state),
        tombstones: args.mandate.live_shared,
        now,
    };
    let mut exit = Exit::Done;
    let mut document = Document::default();
    for group in groups {
        let (registry, resources) = (group.endpoint.to_string(), group.resources.clone());
        let watcher = Watcher::new(loudness, stop.clone());
        match Pass::make(group, &setting, &watcher).await {
            Ok(pass) if matches!(args.output, PlanOutput::Json | PlanOutput::Yaml) => {
                document.registries.push(RegistryDocument::of(pass));
            }
            Ok(pass) => {
                show::plan(&pass, args.output == PlanOutput::Wide);
                show::next_step(&pass, &setting);
            }
            Err(error) => {
                watcher.end();
                exit = exit.worse(error.exit());
                screen::fail(format_args!("{registry}: {error}"));
                document.registries.push(RegistryDocument::failed(registry, resources, &error));
            }
        }
    }
    match args.output {
        PlanOutput::Json => screen::document(&json(&document)?),
        PlanOutput::Yaml => screen::document(&yaml(&document)?),
        PlanOutput::Table | PlanOutput::Wide => {}
    }
    Ok(exit)
}

pub(super) fn json(document: &impl Serialize) -> Result<String, CliError> {
    serde_json::to_string_pretty(document).map_err(|why| CliError::Internal(format!("no JSON: {why}")))
}

pub(super) fn yaml(document: &impl Serialize) -> Result<String, CliError> {
    serde_saphyr::to_string(document).map_err(|why| CliError::Internal(format!("no YAML: {why}")))
}
