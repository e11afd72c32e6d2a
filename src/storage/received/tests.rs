//! What was sent is what is received, and whatever happened to it on the way is noticed.

use super::super::entry::tests::samples;
use super::super::{Ending, LogWriter, Writer, write_failure};
use super::*;
use crate::oci::Digest;
use crate::retention::Oddities;
use crate::storage::Entry;

/// A log with some parts, and what was written into it.
fn log(blobs: u32) -> (Vec<u8>, Store) {
    let began = "2026-11-22T03:00:00Z".parse().unwrap();
    let ending = Ending { ended: began, capacity: None, oddities: Oddities::default() };
    let mut writer = Writer::new(LogWriter::new(Vec::new()), began).unwrap();
    let mut plain = Writer::new(Vec::new(), began).unwrap();
    let blobs = (0..blobs).map(|number| Entry::Blob(Digest::of(&number.to_be_bytes()), u64::from(number)));
    for entry in samples().into_iter().chain(blobs) {
        writer.entry(&entry).unwrap();
        plain.entry(&entry).unwrap();
    }
    let log = writer.end(&ending).unwrap().0.end().unwrap();
    let (plain, _) = plain.end(&ending).unwrap();
    (log, super::super::load::parse(&plain[..]).unwrap())
}

fn lines(log: &[u8]) -> Vec<&[u8]> {
    log.split_inclusive(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\n").unwrap()).collect()
}

fn read<'a>(lines: impl IntoIterator<Item = &'a [u8]>) -> Result<Store, LogError> {
    let mut reader = LogReader::new(InventoryBytes::new());
    for line in lines {
        reader.take(line)?;
    }
    reader.finish()?.finish().map_err(LogError::Content)
}

#[test]
fn what_was_sent_is_what_is_received() {
    for blobs in [0, 1, 1000] {
        let (log, store) = log(blobs);
        assert_eq!(read(lines(&log)).unwrap(), store);
        assert!(lines(&log).iter().all(|line| line.len() < LONGEST_LOG_LINE && line.is_ascii()));
    }
}

#[test]
fn other_lines_may_stand_between_and_the_last_are_remembered() {
    let (log, store) = log(1000);
    let mut reader = LogReader::new(InventoryBytes::new());
    let endless = "é\u{1b}".repeat(5000);
    for (number, line) in lines(&log).into_iter().enumerate() {
        reader.take(format!("word {number}").as_bytes()).unwrap();
        reader.take(line).unwrap();
    }
    assert!(reader.has_ended());
    for word in ["", "\u{fffd}", &endless].into_iter().cycle().take(WORDS) {
        reader.take(word.as_bytes()).unwrap();
    }
    reader.take(b"\xff").unwrap();
    let words: Vec<_> = reader.words().collect();
    assert_eq!(words.len(), WORDS);
    assert!(words.iter().all(|word| word.chars().count() <= WORD && !word.contains('\u{1b}')));
    assert_eq!(words.last(), Some(&"\u{fffd}"));
    assert_eq!(reader.finish().unwrap().finish().unwrap(), store);
}

#[test]
fn a_line_too_few_too_many_or_elsewhere_is_noticed() {
    let (log, _) = log(1000);
    let lines = lines(&log);
    assert!(lines.len() > 6, "{}", lines.len());
    for at in 0..lines.len() {
        let mut fewer = lines.clone();
        fewer.remove(at);
        assert!(read(fewer).is_err(), "without line {at}");
        let mut more = lines.clone();
        more.insert(at, lines[at]);
        assert!(read(more).is_err(), "line {at} twice");
        let mut turned = lines.clone();
        turned.swap(at, (at + 1) % lines.len());
        assert!(read(turned).is_err(), "line {at} later");
        assert!(matches!(read(lines[..at].to_vec()), Err(LogError::Unfinished { .. })), "cut before line {at}");
    }
    assert!(matches!(read(lines[1..].to_vec()), Err(LogError::Gap { expected: 0, found: 1 })));
    assert!(matches!(read([&lines[..], &lines[..1]].concat()), Err(LogError::GoesOn)));
    // Of two logs, each with a part of its own.
    let (other, _) = self::log(1001);
    let mixed = [&lines[..lines.len() - 2], &self::lines(&other)[lines.len() - 2..]].concat();
    assert!(matches!(read(mixed), Err(LogError::Altered | LogError::Content(_))));
}

#[test]
fn a_byte_that_differs_is_noticed() {
    let (log, store) = log(10);
    for at in 0..log.len() {
        for bit in [1, 2, 32] {
            let mut other = log.clone();
            other[at] ^= bit;
            let other: Vec<&[u8]> = other.split(|byte| *byte == b'\n').collect();
            // A newline more or less makes other lines; the last of them is empty.
            assert!(!read(other).is_ok_and(|other| other != store), "byte {at}, bit {bit}");
        }
        let cut: Vec<&[u8]> = log[..at].split(|byte| *byte == b'\n').collect();
        assert!(read(cut).is_err() || at == log.len() - 1, "cut at {at}");
    }
    let digits = log.iter().rposition(|byte| *byte != b'\n').unwrap();
    let mut other = log.clone();
    other[digits] ^= 1;
    assert!(matches!(read(lines(&other)), Err(LogError::Altered)));
}

#[test]
fn what_is_no_inventory_is_refused_while_it_comes() {
    use std::io::Write as _;
    let sent = |bytes: &[u8]| {
        let mut writer = LogWriter::new(Vec::new());
        writer.write_all(bytes).unwrap();
        let log = writer.end().unwrap();
        read(lines(&log)).unwrap_err()
    };
    assert!(matches!(sent(b""), LogError::Content(SavedError::NoInventory)));
    assert!(matches!(sent(b"else\n"), LogError::Content(SavedError::NoInventory)));
    // It is never held: a line ends where no line of an inventory does.
    assert!(matches!(sent(&vec![b'0'; 1 << 24]), LogError::Content(SavedError::NoInventory)));
    let began = b"0 registry-retention-inventory 1 2026-11-22T03:00:00Z\n";
    assert!(matches!(sent(began), LogError::Content(SavedError::Unfinished { .. })));
    assert!(matches!(sent(&[&began[..], b"1 rest"].concat()), LogError::Content(_)));
}

#[test]
fn a_failure_has_its_reason() {
    let (log, _) = log(1000);
    let mut failed = Vec::new();
    write_failure(&mut failed, "StorageUnreadable", &format!("/x: {}\nhint", "é".repeat(5000))).unwrap();
    let lines = [&lines(&log)[..2], &lines(&failed)].concat();
    let Err(LogError::Failed { reason, text }) = read(lines) else { panic!("a failure") };
    assert_eq!(reason, "StorageUnreadable");
    assert!(text.starts_with("/x: éé") && text.len() < LONGEST_LOG_LINE / 2 + 10, "{text}");
}
