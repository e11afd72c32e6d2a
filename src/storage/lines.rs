use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::gather::Gatherer;
use super::saved::{LONGEST, MARK, VERSION, hex};
use super::{Ending, SavedError, Tally};
use crate::retention::{Capacity, Oddities, Store};

/// Takes the lines of an inventory one after another, from wherever they come, and refuses whatever is not exactly what
/// a [`super::Writer`] wrote.
#[derive(Debug, Default)]
pub struct Lines {
    hash: Sha256,
    /// The number that the next line must have.
    next: u64,
    gatherer: Option<Gatherer>,
    tally: Tally,
    examples: Vec<String>,
    ending: Option<Ending>,
}

impl Lines {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next line, without its newline.
    pub fn take(&mut self, line: &[u8]) -> Result<(), SavedError> {
        let number = self.next;
        let malformed = || SavedError::Malformed { number };
        if self.ending.is_some() {
            return Err(SavedError::GoesOn);
        }
        let text = std::str::from_utf8(line).ok().filter(|text| text.len() <= LONGEST);
        let (found, rest) = text.and_then(|text| text.split_once(' ')).ok_or_else(|| self.strange())?;
        // As it is written: no sign, no leading zero.
        let found: u64 =
            found.parse().ok().filter(|read: &u64| read.to_string() == found).ok_or_else(|| self.strange())?;
        if found != number {
            return Err(if number == 0 {
                SavedError::NoInventory
            } else {
                SavedError::Gap { expected: number, found }
            });
        }
        self.next += 1;
        if let Some(end) = rest.strip_prefix("end ") {
            let signed = line.len() - end.rsplit(' ').next().unwrap_or_default().len();
            self.hash.update(&line[..signed]);
            return self.end(end).ok_or_else(malformed)?;
        }
        self.hash.update(line);
        self.hash.update(b"\n");
        let Some(gatherer) = &mut self.gatherer else { return self.begin(rest) };
        if let Some(oddity) = rest.strip_prefix("oddity ") {
            self.examples.push(oddity.to_owned());
            return Ok(());
        }
        let entry = rest.parse().map_err(|_| malformed())?;
        self.tally.count(&entry);
        gatherer.add(entry);
        Ok(())
    }

    /// The error of a line that has no number.
    fn strange(&self) -> SavedError {
        if self.next == 0 { SavedError::NoInventory } else { SavedError::Malformed { number: self.next } }
    }

    fn begin(&mut self, rest: &str) -> Result<(), SavedError> {
        let fields: Vec<&str> = rest.split(' ').collect();
        let [MARK, version, rest @ ..] = fields.as_slice() else { return Err(SavedError::NoInventory) };
        match (version.parse(), rest) {
            (Ok(VERSION), [began]) => {
                let began = began.parse().map_err(|_| SavedError::Malformed { number: 0 })?;
                self.gatherer = Some(Gatherer::new(began));
                Ok(())
            }
            (Ok(version @ VERSION..), _) if version != VERSION => Err(SavedError::TooNew { version }),
            _ => Err(SavedError::Malformed { number: 0 }),
        }
    }

    /// `None` if the last line is no such line.
    fn end(&mut self, rest: &str) -> Option<Result<(), SavedError>> {
        let fields: Vec<&str> = rest.split(' ').collect();
        let [ended, counts @ .., odd, capacity, digest] = fields.as_slice() else { return None };
        let ended: Timestamp = ended.parse().ok()?;
        let counts = counts.iter().map(|count| count.parse().ok()).collect::<Option<Vec<u64>>>()?;
        let count: usize = odd.parse().ok()?;
        let capacity = match capacity.split_once('/') {
            Some((total, free)) => Some(Capacity { total: total.parse().ok()?, free: free.parse().ok()? }),
            None if *capacity == "-" => None,
            None => return None,
        };
        if *digest != hex(&self.hash.finalize_reset()) {
            return Some(Err(SavedError::Altered));
        }
        let Tally { repositories, tags, revisions, uploads, blobs, .. } = self.tally;
        if counts != [repositories, tags, revisions, uploads, blobs] || count < self.examples.len() {
            return Some(Err(SavedError::Miscounted));
        }
        let oddities = Oddities { count, examples: std::mem::take(&mut self.examples) };
        self.ending = Some(Ending { ended, capacity, oddities });
        Some(Ok(()))
    }

    /// What the lines say, if they have come to their end.
    pub fn finish(self) -> Result<Store, SavedError> {
        match (self.gatherer, self.ending) {
            (Some(gatherer), Some(ending)) => Ok(gatherer.end(ending)),
            (None, _) => Err(SavedError::NoInventory),
            (Some(_), None) => Err(SavedError::Unfinished { lines: self.next }),
        }
    }
}
