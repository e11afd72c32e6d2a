use std::fs;
use std::io;
use std::path::Path;

use jiff::Timestamp;

use super::{Location, files, layout};
use crate::oci::RepositoryName;
use crate::retention::{OpenUpload, Store};

/// What became of the uploads that are older than a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StaleUploads {
    /// How many were removed.
    pub removed: u64,
    /// What they took, in bytes.
    pub bytes: u64,
    /// How many were left: those in a bucket, and those that could not be removed.
    pub left: u64,
}

/// Removes the uploads of `store` in which nothing was written since `before`. Each is looked at once more right before.
///
/// In a bucket an upload has parts that no list of keys shows, so they are left there: the registry's own purging, or a
/// rule of the bucket's, removes them.
pub async fn remove_stale_uploads(location: &Location, store: &Store, before: Timestamp) -> StaleUploads {
    let stale: Vec<(RepositoryName, String)> = store
        .repositories
        .iter()
        .flat_map(|(name, repository)| repository.uploads.iter().map(move |upload| (name, upload)))
        .filter(|(_, upload)| upload.active < before)
        .map(|(name, upload)| (name.clone(), upload.id.clone()))
        .collect();
    let left = |count: usize| StaleUploads { left: count as u64, ..StaleUploads::default() };
    let Location::Filesystem(root) = location else { return left(stale.len()) };
    let (base, count) = (root.join(layout::BASE), stale.len());
    let removing = tokio::task::spawn_blocking(move || {
        let mut all = StaleUploads::default();
        for (name, id) in stale {
            let folder = base.join("repositories").join(name.as_str()).join("_uploads").join(&id);
            match remove(&folder, id, before) {
                Ok(Some(upload)) => {
                    all.removed += 1;
                    all.bytes = all.bytes.saturating_add(upload.bytes);
                }
                Ok(None) => {}
                Err(_) => all.left += 1,
            }
        }
        all
    });
    removing.await.unwrap_or_else(|_| left(count))
}

/// `None` if it is gone, or somebody has gone on with it.
fn remove(folder: &Path, id: String, before: Timestamp) -> io::Result<Option<OpenUpload>> {
    let Some(metadata) = files::found(fs::symlink_metadata(folder))? else { return Ok(None) };
    if !metadata.is_dir() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    let Some(upload) = files::upload(folder, id)?.filter(|upload| upload.active < before) else { return Ok(None) };
    files::found(fs::remove_dir_all(folder))?;
    Ok(Some(upload))
}
