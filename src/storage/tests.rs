//! The saved form: what was written is what is read, and whatever happened to it since is noticed.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::entry::tests::samples;
use super::load::parse;
use super::*;
use crate::retention::{Capacity, Oddities, Store};

fn ending() -> Ending {
    let examples = vec!["a: not part\nof it".to_owned(), "é".repeat(5000)];
    let oddities = Oddities { count: 7, examples };
    let capacity = Some(Capacity { total: 1000, free: 400 });
    Ending { ended: "2026-11-22T03:00:05.5Z".parse().unwrap(), capacity, oddities }
}

fn saved() -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), "2026-11-22T03:00:00.000000001Z".parse().unwrap()).unwrap();
    for entry in samples() {
        writer.entry(&entry).unwrap();
    }
    writer.end(&ending()).unwrap().0
}

fn read(bytes: &[u8]) -> Result<Store, SavedError> {
    parse(bytes)
}

/// The lines, each with its newline.
fn lines(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.split_inclusive(|byte| *byte == b'\n').collect()
}

fn compressed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn what_was_saved_is_what_is_read() {
    let store = read(&saved()).unwrap();
    let mut gatherer = gather::Gatherer::new(store.began);
    for entry in samples() {
        gatherer.add(entry);
    }
    let mut expected = gatherer.end(ending());
    expected.oddities.examples = vec!["a: not part?of it".into(), "é".repeat(500)];
    assert_eq!(store, expected);
    assert_eq!(store.began.to_string(), "2026-11-22T03:00:00.000000001Z");
    assert_eq!(read(&compressed(&saved())).unwrap(), expected);
}

#[test]
fn a_cut_anywhere_is_noticed() {
    let saved = saved();
    for length in 0..saved.len() {
        let error = read(&saved[..length]).expect_err("a part is not the whole");
        assert!(matches!(error, SavedError::NoInventory | SavedError::Unfinished { .. }), "{length}: {error}");
    }
    let compressed = compressed(&saved);
    for length in 0..compressed.len() {
        assert!(read(&compressed[..length]).is_err(), "{length}");
    }
}

#[test]
fn a_byte_that_differs_is_noticed() {
    let saved = saved();
    for at in 0..saved.len() {
        for bit in [1, 32, 128] {
            let mut other = saved.clone();
            other[at] ^= bit;
            assert!(read(&other).is_err(), "byte {at}, bit {bit}");
        }
    }
    // What is compressed has bits that mean nothing.
    let (compressed, store) = (compressed(&saved), read(&saved).unwrap());
    for at in 0..compressed.len() {
        let mut other = compressed.clone();
        other[at] ^= 1;
        assert!(read(&other).is_ok_and(|other| other == store) || read(&other).is_err(), "byte {at}");
    }
}

#[test]
fn a_line_too_few_or_too_many_is_noticed() {
    let saved = saved();
    let lines = lines(&saved);
    for at in 0..lines.len() {
        let mut fewer = lines.clone();
        fewer.remove(at);
        assert!(read(&fewer.concat()).is_err(), "without line {at}");
        let mut more = lines.clone();
        more.insert(at, lines[at]);
        assert!(read(&more.concat()).is_err(), "line {at} twice");
        let mut turned = lines.clone();
        turned.swap(at, (at + 1) % lines.len());
        assert!(read(&turned.concat()).is_err(), "line {at} later");
    }
    assert!(matches!(read(&[lines[0], lines[2]].concat()), Err(SavedError::Gap { expected: 1, found: 2 })));
    assert!(matches!(read(&[&saved[..], b"17 \n"].concat()), Err(SavedError::GoesOn)));
}

#[test]
fn a_count_or_a_checksum_that_differs_is_noticed() {
    use sha2::Digest as _;
    let text = String::from_utf8(saved()).unwrap();
    let signed = |text: &str| {
        let (body, _) = text.trim_end().rsplit_once(' ').unwrap();
        let digest = saved::hex(&sha2::Sha256::digest(format!("{body} ")));
        format!("{body} {digest}\n").into_bytes()
    };
    assert!(read(&signed(&text)).is_ok());
    for (counts, wrong) in
        [(" 1 2 2 1 1 7 ", " 1 3 2 1 1 7 "), (" 1 2 2 1 1 7 ", " 1 2 2 1 1 1 "), (" 1 2 2 1 1 7 ", " 1 2 2 1 7 ")]
    {
        assert!(text.contains(counts));
        assert!(matches!(read(&signed(&text.replace(counts, wrong))), Err(SavedError::Miscounted)), "{wrong}");
    }
    assert!(matches!(read(text.replace("tag apps", "tag bpps").as_bytes()), Err(SavedError::Altered)));
}

#[test]
fn something_else_is_no_inventory() {
    for text in ["", "\n", "{}\n", "0 \n", "1 registry-retention-inventory 1 2026-11-22T03:00:00Z\n", "\u{1f}\u{8b}"] {
        assert!(read(text.as_bytes()).is_err(), "{text:?}");
    }
    assert!(matches!(read(b"kind: RegistryRetention\n"), Err(SavedError::NoInventory)));
    let newer = b"0 registry-retention-inventory 2 x y z\n";
    assert!(matches!(read(newer), Err(SavedError::TooNew { version: 2 })));
    let long = [b"0 ".as_slice(), &vec![b'x'; 1 << 20]].concat();
    assert!(matches!(read(&long), Err(SavedError::Malformed { number: 0 })));
}
