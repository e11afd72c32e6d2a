use serde::Serialize;

use super::access::Access;
use super::args::{self, Loudness, VerifyOutput};
use super::error::CliError;
use super::exit::Exit;
use super::screen::{self, err, out, out_all};
use super::show::text::{Table, bytes, count};
use super::source;
use super::stop::Stop;
use super::watch::Watcher;
use crate::oci::RepositoryName;
use crate::registry::{Client, Endpoint};
use crate::retention::{Policy, named_repositories, reaches};
use crate::worker::{Verification, Verifier, WorkError};

#[derive(Default, Serialize)]
struct Document {
    registries: Vec<RegistryDocument>,
}

#[derive(Serialize)]
struct RegistryDocument {
    registry: String,
    repositories: usize,
    #[serde(flatten)]
    verification: Verification,
}

/// Walks what tags reach, registry by registry.
pub(super) async fn run(args: &args::Verify, loudness: &Loudness, stop: Stop) -> Result<Exit, CliError> {
    let targets: Vec<(Endpoint, Vec<Policy>)> = match (&args.file, &args.registry) {
        (Some(file), registry) => {
            let groups = source::groups(file, registry.as_ref(), false)?;
            groups.into_iter().map(|group| (group.endpoint, group.policies)).collect()
        }
        (None, Some(registry)) => vec![(registry.clone(), Vec::new())],
        (None, None) => return Err(CliError::Usage("say what to verify: -f FILE or --registry URL".into())),
    };
    let access = Access::read(&args.access, args.file.as_deref(), targets.len())?;
    let mut document = Document::default();
    let mut exit = Exit::Done;
    for (endpoint, policies) in targets {
        let watcher = Watcher::new(loudness, stop.clone());
        let verified = verify(&access, &endpoint, &policies, args, &watcher).await;
        watcher.end();
        match verified {
            Ok((found, ended)) => {
                exit = exit.worse(ended);
                if args.output == VerifyOutput::Table {
                    show(&found, args.rehash);
                }
                document.registries.push(found);
            }
            Err(error) => {
                screen::fail(format_args!("{endpoint}: {error}"));
                exit = exit.worse(error.exit());
            }
        }
    }
    match args.output {
        VerifyOutput::Json => screen::document(&super::plan::json(&document)?),
        VerifyOutput::Yaml => screen::document(&super::plan::yaml(&document)?),
        VerifyOutput::Table => {}
    }
    Ok(exit)
}

async fn verify(
    access: &Access,
    endpoint: &Endpoint,
    policies: &[Policy],
    args: &args::Verify,
    watcher: &Watcher,
) -> Result<(RegistryDocument, Exit), CliError> {
    let client = access.client(endpoint)?;
    let names = repositories(&client, policies, args).await?;
    let verifier = Verifier { client: &client, rehash: args.rehash, progress: watcher };
    let mut all = Verification::default();
    let mut exit = Exit::Done;
    for name in &names {
        let found = verifier.verify(vec![name.clone()]).await?;
        if found.tags == 0 && args.repositories.contains(name) {
            err(format_args!("error: {endpoint} has no repository {name}, or no tag in it"));
            exit = Exit::Usage;
        }
        add(&mut all, found);
    }
    if !all.findings.is_empty() {
        exit = exit.worse(Exit::Damaged);
    }
    Ok((RegistryDocument { registry: endpoint.to_string(), repositories: names.len(), verification: all }, exit))
}

fn add(all: &mut Verification, one: Verification) {
    all.tags += one.tags;
    all.manifests += one.manifests;
    all.blobs += one.blobs;
    all.hashed_bytes += one.hashed_bytes;
    all.findings.extend(one.findings);
}

async fn repositories(
    client: &Client,
    policies: &[Policy],
    args: &args::Verify,
) -> Result<Vec<RepositoryName>, CliError> {
    let mut names = if !args.repositories.is_empty() {
        args.repositories.clone()
    } else if args.file.is_some() {
        let all = match named_repositories(policies) {
            Some(named) => named.into_iter().collect(),
            None => client.repositories().await.map_err(WorkError::from)?,
        };
        all.into_iter().filter(|name| reaches(policies, name)).collect()
    } else {
        client.repositories().await.map_err(WorkError::from)?
    };
    names.sort();
    names.dedup();
    Ok(names)
}

fn show(found: &RegistryDocument, rehash: bool) {
    let it = &found.verification;
    let hashed = if rehash { format!(" ({} hashed)", bytes(it.hashed_bytes)) } else { String::new() };
    if !it.findings.is_empty() {
        let mut table = Table::new("", &[], &["REPOSITORY", "WHAT", "FAULT", "TAGS"]);
        for finding in &it.findings {
            let shown: Vec<String> = finding.tags.iter().take(5).map(ToString::to_string).collect();
            let more =
                if finding.tags.len() > 5 { format!(" and {} more", finding.tags.len() - 5) } else { String::new() };
            table.row([
                finding.repository.to_string(),
                finding.what.clone(),
                finding.fault.clone(),
                format!("{}{more}", shown.join(", ")),
            ]);
        }
        out_all(table.lines());
    }
    out(format_args!(
        "{}: {} in {} reach {} and {} that are whole{hashed}; {}",
        found.registry,
        count(it.tags, "tag"),
        count(found.repositories, "repository"),
        count(it.manifests, "manifest"),
        count(it.blobs, "blob"),
        if it.findings.is_empty() { "nothing is missing".to_owned() } else { count(it.findings.len(), "fault") }
    ));
}
