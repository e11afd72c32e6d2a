use std::fs::File;
use std::io::{self, ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use futures::TryStreamExt as _;
use object_store::ObjectStoreExt as _;
use object_store::path::Path as Key;

use super::connect::Opened;
use super::filesystem::unreadable;
use super::{Location, StorageError, layout};
use crate::oci::{Digest, Hasher};

/// The bytes of single blobs, read from the storage itself.
#[derive(Debug)]
pub struct Blobs(Place);

#[derive(Debug)]
enum Place {
    Folder(PathBuf),
    Bucket(Box<Opened>),
}

/// What a blob was found to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rehash {
    /// Its bytes are what its digest says.
    Whole,
    /// They are not.
    Damaged,
    /// It is not there.
    Missing,
}

/// How much is read at a time.
const CHUNK: usize = 1 << 20;

impl Blobs {
    /// Those at this place.
    pub fn at(location: &Location) -> Result<Self, StorageError> {
        Ok(Self(match location {
            Location::Filesystem(root) => Place::Folder(root.join(layout::BASE)),
            Location::Bucket(bucket) => Place::Bucket(Box::new(Opened::new(bucket)?)),
        }))
    }

    /// The first `limit` bytes of a blob; `None` if it is not there.
    pub async fn read(&self, digest: &Digest, limit: u64) -> Result<Option<Vec<u8>>, StorageError> {
        match &self.0 {
            Place::Folder(base) => {
                let path = base.join(layout::blob_path(digest));
                blocking(move || {
                    let Some(file) = open(&path)? else { return Ok(None) };
                    let mut bytes = Vec::new();
                    file.take(limit).read_to_end(&mut bytes).map_err(unreadable(&path))?;
                    Ok(Some(bytes))
                })
                .await
            }
            Place::Bucket(opened) => match opened.store.get_range(&key(&opened.base, digest), 0..limit).await {
                Ok(bytes) => Ok(Some(bytes.to_vec())),
                Err(object_store::Error::NotFound { .. }) => Ok(None),
                Err(error) => Err(opened.failed(&error)),
            },
        }
    }

    /// Reads the whole of a blob and compares; needs the same little memory for any size.
    pub async fn rehash(&self, digest: &Digest) -> Result<Rehash, StorageError> {
        let mut hasher = Hasher::of(digest);
        match &self.0 {
            Place::Folder(base) => {
                let (path, digest) = (base.join(layout::blob_path(digest)), digest.clone());
                blocking(move || {
                    let Some(mut file) = open(&path)? else { return Ok(Rehash::Missing) };
                    let mut chunk = vec![0; CHUNK];
                    loop {
                        match file.read(&mut chunk) {
                            Ok(0) => return Ok(judged(hasher, &digest)),
                            Ok(length) => hasher.update(&chunk[..length]),
                            Err(why) if why.kind() == ErrorKind::Interrupted => {}
                            Err(why) => return Err(unreadable(&path)(why)),
                        }
                    }
                })
                .await
            }
            Place::Bucket(opened) => {
                let mut chunks = match opened.store.get(&key(&opened.base, digest)).await {
                    Ok(answer) => answer.into_stream(),
                    Err(object_store::Error::NotFound { .. }) => return Ok(Rehash::Missing),
                    Err(error) => return Err(opened.failed(&error)),
                };
                while let Some(chunk) = chunks.try_next().await.map_err(|error| opened.failed(&error))? {
                    hasher.update(&chunk);
                }
                Ok(judged(hasher, digest))
            }
        }
    }
}

fn judged(hasher: Hasher, digest: &Digest) -> Rehash {
    if hasher.is(digest) { Rehash::Whole } else { Rehash::Damaged }
}

/// `None` for what is not there.
fn open(path: &Path) -> Result<Option<File>, StorageError> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(why) if matches!(why.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(why) => Err(unreadable(path)(why)),
    }
}

async fn blocking<T: Send + 'static>(
    read: impl FnOnce() -> Result<T, StorageError> + Send + 'static,
) -> Result<T, StorageError> {
    let ended = tokio::task::spawn_blocking(read).await;
    ended.unwrap_or_else(|why| Err(StorageError::Unwritten(io::Error::other(why))))
}

fn key(base: &str, digest: &Digest) -> Key {
    Key::from(format!("{base}/{}", layout::blob_path(digest)))
}
