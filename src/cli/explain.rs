use std::collections::BTreeSet;

use jiff::Timestamp;

use super::access::Access;
use super::args::{self, Loudness};
use super::cluster::Cluster;
use super::error::CliError;
use super::exit::Exit;
use super::screen::{out, out_all};
use super::show::text::{ago, bytes};
use super::source::Group;
use super::state::Folder;
use super::stop::Stop;
use super::storage::Storage;
use super::watch::Watcher;
use super::{source, state};
use crate::oci::{Digest, Tag, TagReference};
use crate::retention::{
    Created, InUse, Inventory, Mandate, Removal, Repository, RepositoryPlan, TagPlan, TagState, decide, opinions,
    reaches, wants,
};
use crate::worker::Observer;

/// Explains one tag at each registry whose rules reach its repository.
pub(super) async fn run(args: &args::Explain, loudness: &Loudness, stop: Stop) -> Result<Exit, CliError> {
    let mut groups = source::read(&args.source)?;
    let access = Access::read(&args.access, Some(&args.source.file), groups.len())?;
    let cluster = Cluster::find(&args.cluster, &groups).await?;
    let root = state::directory(args.state.state_dir.as_deref())?;
    if groups.len() > 1 {
        groups.retain(|group| reaches(&group.policies, &args.reference.repository));
    }
    if groups.is_empty() {
        out(format_args!(
            "No rule of any registry in the file reaches {}: all of it stays.",
            args.reference.repository
        ));
    }
    let storage = Storage::read(&args.storage, &groups, crate::cli::now()).await?;
    for mut group in groups {
        cluster.join(&mut group, args.source.complete_lists)?;
        let notices = cluster.notices(&group).into_iter().chain(access.notices(&group.resources));
        out_all(notices.map(|notice| format!("Note: {notice}")));
        let in_use = cluster.workloads(&group, false).await?.in_use;
        let folder = Folder::peek(&root, &group.endpoint.host_port());
        let watcher = Watcher::new(loudness, stop.clone());
        let explained = explain(&group, &in_use, &storage, &access, &folder, args, &watcher).await;
        watcher.end();
        out_all(explained?);
    }
    Ok(Exit::Done)
}

async fn explain(
    group: &Group,
    in_use: &InUse,
    storage: &Storage,
    access: &Access,
    folder: &Folder,
    args: &args::Explain,
    watcher: &Watcher,
) -> Result<Vec<String>, CliError> {
    let now = crate::cli::now();
    let TagReference { repository: name, tag } = &args.reference;
    let client = access.client(&group.endpoint)?;
    let (memory, open) = (folder.memory()?, folder.open_intents()?);
    let observer = Observer {
        client: &client,
        policies: &group.policies,
        in_use,
        store: storage.store(),
        memory: &memory,
        open: &open,
        progress: watcher,
    };
    let server = client.probe(name).await?;
    let repository = observer.repository(name, None, &BTreeSet::new()).await?.repository;
    if repository.tags.is_empty() && repository.unreadable.is_none() {
        return Err(CliError::Usage(format!("{} has no repository {name}, or no tag in it", group.endpoint)));
    }
    if !repository.tags.contains_key(tag) && repository.unreadable.is_none() {
        let listed = repository.tags.len();
        return Err(CliError::Usage(format!("{} has no tag {tag} in {name}, which lists {listed}", group.endpoint)));
    }
    let inventory = Inventory::of_api(server, [(name.clone(), repository)].into());
    storage.check(group, &inventory.listing())?;
    let inventory = Inventory { store: storage.store().cloned(), ..inventory };
    let mandate = Mandate { tombstones: args.mandate.live_shared, within: None };
    let plan = decide(&inventory, &group.policies, in_use, mandate, now);
    let (Some(plan), Some(repository)) = (plan.repositories.first(), inventory.repositories.get(name)) else {
        return Err(CliError::Internal("a plan without its repository".into()));
    };
    let Some(planned) = plan.tags.iter().find(|planned| planned.tag == *tag) else {
        let why = repository.unreadable.as_deref().unwrap_or_default();
        return Ok(vec![format!("{name}:{tag}: keep (Unreadable)"), format!("  the tag list cannot be read: {why}")]);
    };
    let mut lines = head(group, &args.reference, planned, repository, now);
    lines.extend(said(group, &args.reference, &inventory, now));
    lines.extend(protections(group, tag));
    let user = in_use.user_of(name, Some(tag), planned.digest.as_ref(), repository);
    lines.extend(labelled("used by", user.map(ToString::to_string).into_iter()));
    lines.extend(relations(plan, planned, repository));
    lines.push(format!("  it goes      {}", way(planned)));
    lines.push(format!("  to change    {}", planned.verdict.remedy()));
    Ok(lines)
}

fn head(
    group: &Group,
    reference: &TagReference,
    planned: &TagPlan,
    repository: &Repository,
    now: Timestamp,
) -> Vec<String> {
    let verdict = if planned.verdict.is_condemned() { "delete" } else { "keep" };
    let digest = planned.digest.as_ref();
    let listed = repository.listed().cloned().collect();
    let asked = wants(&group.policies, &reference.repository, &listed, None).ages.contains(&reference.tag);
    let created = match digest.map(|digest| repository.created(digest, now)) {
        Some(Created::At(at)) => format!("{at:.0}, {} ago", ago(at, now)),
        Some(Created::Unknown(doubt)) if asked => format!("unknown: {doubt}"),
        _ => "not read, since no rule asks for it".to_owned(),
    };
    let first_seen = match repository.first_seen.get(&reference.tag) {
        Some(at) => format!("{at:.0}, {} ago, at this digest", ago(*at, now)),
        None => "now; `plan` remembers it".to_owned(),
    };
    let pushed = planned.pushed.map(|at| format!("  pushed       {at:.0}, {} ago, by the storage", ago(at, now)));
    let known = [
        format!("{reference} of {}: {verdict} ({})", group.endpoint, planned.verdict.code()),
        format!("  why          {}", planned.verdict),
        format!("  digest       {}", digest.map_or("-", Digest::as_str)),
        format!("  size         {}", bytes(planned.size_bytes)),
        format!("  created      {created}"),
        format!("  first seen   {first_seen}"),
    ];
    known.into_iter().chain(pushed).collect()
}

fn said(group: &Group, reference: &TagReference, inventory: &Inventory, now: Timestamp) -> Vec<String> {
    let said = opinions(inventory, &reference.repository, &group.policies, &reference.tag, now);
    if said.is_empty() {
        return vec!["  rules        none selects it".to_owned()];
    }
    labelled("rules", said.iter().map(|(rule, says)| format!("{}/{} {says}", rule.policy, rule.rule)))
}

fn protections(group: &Group, tag: &Tag) -> Vec<String> {
    let patterns = group.policies.iter().filter_map(|policy| {
        let pattern = policy.protected.first_match(tag.as_str())?;
        Some(format!("{pattern:?} in spec.protect.tags of {}", policy.name))
    });
    let ages = group.policies.iter().filter(|policy| !policy.minimum_age.is_zero()).map(|policy| {
        format!(
            "nothing younger than {} h goes (spec.protect.minimumAge of {})",
            policy.minimum_age.as_hours(),
            policy.name
        )
    });
    labelled("protected", patterns.chain(ages))
}

/// The other tags that this one has to do with.
fn relations(plan: &RepositoryPlan, planned: &TagPlan, repository: &Repository) -> Vec<String> {
    let Some(digest) = &planned.digest else { return Vec::new() };
    let others = || plan.tags.iter().filter(|other| other.tag != planned.tag);
    let shown = |other: &TagPlan| {
        let verdict = if other.verdict.is_condemned() { "delete" } else { "keep" };
        format!("{} ({verdict}, {})", other.tag, other.verdict.code())
    };
    let same = others().filter(|other| other.digest.as_ref() == Some(digest)).map(shown);
    let needs = |other: &&TagPlan| {
        other.digest.as_ref().is_some_and(|other| other != digest && repository.reach([other]).contains(digest))
    };
    let mut lines = labelled("same digest", same);
    lines.extend(labelled("needed by", others().filter(needs).map(shown)));
    let keys = repository.companion_keys();
    let belongs = |other: &&TagPlan| {
        let state = repository.tags.get(&other.tag);
        let subject = state.map(|state: &TagState| repository.subject_of(&other.tag, state, &keys));
        matches!(subject, Some(crate::retention::Subject::Of(subject)) if subject == digest)
    };
    lines.extend(labelled("companions", others().filter(belongs).map(shown)));
    lines
}

fn way(planned: &TagPlan) -> &'static str {
    match planned.removal {
        None => "not",
        Some(Removal::WithManifest) => "with its manifest",
        Some(Removal::TagOnly) => "alone; the manifest stays, and so does its space",
        Some(Removal::Dangling) => "alone; it points at nothing",
    }
}

/// A label before the first of several lines.
fn labelled(label: &str, texts: impl Iterator<Item = String>) -> Vec<String> {
    texts.enumerate().map(|(index, text)| format!("  {:<12} {text}", if index == 0 { label } else { "" })).collect()
}
