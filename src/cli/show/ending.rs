//! What a run did, and how the space is given back.

use super::text::{bytes, count};
use crate::cli::screen::out_all;
use crate::pruning::OpenIntents;
use crate::retention::{Generation, Plan};
use crate::worker::{Failure, Report};

/// What a run did, in the end.
pub(in crate::cli) fn report(report: &Report, open: &OpenIntents) {
    out_all(report_lines(report, open));
}

fn report_lines(report: &Report, open: &OpenIntents) -> Vec<String> {
    let mut lines = vec![format!(
        "Deleted {} and {}.",
        count(report.deleted_tags, "tag"),
        count(report.deleted_manifests, "manifest")
    )];
    let failure = |word: &str, it: &Failure| format!("{word}: {}: {}: {}", it.repository, it.operation, it.why);
    lines.extend(report.restored.iter().map(|(repository, tag)| {
        format!("Put back: {repository}:{tag}, which somebody pushed in the instant in which its manifest was deleted")
    }));
    lines.extend(report.skipped.iter().map(|it| failure("Left alone", it)));
    lines.extend(report.failed.iter().map(|it| failure("Failed", it)));
    lines.extend(
        report.refused.iter().map(|(repository, why)| format!("Refused: {repository}: {}", super::refusal(*why))),
    );
    lines.extend(report.stopped.iter().map(|why| format!("Stopped early: {why}")));
    if !report.is_complete() || !open.is_empty() {
        lines
            .push("It is not complete. Nothing that is kept was lost; run the same command again to go on.".to_owned());
    }
    lines
}

/// The commands that give the space back.
pub(in crate::cli) fn space(plan: &Plan, report: &Report) {
    let _ = report;
    out_all(space_lines(plan.server.generation, plan.reclaimable_bytes));
}

fn space_lines(generation: Generation, reclaimable: u64) -> Vec<String> {
    let config = match generation {
        Generation::V2 => "/etc/docker/registry/config.yml",
        Generation::V3 | Generation::Unknown => "/etc/distribution/config.yml",
    };
    let read_only = "REGISTRY_STORAGE_MAINTENANCE_READONLY='{\"enabled\":true}'";
    let collect = format!("registry garbage-collect {config}");
    let text = format!(
        "
The space (up to {}) comes back when the registry's garbage collector runs. Nothing may write meanwhile:
  1. Restart the registry read-only, with {read_only}
     in its environment (exactly so; _READONLY_ENABLED does not work). Wait until the old process or pod is gone.
  2. Collect, with the registry's own configuration; never with --delete-untagged, which destroys images.
     The end must be the line \"N blobs eligible for deletion\"; try it with --dry-run first.
  3. Restart it writable. A process that ran during the collection must not go on: its cache lies. (With a Redis
     descriptor cache: flush that too.)

  Deployment:  kubectl set env deployment/registry {read_only}
               kubectl rollout status deployment/registry
               kubectl exec deployment/registry -- {collect}
               kubectl set env deployment/registry REGISTRY_STORAGE_MAINTENANCE_READONLY-
  Compose:     add REGISTRY_STORAGE_MAINTENANCE_READONLY: '{{\"enabled\":true}}' under environment
               docker compose up -d registry
               docker compose exec registry {collect}
               take it out again; docker compose up -d registry
  Container:   docker stop registry
               docker run --rm --volumes-from registry REGISTRY_IMAGE garbage-collect {config}
               docker start registry
  systemd:     systemctl stop docker-registry
               run garbage-collect as the service's user, with the configuration in its unit
               systemctl start docker-registry",
        bytes(reclaimable)
    );
    text.lines().map(str::to_owned).collect()
}
