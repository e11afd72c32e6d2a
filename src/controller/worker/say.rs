//! What a turn came to is written, and told.

use jiff::Timestamp;

use super::{Worker, id, mode};
use crate::api::{PlanCounts, RunResult};
use crate::controller::known::{Ending, Known, Sight};
use crate::controller::registries::Registry;
use crate::controller::resource::Resource;
use crate::controller::scribe::Unwritten;
use crate::controller::story::{Standing, Words};
use crate::controller::trouble::Trouble;
use crate::controller::{clock, scribe, shelves};
use crate::schedule::{Failures, Turn};

impl Worker {
    /// A run ended: that is written, told, and tidied up after.
    pub(super) async fn end(&mut self, resource: &Resource, ending: Ending) -> Result<(), Trouble> {
        let now = clock::now();
        let Some(known) = self.known.get_mut(&resource.key) else { return Ok(()) };
        let (deleted, result) = (ending.deleted, ending.result);
        // It may be large, and the next plan reads it anew.
        self.store = None;
        let words = known.end(resource, ending, now);
        self.context.metrics.ended(&resource.key, result);
        self.show(resource, Some((&words, deleted > 0)), now).await;
        let Some(known) = self.known.get_mut(&resource.key) else { return Ok(()) };
        // What the status as it is stored names must stay.
        if known.is_untidy && known.is_written() {
            shelves::tidy(&self.context, resource, known, now).await?;
            known.is_untidy = false;
        }
        Ok(())
    }

    /// Something stands in the way. A run that is recorded stays so, and is taken up again.
    pub(super) async fn trouble(&mut self, resource: &Resource, turn: Turn, trouble: Trouble, now: Timestamp) {
        tracing::warn!(key = %resource.key, reason = trouble.reason, message = trouble.message, "nothing more is done now");
        let Some(known) = self.known.get_mut(&resource.key) else { return };
        if turn != Turn::Resume {
            let before = known.status.last_run.clone();
            let counts = before.as_ref().map_or_else(PlanCounts::default, |run| run.counts.clone());
            let plan = before.and_then(|run| run.plan);
            if turn == Turn::Run {
                known.status.last_handled_reconcile_at.clone_from(&resource.requested);
            }
            let standing = Standing::Troubled(trouble);
            let ending = Ending {
                turn,
                mode: mode(resource, turn),
                id: id(now),
                start: now,
                result: RunResult::Failed,
                was_cut: false,
                standing,
                counts,
                deleted: 0,
                failed: 0,
                plan,
            };
            if let Err(why) = self.end(resource, ending).await {
                tracing::warn!(key = %resource.key, reason = why.reason, message = why.message, "not tidied up");
            }
            return;
        }
        let count = known.failures.map_or(0, |failures| failures.count).saturating_add(1);
        known.failures = Some(Failures { count, since: clock::now(), turn });
        let words = known.stand(resource, &Standing::Troubled(trouble), now);
        self.show(resource, Some((&words, false)), now).await;
    }

    /// Writes what is to be said of each resource, as far as it is new.
    pub(super) async fn show_all(&mut self, registry: &Registry, now: Timestamp) {
        for resource in &registry.resources {
            let Some(known) = self.known.get_mut(&resource.key) else { continue };
            if resource.spec.suspend && known.status.run.is_none() {
                let words = known.stand(resource, &Standing::Suspended, now);
                self.show(resource, Some((&words, false)), now).await;
            } else {
                self.show(resource, None, now).await;
            }
        }
    }

    /// Writes the status, and tells of a change. One that cannot be written now is written with the next.
    pub(super) async fn show(&mut self, resource: &Resource, words: Option<(&Words, bool)>, now: Timestamp) {
        let said = self.known.get(&resource.key).and_then(Known::said).map(str::to_owned);
        if let Err(trouble) = self.write(resource, now).await {
            tracing::warn!(key = %resource.key, message = trouble.message, "the status is not written");
        }
        let Some((words, always)) = words else { return };
        let Some(known) = self.known.get(&resource.key).filter(|known| known.sight != Sight::Overtaken) else { return };
        // What could not be written is new again at the next try, and told with that.
        let is_news = known.is_written() && said.as_deref() != Some(words.reason.as_str());
        if always || is_news {
            let ready = known.status.holds("Ready");
            scribe::tell(&self.context, &resource.key, &resource.uid, words, ready).await;
        }
    }

    pub(super) async fn write(&mut self, resource: &Resource, now: Timestamp) -> Result<(), Trouble> {
        let Some(known) = self.known.get_mut(&resource.key) else { return Ok(()) };
        known.foresee(resource, now);
        if known.is_written() {
            return Ok(());
        }
        match scribe::write(&self.context, &resource.key, &resource.uid, &known.taken_as, &known.status).await {
            Ok(taken_as) => {
                known.taken_as = taken_as;
                known.written = known.status.clone();
                Ok(())
            }
            Err(why) => {
                if matches!(why, Unwritten::Overtaken) {
                    known.sight = Sight::Overtaken;
                }
                Err(why.into())
            }
        }
    }
}
