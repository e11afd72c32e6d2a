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
    lines.extend(report.refused.iter().map(|(repository, why)| format!("Refused: {repository}: {}", why.remedy())));
    lines.extend(report.stopped.iter().map(|why| format!("Stopped early: {why}")));
    if !report.is_complete() || !open.is_empty() {
        lines
            .push("It is not complete. Nothing that is kept was lost; run the same command again to go on.".to_owned());
    }
    lines
}

/// The commands that give the space back. `whole`: whether all of the plan was carried out, so that its figure holds.
pub(in crate::cli) fn space(plan: &Plan, whole: bool) {
    out_all(space_lines(plan.server.generation, whole.then_some(plan.reclaimable_bytes)));
}

fn space_lines(generation: Generation, reclaimable: Option<u64>) -> Vec<String> {
    let config = match generation {
        Generation::V2 => "/etc/docker/registry/config.yml",
        Generation::V3 | Generation::Unknown => "/etc/distribution/config.yml",
    };
    let read_only = "REGISTRY_STORAGE_MAINTENANCE_READONLY='{\"enabled\":true}'";
    let collect = format!("registry garbage-collect {config}");
    let text = format!(
        "
The space{} comes back when the registry's garbage collector runs. Nothing may write meanwhile:
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
               docker run --rm --volumes-from registry IMAGE garbage-collect {config}   (with its own -e options)
               docker start registry
  systemd:     systemctl stop docker-registry
               runuser -u docker-registry -- docker-registry garbage-collect /etc/docker/registry/config.yml
               systemctl start docker-registry",
        reclaimable.map(|size| format!(" (up to {})", bytes(size))).unwrap_or_default()
    );
    text.lines().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::retention::Refusal;

    #[test]
    fn what_was_left_is_said_with_its_reason() {
        let failure = |operation: &str, why: &str| Failure {
            repository: "app".parse().unwrap(),
            operation: operation.into(),
            why: why.into(),
        };
        let report = Report {
            deleted_tags: 1,
            deleted_manifests: 2,
            skipped: vec![failure("remove tag a", "tag a was pushed to meanwhile")],
            failed: vec![failure("remove tag b", "the server failed (500)")],
            restored: vec![("app".parse().unwrap(), "c".parse().unwrap())],
            refused: vec![("other".parse().unwrap(), Refusal::Forbidden)],
            stopped: Some(crate::worker::Stopped::CalledOff),
        };
        assert_eq!(
            report_lines(&report, &OpenIntents::default()),
            [
                "Deleted 1 tag and 2 manifests.",
                "Put back: app:c, which somebody pushed in the instant in which its manifest was deleted",
                "Left alone: app: remove tag a: tag a was pushed to meanwhile",
                "Failed: app: remove tag b: the server failed (500)",
                "Refused: other: this login may not delete; grant it pull, push and delete on the repositories that the \
                 rules reach",
                "Stopped early: it was called off",
                "It is not complete. Nothing that is kept was lost; run the same command again to go on.",
            ]
        );
        assert_eq!(report_lines(&Report::default(), &OpenIntents::default()), ["Deleted 0 tags and 0 manifests."]);
    }

    #[test]
    fn the_collector_is_never_told_to_delete_what_is_untagged() {
        for (generation, config) in
            [(Generation::V2, "/etc/docker/registry/config.yml"), (Generation::V3, "/etc/distribution/config.yml")]
        {
            let lines = space_lines(generation, None);
            let collects = |line: &&String| line.contains("garbage-collect");
            assert!(lines.iter().filter(collects).any(|line| line.contains(config)));
            assert!(lines.iter().filter(collects).all(|line| !line.contains("-untagged") && !line.contains(" -m")));
            assert!(
                lines.iter().any(|line| line.contains(r#"REGISTRY_STORAGE_MAINTENANCE_READONLY='{"enabled":true}'"#))
            );
        }
    }
}
