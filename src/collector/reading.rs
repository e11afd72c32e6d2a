use std::collections::BTreeSet;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;

use super::CollectorError;
use crate::collection::garbage::{Found, Graph, Wanted, to_read};
use crate::oci::{Digest, MAX_MANIFEST_BYTES, ManifestError};
use crate::retention::Store;
use crate::storage::{Blobs, Location, StorageError, read};

/// How many manifests are read at a time.
const READS: usize = 32;

/// What is stored, and what its manifests name.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) store: Store,
    pub(super) graph: Graph,
}

impl Reading {
    /// Reads the storage: first its links, then its blobs, then the manifests among them.
    pub(super) async fn of(location: &Location, wanted: &Wanted, now: Timestamp) -> Result<Self, CollectorError> {
        let store = read(location, now).await?;
        if store.blobs.is_empty() {
            return Err(CollectorError::NoBlobs(location.to_string()));
        }
        let blobs = Blobs::at(location)?;
        let mut graph = Graph::new();
        let mut open = to_read(&store, wanted);
        while !open.is_empty() {
            let found: Vec<(Digest, Found)> = stream::iter(open)
                .map(|digest| one(&blobs, &store, digest))
                .buffer_unordered(READS)
                .try_collect()
                .await?;
            let children: BTreeSet<Digest> =
                found.iter().filter_map(|(_, found)| found.node()).flat_map(|node| node.children.clone()).collect();
            graph.extend(found);
            open = children.into_iter().filter(|child| !graph.contains_key(child)).collect();
        }
        Ok(Self { store, graph })
    }
}

async fn one(blobs: &Blobs, store: &Store, digest: Digest) -> Result<(Digest, Found), StorageError> {
    let Some((digest, size)) = store.blobs.get_key_value(&digest).map(|(digest, size)| (digest.clone(), *size)) else {
        return Ok((digest, Found::Missing));
    };
    let found = match size {
        0 => Found::read(&digest, b""),
        1..=MAX_MANIFEST_BYTES => match blobs.read(&digest, size).await? {
            Some(bytes) => Found::read(&digest, &bytes),
            None => Found::Missing,
        },
        _ => Found::Other(ManifestError::Malformed),
    };
    let found = match found {
        Found::Manifest(node) => Found::Manifest(node.shared(&store.blobs)),
        other => other,
    };
    Ok((digest, found))
}
