use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

use tempfile::NamedTempFile;

use super::filesystem::unreadable;
use super::{Location, StorageError, files, layout};
use crate::oci::{Digest, RepositoryName};

/// What to do about a repository's link to a manifest that is empty or cut, as 2.8 leaves one when the disk is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Write it again: its manifest is whole.
    Write,
    /// Take it away: it leads to nothing.
    Remove,
}

/// Whether links can be mended there. In a bucket an object is written whole or not at all.
pub fn can_mend(location: &Location) -> bool {
    matches!(location, Location::Filesystem(_))
}

/// Mends links to manifests, each of which is there whole or not at all whatever happens. Ends at the first that it cannot.
pub async fn mend_links(location: &Location, links: Vec<(RepositoryName, Digest, Remedy)>) -> Result<(), StorageError> {
    let Location::Filesystem(root) = location else { return Ok(()) };
    let base = root.join(layout::BASE);
    let mending = tokio::task::spawn_blocking(move || {
        for (name, digest, remedy) in links {
            let (algorithm, digits) = digest.parts();
            let folder = base.join("repositories").join(name.as_str()).join("_manifests/revisions");
            let folder = folder.join(algorithm).join(digits);
            let mended = match remedy {
                Remedy::Write => write(&folder, &digest),
                Remedy::Remove => files::found(std::fs::remove_file(folder.join("link"))).map(drop),
            };
            mended.map_err(unreadable(&folder))?;
        }
        Ok(())
    });
    mending.await.unwrap_or_else(|why| Err(StorageError::Unwritten(io::Error::other(why))))
}

/// With the mode and owner of the link that is there, so that the registry may go on with it.
fn write(folder: &Path, digest: &Digest) -> io::Result<()> {
    let link = folder.join("link");
    let of = std::fs::metadata(&link)?;
    let mut new = NamedTempFile::with_prefix_in(".unfinished-", folder)?;
    new.write_all(digest.as_str().as_bytes())?;
    new.as_file().set_permissions(of.permissions())?;
    new.as_file().sync_all()?;
    new.persist(&link)?;
    File::open(folder)?.sync_all()
}
