use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::journal::FileJournal;
use super::lock::Lock;
use super::{StateError, file};
use crate::oci::{RepositoryName, Tag};
use crate::pruning::OpenIntents;
use crate::retention::{Memory, PlanHash, StoredPlan};

const MEMORY_REMEDY: &str = "put it back from a backup, or move it away: then every tag counts as first seen at the \
                             next run, and minimumAge keeps all of them for that long";
const PLAN_REMEDY: &str = "move it away; the next plan is stored anew";

/// The files of one registry.
#[derive(Debug)]
pub(in crate::cli) struct Folder {
    path: PathBuf,
    /// Absent while somebody only looks.
    lock: Option<Lock>,
}

/// For whom a plan was made, so that a person who finds it knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::cli) struct StoredFor {
    /// The registry's URL.
    pub(in crate::cli) registry: String,
    /// The resources whose rules made it.
    pub(in crate::cli) resources: Vec<String>,
    /// The command that carries it out once it is accepted.
    pub(in crate::cli) command: String,
}

/// A plan in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) made_for: StoredFor,
    pub(super) plan: StoredPlan,
}

impl Folder {
    /// The folder of `registry` (`host:port`), for this run alone. `now` tells which plans are too old to keep.
    pub(in crate::cli) fn open(root: &Path, registry: &str, command: &str, now: Timestamp) -> Result<Self, StateError> {
        let path = root.join(name_of(registry));
        let (waiting, accepted) = (path.join("waiting"), path.join("accepted"));
        file::make_folder(&path)?;
        let lock = Lock::take(&path.join("lock"), registry, command)?;
        for folder in [&waiting, &accepted] {
            file::make_folder(folder)?;
        }
        for folder in [&path, &waiting, &accepted] {
            file::sweep_unfinished(folder);
        }
        for stored in file::list(&waiting)?.into_iter().chain(file::list(&accepted)?) {
            let record = read_record(&stored)?;
            if record.is_some_and(|record| !record.plan.is_acceptable(now)) {
                file::remove(&stored)?;
            }
        }
        Ok(Self { path, lock: Some(lock) })
    }

    /// The folder of `registry`, to look at while another run may be writing there. It need not be there.
    pub(in crate::cli) fn peek(root: &Path, registry: &str) -> Self {
        Self { path: root.join(name_of(registry)), lock: None }
    }

    /// What earlier runs saw.
    pub(in crate::cli) fn memory(&self) -> Result<Memory, StateError> {
        Ok(file::read(&self.path.join("memory.json"), MEMORY_REMEDY)?.unwrap_or_default())
    }

    pub(in crate::cli) fn save_memory(&self, memory: &Memory) -> Result<(), StateError> {
        self.may_write();
        file::write(&self.path.join("memory.json"), memory)
    }

    pub(in crate::cli) fn journal(&self) -> Result<FileJournal, StateError> {
        self.may_write();
        FileJournal::load(self.path.join("journal.jsonl"))
    }

    /// What is open in the journal, for whoever only looks.
    pub(in crate::cli) fn open_intents(&self) -> Result<OpenIntents, StateError> {
        FileJournal::peek(&self.path.join("journal.jsonl"))
    }

    /// The plan that a run was carrying out when it was cut short.
    pub(in crate::cli) fn running(&self) -> Result<Option<StoredPlan>, StateError> {
        Ok(read_record(&self.running_path())?.map(|record| record.plan))
    }

    pub(in crate::cli) fn start_running(&self, plan: &StoredPlan, made_for: &StoredFor) -> Result<(), StateError> {
        self.may_write();
        file::write(&self.running_path(), Record { made_for: made_for.clone(), plan: plan.clone() })
    }

    pub(in crate::cli) fn finish_running(&self) -> Result<(), StateError> {
        self.may_write();
        file::remove(&self.running_path())
    }

    /// The plans that a person accepted.
    pub(in crate::cli) fn accepted(&self) -> Result<Vec<StoredPlan>, StateError> {
        let mut plans = Vec::new();
        for path in file::list(&self.path.join("accepted"))? {
            plans.extend(read_record(&path)?.map(|record| record.plan));
        }
        Ok(plans)
    }

    pub(in crate::cli) fn forget_accepted(&self, plans: &[StoredPlan]) -> Result<(), StateError> {
        self.may_write();
        plans.iter().try_for_each(|plan| file::remove(&stored_path(&self.path.join("accepted"), &plan.hash)))
    }

    pub(in crate::cli) fn store_waiting(&self, plan: &StoredPlan, made_for: &StoredFor) -> Result<(), StateError> {
        self.may_write();
        let record = Record { made_for: made_for.clone(), plan: plan.clone() };
        file::write(&stored_path(&self.path.join("waiting"), &plan.hash), record)
    }

    /// The tags that runs of ours took away or were about to: that they are missing surprises nobody.
    pub(in crate::cli) fn ours(running: Option<&StoredPlan>, open: &OpenIntents) -> BTreeSet<(RepositoryName, Tag)> {
        let running = running.into_iter().flat_map(|plan| &plan.entries);
        let running = running.filter_map(|entry| Some((entry.repository.clone(), entry.tag.clone()?)));
        running.chain(open.taken()).collect()
    }

    fn running_path(&self) -> PathBuf {
        self.path.join("running.json")
    }

    fn may_write(&self) {
        debug_assert!(self.lock.is_some(), "only whoever holds the lock writes");
    }
}

/// The plan at `path`, which must be the one that its hash names.
pub(super) fn read_record(path: &Path) -> Result<Option<Record>, StateError> {
    let record: Option<Record> = file::read(path, PLAN_REMEDY)?;
    if let Some(Record { plan, .. }) = &record
        && PlanHash::of(&plan.entries, &plan.causes) != plan.hash
    {
        let why = "its hash is not that of its entries".to_owned();
        return Err(StateError::Damaged { path: path.to_owned(), why, remedy: PLAN_REMEDY });
    }
    Ok(record)
}

pub(super) fn stored_path(folder: &Path, hash: &PlanHash) -> PathBuf {
    folder.join(format!("{}.json", hash.as_str()))
}

/// `host:port` as a file name that no other `host:port` has.
fn name_of(registry: &str) -> String {
    let (host, port) = registry.rsplit_once(':').unwrap_or((registry, ""));
    let mut name = String::new();
    for byte in host.bytes() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' => name.push(char::from(byte)),
            _ => name.extend([format!("%{byte:02X}")]),
        }
    }
    format!("{name}_{port}")
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::oci::Digest;
    use crate::retention::{Cause, Entry};

    fn plan(made_at: Timestamp) -> StoredPlan {
        let entry =
            Entry { repository: "app".parse().unwrap(), tag: Some("v1".parse().unwrap()), digest: Digest::of(b"a") };
        StoredPlan::new([entry].into(), vec![Cause::MaxDeletions { condemned: 1, limit: 0 }], made_at)
    }

    fn made_for() -> StoredFor {
        StoredFor { registry: "http://r:5000".into(), resources: vec!["team".into()], command: "x".into() }
    }

    #[test]
    fn folder_names_are_safe_and_unambiguous() {
        for (registry, name) in [
            ("registry.example.com:443", "registry.example.com_443"),
            ("a_b:80", "a%5Fb_80"),
            ("[::1]:5000", "%5B%3A%3A1%5D_5000"),
            ("..:80", ".._80"),
        ] {
            assert_eq!(name_of(registry), name);
        }
    }

    #[test]
    fn plans_are_kept_for_seven_days_and_found_again() {
        let root = tempfile::tempdir().unwrap();
        let now = crate::cli::now();
        let folder = Folder::open(root.path(), "r:5000", "plan", now).unwrap();
        folder.store_waiting(&plan(now), &made_for()).unwrap();
        folder.start_running(&plan(now), &made_for()).unwrap();
        assert_eq!(folder.running().unwrap(), Some(plan(now)));
        folder.finish_running().unwrap();
        assert_eq!(folder.running().unwrap(), None);
        drop(folder);
        let waiting = || file::list(&root.path().join("r_5000/waiting")).unwrap().len();
        Folder::open(root.path(), "r:5000", "plan", now + SignedDuration::from_hours(167)).unwrap();
        assert_eq!(waiting(), 1);
        Folder::open(root.path(), "r:5000", "plan", now + SignedDuration::from_hours(168)).unwrap();
        assert_eq!(waiting(), 0);
    }

    #[test]
    fn a_plan_that_was_changed_by_hand_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::open(root.path(), "r:5000", "plan", crate::cli::now()).unwrap();
        let mut changed = plan(crate::cli::now());
        changed.causes.clear();
        folder.start_running(&changed, &made_for()).unwrap();
        assert!(folder.running().unwrap_err().to_string().contains("hash"));
    }
}
