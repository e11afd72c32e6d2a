use super::super::{Counts, Generation, Output, OutputError, Said};
use super::{V2, V3};

/// What all lines say that say anything.
fn read(generation: Generation, text: &str) -> Result<(Vec<Said>, Counts), OutputError> {
    let mut output = Output::of(generation);
    let mut said = Vec::new();
    for line in text.lines() {
        said.push(output.take(line.as_bytes())?);
    }
    said.retain(|said| *said != Said::Nothing);
    Ok((said, output.end()?))
}

#[test]
fn what_both_generations_print_is_understood() {
    let counts = Counts { marked: 8, blobs: 2, manifests: 0 };
    let of = |text, generation| {
        let (said, ended) = read(generation, text).unwrap();
        assert_eq!(ended, counts);
        assert!(said.contains(&Said::Counts(counts)));
        let number = |is: fn(&Said) -> bool| said.iter().filter(|said| is(said)).count();
        (
            number(|it| matches!(it, Said::Manifest(_))),
            number(|it| matches!(it, Said::Marked(_))),
            number(|it| matches!(it, Said::Eligible(_))),
        )
    };
    assert_eq!(of(V2, Generation::V2), (4, 7, 2));
    assert_eq!(of(V3, Generation::V3), (4, 4, 2));
}

#[test]
fn a_cut_anywhere_is_noticed() {
    for (generation, text) in [(Generation::V2, V2), (Generation::V3, V3)] {
        // Layer links of 3.x have no count; everything that matters stands before them.
        let end =
            text.rfind("blob eligible").unwrap() + text[text.rfind("blob eligible").unwrap()..].find('\n').unwrap();
        for length in 0..end {
            assert!(read(generation, &text[..length]).is_err(), "{generation:?} {:?}", &text[..length]);
        }
        assert!(read(generation, &text[..end]).is_ok());
    }
}

#[test]
fn a_line_that_is_missing_or_strange_is_noticed() {
    let (repository, digest) = ("apps/shop", "sha256:bae50033d2e58baa7e5666b5b61e5e147c303281d10774bd99aaa70ce4051305");
    let summary = "8 blobs marked, 2 blobs and 0 manifests eligible for deletion";
    for (from, to) in [
        ("apps/shop\n", ""),
        ("apps/shop\n", "apps/Shop\n"),
        ("apps/shop\n", "level=info msg=x\n"),
        ("web\n", "Usage:\n"),
        ("\n8 blobs", "8 blobs"),
        ("\n\n8 blobs", "\n\n\n8 blobs"),
        (summary, "8 blobs marked, 2 blobs eligible for deletion"),
        (summary, "8 blobs marked, 3 blobs and 0 manifests eligible for deletion"),
        (summary, "8 blobs marked, 02 blobs and 0 manifests eligible for deletion"),
        (summary, "8 blobs marked, -2 blobs and 0 manifests eligible for deletion"),
        ("marking manifest sha256:bae5", "marking manifest sha256:BAE5"),
        ("marking manifest sha256:bae5", "marking manifest sha512:bae5"),
        ("4051305 \n", "4051305\n"),
        ("apps/shop: marking manifest", "apps: marking manifest"),
        ("blob eligible for deletion: sha256:0b9d", "blob eligible for deletion: sha256:b9d"),
        ("blob eligible for deletion: sha256:0b9d", "manifest eligible for deletion: sha256:0b9d"),
    ] {
        for (generation, text) in [(Generation::V2, V2), (Generation::V3, V3)] {
            assert!(text.contains(from), "{from:?}");
            assert!(read(generation, &text.replacen(from, to, 1)).is_err(), "{generation:?}: {from:?} to {to:?}");
        }
    }
    assert!(read(Generation::V2, V3).is_err(), "2.x has no layer links");
    let mut output = Output::of(Generation::V3);
    output.take(repository.as_bytes()).unwrap();
    let strange = output.take(format!("{repository}: marking manifest {digest} \u{1b}").as_bytes()).unwrap_err();
    assert!(matches!(&strange, OutputError::Strange { line: 2, .. }), "{strange}");
    assert!(!strange.to_string().contains('\u{1b}'));
    assert!(output.take(&[0xff; 5000]).unwrap_err().to_string().len() < 1000);
}

#[test]
fn what_a_wrong_option_prints_is_no_collection() {
    for text in ["", "\n", "Usage:\n  registry garbage-collect <config> [flags]\n", "app\n"] {
        for generation in [Generation::V2, Generation::V3] {
            assert!(read(generation, text).is_err(), "{text:?}");
        }
    }
}
