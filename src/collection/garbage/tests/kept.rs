use std::collections::BTreeSet;

use super::super::{BrokenLink, Fault, Forecast, Found, Kept, Node, broken_links, reckoned, to_read};
use super::{Shelf, digest};
use crate::oci::{Digest, ManifestError};
use crate::retention::StoredTag;

const NAMES: [&str; 14] = [
    "image",
    "config",
    "layer",
    "child",
    "child config",
    "inner",
    "outer",
    "signature",
    "signature config",
    "proof",
    "proof config",
    "other",
    "other config",
    "gone",
];

impl Shelf {
    /// The names of what stays, manifests and blobs.
    fn stays(&self) -> (Vec<&'static str>, Vec<&'static str>) {
        let kept = Kept::of(&self.store, &self.graph, &self.wanted);
        assert_eq!(kept.findings, []);
        let named = |is: &dyn Fn(&Digest) -> bool| NAMES.into_iter().filter(|name| is(&digest(name))).collect();
        (named(&|digest| kept.manifests.contains_key(digest)), named(&|digest| kept.blobs.contains_key(digest)))
    }

    fn findings(&self) -> Vec<String> {
        Kept::of(&self.store, &self.graph, &self.wanted).findings.iter().map(ToString::to_string).collect()
    }
}

#[test]
fn a_tag_keeps_all_that_it_needs_at_any_depth_and_what_is_about_that() {
    let shelf = Shelf::new()
        .image("a", "child", &["child config", "layer"])
        .index("a", "inner", &["child"])
        .index("a", "outer", &["inner"])
        .tag("a", "v1", "outer")
        .image("a", "signature", &["signature config"])
        .about("signature", "child")
        .image("a", "proof", &["proof config"])
        .about("proof", "signature")
        .image("a", "other", &["other config", "layer"]);
    assert_eq!(
        shelf.stays(),
        (
            vec!["child", "inner", "outer", "signature", "proof"],
            vec!["layer", "child config", "signature config", "proof config"]
        )
    );
    assert_eq!(to_read(&shelf.store, &shelf.wanted).len(), 6);
}

#[test]
fn what_is_wanted_stays_with_the_indexes_around_it() {
    let shelf = || {
        Shelf::new()
            .image("a", "child", &["child config"])
            .index("a", "inner", &["child"])
            .index("a", "outer", &["inner"])
            .image("a", "other", &["other config"])
    };
    let all = (vec!["child", "inner", "outer"], vec!["child config"]);
    assert_eq!(shelf().wants("child", "").stays(), all);
    let by_config = shelf().wants("child config", "").found("child config", Found::Other(ManifestError::Malformed));
    assert_eq!(by_config.stays(), all);
    assert_eq!(shelf().wants("gone", "").stays(), (vec![], vec![]), "it is another registry's");
    let config = shelf().wants("config", "Pod default/web").blob("config");
    let config = config.found("config", Found::Other(ManifestError::Malformed));
    assert_eq!(config.stays(), (vec![], vec!["config"]));
    assert!(to_read(&config.store, &config.wanted).contains(&digest("config")));
}

#[test]
fn what_is_missing_or_damaged_is_named_with_what_needs_it() {
    let shelf = || Shelf::new().image("a", "image", &["config", "layer"]).tag("a", "v1", "image");
    let about = |shelf: Shelf, of: &str, what: &str| {
        let findings = shelf.findings();
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert!(findings[0].contains(digest(of).as_str()) && findings[0].contains(what), "{findings:?}");
    };
    about(shelf().found("image", Found::Missing), "image", "of a:v1 is missing");
    about(shelf().found("image", Found::Damaged), "image", "of a:v1 is damaged");
    about(shelf().found("image", Found::Other(ManifestError::MediaType)), "image", "is not understood");
    let mut missing = shelf();
    missing.store.blobs.remove(&digest("layer"));
    about(missing, "layer", "blob");
    let mut cut = shelf();
    cut.store.blobs.insert(digest("config"), 5);
    about(cut, "config", "it has 5 bytes, and its manifest says 10");
    about(shelf().index("a", "outer", &["gone"]).tag("a", "all", "outer"), "gone", "of a:all is missing");
    let mut empty = shelf();
    for repository in empty.store.repositories.values_mut() {
        repository.revisions.values_mut().for_each(|link| link.is_sound = false);
    }
    let kept = Kept::of(&empty.store, &empty.graph, &empty.wanted);
    assert_eq!((kept.findings.len(), &kept.findings[0].fault), (1, &Fault::Link));
    // Nothing needs these.
    assert_eq!(shelf().index("a", "outer", &["gone"]).findings(), Vec::<String>::new());
    assert_eq!(
        shelf().linked("a", "other", Node::default()).found("other", Found::Damaged).findings(),
        Vec::<String>::new()
    );
}

#[test]
fn tags_that_reach_nothing_are_counted() {
    let mut shelf = Shelf::new().image("a", "image", &["config"]).tag("a", "v1", "image").tag("a", "old", "gone");
    let tags = &mut shelf.store.repositories.get_mut(&super::name("a")).unwrap().tags;
    tags.insert(super::tag("empty"), StoredTag::Broken);
    // The same digest in a repository that does not link it.
    let shelf = shelf.tag("b", "v1", "image");
    let kept = Kept::of(&shelf.store, &shelf.graph, &shelf.wanted);
    assert_eq!((kept.tags, kept.dangling, kept.broken, kept.findings.len()), (1, 2, 1, 0));
    assert_eq!(kept.manifests.keys().map(|it| (*it).clone()).collect::<BTreeSet<_>>(), [digest("image")].into());
}

#[test]
fn manifests_that_name_one_another_end_where_they_began() {
    let shelf = Shelf::new().index("a", "inner", &["outer"]).index("a", "outer", &["inner"]).about("outer", "inner");
    assert_eq!(shelf.tag("a", "v1", "inner").stays().0, ["inner", "outer"]);
}

#[test]
fn a_broken_link_is_judged_by_what_is_behind_it_and_what_needs_that() {
    let mut shelf = Shelf::new()
        .image("a", "image", &["config"])
        .tag("a", "v1", "image")
        .image("a", "other", &["other config"])
        .index("a", "outer", &["child"])
        .tag("a", "all", "outer")
        .image("a", "child", &["child config"])
        .found("child", Found::Missing)
        .image("a", "proof", &["proof config"])
        .found("proof", Found::Damaged);
    let outer = digest("outer");
    for repository in shelf.store.repositories.values_mut() {
        for (digest, link) in &mut repository.revisions {
            link.is_sound = *digest == outer;
        }
    }
    let kept = Kept::of(&shelf.store, &shelf.graph, &shelf.wanted);
    let mut broken = broken_links(&shelf.store, &shelf.graph, &kept);
    let mut expected = [
        ("image", BrokenLink::ManifestWhole),
        ("other", BrokenLink::ManifestWhole),
        ("child", BrokenLink::ManifestLost),
        ("proof", BrokenLink::LeadsNowhere),
    ]
    .map(|(of, link)| (super::name("a"), digest(of), link));
    expected.sort_by(|one, other| one.1.cmp(&other.1));
    broken.sort_by(|one, other| one.1.cmp(&other.1));
    assert_eq!(broken, expected);
    // What no manifest names that can be read; the child itself is named.
    assert_eq!(reckoned(&shelf.store, &shelf.graph), Forecast { blobs: 3, bytes: 30 });
}
