use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use super::StateError;

/// One run at a time per registry. The system lets go of it when the process ends, however it ends.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock, or says who has it.
    pub(super) fn take(path: &Path, registry: &str, command: &str) -> Result<Self, StateError> {
        let failed = || StateError::io(path, "cannot be locked");
        let mut options = OpenOptions::new();
        let mut file =
            options.read(true).write(true).create(true).truncate(false).mode(0o600).open(path).map_err(failed())?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let read = file.take(200).read_to_string(&mut holder);
                let known = read.is_ok() && !holder.trim().is_empty();
                let holder = if known { holder.trim().to_owned() } else { "another registry-retention".to_owned() };
                return Err(StateError::Locked { registry: registry.to_owned(), holder, path: path.to_owned() });
            }
            Err(TryLockError::Error(why)) => return Err(failed()(why)),
        }
        let since = crate::cli::now();
        let holder = format!("registry-retention {command} (process {}, since {since:.0})\n", std::process::id());
        let written = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(holder.as_bytes()));
        written.map_err(failed())?;
        Ok(Self { _file: file })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_run_is_told_whom_to_wait_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let first = Lock::take(&path, "r:5000", "prune").unwrap();
        let message = Lock::take(&path, "r:5000", "plan").unwrap_err().to_string();
        let me = format!("registry-retention prune (process {}, since ", std::process::id());
        assert!(message.starts_with("r:5000 is being worked on by ") && message.contains(&me), "{message}");
        drop(first);
        Lock::take(&path, "r:5000", "plan").unwrap();
    }
}
