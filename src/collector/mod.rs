//! Collects the garbage of a registry beside its storage, by the registry's own `garbage-collect`, while nobody may write
//! there. It needs neither Kubernetes nor a login at the registry.
//!
//! - [`Registry`]: the registry's own program and configuration
//! - [`Collector`]: the steps, in their order: delete what a plan condemns, read the storage and reckon what stays, remove
//!   stale uploads, mend links that a full disk left, a dry run and the veto, the collection, a look at what is kept
//! - [`Frozen`]: the deletions of a plan; `private`: the registry's process that carries them out, for us alone;
//!   `listening`: whether that is so
//! - `process`: the program's output, read while it comes; `sweep`: compared with what stays
//! - `reading`, `verify`: the storage before and after; `tell`: what was done
//! - [`CollectorError`]: why it was not done, or not to the end
//!
//! What is decided is decided in [`crate::collection::garbage`].

mod error;
mod frozen;
mod listening;
mod private;
mod process;
mod reading;
mod registry;
mod sweep;
mod tell;
mod verify;

use std::time::Instant;

use jiff::Timestamp;

pub use error::{CollectorError, Several};
pub use frozen::Frozen;
pub use process::Stop;
pub use registry::Registry;
pub use verify::Verify;

use crate::collection::garbage::{
    Account, BrokenLink, Deleted, Fault, Finding, Forecast, Kept, Outcome, StaleUploads, Stays, Veto, Wanted, Writers,
    broken_links, reckoned,
};
use crate::oci::{Digest, RepositoryName};
use crate::retention::Store;
use crate::storage::{Location, Remedy, can_mend, mend_links, read, remove_stale_uploads};
use reading::Reading;
use sweep::Run;
use tell::{deleted_manifests, fail, foresee, measure, seconds};

/// How often a dry run beside a writable registry is made, if the storage changed meanwhile and it has objections.
const LOOKS: u32 = 3;

/// One collection of one registry's garbage.
pub struct Collector<'a> {
    /// The registry.
    pub registry: &'a Registry,
    /// Its storage.
    pub location: &'a Location,
    /// What stays besides what tags link.
    pub wanted: &'a Wanted,
    /// What a collection deletes first.
    pub frozen: Option<Frozen<'a>>,
    /// What is to be done.
    pub task: Task,
    /// The one `now`.
    pub now: Timestamp,
    /// Whether somebody wants an end.
    pub stop: Stop,
    /// Who watches.
    pub tell: &'a dyn Fn(&str),
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// A dry run, beside a registry that may go on writing. Nothing is changed.
    Preview,
    /// A collection. Nobody may write.
    Collect {
        /// Uploads in which nothing was written since then are removed.
        stale_before: Option<Timestamp>,
        /// How what is kept is looked at afterwards.
        verify: Verify,
    },
}

impl Collector<'_> {
    /// Does it, and tells what was done.
    pub async fn run(mut self) -> Account {
        let mut account = Account::of(Outcome::Refused, "", String::new());
        account.registry = Some(self.registry.release.to_string());
        let done = match self.task {
            Task::Preview => self.preview(&mut account).await,
            Task::Collect { stale_before, verify } => self.collect(stale_before, verify, &mut account).await,
        };
        if let Err(error) = done {
            fail(&mut account, &error);
        }
        account
    }

    async fn preview(&mut self, account: &mut Account) -> Result<(), CollectorError> {
        let mut look = 1;
        let forecast = loop {
            let began = Instant::now();
            let reading = self.read().await?;
            account.seconds.reading = seconds(began);
            let done = self.look(&reading, account).await;
            match done {
                Err(CollectorError::Unwhole(_) | CollectorError::Vetoed { .. }) if look < LOOKS => {
                    // What was deleted meanwhile need not be there.
                    let now = self.unless_stopped(read(self.location, self.now)).await??;
                    if now.repositories == reading.store.repositories {
                        break done?;
                    }
                    look += 1;
                }
                done => break done?,
            }
        };
        account.outcome = Outcome::Previewed;
        account.reason = "Previewed".into();
        let Forecast { blobs, bytes } = forecast;
        account.message = format!("{blobs} blobs of {bytes} bytes are needed by nothing; nothing was deleted");
        Ok(())
    }

    async fn collect(
        &mut self,
        stale_before: Option<Timestamp>,
        verify: Verify,
        account: &mut Account,
    ) -> Result<(), CollectorError> {
        let pruned = self.prune(account).await?;
        let began = Instant::now();
        let first = self.read().await?;
        if let Some(pruned) = &pruned {
            pruned.check(&first.store)?;
        }
        let registry = pruned.as_ref().map_or(self.registry, frozen::Done::registry);
        let kept = self.kept(&first, account)?;
        let broken = broken_links(&first.store, &first.graph, &kept);
        account.seconds.reading = seconds(began);
        if let Some(before) = stale_before {
            let began = Instant::now();
            let removed = remove_stale_uploads(self.location, &first.store, before).await;
            let crate::storage::StaleUploads { removed, bytes, left } = removed;
            account.stale_uploads = Some(StaleUploads { removed, bytes, left });
            account.seconds.uploads = seconds(began);
        }
        let second;
        let (reading, kept) = if broken.is_empty() || !can_mend(self.location) {
            (&first, kept)
        } else {
            self.mend(broken, account).await?;
            second = self.read().await?;
            (&second, self.kept(&second, account)?)
        };
        let forecast = self.dry_run(registry, &reading.store, &kept, Writers::None, account).await?;
        if forecast.blobs > 0 {
            account.outcome = Outcome::Incomplete;
            (self.tell)("collecting");
            let began = Instant::now();
            let veto = Veto::of(&kept, &reading.store.blobs);
            let swept = sweep::run(registry, Run::Sweep(forecast), veto, Writers::None, &mut self.stop).await;
            account.seconds.collecting = seconds(began);
            if let Err(error) = swept {
                // What is done is told as far as that can be seen at once; who wants an end does not wait for it.
                if !matches!(error, CollectorError::Stopped)
                    && let Ok(after) = self.unless_stopped(read(self.location, self.now)).await?
                {
                    measure(account, &reading.store, &after);
                    verify::references(&kept, &reading.store, &after)?;
                }
                return Err(error);
            }
        }
        self.verify(&kept, &reading.store, verify, forecast, account).await?;
        account.outcome = Outcome::Collected;
        account.reason = if forecast.blobs == 0 { "NothingToDelete" } else { "Collected" }.into();
        let Deleted { blobs, bytes, .. } = account.deleted.unwrap_or_default();
        account.message = match verify {
            Verify::References => format!("{blobs} blobs of {bytes} bytes are gone, and all that is kept is there"),
            Verify::Content => format!("{blobs} blobs of {bytes} bytes are gone, and all that is kept is whole"),
            Verify::None => format!("{blobs} blobs of {bytes} bytes are gone; nobody looked at what is kept"),
        };
        Ok(())
    }

    async fn read(&mut self) -> Result<Reading, CollectorError> {
        (self.tell)("reading the storage");
        let (location, wanted, now) = (self.location, self.wanted, self.now);
        self.unless_stopped(Reading::of(location, wanted, now)).await?
    }

    /// What stays, if all of it is there.
    fn kept<'r>(&self, reading: &'r Reading, account: &mut Account) -> Result<Kept<'r>, CollectorError>
    where
        Self: 'r,
    {
        let kept = Kept::of(&reading.store, &reading.graph, self.wanted);
        account.stays = Some(Stays {
            tags: kept.tags,
            manifests: kept.manifests.len() as u64,
            blobs: kept.blobs.len() as u64,
            dangling_tags: kept.dangling,
            broken_tags: kept.broken,
        });
        let is_mendable = |finding: &&Finding<'_>| {
            let is_whole = reading.graph.get(finding.digest).is_some_and(|found| found.node().is_some());
            finding.fault == Fault::Link && is_whole && can_mend(self.location)
        };
        let findings = Several::of(kept.findings.iter().filter(|finding| !is_mendable(finding)));
        if !findings.is_empty() {
            return Err(CollectorError::Unwhole(findings));
        }
        if kept.manifests.is_empty() && kept.findings.is_empty() {
            return Err(CollectorError::NothingKept(reading.store.blobs.len() as u64));
        }
        Ok(kept)
    }

    /// Takes away what leads nowhere first, so that there is room to write the others again.
    async fn mend(
        &self,
        broken: Vec<(RepositoryName, Digest, BrokenLink)>,
        account: &mut Account,
    ) -> Result<(), CollectorError> {
        let with = |remedy: Remedy, is: BrokenLink| {
            let links = broken.iter().filter(move |(.., link)| *link == is);
            links.map(move |(name, digest, _)| (name.clone(), digest.clone(), remedy))
        };
        let links =
            with(Remedy::Remove, BrokenLink::LeadsNowhere).chain(with(Remedy::Write, BrokenLink::ManifestWhole));
        let links: Vec<_> = links.collect();
        let count = links.len() as u64;
        mend_links(self.location, links).await.map_err(CollectorError::NotMended)?;
        account.mended_links = count;
        Ok(())
    }

    /// A dry run beside a registry that may write. Until links are mended, garbage-collect would only fail.
    async fn look(&mut self, reading: &Reading, account: &mut Account) -> Result<Forecast, CollectorError> {
        let kept = self.kept(reading, account)?;
        let broken = broken_links(&reading.store, &reading.graph, &kept);
        if broken.is_empty() || !can_mend(self.location) {
            return self.dry_run(self.registry, &reading.store, &kept, Writers::Some, account).await;
        }
        let forecast = reckoned(&reading.store, &reading.graph);
        foresee(&reading.store, forecast, account);
        Ok(forecast)
    }

    async fn dry_run(
        &mut self,
        registry: &Registry,
        store: &Store,
        kept: &Kept<'_>,
        writers: Writers,
        account: &mut Account,
    ) -> Result<Forecast, CollectorError> {
        (self.tell)("dry run of garbage-collect");
        let began = Instant::now();
        let veto = Veto::of(kept, &store.blobs);
        let forecast = sweep::run(registry, Run::Dry, veto, writers, &mut self.stop).await;
        account.seconds.dry_run = seconds(began);
        let forecast = forecast?;
        foresee(store, forecast, account);
        Ok(forecast)
    }

    async fn verify(
        &mut self,
        kept: &Kept<'_>,
        before: &Store,
        verify: Verify,
        forecast: Forecast,
        account: &mut Account,
    ) -> Result<(), CollectorError> {
        if verify == Verify::None {
            account.deleted = Some(Deleted { manifests: deleted_manifests(account), ..forecast.into() });
            return Ok(());
        }
        (self.tell)("looking whether what is kept is there");
        let began = Instant::now();
        let after = self.unless_stopped(read(self.location, self.now)).await??;
        measure(account, before, &after);
        let mut verified = verify::references(kept, before, &after);
        if verify == Verify::Content && verified.is_ok() {
            let location = self.location;
            verified = self.unless_stopped(verify::content(kept, &after, location)).await?;
        }
        account.seconds.verifying = seconds(began);
        verified
    }

    async fn unless_stopped<T>(&mut self, work: impl Future<Output = T>) -> Result<T, CollectorError> {
        tokio::select! {
            biased;
            () = process::wanted(&mut self.stop) => Err(CollectorError::Stopped),
            done = work => Ok(done),
        }
    }
}
