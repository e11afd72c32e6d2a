//! The saved form of an inventory: lines, each with its number, so that they survive a way on which lines get lost.
//!
//! ```text
//! 0 registry-retention-inventory 1 2026-11-22T03:00:00Z          the version of this form, and when reading began
//! 1 tag apps/shop v1 sha256:… 1763690400000000000                an entry a line, in any order
//! 2 oddity repositories/README: not part of the layout           some of the oddities
//! 3 end 2026-11-22T03:00:05Z 0 1 0 0 0 1 1000/400 DIGEST         see below
//! ```
//!
//! The last line has: when reading ended; how many repositories, tags, revisions, uploads, blobs and oddities there are;
//! the bytes of the filesystem and of what is free there, or `-`; the sha256 of everything before that digest.
//!
//! A file may be compressed with gzip.

use std::fmt::Write as _;
use std::io::{self, Write};

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::{Ending, Entry, Tally};
use crate::retention::{Capacity, Oddities};

/// What the first line begins with, after its number.
pub(super) const MARK: &str = "registry-retention-inventory";
/// The version of the form.
pub(super) const VERSION: u32 = 1;
/// The longest line, in bytes; an oddity's text is cut to fit.
pub(super) const LONGEST: usize = 4096;
/// How much is told of an oddity, in characters.
const TEXT: usize = 500;

/// Writes an inventory, line by line.
pub struct Writer<W> {
    out: W,
    hash: Sha256,
    number: u64,
    tally: Tally,
    line: String,
}

impl<W: Write> Writer<W> {
    /// Writes the first line.
    pub fn new(out: W, began: Timestamp) -> io::Result<Self> {
        let mut writer = Self { out, hash: Sha256::new(), number: 0, tally: Tally::default(), line: String::new() };
        writer.put(|line| write!(line, "{MARK} {VERSION} {began}"), "\n")?;
        Ok(writer)
    }

    /// Writes an entry.
    pub fn entry(&mut self, entry: &Entry) -> io::Result<()> {
        self.tally.count(entry);
        self.put(|line| write!(line, "{entry}"), "\n")
    }

    /// Writes the end; what is returned still has to be flushed.
    pub fn end(mut self, ending: &Ending) -> io::Result<(W, Tally)> {
        let Oddities { count, examples } = &ending.oddities;
        for example in examples {
            let text = one_line(example);
            self.put(|line| write!(line, "oddity {text}"), "\n")?;
        }
        let Tally { repositories, tags, revisions, uploads, blobs, .. } = self.tally;
        let capacity = ending.capacity.map_or("-".to_owned(), |Capacity { total, free }| format!("{total}/{free}"));
        let ended = ending.ended;
        self.put(
            |line| write!(line, "end {ended} {repositories} {tags} {revisions} {uploads} {blobs} {count} {capacity}"),
            " ",
        )?;
        let digest = hex(&self.hash.finalize());
        self.out.write_all(format!("{digest}\n").as_bytes())?;
        Ok((self.out, self.tally))
    }

    fn put(&mut self, text: impl FnOnce(&mut String) -> std::fmt::Result, end: &str) -> io::Result<()> {
        self.line.clear();
        let written = write!(self.line, "{} ", self.number).and_then(|()| text(&mut self.line));
        written.map_err(io::Error::other)?;
        self.line.push_str(end);
        self.number += 1;
        self.hash.update(self.line.as_bytes());
        self.out.write_all(self.line.as_bytes())
    }
}

/// The text as part of one line, however it came about.
fn one_line(text: &str) -> String {
    text.chars().take(TEXT).map(|char| if char.is_control() { '?' } else { char }).collect()
}

/// As `sha256sum` prints it.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
