//! The registry's storage, read directly: when tags were pushed, which manifests there are, what blobs weigh.
//!
//! # Layout
//!
//! What callers see:
//!
//! - [`Location`]: where a storage is, perhaps a [`Bucket`]; [`configured`] finds it in a registry's own configuration.
//! - [`read`], [`read_each`]: an inventory of it, as a [`Store`](crate::retention::Store) or [`Entry`] by entry.
//! - [`Writer`], [`Lines`], [`load`]: the saved form of an inventory.
//! - [`LogWriter`], [`LogReader`]: the same as lines of a container's log, on which lines get lost.
//! - [`Blobs`]: the bytes of single blobs.
//! - [`remove_stale_uploads`], [`mend_links`]: what pushes left that did not end.
//! - [`unsuitable`]: whether a registry is configured in a way that forbids a collection beside it.
//! - [`serving`]: how it is reached at its pods.
//! - [`StorageError`]: why there is no inventory.
//!
//! Beneath:
//!
//! - `layout`: what each path in Distribution's layout is; pure.
//! - `filesystem` walks folders, with `files` to look at single ones and `queue` to share the work.
//! - `objects` lists a bucket; `connect` is how each object store is reached, `problem` why one could not be read.
//! - `gather`: entries become a store.
//! - `parameters`: a registry's configuration file, and the environment over it; `drivers`: what each driver's mean.
//! - `service`: what differs between object stores in how their locations are written.
//!
//! Reading changes nothing, and takes no lock: the registry goes on meanwhile. What could hide a tag ends it; what
//! merely lies where it does not belong is counted. Tag links are read before blobs are listed: whatever a link needs was
//! written before it.

mod blobs;
mod bucket;
mod configuration;
mod connect;
mod drivers;
mod entry;
mod error;
mod files;
mod filesystem;
mod gather;
mod layout;
mod lines;
mod load;
mod location;
mod mend;
mod objects;
mod parameters;
mod problem;
mod queue;
mod read;
mod received;
mod saved;
mod service;
mod serving;
mod stale;
#[cfg(test)]
mod tests;
mod transport;
mod unsuitable;

pub use blobs::{Blobs, Rehash};
pub use bucket::{AccessKey, Azure, AzureLogin, Bucket, Gcs, S3, Secret, Service, ServiceAccount};
pub use configuration::{ConfigurationError, configured};
pub use entry::{Entry, NoEntry};
pub use error::{LogError, SavedError, StorageError};
pub use gather::{Ending, Tally};
pub use lines::Lines;
pub use load::load;
pub use location::{Location, LocationError};
pub use mend::{Remedy, can_mend, mend_links};
pub use problem::{Answer, BucketProblem};
pub use read::{read, read_each};
pub use received::{InventoryBytes, LONGEST_LOG_LINE, LogReader};
pub use saved::Writer;
pub use serving::serving;
pub use stale::{StaleUploads, remove_stale_uploads};
pub use transport::{LogWriter, write_failure};
pub use unsuitable::{Unsuitable, unsuitable};
