//! One pass over one registry, up to the point where something would be deleted: observe, decide, approve, remember.

use std::path::Path;

use jiff::Timestamp;

use super::access::Access;
use super::cluster::{Cluster, Workloads};
use super::error::CliError;
use super::show::Notice;
use super::source::Group;
use super::state::{FileJournal, Folder, StoredFor};
use super::storage::Storage;
use super::watch::Watcher;
use crate::registry::Client;
use crate::retention::{Approval, Mandate, Memory, Plan, StoredPlan, approve, decide};
use crate::worker::{Journal as _, Observer};

/// What all passes of one command have in common.
pub(super) struct Setting<'a> {
    /// The command, as whoever waits for its lock is told.
    pub(super) command: &'static str,
    /// How registries are reached.
    pub(super) access: &'a Access,
    /// The cluster that is asked.
    pub(super) cluster: &'a Cluster,
    /// Whether workloads are followed, since something may be deleted.
    pub(super) follow: bool,
    /// Whether a person vouches for the tag lists, whatever any resource says.
    pub(super) complete_lists: bool,
    /// The state directory.
    pub(super) root: &'a Path,
    /// What the storage shows, where a person gave it.
    pub(super) storage: &'a Storage,
    /// The command that carries the plan out, to be shown to a person.
    pub(super) next: String,
    /// What `accept` needs to find the state directory again, if that is not the usual one.
    pub(super) state_option: String,
    /// Whether single tags may be removed from 2.8 by way of a placeholder.
    pub(super) tombstones: bool,
    /// The one `now`.
    pub(super) now: Timestamp,
}

/// A pass whose plan is made and whose memory is saved.
pub(super) struct Pass {
    pub(super) group: Group,
    pub(super) workloads: Workloads,
    pub(super) client: Client,
    pub(super) folder: Folder,
    pub(super) journal: FileJournal,
    pub(super) memory: Memory,
    /// The plan that an earlier run did not bring to its end.
    pub(super) running: Option<StoredPlan>,
    /// The plans that a person accepted.
    pub(super) accepted: Vec<StoredPlan>,
    pub(super) made_for: StoredFor,
    pub(super) plan: Plan,
    pub(super) approval: Approval,
    pub(super) notices: Vec<Notice>,
}

impl Pass {
    /// Observes the registry of `group`, and decides. What waits for a person is stored, and so is what was seen.
    pub(super) async fn make(mut group: Group, setting: &Setting<'_>, watcher: &Watcher) -> Result<Self, CliError> {
        let now = setting.now;
        let client = setting.access.client(&group.endpoint)?;
        let folder = Folder::open(setting.root, &group.endpoint.host_port(), setting.command, now)?;
        let mut memory = folder.memory()?;
        let journal = folder.journal()?;
        let running = folder.running()?;
        let accepted = folder.accepted()?;

        setting.cluster.join(&mut group, setting.complete_lists)?;
        let workloads = setting.cluster.workloads(&group, setting.follow).await?;
        let (policies, in_use) = (&group.policies, &*workloads.in_use);
        let observer = Observer {
            client: &client,
            policies,
            in_use,
            store: setting.storage.store(),
            memory: &memory,
            open: journal.open_intents(),
            progress: watcher,
        };
        let inventory = observer.inventory().await;
        watcher.end();
        let inventory = inventory?;
        setting.storage.check(&group, &inventory.listing())?;

        let plan = decide(&inventory, policies, in_use, Mandate { tombstones: setting.tombstones, within: None }, now);
        let ours = Folder::ours(running.as_ref(), journal.open_intents());
        let shrinkage = memory.shrinkage(policies, &inventory.listing(), &ours);
        let known: Vec<StoredPlan> = accepted.iter().chain(&running).cloned().collect();
        let approval = approve(&plan, &shrinkage, &known, now);

        let made_for = StoredFor {
            registry: group.endpoint.to_string(),
            resources: group.resources.iter().map(|resource| resource.name.clone()).collect(),
            command: setting.next.clone(),
        };
        if let Some(waiting) = &approval.waiting {
            folder.store_waiting(waiting, &made_for)?;
        }
        let expected = shrinkage.is_empty() || accepted.iter().any(|plan| plan.knew(&shrinkage, now));
        memory.remember(policies, &inventory, &ours, expected, now);
        folder.save_memory(&memory)?;

        let mut notices = setting.cluster.notices(&group);
        notices.extend(setting.access.notices(&group.resources));
        notices.extend(Notice::all(&plan, policies, &shrinkage, !journal.open_intents().is_empty()));
        Ok(Self {
            group,
            workloads,
            client,
            folder,
            journal,
            memory,
            running,
            accepted,
            made_for,
            plan,
            approval,
            notices,
        })
    }
}
