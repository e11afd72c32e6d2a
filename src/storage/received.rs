use std::collections::VecDeque;
use std::io::{self, Write};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use flate2::write::GzDecoder;
use sha2::{Digest as _, Sha256};

use super::SavedError;
use super::saved::{LONGEST, hex};
use super::transport::{MARK, checksum};
use super::{Lines, LogError};
use crate::retention::Store;

/// The longest line of a log that is looked at, in bytes.
pub const LONGEST_LOG_LINE: usize = 8192;
/// How many lines without the mark are remembered: the last ones, for they say why.
const WORDS: usize = 10;
/// How much of each, in characters.
const WORD: usize = 500;

/// Takes the lines of a log one after another, and refuses whatever is not exactly what a [`super::LogWriter`] wrote.
///
/// The bytes go to `W` as they come; they are worth nothing before [`finish`](Self::finish).
pub struct LogReader<W: Write> {
    bytes: GzDecoder<W>,
    hash: Sha256,
    /// The number that the next part must have.
    next: u64,
    has_ended: bool,
    words: VecDeque<String>,
}

impl<W: Write> LogReader<W> {
    /// Nothing yet.
    pub fn new(out: W) -> Self {
        Self {
            bytes: GzDecoder::new(out),
            hash: Sha256::new(),
            next: 0,
            has_ended: false,
            words: VecDeque::with_capacity(WORDS),
        }
    }

    /// Takes the next line, without its newline.
    pub fn take(&mut self, line: &[u8]) -> Result<(), LogError> {
        let text = std::str::from_utf8(line).unwrap_or_default();
        let Some(rest) = text.strip_prefix(MARK).and_then(|rest| rest.strip_prefix(' ')) else {
            self.word(line);
            return Ok(());
        };
        if self.has_ended {
            return Err(LogError::GoesOn);
        }
        let malformed = || LogError::Malformed { number: self.next };
        if line.len() > LONGEST_LOG_LINE {
            return Err(malformed());
        }
        if let Some(failed) = rest.strip_prefix("failed ") {
            let (reason, text) = failed.split_once(' ').unwrap_or((failed, ""));
            return Err(LogError::Failed { reason: reason.to_owned(), text: text.to_owned() });
        }
        if let Some(end) = rest.strip_prefix("end ") {
            let (count, digest) = end.split_once(' ').ok_or_else(malformed)?;
            return self.end(number(count).ok_or_else(malformed)?, digest);
        }
        let (found, part) = rest.split_once(' ').ok_or_else(malformed)?;
        let (sum, base64) = part.split_once(' ').ok_or_else(malformed)?;
        self.part(number(found).ok_or_else(malformed)?, sum, base64)
    }

    fn part(&mut self, found: u64, sum: &str, base64: &str) -> Result<(), LogError> {
        let number = self.next;
        if sum != checksum(found, base64) {
            return Err(LogError::Malformed { number });
        }
        if found != number {
            return Err(LogError::Gap { expected: number, found });
        }
        let bytes = BASE64_STANDARD.decode(base64).map_err(|_| LogError::Malformed { number })?;
        self.hash.update(&bytes);
        self.bytes.write_all(&bytes).map_err(content)?;
        self.next += 1;
        Ok(())
    }

    fn end(&mut self, count: u64, digest: &str) -> Result<(), LogError> {
        if count != self.next {
            return Err(LogError::Gap { expected: self.next, found: count });
        }
        if digest != hex(&self.hash.finalize_reset()) {
            return Err(LogError::Altered);
        }
        self.has_ended = true;
        Ok(())
    }

    fn word(&mut self, line: &[u8]) {
        if self.words.len() == WORDS {
            self.words.pop_front();
        }
        let start = &line[..line.len().min(4 * WORD)];
        let plain = |char: char| if char.is_control() { '?' } else { char };
        self.words.push_back(String::from_utf8_lossy(start).chars().take(WORD).map(plain).collect());
    }

    /// Whether the end has come.
    pub fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// The last lines without the mark, which came by standard error.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.words.iter().map(String::as_str)
    }

    /// Where the bytes went, if they have come to their end.
    pub fn finish(self) -> Result<W, LogError> {
        if !self.has_ended {
            return Err(LogError::Unfinished { lines: self.next });
        }
        self.bytes.finish().map_err(content)
    }
}

/// As it is written: no sign, no leading zero.
fn number(text: &str) -> Option<u64> {
    text.parse().ok().filter(|read: &u64| read.to_string() == text)
}

fn content(error: io::Error) -> LogError {
    error.downcast().map_or_else(|_| LogError::Altered, LogError::Content)
}

/// Takes the bytes of a saved inventory as they come, holding one line besides the result.
#[derive(Debug, Default)]
pub struct InventoryBytes {
    lines: Lines,
    line: Vec<u8>,
}

impl InventoryBytes {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// What they say, if they have come to their end.
    pub fn finish(self) -> Result<Store, SavedError> {
        if self.line.is_empty() { self.lines.finish() } else { Err(SavedError::GoesOn) }
    }
}

impl Write for InventoryBytes {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(piece.strip_suffix(b"\n").unwrap_or(piece));
            // One byte too many is enough for a line to be refused.
            self.line.truncate(LONGEST + 1);
            if piece.ends_with(b"\n") || self.line.len() > LONGEST {
                self.lines.take(&self.line).map_err(io::Error::other)?;
                self.line.clear();
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
