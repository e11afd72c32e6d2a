use std::io;
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc;

use super::gather::{Gatherer, join};
use super::{Bucket, Ending, Entry, Location, StorageError, Tally, files, filesystem, objects};
use crate::retention::{Oddities, Store};

/// What was found at one place.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// What belongs there.
    pub(super) entries: Vec<Entry>,
    /// What does not.
    pub(super) oddities: Oddities,
}

/// Where what is found goes, a few batches ahead of who takes it.
pub(super) type Sender = mpsc::Sender<Result<Batch, StorageError>>;

const AHEAD: usize = 16;

/// Reads a storage. `now` is when that begins.
pub async fn read(location: &Location, now: Timestamp) -> Result<Store, StorageError> {
    let mut gatherer = Gatherer::new(now);
    let ending = read_each(location, now, |entry| {
        gatherer.add(entry);
        Ok(())
    });
    let ending = ending.await?;
    Ok(gatherer.end(ending))
}

/// Reads a storage and hands over each thing as it is found, in any order, without holding all of them.
///
/// Only what is handed over by a reading that ends well is an inventory.
pub async fn read_each(
    location: &Location,
    now: Timestamp,
    mut take: impl FnMut(Entry) -> io::Result<()>,
) -> Result<Ending, StorageError> {
    let since = Instant::now();
    let mut tally = Tally::default();
    let mut oddities = Oddities::default();
    let (sender, mut batches) = mpsc::channel(AHEAD);
    let reading = match location {
        Location::Filesystem(root) => filesystem::start(root.clone(), now, sender),
        Location::Bucket(bucket) => tokio::spawn(objects::run(Bucket::clone(bucket), sender)),
    };
    while let Some(batch) = batches.recv().await {
        let Batch { entries, oddities: more } = batch?;
        join(&mut oddities, more);
        for entry in entries {
            tally.count(&entry);
            take(entry).map_err(StorageError::Unwritten)?;
        }
    }
    // A reader that panicked has not told all.
    reading.await.map_err(|why| StorageError::Unwritten(io::Error::other(why)))?;
    let place = location.to_string();
    if tally.repositories == 0 {
        return Err(StorageError::Nothing { place });
    }
    if tally.revisions > 0 && tally.blobs == 0 {
        return Err(StorageError::NoBlobs { place });
    }
    let capacity = match location {
        Location::Filesystem(root) => files::capacity(root).map_err(filesystem::unreadable(root))?,
        Location::Bucket(_) => None,
    };
    let took = SignedDuration::try_from(since.elapsed()).unwrap_or(SignedDuration::MAX);
    let ended = now.checked_add(took).unwrap_or(Timestamp::MAX);
    Ok(Ending { ended, capacity, oddities })
}
