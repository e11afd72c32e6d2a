use super::super::{Counts, Forecast, Kept, Objection, Said, Veto, Writers};
use super::{Shelf, digest};

fn shelf() -> Shelf {
    Shelf::new()
        .image("a", "child", &["config", "layer"])
        .index("a", "outer", &["child"])
        .tag("a", "v1", "outer")
        .blob("garbage")
        .blob("more garbage")
}

const MARKED: [&str; 4] = ["child", "outer", "config", "layer"];
const GARBAGE: [&str; 2] = ["garbage", "more garbage"];

/// What a collection says that marks these manifests, these blobs, and deletes those.
fn compare(
    shelf: &Shelf,
    [manifests, marked, eligible]: [&[&str]; 3],
    counts: Counts,
    writers: Writers,
) -> Result<Forecast, Vec<&'static str>> {
    let kept = Kept::of(&shelf.store, &shelf.graph, &shelf.wanted);
    let mut veto = Veto::of(&kept, &shelf.store.blobs);
    for name in manifests {
        assert_eq!(veto.take(Said::Manifest(digest(name))), None);
    }
    for name in marked {
        assert_eq!(veto.take(Said::Marked(digest(name))), None);
    }
    for name in eligible {
        let objects = veto.take(Said::Eligible(digest(name))).is_some();
        assert_eq!(objects, MARKED.contains(name), "{name}: it says so at once");
    }
    veto.end(counts, writers).map_err(|all| all.iter().map(Objection::reason).collect())
}

fn counts(marked: u64, blobs: u64) -> Counts {
    Counts { marked, blobs, manifests: 0 }
}

#[test]
fn what_is_just_as_it_should_be_passes() {
    let all = Forecast { blobs: 2, bytes: 20 };
    let said: [&[&str]; 3] = [&["child", "outer"], &["child", "config", "layer"], &GARBAGE];
    assert_eq!(compare(&shelf(), said, counts(4, 2), Writers::None), Ok(all));
    assert_eq!(compare(&shelf(), said, counts(4, 2), Writers::Some), Ok(all));
}

#[test]
fn every_contradiction_is_a_veto() {
    let manifests: &[&str] = &["child", "outer"];
    let blobs: &[&str] = &["config", "layer"];
    for (said, counts, reason) in [
        ([manifests, &["config"], &["layer", "garbage", "more garbage"]], counts(3, 3), "KeptWouldBeDeleted"),
        ([&["outer"], &["child", "config", "layer"], &GARBAGE], counts(4, 2), "KeptNotMarked"),
        ([&["outer"], &["config", "layer"], &["child", "garbage", "more garbage"]], counts(3, 3), "KeptWouldBeDeleted"),
        ([manifests, blobs, &["garbage", "layer", "more garbage"]], counts(4, 3), "KeptWouldBeDeleted"),
        ([manifests, &["config", "layer", "garbage"], &GARBAGE], counts(5, 2), "OutputNotUnderstood"),
        ([manifests, blobs, &GARBAGE], counts(5, 2), "OutputNotUnderstood"),
        ([manifests, blobs, &GARBAGE], counts(4, 3), "OutputNotUnderstood"),
        ([manifests, blobs, &GARBAGE], Counts { manifests: 1, ..counts(4, 2) }, "OutputNotUnderstood"),
    ] {
        for writers in [Writers::None, Writers::Some] {
            let objections = compare(&shelf(), said, counts, writers).unwrap_err();
            assert_eq!(objections.first(), Some(&reason), "{said:?} {objections:?}");
        }
    }
}

/// Where nobody writes, what is stored and what the collection sees are one and the same.
#[test]
fn what_came_or_went_meanwhile_is_a_veto_only_where_nobody_may_write() {
    let manifests: &[&str] = &["child", "outer"];
    let blobs: &[&str] = &["config", "layer"];
    let came: [&[&str]; 3] = [manifests, blobs, &["garbage", "more garbage", "new"]];
    assert_eq!(compare(&shelf(), came, counts(4, 3), Writers::None), Err(vec!["StoreDiffers"]));
    assert_eq!(compare(&shelf(), came, counts(4, 3), Writers::Some), Ok(Forecast { blobs: 2, bytes: 20 }));
    let went: [&[&str]; 3] = [manifests, blobs, &["garbage"]];
    assert_eq!(compare(&shelf(), went, counts(4, 1), Writers::None), Err(vec!["StoreDiffers"]));
    assert_eq!(compare(&shelf(), went, counts(4, 1), Writers::Some), Ok(Forecast { blobs: 1, bytes: 10 }));
}
