use std::fs::{self, DirEntry};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::thread;

use jiff::Timestamp;
use tokio::task::JoinHandle;

use super::files;
use super::gather::note;
use super::layout::{self, Folder};
use super::queue::Queue;
use super::read::{Batch, Sender};
use super::{Entry, StorageError};
use crate::oci::{Digest, RepositoryName, Tag};

/// Threads that read: enough to wait for a disk or a network together.
const THREADS: usize = 8;
/// How many links are one task.
const LINKS: usize = 512;
/// How many entries are held before they are handed over.
const ENTRIES: usize = 4096;

/// A part of the work.
enum Task {
    /// What is in a repository, or in `repositories`.
    Names(PathBuf, Option<RepositoryName>),
    /// These tags of a repository.
    Tags(RepositoryName, Vec<(Tag, PathBuf)>),
    /// These manifests of a repository.
    Revisions(RepositoryName, Vec<(Digest, PathBuf)>),
    /// All blobs.
    Algorithms(PathBuf),
    /// The blobs of one algorithm whose digests begin alike.
    Blobs(PathBuf, String, String),
}

/// Starts to read the storage at `root`. A reading that fails sends its error last.
///
/// It walks the folders itself, since it knows what it needs: neither the layers of a repository nor the history of a tag,
/// which are most of the files. And what it may not enter ends it.
pub(super) fn start(root: PathBuf, began: Timestamp, sender: Sender) -> JoinHandle<()> {
    tokio::task::spawn_blocking(move || {
        let base = root.join(layout::BASE);
        let walk = |first: Task| {
            let walker = Walker { base: &base, began, queue: Queue::new(first), sender: &sender };
            thread::scope(|scope| {
                for _ in 0..THREADS {
                    scope.spawn(|| walker.work());
                }
            });
        };
        walk(Task::Names(base.join("repositories"), None));
        walk(Task::Algorithms(base.join("blobs")));
    })
}

struct Walker<'a> {
    base: &'a Path,
    began: Timestamp,
    queue: Queue<Task>,
    sender: &'a Sender,
}

impl Walker<'_> {
    fn work(&self) {
        self.queue.work(|task| {
            let mut batch = Batch::default();
            let done = self.run(task, &mut batch);
            let failed = done.is_err();
            // Nobody takes it if the reading was given up.
            let sent = self.sender.blocking_send(done.map(|()| batch));
            if failed || sent.is_err() { Err(()) } else { Ok(()) }
        });
    }

    fn run(&self, task: Task, batch: &mut Batch) -> Result<(), StorageError> {
        match task {
            Task::Names(path, name) => self.names(&path, name.as_ref(), batch),
            Task::Tags(name, tags) => self.tags(&name, tags, batch),
            Task::Revisions(name, revisions) => self.revisions(&name, revisions, batch),
            Task::Algorithms(path) => self.algorithms(&path, batch, |entry, algorithm, shard, batch| {
                if !layout::is_shard(shard) {
                    self.odd(&entry.path(), batch);
                    return Ok(());
                }
                self.put(Task::Blobs(entry.path(), algorithm.to_owned(), shard.to_owned()), batch)
            }),
            Task::Blobs(path, algorithm, shard) => self.each(&path, batch, |entry, digits, batch| {
                match layout::blob(&algorithm, &shard, digits) {
                    Some(digest) => self.blob(&entry.path().join("data"), digest, batch)?,
                    None => self.odd(&entry.path(), batch),
                }
                Ok(())
            }),
        }
    }

    /// Hands a task over, or does it.
    fn put(&self, task: Task, batch: &mut Batch) -> Result<(), StorageError> {
        let Err(task) = self.queue.put(task) else { return Ok(()) };
        if batch.entries.len() >= ENTRIES {
            // That nobody takes it any more is noticed when the task in hand is done.
            let _ = self.sender.blocking_send(Ok(std::mem::take(batch)));
        }
        self.run(task, batch)
    }

    fn names(&self, path: &Path, name: Option<&RepositoryName>, batch: &mut Batch) -> Result<(), StorageError> {
        let mut is_repository = false;
        self.each(path, batch, |entry, text, batch| {
            let inner = entry.path();
            let folder = layout::folder(name, text);
            if folder == Folder::Foreign || !files::is_folder(entry).map_err(unreadable(&inner))? {
                self.odd(&inner, batch);
                return Ok(());
            }
            match (folder, name) {
                (Folder::Name(name), _) => return self.put(Task::Names(inner, Some(name)), batch),
                (Folder::Manifests, Some(name)) => self.manifests(&inner, name, batch)?,
                (Folder::Uploads, Some(name)) => self.uploads(&inner, name, batch)?,
                _ => {}
            }
            is_repository = true;
            Ok(())
        })?;
        batch.entries.extend(name.filter(|_| is_repository).cloned().map(Entry::Repository));
        Ok(())
    }

    fn manifests(&self, path: &Path, name: &RepositoryName, batch: &mut Batch) -> Result<(), StorageError> {
        let mut tags = Vec::new();
        let task = |tags| Task::Tags(name.clone(), tags);
        self.each(&path.join("tags"), batch, |entry, text, batch| {
            match text.parse() {
                Ok(tag) => tags.push((tag, entry.path())),
                Err(_) => self.odd(&entry.path(), batch),
            }
            self.hand(&mut tags, LINKS, task, batch)
        })?;
        self.hand(&mut tags, 1, task, batch)?;
        let mut revisions = Vec::new();
        let task = |revisions| Task::Revisions(name.clone(), revisions);
        self.algorithms(&path.join("revisions"), batch, |entry, algorithm, digits, batch| {
            match layout::digest(algorithm, digits) {
                Some(digest) => revisions.push((digest, entry.path())),
                None => self.odd(&entry.path(), batch),
            }
            self.hand(&mut revisions, LINKS, task, batch)
        })?;
        self.hand(&mut revisions, 1, task, batch)
    }

    /// Makes a task of links, if there are enough of them.
    fn hand<T>(
        &self,
        links: &mut Vec<T>,
        enough: usize,
        task: impl Fn(Vec<T>) -> Task,
        batch: &mut Batch,
    ) -> Result<(), StorageError> {
        if links.len() < enough { Ok(()) } else { self.put(task(std::mem::take(links)), batch) }
    }

    fn tags(&self, name: &RepositoryName, tags: Vec<(Tag, PathBuf)>, batch: &mut Batch) -> Result<(), StorageError> {
        for (tag, path) in tags {
            match files::tag(&path, self.began) {
                Ok(Some(stored)) => batch.entries.push(Entry::Tag(name.clone(), tag, stored)),
                Ok(None) => {}
                Err(why) => return Err(unreadable(&path)(why)),
            }
        }
        Ok(())
    }

    fn revisions(
        &self,
        name: &RepositoryName,
        revisions: Vec<(Digest, PathBuf)>,
        batch: &mut Batch,
    ) -> Result<(), StorageError> {
        for (digest, path) in revisions {
            match files::revision(&path.join("link"), self.began) {
                Ok(Some(link)) => batch.entries.push(Entry::Revision(name.clone(), digest, link)),
                // Deleting a manifest leaves its folder.
                Ok(None) => {}
                Err(why) if why.kind() == ErrorKind::NotADirectory => self.odd(&path, batch),
                Err(why) => return Err(unreadable(&path)(why)),
            }
        }
        Ok(())
    }

    fn uploads(&self, path: &Path, name: &RepositoryName, batch: &mut Batch) -> Result<(), StorageError> {
        self.each(path, batch, |entry, text, batch| {
            let path = entry.path();
            match layout::upload(text).map(|id| files::upload(&path, id)) {
                Some(Ok(Some(upload))) => batch.entries.push(Entry::Upload(name.clone(), upload)),
                Some(Ok(None)) => {}
                Some(Err(why)) if why.kind() != ErrorKind::NotADirectory => return Err(unreadable(&path)(why)),
                Some(Err(_)) | None => self.odd(&path, batch),
            }
            Ok(())
        })
    }

    fn blob(&self, path: &Path, digest: Digest, batch: &mut Batch) -> Result<(), StorageError> {
        match files::found(fs::metadata(path)) {
            Ok(Some(metadata)) if metadata.is_file() => batch.entries.push(Entry::Blob(digest, metadata.len())),
            Ok(Some(_)) => self.odd(path, batch),
            Ok(None) => {}
            Err(why) if why.kind() == ErrorKind::NotADirectory => self.odd(path, batch),
            Err(why) => return Err(unreadable(path)(why)),
        }
        Ok(())
    }

    /// Calls `see` for all that is in the folders of algorithms, with the algorithm.
    fn algorithms(
        &self,
        path: &Path,
        batch: &mut Batch,
        mut see: impl FnMut(&DirEntry, &str, &str, &mut Batch) -> Result<(), StorageError>,
    ) -> Result<(), StorageError> {
        self.each(path, batch, |entry, algorithm, batch| {
            if !layout::is_algorithm(algorithm) {
                self.odd(&entry.path(), batch);
                return Ok(());
            }
            self.each(&entry.path(), batch, |entry, text, batch| see(entry, algorithm, text, batch))
        })
    }

    /// Calls `see` for all that is in a folder. A folder that is gone has nothing; something that is no folder is odd, as
    /// are names that are no text.
    fn each(
        &self,
        path: &Path,
        batch: &mut Batch,
        mut see: impl FnMut(&DirEntry, &str, &mut Batch) -> Result<(), StorageError>,
    ) -> Result<(), StorageError> {
        let entries = match fs::read_dir(path) {
            Ok(entries) => entries,
            Err(why) if why.kind() == ErrorKind::NotFound => return Ok(()),
            Err(why) if why.kind() == ErrorKind::NotADirectory => {
                self.odd(path, batch);
                return Ok(());
            }
            Err(why) => return Err(unreadable(path)(why)),
        };
        for entry in entries {
            let entry = entry.map_err(unreadable(path))?;
            match entry.file_name().to_str() {
                Some(text) => see(&entry, text, batch)?,
                None => self.odd(&entry.path(), batch),
            }
        }
        Ok(())
    }

    fn odd(&self, path: &Path, batch: &mut Batch) {
        let path = path.strip_prefix(self.base).unwrap_or(path);
        note(&mut batch.oddities, || format!("{}: not part of the registry's layout", path.display()));
    }
}

/// The error of a file or folder that cannot be read.
pub(super) fn unreadable(path: &Path) -> impl FnOnce(io::Error) -> StorageError {
    |why| StorageError::Unreadable { path: path.to_owned(), why }
}
