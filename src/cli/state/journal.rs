use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{StateError, file};
use crate::oci::{Digest, RepositoryName};
use crate::pruning::{Intent, OpenIntents};
use crate::worker::{Journal, JournalError};

const REMEDY: &str = "it records deletions that were begun; put it back from a backup, or move it away and look with \
                      `registry-retention verify` whether every image is whole";

/// Intents in a file of lines, each appended and synced before it is acted on.
#[derive(Debug)]
pub(in crate::cli) struct FileJournal {
    path: PathBuf,
    open: OpenIntents,
    /// Open for appending once there is something to append, and how long it is as far as it is known to be good.
    file: Option<(File, u64)>,
    broken: bool,
}

/// One line.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Line {
    /// Always the first.
    Version(u32),
    Intend(Intent),
    Settle {
        repository: RepositoryName,
        digest: Digest,
    },
}

impl FileJournal {
    /// What the journal at `path` says, without touching it.
    pub(super) fn peek(path: &Path) -> Result<OpenIntents, StateError> {
        Ok(replay(path)?.open)
    }

    /// Reads the journal, and writes it anew if it holds more than what is open. Only whoever holds the lock may.
    pub(super) fn load(path: PathBuf) -> Result<Self, StateError> {
        let Replay { open, needless } = replay(&path)?;
        if open.is_empty() {
            file::remove(&path)?;
        } else if needless {
            let mut text = String::new();
            add(&mut text, &Line::Version(file::VERSION)).map_err(StateError::io(&path, "cannot be written"))?;
            for intent in open.iter() {
                let line = Line::Intend(intent.clone());
                add(&mut text, &line).map_err(StateError::io(&path, "cannot be written"))?;
            }
            file::write_bytes(&path, text.as_bytes())?;
        }
        Ok(Self { path, open, file: None, broken: false })
    }

    /// Ends it: a journal in which nothing is open is removed.
    pub(in crate::cli) fn close(self) -> Result<OpenIntents, StateError> {
        if self.open.is_empty() {
            file::remove(&self.path)?;
        }
        Ok(self.open)
    }

    fn append(&mut self, lines: &[Line], durable: bool) -> io::Result<()> {
        if self.broken {
            return Err(io::Error::other("an earlier line could not be written whole"));
        }
        let mut text = String::new();
        for line in lines {
            add(&mut text, line)?;
        }
        let (file, length) = self.file()?;
        let written = file.write_all(text.as_bytes()).and_then(|()| if durable { file.sync_data() } else { Ok(()) });
        match written {
            Ok(()) => *length += text.len() as u64,
            // Half a line must not be in front of the next one.
            Err(_) if file.set_len(*length).is_ok() => {}
            Err(_) => self.broken = true,
        }
        written
    }

    fn file(&mut self) -> io::Result<&mut (File, u64)> {
        if self.file.is_none() {
            if !self.path.exists() {
                let mut text = String::new();
                add(&mut text, &Line::Version(file::VERSION))?;
                file::write_bytes(&self.path, text.as_bytes()).map_err(io::Error::other)?;
            }
            let file = OpenOptions::new().append(true).open(&self.path)?;
            let length = file.metadata()?.len();
            self.file = Some((file, length));
        }
        self.file.as_mut().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn error(&self, what: &'static str, why: &io::Error) -> JournalError {
        JournalError { what, place: self.path.display().to_string(), why: why.to_string() }
    }
}

impl Journal for FileJournal {
    fn open_intents(&self) -> &OpenIntents {
        &self.open
    }

    async fn intend(&mut self, intents: &[Intent]) -> Result<(), JournalError> {
        let lines: Vec<Line> = intents.iter().cloned().map(Line::Intend).collect();
        self.append(&lines, true).map_err(|why| self.error("what is about to be deleted", &why))?;
        intents.iter().cloned().for_each(|intent| self.open.open(intent));
        Ok(())
    }

    async fn settle(&mut self, repository: &RepositoryName, digest: &Digest) -> Result<(), JournalError> {
        let line = Line::Settle { repository: repository.clone(), digest: digest.clone() };
        self.append(&[line], false).map_err(|why| self.error("what was deleted", &why))?;
        self.open.settle(repository, digest);
        Ok(())
    }
}

fn add(text: &mut String, line: &Line) -> io::Result<()> {
    text.push_str(&serde_json::to_string(line)?);
    text.push('\n');
    Ok(())
}

struct Replay {
    open: OpenIntents,
    /// There are lines that say nothing any more.
    needless: bool,
}

/// A last line without its end was cut by a crash, before anything in it was acted on.
fn replay(path: &Path) -> Result<Replay, StateError> {
    let mut replay = Replay { open: OpenIntents::default(), needless: false };
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(replay),
        Err(why) => return Err(StateError::io(path, "cannot be read")(why)),
    };
    let damaged = |number: usize, why: &str| StateError::Damaged {
        path: path.to_owned(),
        why: format!("line {number} {why}"),
        remedy: REMEDY,
    };
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    replay.needless = whole < bytes.len();
    for (index, line) in bytes[..whole].split_inclusive(|byte| *byte == b'\n').enumerate() {
        let line = serde_json::from_slice(line).map_err(|_| damaged(index + 1, "is not what this program writes"))?;
        match line {
            Line::Version(version) if version > file::VERSION => {
                return Err(StateError::TooNew { path: path.to_owned(), version });
            }
            Line::Version(_) if index == 0 => {}
            _ if index == 0 => return Err(damaged(1, "does not say the version of the format")),
            Line::Version(_) => return Err(damaged(index + 1, "is not what this program writes")),
            Line::Intend(intent) => replay.open.open(intent),
            Line::Settle { repository, digest } => {
                replay.open.settle(&repository, &digest);
                replay.needless = true;
            }
        }
    }
    Ok(replay)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pruning::{Operation, SavedManifest};

    fn intent(content: &str) -> Intent {
        Intent {
            run: "4e1f".into(),
            repository: "apps/shop".parse().unwrap(),
            operation: Operation::Delete {
                digest: Digest::of(content.as_bytes()),
                tags: vec![content.parse().unwrap()],
            },
            manifest: Some(SavedManifest { media_type: "text/plain".into(), bytes: content.into() }),
        }
    }

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    #[test]
    fn what_was_intended_outlives_the_process_until_it_is_settled() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        let mut journal = FileJournal::load(path.clone()).unwrap();
        assert!(!path.exists(), "nothing is open");
        block_on(journal.intend(&[intent("a"), intent("b")])).unwrap();
        block_on(journal.settle(&"apps/shop".parse().unwrap(), &Digest::of(b"a"))).unwrap();
        drop(journal);
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 4);
        assert_eq!(FileJournal::peek(&path).unwrap().iter().collect::<Vec<_>>(), [&intent("b")]);
        let mut journal = FileJournal::load(path.clone()).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 2, "only what is open is left");
        block_on(journal.settle(&"apps/shop".parse().unwrap(), &Digest::of(b"b"))).unwrap();
        assert!(journal.close().unwrap().is_empty());
        assert!(!path.exists());
    }

    #[test]
    fn a_line_that_a_crash_cut_is_dropped_wherever_it_was_cut() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        let mut journal = FileJournal::load(path.clone()).unwrap();
        block_on(journal.intend(&[intent("a")])).unwrap();
        let first = fs::read(&path).unwrap().len();
        block_on(journal.intend(&[intent("b")])).unwrap();
        let whole = fs::read(&path).unwrap();
        for cut in first..whole.len() {
            fs::write(&path, &whole[..cut]).unwrap();
            let mut journal = FileJournal::load(path.clone()).unwrap();
            assert_eq!(journal.open_intents().iter().collect::<Vec<_>>(), [&intent("a")], "cut at {cut}");
            block_on(journal.intend(&[intent("c")])).unwrap();
            assert_eq!(FileJournal::peek(&path).unwrap().iter().count(), 2, "cut at {cut}");
        }
    }

    #[test]
    fn any_other_unreadable_line_is_an_error_that_names_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        let version = "{\"version\":1}\n";
        for text in [format!("{version}nonsense\n"), "{}\n".into(), "\n".into(), format!("{version}{version}")] {
            fs::write(&path, &text).unwrap();
            let message = FileJournal::load(path.clone()).unwrap_err().to_string();
            assert!(message.contains("journal.jsonl") && message.contains("verify"), "{text:?}: {message}");
            assert_eq!(fs::read_to_string(&path).unwrap(), text, "it is left as it was");
        }
        fs::write(&path, "{\"version\":2}\n").unwrap();
        assert!(matches!(FileJournal::load(path), Err(StateError::TooNew { .. })));
    }
}
