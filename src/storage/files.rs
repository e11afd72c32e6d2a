//! What single files and folders say.

use std::fs::{self, DirEntry, File, Metadata};
use std::io::{self, ErrorKind, Read as _};
use std::path::Path;
use std::thread;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::layout;
use crate::oci::Digest;
use crate::retention::{Capacity, OpenUpload, StoredLink, StoredTag};

/// How often a link is looked at that somebody may be writing, and how long in between: 2.8 empties a link before it
/// writes it.
const LOOKS: u32 = 25;
const PAUSE: Duration = Duration::from_millis(20);
/// What was written that long before reading began, or later, somebody may still be writing.
const FRESH: SignedDuration = SignedDuration::from_secs(10);

/// What a tag's folder says; `None` if it is gone. The registry lists whatever lies there as a tag, if it is a file.
pub(super) fn tag(folder: &Path, began: Timestamp) -> io::Result<Option<StoredTag>> {
    let link = folder.join("current/link");
    for look in 1.. {
        let written = match content(&link) {
            Ok((Some(digest), pushed)) => return Ok(Some(StoredTag::At { digest, pushed })),
            Ok((None, written)) => written,
            Err(why) if why.kind() == ErrorKind::NotFound => match fs::symlink_metadata(folder) {
                Ok(metadata) => time(&metadata),
                Err(why) if why.kind() == ErrorKind::NotFound => return Ok(None),
                Err(why) => return Err(why),
            },
            // Something else in place of the link, or of a folder.
            Err(why) if matches!(why.kind(), ErrorKind::IsADirectory | ErrorKind::NotADirectory) => {
                return Ok(Some(StoredTag::Broken));
            }
            Err(why) => return Err(why),
        };
        if look >= LOOKS || !is_fresh(written, began) {
            break;
        }
        thread::sleep(PAUSE);
    }
    Ok(Some(StoredTag::Broken))
}

/// What a link to a manifest says; `None` if there is none.
pub(super) fn revision(link: &Path, began: Timestamp) -> io::Result<Option<StoredLink>> {
    for look in 1.. {
        let Some(metadata) = found(fs::metadata(link))? else { return Ok(None) };
        let pushed = time(&metadata);
        let is_sound = metadata.is_file() && layout::is_sound(metadata.len());
        if is_sound || look >= LOOKS || !is_fresh(pushed, began) {
            return Ok(Some(StoredLink { pushed, is_sound }));
        }
        thread::sleep(PAUSE);
    }
    Ok(None)
}

/// What an upload's folder holds; `None` if it is gone.
pub(super) fn upload(folder: &Path, id: String) -> io::Result<Option<OpenUpload>> {
    let mut upload = OpenUpload { id, active: Timestamp::MIN, bytes: 0 };
    let Some(metadata) = found(fs::metadata(folder))? else { return Ok(None) };
    if !metadata.is_dir() {
        return Err(ErrorKind::NotADirectory.into());
    }
    measure(folder, &metadata, &mut upload)?;
    Ok(Some(upload))
}

fn measure(path: &Path, metadata: &Metadata, upload: &mut OpenUpload) -> io::Result<()> {
    upload.active = upload.active.max(time(metadata));
    if !metadata.is_dir() {
        upload.bytes = upload.bytes.saturating_add(metadata.len());
        return Ok(());
    }
    for entry in found(fs::read_dir(path))?.into_iter().flatten() {
        let entry = entry?;
        if let Some(metadata) = found(entry.metadata())? {
            measure(&entry.path(), &metadata, upload)?;
        }
    }
    Ok(())
}

/// Whether it is a folder, or leads to one.
pub(super) fn is_folder(entry: &DirEntry) -> io::Result<bool> {
    let kind = entry.file_type()?;
    if !kind.is_symlink() {
        return Ok(kind.is_dir());
    }
    Ok(found(fs::metadata(entry.path()))?.is_some_and(|metadata| metadata.is_dir()))
}

/// How much the filesystem holds; `None` where it does not tell, as some of a network do.
pub(super) fn capacity(path: &Path) -> io::Result<Option<Capacity>> {
    let it = rustix::fs::statvfs(path)?;
    let bytes = |blocks: u64| blocks.saturating_mul(it.f_frsize);
    Ok((it.f_blocks > 0).then(|| Capacity { total: bytes(it.f_blocks), free: bytes(it.f_bavail) }))
}

/// The digest in a link, if that is all it holds, and when it was written.
fn content(link: &Path) -> io::Result<(Option<Digest>, Timestamp)> {
    // Longer than any digest.
    let mut buffer = [0; 256];
    let mut file = File::open(link)?;
    let written = time(&file.metadata()?);
    let mut length = 0;
    loop {
        match file.read(&mut buffer[length..]) {
            Ok(0) => break,
            Ok(more) => length += more,
            Err(why) if why.kind() == ErrorKind::Interrupted => {}
            Err(why) => return Err(why),
        }
    }
    let text = std::str::from_utf8(&buffer[..length]).ok();
    Ok((text.and_then(|text| text.parse().ok()), written))
}

/// `None` for what is not there.
pub(super) fn found<T>(read: io::Result<T>) -> io::Result<Option<T>> {
    match read {
        Ok(value) => Ok(Some(value)),
        Err(why) if why.kind() == ErrorKind::NotFound => Ok(None),
        Err(why) => Err(why),
    }
}

/// When it was written. A time that no calendar has is the latest there is: whatever is new stays.
pub(super) fn time(metadata: &Metadata) -> Timestamp {
    metadata.modified().ok().and_then(|time| Timestamp::try_from(time).ok()).unwrap_or(Timestamp::MAX)
}

fn is_fresh(written: Timestamp, began: Timestamp) -> bool {
    began.duration_since(written) <= FRESH
}
