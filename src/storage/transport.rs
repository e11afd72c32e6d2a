//! Bytes as lines of a container's log, so that whoever follows the log notices whatever became of them on the way.
//!
//! ```text
//! registry-retention-log/1 0 CHECKSUM BASE64      a part of the bytes, which are compressed with gzip
//! registry-retention-log/1 1 CHECKSUM BASE64
//! registry-retention-log/1 end 2 DIGEST           how many parts there are, and the sha256 of all of them
//! registry-retention-log/1 failed REASON TEXT     instead of the end: there is no result, and why
//! ```
//!
//! A checksum is the first 16 digits of the sha256 of `NUMBER BASE64`. A line is shorter than 8 KiB: a container runtime
//! cuts longer ones (containerd at 16 KiB), and kubelets rotate a log at 10 MiB between lines.
//!
//! Standard error ends up in the same log; its lines lack the mark.

use std::io::{self, Write};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest as _, Sha256};

use super::saved::hex;

/// What each line begins with. The number is the version of this form.
pub(super) const MARK: &str = "registry-retention-log/1";
/// How many bytes a line carries: 7,600 characters of base64.
const PART: usize = 5700;
/// How many digits a checksum has.
const CHECKSUM: usize = 16;
/// How much is told of why there is no result, in characters.
const TEXT: usize = 2000;

/// Writes bytes as lines of a log.
pub struct LogWriter<W: Write>(GzEncoder<Parts<W>>);

impl<W: Write> LogWriter<W> {
    /// Nothing is written yet.
    pub fn new(out: W) -> Self {
        let parts = Parts { out, number: 0, hash: Sha256::new(), part: Vec::with_capacity(PART) };
        Self(GzEncoder::new(parts, Compression::fast()))
    }

    /// Writes what is left, and the end.
    pub fn end(self) -> io::Result<W> {
        self.0.finish()?.end()
    }
}

impl<W: Write> Write for LogWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    /// Does nothing: what is not a whole part waits for the end.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes that there is no result, in place of its end. `reason` is one word.
pub fn write_failure(mut out: impl Write, reason: &str, text: &str) -> io::Result<()> {
    let text: String = text.chars().take(TEXT).map(|char| if char.is_control() { ' ' } else { char }).collect();
    out.write_all(format!("{MARK} failed {reason} {text}\n").as_bytes())?;
    out.flush()
}

/// The checksum of a part.
pub(super) fn checksum(number: u64, base64: &str) -> String {
    let mut digits = hex(&Sha256::digest(format!("{number} {base64}")));
    digits.truncate(CHECKSUM);
    digits
}

/// Cuts bytes into parts.
struct Parts<W> {
    out: W,
    number: u64,
    hash: Sha256,
    part: Vec<u8>,
}

impl<W: Write> Parts<W> {
    fn put(&mut self) -> io::Result<()> {
        let (number, base64) = (self.number, BASE64_STANDARD.encode(&self.part));
        self.hash.update(&self.part);
        self.part.clear();
        self.number += 1;
        let line = format!("{MARK} {number} {} {base64}\n", checksum(number, &base64));
        self.out.write_all(line.as_bytes())
    }

    fn end(mut self) -> io::Result<W> {
        if !self.part.is_empty() {
            self.put()?;
        }
        let line = format!("{MARK} end {} {}\n", self.number, hex(&self.hash.finalize()));
        self.out.write_all(line.as_bytes())?;
        self.out.flush()?;
        Ok(self.out)
    }
}

impl<W: Write> Write for Parts<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(PART - self.part.len());
        self.part.extend_from_slice(&bytes[..taken]);
        if self.part.len() == PART {
            self.put()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
