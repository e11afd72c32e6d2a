use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use super::saved::LONGEST;
use super::{Lines, SavedError, StorageError};
use crate::retention::Store;

/// Reads an inventory that was saved, compressed or not.
pub fn load(path: &Path) -> Result<Store, StorageError> {
    let failed = |why| StorageError::Saved { path: path.to_owned(), why };
    let file = File::open(path).map_err(|why| failed(SavedError::Io(why)))?;
    parse(BufReader::new(file)).map_err(failed)
}

/// Reads an inventory from its bytes, compressed or not, holding one line at a time besides the result.
pub(super) fn parse(mut bytes: impl BufRead) -> Result<Store, SavedError> {
    const GZIP: u8 = 0x1f;
    match bytes.fill_buf().map_err(SavedError::Io)?.first() {
        Some(&GZIP) => lines(BufReader::new(MultiGzDecoder::new(bytes))),
        _ => lines(bytes),
    }
}

fn lines(mut bytes: impl BufRead) -> Result<Store, SavedError> {
    let mut lines = Lines::new();
    let mut line = Vec::new();
    let mut number = 0;
    loop {
        line.clear();
        let limit = LONGEST as u64 + 1;
        let read = bytes.by_ref().take(limit).read_until(b'\n', &mut line);
        match read {
            Ok(0) => return lines.finish(),
            Ok(_) if line.pop_if(|last| *last == b'\n').is_some() => lines.take(&line)?,
            // Longer than any line, or cut off in it.
            Ok(read) if read as u64 == limit => return Err(SavedError::Malformed { number }),
            Ok(_) => return Err(SavedError::Unfinished { lines: number }),
            // What was compressed ends too early, or is damaged.
            Err(why) if matches!(why.kind(), io::ErrorKind::UnexpectedEof) => {
                return Err(SavedError::Unfinished { lines: number });
            }
            Err(why) if matches!(why.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData) => {
                return Err(SavedError::Altered);
            }
            Err(why) => return Err(SavedError::Io(why)),
        }
        number += 1;
    }
}
