use super::super::{FinalPlan, Found, Node, PlannedDeletion, PlannedUntag, Removals, placeholder};
use super::{Shelf, digest, name, tag};
use crate::oci::{Digest, Manifest, Tombstone};
use crate::pruning::Operation;

/// `delete a image v1 v2`, `untag a v1 image`, with digests by their names.
fn plan(lines: &[&str]) -> FinalPlan {
    let mut plan = FinalPlan::default();
    for line in lines {
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            ["delete", repository, of, tags @ ..] => plan.deletions.push(PlannedDeletion {
                repository: name(repository),
                digest: digest(of),
                tags: tags.iter().map(|it| tag(it)).collect(),
            }),
            ["untag", repository, called, of] => {
                let (repository, tag, digest) = (name(repository), tag(called), digest(of));
                plan.untags.push(PlannedUntag { repository, tag, digest });
            }
            _ => panic!("{line}"),
        }
    }
    plan
}

const NAMES: [&str; 9] = ["image", "other", "child", "index", "outer", "signature", "one", "two", "gone"];

fn called(digest: &Digest) -> &str {
    NAMES.into_iter().find(|name| super::digest(name) == *digest).unwrap_or("?")
}

impl Shelf {
    /// What is done, in words, and how many lines are left.
    fn removals(&self, lines: &[&str], tags_deletable: bool) -> (Vec<String>, u64) {
        let removals = Removals::of(&plan(lines), &self.store, &self.graph, &self.wanted, tags_deletable);
        let shown = |(name, operation): &(_, Operation)| {
            let tags = operation.tags().iter().fold(String::new(), |text, tag| text + " " + tag.as_str());
            let verb = match operation {
                Operation::Untag { .. } => "untag",
                Operation::Delete { .. } => "delete",
                Operation::Entomb { .. } => "entomb",
                Operation::FinishTombstone { .. } => "finish",
                Operation::Restore { .. } => "restore",
                Operation::ClearDangling { .. } => "clear",
            };
            format!("{verb} {name} {}{tags}", called(operation.digest()))
        };
        (removals.operations.iter().map(shown).collect(), removals.skipped)
    }

    /// On 3.x and on 2.8.
    #[track_caller]
    fn removes(&self, lines: &[&str], on_3: &[&str], on_2: &[&str], skipped: u64) {
        let expected = |operations: &[&str]| (operations.iter().map(ToString::to_string).collect::<Vec<_>>(), skipped);
        assert_eq!(self.removals(lines, true), expected(on_3), "3.x: {lines:?}");
        assert_eq!(self.removals(lines, false), expected(on_2), "2.8: {lines:?}");
    }

    fn keeps(&self, lines: &[&str]) {
        self.removes(lines, &[], &[], lines.len() as u64);
    }

    fn without_link(mut self, of: &str) -> Self {
        self.store.repositories.get_mut(&name("a")).unwrap().revisions.remove(&digest(of));
        self
    }
}

/// Two images, each with a tag.
fn shelf() -> Shelf {
    Shelf::new()
        .image("a", "image", &["c1"])
        .tag("a", "v1", "image")
        .image("a", "other", &["c2"])
        .tag("a", "v2", "other")
}

/// An index of two, one of which has a tag of its own.
fn indexed() -> Shelf {
    let shelf = shelf().image("a", "one", &["c3"]).image("a", "two", &["c4"]).index("a", "index", &["one", "two"]);
    shelf.tag("a", "all", "index").tag("a", "one", "one")
}

#[test]
fn tags_go_before_manifests_and_indexes_before_their_children() {
    shelf().removes(&["delete a image v1"], &["untag a image v1", "delete a image"], &["delete a image v1"], 0);
    let twice = shelf().tag("a", "w1", "image");
    let both = ["untag a image v1", "untag a image w1", "delete a image"];
    twice.removes(&["delete a image v1 w1"], &both, &["delete a image v1 w1"], 0);
    indexed().removes(
        &["delete a one one", "delete a two", "delete a index all"],
        &["untag a index all", "untag a one one", "delete a index", "delete a one", "delete a two"],
        &["delete a index all", "delete a one one", "delete a two"],
        0,
    );
}

#[test]
fn a_manifest_that_anything_needs_stays() {
    // A tag that came after the plan.
    shelf().tag("a", "new", "image").keeps(&["delete a image v1"]);
    shelf().wants("image", "Pod default/web").keeps(&["delete a image v1"]);
    shelf().wants("c1", "by its config").keeps(&["delete a image v1"]);
    indexed().keeps(&["delete a one one", "delete a two"]);
    // The index around what is in use.
    indexed().wants("two", "").keeps(&["delete a index all", "delete a two"]);
    // The index stays for another tag, and so do its children, at any depth.
    let nested = || indexed().index("a", "outer", &["index"]).tag("a", "nested", "outer");
    nested().keeps(&["delete a index all", "delete a one one", "delete a two"]);
    nested().tag("a", "new", "outer").keeps(&["delete a outer nested", "delete a index all", "delete a one one"]);
    // An untagged index that stays needs as much.
    let untagged = shelf().index("a", "index", &["image"]);
    untagged.keeps(&["delete a image v1"]);
    shelf().tag("a", "v1", "other").keeps(&["delete a other v2"]);
}

#[test]
fn one_line_that_is_left_holds_back_no_other() {
    let on_3 = ["untag a other v2", "delete a other"];
    let lines = ["delete a image v1", "delete a other v2"];
    shelf().tag("a", "new", "image").removes(&lines, &on_3, &["delete a other v2"], 1);
    // What other repositories keep is theirs.
    let elsewhere = shelf().image("b", "image", &["c1"]).tag("b", "v1", "image");
    let on_3 = ["untag a image v1", "delete a image"];
    elsewhere.removes(&["delete a image v1"], &on_3, &["delete a image v1"], 0);
}

#[test]
fn a_companion_stays_with_its_subject_and_goes_after_it() {
    let signed = || shelf().image("a", "signature", &["c5"]).about("signature", "image");
    signed().keeps(&["delete a signature"]);
    let both = ["delete a signature", "delete a image v1"];
    let deletes = ["delete a image", "delete a signature"];
    signed().removes(&both, &["untag a image v1", deletes[0], deletes[1]], &["delete a image v1", deletes[1]], 0);
    signed().tag("a", "new", "image").keeps(&both);
    let cosign = format!("{}.sig", digest("image").as_str().replace(':', "-"));
    let tagged = || shelf().image("a", "signature", &["c5"]).tag("a", &cosign, "signature");
    let line = format!("delete a signature {cosign}");
    tagged().keeps(&[&line]);
    tagged().wants("image", "").keeps(&[&line, "delete a image v1"]);
    // Its tag goes with it, not before its subject.
    let on_3 = ["untag a image v1", "delete a image", &line];
    tagged().removes(&[&line, "delete a image v1"], &on_3, &["delete a image v1", &line], 0);
    // The subject went in a run that was cut short.
    tagged().without_link("image").removes(&["delete a image", &line], &[], &[], 2);
    let mut gone = tagged().without_link("image");
    gone.store.repositories.get_mut(&name("a")).unwrap().tags.remove(&tag("v1"));
    gone.removes(&["delete a image v1", &line], &[&line], &[&line], 0);
}

#[test]
fn a_tag_goes_alone_where_its_manifest_stays() {
    let shared = || shelf().tag("a", "pr", "image");
    shared().removes(&["untag a pr image"], &["untag a image pr"], &["entomb a image pr"], 0);
    shared().wants("image", "v1").removes(&["untag a pr image"], &["untag a image pr"], &["entomb a image pr"], 0);
    // It moved; nothing else keeps the manifest any more; it is a companion's.
    shelf().tag("a", "pr", "other").keeps(&["untag a pr image"]);
    shelf().keeps(&["untag a v1 image"]);
    shared().keeps(&["untag a pr image", "untag a v1 image"]);
    let cosign = format!("{}.sig", digest("image").as_str().replace(':', "-"));
    shelf().tag("a", &cosign, "other").keeps(&[&format!("untag a {cosign} other")]);
    // What stores something comes last.
    let lines = ["untag a pr image", "delete a other v2"];
    let on_3 = ["untag a image pr", "untag a other v2", "delete a other"];
    shared().removes(&lines, &on_3, &["delete a other v2", "entomb a image pr"], 0);
}

#[test]
fn what_a_run_that_was_cut_short_left_is_finished() {
    // All is gone; the repository, too.
    shelf().removes(&["delete a gone pr", "untag a pr gone", "delete b image v1"], &[], &[], 0);
    // The manifest went, and its tag did not.
    let dangling = shelf().without_link("image");
    dangling.removes(&["delete a image v1"], &["untag a image v1"], &["clear a image v1"], 0);
    // A placeholder stands under the tag; or stood, and only the tag is left.
    let bytes = placeholder(&tag("v1"), &digest("image")).to_bytes();
    let (own, manifest) = (Digest::of(&bytes), Manifest::parse(Tombstone::MEDIA_TYPE, &bytes).unwrap());
    let at = |of: Digest| crate::retention::StoredTag::At { digest: of, pushed: jiff::Timestamp::UNIX_EPOCH };
    let mut shelf = shelf().tag("a", "w1", "image");
    let node = Node { tombstone: manifest.tombstone.map(Box::new), ..Node::default() };
    shelf.graph.insert(own.clone(), Found::Manifest(node));
    let repository = shelf.store.repositories.get_mut(&name("a")).unwrap();
    repository.tags.insert(tag("v1"), at(own.clone()));
    let link = repository.revisions[&digest("image")];
    repository.revisions.insert(own.clone(), link);
    shelf.removes(&["untag a v1 image"], &["finish a image v1"], &["finish a image v1"], 0);
    let on_3 = ["finish a image v1", "untag a image w1", "delete a image"];
    shelf.removes(&["delete a image v1 w1"], &on_3, &["finish a image v1", "delete a image w1"], 0);
    // Whose tag a placeholder holds is not deleted behind its back.
    shelf.keeps(&["delete a image w1"]);
    let repository = shelf.store.repositories.get_mut(&name("a")).unwrap();
    repository.revisions.remove(&own);
    shelf.graph.remove(&own);
    shelf.removes(&["untag a v1 image"], &["untag a ? v1"], &["clear a image v1"], 0);
}

#[test]
fn a_plan_that_says_something_twice_or_of_a_broken_link_is_left_so_far() {
    let lines = ["delete a image v1", "delete a image v1"];
    shelf().removes(&lines, &["untag a image v1", "delete a image"], &["delete a image v1"], 1);
    let mut broken = shelf();
    let repository = broken.store.repositories.get_mut(&name("a")).unwrap();
    repository.revisions.get_mut(&digest("image")).unwrap().is_sound = false;
    broken.keeps(&["delete a image v1"]);
    let removals = Removals::of(&plan(&["delete a image v1"]), &shelf().store, &shelf().graph, &shelf().wanted, false);
    let after = removals.without(shelf().store);
    let repository = &after.repositories[&name("a")];
    assert_eq!((repository.tags.len(), repository.revisions.len(), after.blobs.len()), (1, 1, 4));
}
