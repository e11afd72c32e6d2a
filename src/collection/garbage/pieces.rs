use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::final_plan::FIRST;
use super::{FinalPlan, FinalPlanError, PlannedDeletion, PlannedUntag, Seal};

/// How many pieces there are at most: so many objects of the cluster the collector's pod has mounted.
pub const MOST_PIECES: usize = 8;
/// The largest piece, in bytes; with what is around it, it has to fit into an object of the cluster.
const LARGEST: usize = 900 * 1024;
/// How much is packed before its packed size is looked at.
const BLOCK: usize = 16 * 1024;
/// What the last line takes at most.
const LAST: usize = 32;

/// A final plan as it is stored and found again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pieces {
    /// Each compressed by itself, in their order.
    pub pieces: Vec<Vec<u8>>,
    /// What they have to be when they are read.
    pub seal: Seal,
    /// How many removals had no room, the last ones of the plan. They are for the next run.
    pub left: usize,
}

impl FinalPlan {
    /// Writes it. Of what it keeps nothing is ever left out; removals are, from the first that has no room.
    pub fn pieces(&self) -> Result<Pieces, FinalPlanError> {
        self.packed(LARGEST)
    }

    fn packed(&self, largest: usize) -> Result<Pieces, FinalPlanError> {
        let mut packer = Packer::new(largest);
        packer.take(&format!("{FIRST}\n"));
        let mut lines = 0;
        for (digest, why) in self.keep.iter() {
            packer.take(&if why.is_empty() { format!("keep {digest}\n") } else { format!("keep {digest} {why}\n") });
            lines += 1;
        }
        let untags = self
            .untags
            .iter()
            .map(|PlannedUntag { repository, tag, digest }| format!("untag {repository} {tag} {digest}\n"));
        let removals = untags.chain(self.deletions.iter().map(deletion));
        let mut written = 0;
        for line in removals {
            if !packer.has_room(line.len()) {
                break;
            }
            packer.take(&line);
            written += 1;
        }
        packer.take(&format!("end {}\n", lines + written));
        let pieces = packer.end();
        if pieces.len() > MOST_PIECES {
            return Err(FinalPlanError::TooLarge(pieces.len()));
        }
        let left = self.untags.len() + self.deletions.len() - written;
        Ok(Pieces { seal: Seal::of(&pieces), pieces, left })
    }
}

fn deletion(PlannedDeletion { repository, digest, tags }: &PlannedDeletion) -> String {
    let tags = tags.iter().fold(String::new(), |text, tag| text + " " + tag.as_str());
    format!("delete {repository} {digest}{tags}\n")
}

/// Packs text into pieces.
struct Packer {
    largest: usize,
    done: Vec<Vec<u8>>,
    piece: GzEncoder<Vec<u8>>,
    open: Vec<u8>,
}

impl Packer {
    fn new(largest: usize) -> Self {
        Self { largest, done: Vec::new(), piece: piece(), open: Vec::new() }
    }

    fn take(&mut self, line: &str) {
        self.open.extend_from_slice(line.as_bytes());
        if self.open.len() >= BLOCK {
            self.pack();
        }
    }

    /// Whether so much more surely fits, and the last line after it.
    fn has_room(&self, more: usize) -> bool {
        let room = (self.largest - worst(BLOCK)).saturating_sub(self.piece.get_ref().len());
        let pieces = MOST_PIECES.saturating_sub(self.done.len() + 1);
        worst(self.open.len() + more + LAST) <= room + pieces * (self.largest - worst(BLOCK))
    }

    fn pack(&mut self) {
        for block in std::mem::take(&mut self.open).chunks(BLOCK) {
            if self.piece.get_ref().len() + worst(block.len()) > self.largest {
                self.cut();
            }
            // Writing to memory does not fail.
            let _ = self.piece.write_all(block).and_then(|()| self.piece.flush());
        }
    }

    fn cut(&mut self) {
        let full = std::mem::replace(&mut self.piece, piece());
        self.done.push(full.finish().unwrap_or_default());
    }

    fn end(mut self) -> Vec<Vec<u8>> {
        self.pack();
        self.cut();
        self.done
    }
}

fn piece() -> GzEncoder<Vec<u8>> {
    GzEncoder::new(Vec::new(), Compression::default())
}

/// What so many bytes take at most when they are packed: a little more than unpacked.
fn worst(bytes: usize) -> usize {
    bytes + bytes / 100 + 64
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::GzDecoder;

    use super::*;
    use crate::oci::Digest;

    /// So that a test need not pack megabytes.
    const SMALL: usize = 64 * 1024;

    fn digest(number: usize) -> Digest {
        Digest::of(&number.to_le_bytes())
    }

    fn plan(keeps: usize, deletions: usize) -> FinalPlan {
        let mut plan = FinalPlan::default();
        for number in 0..keeps {
            plan.keep.add(digest(number), if number % 2 == 0 { "" } else { "Größe of default/web" });
        }
        let (repository, tag) = ("apps/shop".parse().unwrap(), "pr-9".parse().unwrap());
        plan.untags.push(PlannedUntag { repository, tag, digest: digest(0) });
        plan.deletions.extend((0..deletions).map(|number| PlannedDeletion {
            repository: "apps/shop".parse().unwrap(),
            digest: digest(number + keeps),
            tags: (0..number % 3).map(|tag| format!("pr-{number}-{tag}").parse().unwrap()).collect(),
        }));
        plan
    }

    fn read(pieces: &[Vec<u8>]) -> FinalPlan {
        let mut text = Vec::new();
        for piece in pieces {
            assert!(piece.len() <= SMALL, "{}", piece.len());
            GzDecoder::new(piece.as_slice()).read_to_end(&mut text).unwrap();
        }
        FinalPlan::read(std::str::from_utf8(&text).unwrap()).unwrap()
    }

    #[test]
    fn what_is_written_is_what_is_read() {
        for (keeps, deletions, expected) in [(0, 0, 1), (10, 10, 1), (1_500, 700, 2)] {
            let plan = plan(keeps, deletions);
            let Pieces { pieces, seal, left } = plan.packed(SMALL).unwrap();
            assert_eq!((pieces.len(), left, seal.check(&pieces)), (expected, 0, Ok(())));
            assert!(read(&pieces) == plan, "{keeps} {deletions}");
        }
        assert_eq!(plan(1_500, 700).pieces().unwrap().pieces.len(), 1);
    }

    #[test]
    fn what_has_no_room_is_left_but_nothing_that_stays() {
        let all = plan(5_000, 10_000);
        let Pieces { pieces, left, .. } = all.packed(SMALL).unwrap();
        assert!(pieces.len() == MOST_PIECES && (100..9_000).contains(&left), "{} pieces, {left} left", pieces.len());
        let written = read(&pieces);
        assert!(written.keep == all.keep && written.untags == all.untags);
        assert!(written.deletions == all.deletions[..all.deletions.len() - left], "in their order");
        assert!(matches!(plan(15_000, 0).packed(SMALL), Err(FinalPlanError::TooLarge(9..))));
    }
}
