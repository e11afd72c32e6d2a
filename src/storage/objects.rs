use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt as _};

use super::connect::Opened;
use super::gather::note;
use super::layout::{self, Place};
use super::read::{Batch, Sender};
use super::{Bucket, Entry, StorageError};
use crate::oci::{RepositoryName, Tag};
use crate::retention::{OpenUpload, StoredLink, StoredTag};

/// How many tag links are read at a time.
const READS: usize = 32;
/// How many objects are looked at together: a page of a list.
const PAGE: usize = 1000;

/// Reads the storage in a bucket. A reading that fails sends its error last.
///
/// Lists are flat, as an object store has no folders: that is a request for each thousand objects, and one for each tag.
pub(super) async fn run(bucket: Bucket, sender: Sender) {
    if let Err(error) = walk(&bucket, &sender).await {
        // Nobody takes it if the reading was given up.
        let _ = sender.send(Err(error)).await;
    }
}

async fn walk(bucket: &Bucket, sender: &Sender) -> Result<(), StorageError> {
    let opened = Opened::new(bucket)?;
    let Opened { store, base, .. } = &opened;
    let failed = |error: object_store::Error| opened.failed(&error);
    for part in ["repositories", "blobs"] {
        let prefix = Path::parse(format!("{base}/{part}")).map_err(|error| failed(error.into()))?;
        let mut pages = store.list(Some(&prefix)).try_chunks(PAGE);
        let mut reader = Reader { store: &**store, base, last: None, name: None };
        while let Some(page) = pages.next().await {
            let page = page.map_err(|stopped| failed(stopped.1))?;
            let batch = reader.page(page).await.map_err(failed)?;
            if sender.send(Ok(batch)).await.is_err() {
                return Ok(());
            }
        }
    }
    Ok(())
}

struct Reader<'a> {
    store: &'a dyn ObjectStore,
    base: &'a str,
    /// The last tag that had a link. Its history follows in the list.
    last: Option<(RepositoryName, Tag)>,
    /// The repository in hand.
    name: Option<RepositoryName>,
}

impl Reader<'_> {
    async fn page(&mut self, page: Vec<ObjectMeta>) -> Result<Batch, object_store::Error> {
        let mut batch = Batch::default();
        let mut links = Vec::new();
        for object in page {
            let written = time(&object);
            let key = object.location.as_ref();
            let path = key.strip_prefix(self.base).and_then(|path| path.strip_prefix('/')).unwrap_or(key);
            match layout::place(path) {
                Place::Blob(digest) => batch.entries.push(Entry::Blob(digest, object.size)),
                Place::Tag(name, tag) => {
                    self.repository(&name, &mut batch);
                    self.last = Some((name.clone(), tag.clone()));
                    links.push((name, tag, object.location));
                }
                Place::TagHistory(name, tag) => {
                    self.repository(&name, &mut batch);
                    let named = Some((name, tag));
                    if self.last != named {
                        self.last = named;
                        batch
                            .entries
                            .extend(self.last.clone().map(|(name, tag)| Entry::Tag(name, tag, StoredTag::Broken)));
                    }
                }
                Place::Revision(name, digest) => {
                    self.repository(&name, &mut batch);
                    let is_sound = layout::is_sound(object.size);
                    batch.entries.push(Entry::Revision(name, digest, StoredLink { pushed: written, is_sound }));
                }
                Place::Upload(name, id) => {
                    self.repository(&name, &mut batch);
                    let part = OpenUpload { id, active: written, bytes: object.size };
                    batch.entries.push(Entry::Upload(name, part));
                }
                Place::Layer(name) => self.repository(&name, &mut batch),
                // What consoles make in place of a folder.
                Place::Foreign if object.size == 0 && !path.ends_with("link") => {}
                Place::Foreign => {
                    note(&mut batch.oddities, || format!("{path}: not part of the registry's layout"));
                }
            }
        }
        let tags = stream::iter(links).map(|(name, tag, link)| self.tag(name, tag, link)).buffer_unordered(READS);
        batch.entries.extend(tags.try_filter_map(async |tag| Ok(tag)).try_collect::<Vec<_>>().await?);
        Ok(batch)
    }

    fn repository(&mut self, name: &RepositoryName, batch: &mut Batch) {
        if self.name.as_ref() != Some(name) {
            self.name = Some(name.clone());
            batch.entries.push(Entry::Repository(name.clone()));
        }
    }

    /// Reads a tag's link; `None` if it is gone by now.
    async fn tag(&self, name: RepositoryName, tag: Tag, link: Path) -> Result<Option<Entry>, object_store::Error> {
        let read = async {
            let answer = self.store.get(&link).await?;
            let pushed = time(&answer.meta);
            Ok((answer.bytes().await?, pushed))
        };
        let (bytes, pushed) = match read.await {
            Ok(read) => read,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let digest = std::str::from_utf8(&bytes).ok().and_then(|text| text.parse().ok());
        let stored = digest.map_or(StoredTag::Broken, |digest| StoredTag::At { digest, pushed });
        Ok(Some(Entry::Tag(name, tag, stored)))
    }
}

/// When an object was written. A time that no calendar has is the latest there is: whatever is new stays.
fn time(object: &ObjectMeta) -> Timestamp {
    let written = object.last_modified;
    let nanosecond = i32::try_from(written.timestamp_subsec_nanos()).unwrap_or_default();
    Timestamp::new(written.timestamp(), nanosecond).unwrap_or(Timestamp::MAX)
}
