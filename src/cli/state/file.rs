//! Files that are there whole or not at all.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::StateError;

/// The version of every format in the state directory.
pub(super) const VERSION: u32 = 1;

/// What the names of unfinished files begin with; a crash may leave such files, and whoever holds the lock sweeps them.
const UNFINISHED: &str = ".unfinished-";

#[derive(Serialize, Deserialize)]
struct Versioned<T> {
    version: u32,
    content: T,
}

#[derive(Deserialize)]
struct VersionOnly {
    version: u32,
}

/// Makes a folder that only its owner may enter, with its parents, so that it survives a crash.
pub(super) fn make_folder(path: &Path) -> Result<(), StateError> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        make_folder(parent)?;
    }
    match DirBuilder::new().mode(0o700).create(path) {
        Err(why) if why.kind() != io::ErrorKind::AlreadyExists => {
            return Err(StateError::io(path, "cannot be made")(why));
        }
        _ => {}
    }
    sync_parent(path)
}

/// Writes `content` to `path`: after a crash at any moment the file is the old one or the new one.
pub(super) fn write<T: Serialize>(path: &Path, content: T) -> Result<(), StateError> {
    let bytes = serde_json::to_vec(&Versioned { version: VERSION, content }).map_err(io::Error::from);
    write_bytes(path, &bytes.map_err(StateError::io(path, "cannot be written"))?)
}

pub(super) fn write_bytes(path: &Path, bytes: &[u8]) -> Result<(), StateError> {
    let failed = || StateError::io(path, "cannot be written");
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(folder).map_err(failed())?;
    file.write_all(bytes).and_then(|()| file.as_file().sync_all()).map_err(failed())?;
    file.persist(path).map_err(|error| failed()(error.error))?;
    sync_parent(path)
}

/// Reads what [`write`] wrote; `None` if there is no such file. `remedy` tells a person what to do with a damaged one.
pub(super) fn read<T: DeserializeOwned>(path: &Path, remedy: &'static str) -> Result<Option<T>, StateError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(why) => return Err(StateError::io(path, "cannot be read")(why)),
    };
    // Where is all that is said: the text of a JSON error quotes the file.
    let damaged = |why: serde_json::Error| StateError::Damaged {
        path: path.to_owned(),
        why: format!("not what this program writes (line {}, column {})", why.line(), why.column()),
        remedy,
    };
    let VersionOnly { version } = serde_json::from_slice(&bytes).map_err(damaged)?;
    if version > VERSION {
        return Err(StateError::TooNew { path: path.to_owned(), version });
    }
    let read: Versioned<T> = serde_json::from_slice(&bytes).map_err(damaged)?;
    Ok(Some(read.content))
}

/// Removes a file, if it is there, so that it stays removed.
pub(super) fn remove(path: &Path) -> Result<(), StateError> {
    match fs::remove_file(path) {
        Ok(()) => sync_parent(path),
        Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(why) => Err(StateError::io(path, "cannot be removed")(why)),
    }
}

/// The files in `folder` whose names end in `.json`, sorted; none if there is no such folder.
pub(super) fn list(folder: &Path) -> Result<Vec<std::path::PathBuf>, StateError> {
    let failed = || StateError::io(folder, "cannot be read");
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(why) => return Err(failed()(why)),
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(failed())?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// Removes what a crash left unfinished. Only whoever holds the lock may.
pub(super) fn sweep_unfinished(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with(UNFINISHED)) {
        // It hurts nothing if it stays.
        let _ = fs::remove_file(entry.path());
    }
}

fn sync_parent(path: &Path) -> Result<(), StateError> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(parent).and_then(|folder| folder.sync_all()).map_err(StateError::io(parent, "cannot be synced"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_is_nobody_elses_business() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("a/b");
        make_folder(&inner).unwrap();
        let path = inner.join("x.json");
        write(&path, "one").unwrap();
        write(&path, "two").unwrap();
        assert_eq!(read::<String>(&path, "").unwrap().as_deref(), Some("two"));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(&inner), mode(inner.parent().unwrap())), (0o600, 0o700, 0o700));
        assert_eq!(fs::read_dir(&inner).unwrap().count(), 1, "nothing unfinished is left");
        remove(&path).unwrap();
        remove(&path).unwrap();
        assert_eq!(read::<String>(&path, "").unwrap(), None);
    }

    #[test]
    fn what_cannot_be_read_is_never_taken_for_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.json");
        for text in ["", "{", "null", r#"{"version":1}"#, r#"{"version":1,"content":7}"#, r#"{"content":"secret"}"#] {
            fs::write(&path, text).unwrap();
            let error = read::<String>(&path, "move it away").unwrap_err();
            assert!(matches!(error, StateError::Damaged { .. }), "{text}: {error}");
            let message = error.to_string();
            assert!(message.contains("x.json") && message.contains("move it away"), "{message}");
            assert!(!message.contains("secret"));
        }
        fs::write(&path, r#"{"version":2,"content":{}}"#).unwrap();
        assert!(matches!(read::<String>(&path, ""), Err(StateError::TooNew { version: 2, .. })));
    }

    #[test]
    fn what_a_crash_left_is_swept() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(".unfinished-x"), "").unwrap();
        fs::write(folder.path().join("memory.json"), "").unwrap();
        sweep_unfinished(folder.path());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
