//! Against an API server that is a service in this process.

mod accepting;
mod planning;
mod refusing;
mod running;
mod standing;
mod typing;

use std::collections::BTreeSet;

use clap::Parser as _;
use jiff::Timestamp;
use kube::Client;
use serde_json::{Value, json};

use super::args::{Command, Place, Plugin};
use super::commands::Commands;
use super::desk::Desk;
use super::error::PluginError;
use super::{Answer, accept, status};
use crate::cluster::tests::api_server::{ApiServer, RETENTIONS};
use crate::controller::record::PlanRecord;
use crate::controller::stored_plans::tests::config_maps;
use crate::oci::Digest;
use crate::retention::{Cause, Entry, PlanHash};

const CONFIG_MAPS: &str = "/api/v1/configmaps";

/// A cluster with the kinds that matter.
fn cluster() -> ApiServer {
    let server = ApiServer::new();
    server.serves(RETENTIONS);
    server.serves(CONFIG_MAPS);
    server
}

fn desk(server: &ApiServer) -> Desk {
    Desk::new(Client::new(server.router(), "default"), "registry".into(), Commands::new(&Place::default()))
}

fn parse(line: &str) -> Command {
    let words = std::iter::once("kubectl registry-retention").chain(line.split(' '));
    Plugin::try_parse_from(words).unwrap_or_else(|error| panic!("{line}: {error}")).command
}

fn now() -> Timestamp {
    "2026-11-22T08:00:00Z".parse().unwrap()
}

/// The answer to `line`, which is read only or accepts a plan.
async fn answer(server: &ApiServer, line: &str) -> Result<Answer, PluginError> {
    match parse(line) {
        Command::Status(args) => status::run(&desk(server), &args, now()).await,
        Command::Accept(args) => accept::run(&desk(server), &args, now()).await,
        other => panic!("{other:?} is tested otherwise"),
    }
}

/// What `line` says.
async fn said(server: &ApiServer, line: &str) -> String {
    answer(server, line).await.unwrap_or_else(|error| panic!("{line}: {error}")).lines.join("\n")
}

/// Why `line` does nothing.
async fn refused(server: &ApiServer, line: &str) -> String {
    answer(server, line).await.expect_err(line).to_string()
}

/// Puts `registry/team` there, with this spec and status.
fn put(server: &ApiServer, spec: &Value, status: &Value) {
    let metadata = json!({"uid": "u-1", "generation": 3});
    server.put(RETENTIONS, "registry", "team", json!({"metadata": metadata, "spec": spec, "status": status}));
}

fn spec(mode: &str) -> Value {
    json!({"mode": mode, "schedule": "0 3 * * *", "registry": {"url": "http://registry.registry:5000"},
           "rules": [{"name": "pull-requests", "repositories": {"include": ["**"]}, "tags": {"include": ["pr-*"]},
                      "action": "Delete"}]})
}

/// `fields`, replaced or added.
fn with(mut object: Value, fields: &Value) -> Value {
    object.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    object
}

fn condition(type_: &str, status: &str, reason: &str, message: &str) -> Value {
    json!({"type": type_, "status": status, "reason": reason, "message": message, "observedGeneration": 3,
           "lastTransitionTime": "2026-11-22T03:00:00Z"})
}

/// The status after a run.
fn after(mode: &str, result: &str, message: &str) -> Value {
    let ready = if result == "Succeeded" { "True" } else { "False" };
    json!({
        "observedGeneration": 3,
        "conditions": [condition("Ready", ready, if result == "Succeeded" { "Pruned" } else { result }, message)],
        "nextRunTime": "2026-11-23T03:00:00Z",
        "lastSuccessfulRun": "2026-11-22T03:00:12Z",
        "registry": {"version": "2.x", "deleteEnabled": true, "ageSources": {"Created": 90, "Unknown": 3}},
        "workloads": {"references": 12, "tags": 3},
        "rules": [
            {"name": "pull-requests", "selected": 80, "kept": 20, "condemned": 60},
            {"name": "typo", "selected": 0, "kept": 0, "condemned": 0},
        ],
        "lastRun": {
            "id": "20261122-030000", "mode": mode, "startTime": "2026-11-22T03:00:00Z",
            "completionTime": "2026-11-22T03:00:12Z", "result": result, "message": message,
            "repositories": 3, "tags": 100, "selected": 80, "kept": 40, "condemned": 60,
            "keptByReason": {"InUse": 3, "KeptByRule": 17, "Unselected": 20}, "reclaimableBytes": 5_000_000,
            "deleted": if mode == "Enforce" { 60 } else { 0 }, "failed": 0,
        },
    })
}

/// A plan of three tags in two repositories, two of which go.
fn record(causes: &[Cause]) -> PlanRecord {
    let tag = |repository: &str, tag: &str, condemned: bool, reason: &str, message: &str| {
        json!({"repository": repository, "tag": tag, "digest": Digest::of(tag.as_bytes()), "condemned": condemned,
               "reason": reason, "message": message, "sizeBytes": 2_202_009})
    };
    let no_longer = "no criterion of rule pull-requests of registry/team keeps it";
    let tags = [
        tag("apps/shop", "latest", false, "Protected", "it matches protect.tags of registry/team"),
        tag("apps/shop", "pr-1", true, "NoLongerKept", no_longer),
        tag("apps/web", "pr-9", true, "NoLongerKept", no_longer),
    ];
    let entry = |tag: &Value| serde_json::from_value::<Entry>(tag.clone()).unwrap();
    let going: BTreeSet<Entry> = tags.iter().filter(|tag| tag["condemned"] == true).map(entry).collect();
    let header = json!({
        "format": 1, "registry": "http://registry.registry:5000", "hash": PlanHash::of(&going, causes), "causes": causes,
        "counts": {"repositories": 2, "tags": 3, "selected": 2, "kept": 1, "condemned": 2,
                   "keptByReason": {"Protected": 1}, "reclaimableBytes": 4_404_018},
        "rules": [{"name": "pull-requests", "selected": 2, "kept": 0, "condemned": 2}],
    });
    let lines: Vec<String> = std::iter::once(&header).chain(&tags).map(ToString::to_string).collect();
    PlanRecord::read(lines.join("\n").as_bytes()).unwrap()
}

const LIMIT: Cause = Cause::MaxDeletePercent { condemned: 2, tags: 3, limit: 50 };

/// Stores `record` for `registry/team`, as of then; the reference to it.
fn store(server: &ApiServer, record: &PlanRecord, at: &str) -> Value {
    let parts = config_maps("team", "u-1", record);
    for part in &parts {
        let mut object = serde_json::to_value(part).unwrap();
        object["metadata"]["creationTimestamp"] = at.into();
        server.put(CONFIG_MAPS, "registry", part.metadata.name.as_deref().unwrap(), object);
    }
    let names: Vec<&Option<String>> = parts.iter().map(|part| &part.metadata.name).collect();
    json!({"configMaps": names, "hash": record.header.hash.as_str()})
}

/// What `status.waiting` says of a plan that has waited since `since`.
fn waiting(plan: &Value, since: &str) -> Value {
    json!({"reasons": ["MaxDeletePercent"], "message": LIMIT.to_string(), "tags": 2, "since": since, "plan": plan})
}
