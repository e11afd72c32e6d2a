use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn images(texts: &[&str]) -> BTreeSet<String> {
    texts.iter().map(ToString::to_string).collect()
}

fn listed(name: &str, texts: &[&str]) -> Change {
    Change::Listed(name.to_owned(), images(texts))
}

fn applied(name: &str, texts: &[&str]) -> Change {
    Change::Applied(name.to_owned(), images(texts))
}

fn failed() -> Change {
    Change::Failed(ClusterError::Configuration("gone".into()))
}

/// What is shown, as `image: users`.
fn shown(references: &References) -> Vec<String> {
    references.images().iter().map(|(image, users)| format!("{image}: {users}")).collect()
}

fn pods(changes: impl IntoIterator<Item = Change>) -> References {
    let mut references = References::new([Kind::Pod]);
    changes.into_iter().for_each(|change| references.apply(0, change));
    references
}

#[test]
fn objects_come_change_and_go() {
    let mut it = pods([Change::Begin, listed("a/x", &["i", "j"]), listed("a/y", &["i"])]);
    assert_eq!((it.health(), it.version()), (Ok(false), 0));
    assert!(shown(&it).is_empty(), "a first list shows nothing before it is whole");
    it.apply(0, Change::Complete);
    assert_eq!((it.health(), it.version()), (Ok(true), 1));
    assert_eq!(shown(&it), ["i: Pod a/x and 1 more", "j: Pod a/x"]);
    it.apply(0, applied("a/x", &["k"]));
    assert_eq!(shown(&it), ["i: Pod a/y", "k: Pod a/x"]);
    it.apply(0, Change::Deleted("a/y".into()));
    assert_eq!((shown(&it), it.version()), (vec!["k: Pod a/x".to_owned()], 3));
    it.apply(0, applied("a/x", &["k"]));
    it.apply(0, Change::Deleted("a/unknown".into()));
    assert_eq!(it.version(), 3, "nothing has changed");
}

#[test]
fn a_new_list_replaces_the_old_one_only_when_it_is_whole() {
    let mut it = pods([Change::Begin, listed("a/x", &["i"]), listed("a/y", &["j"]), Change::Complete]);
    let before = shown(&it);
    for change in [failed(), Change::Begin, listed("a/x", &["i"])] {
        it.apply(0, change);
        assert_eq!((shown(&it), it.version()), (before.clone(), 1), "the old is shown meanwhile");
        assert!(it.health().is_err(), "and it is said that it may be old");
    }
    it.apply(0, Change::Complete);
    assert_eq!((shown(&it), it.health(), it.version()), (vec!["i: Pod a/x".to_owned()], Ok(true), 2));
    for change in [Change::Begin, listed("a/x", &["i"]), Change::Complete] {
        it.apply(0, change);
    }
    assert_eq!(it.version(), 2, "the same again is no change");
}

#[test]
fn a_list_that_breaks_off_is_not_taken_for_whole() {
    let mut it = pods([Change::Begin, listed("a/x", &["i"]), Change::Complete, Change::Begin, failed()]);
    it.apply(0, Change::Complete);
    assert!(it.health().is_err());
    assert_eq!(shown(&it), ["i: Pod a/x"]);
}

#[test]
fn feeds_do_not_disturb_one_another() {
    let mut it = References::new([Kind::Pod, Kind::CronJob]);
    for feed in 0..2 {
        for change in [Change::Begin, listed("a/x", &["i"]), Change::Complete] {
            assert_eq!(it.health(), Ok(false));
            it.apply(feed, change);
        }
    }
    assert_eq!((shown(&it), it.health()), (vec!["i: CronJob a/x and 1 more".to_owned()], Ok(true)));
    it.apply(0, failed());
    assert!(it.health().is_err());
    it.apply(1, Change::Begin);
    it.apply(1, Change::Complete);
    assert_eq!(shown(&it), ["i: Pod a/x"]);
    assert!(it.health().is_err(), "the other's list does not heal this one");
}

#[test]
fn ten_thousand_pods_hold_each_text_once() {
    let texts: Vec<String> = (0..50).map(|number| format!("registry.registry:5000/apps/shop:v{number}")).collect();
    let pod = |number: usize| {
        let two = [&texts[number % 50], &texts[(number / 50) % 50]];
        Change::Listed(format!("shop/web-{number}"), two.into_iter().cloned().collect())
    };
    let mut it = pods([Change::Begin].into_iter().chain((0..10_000).map(pod)).chain([Change::Complete]));
    assert_eq!((it.texts.0.len(), it.images().len(), it.feeds[0].shown.len()), (50, 50, 10_000));
    let largest = it.feeds[0].shown.values().map(|images| size_of_val(&**images)).max();
    assert_eq!(largest, Some(2 * size_of::<Arc<str>>()), "an object is its name and a pointer per image");
    it.apply(0, Change::Begin);
    it.apply(0, Change::Complete);
    assert_eq!((it.texts.0.len(), it.feeds[0].shown.len()), (0, 0), "nothing is held that nothing names");
}

/// The same without any economy: what each feed has shown last, and what it is listing.
#[derive(Default)]
struct Model {
    shown: BTreeMap<String, BTreeSet<String>>,
    arriving: Option<BTreeMap<String, BTreeSet<String>>>,
}

impl Model {
    fn apply(&mut self, change: Change) {
        match change {
            Change::Begin => self.arriving = Some(BTreeMap::new()),
            Change::Listed(name, images) => drop(self.arriving.as_mut().map(|map| map.insert(name, images))),
            Change::Complete => self.shown = self.arriving.take().unwrap_or(std::mem::take(&mut self.shown)),
            Change::Applied(name, images) => {
                self.arriving.as_mut().map(|map| map.insert(name.clone(), images.clone()));
                self.shown.insert(name, images);
            }
            Change::Deleted(name) => {
                self.arriving.as_mut().map(|map| map.remove(&name));
                self.shown.remove(&name);
            }
            Change::Failed(_) => self.arriving = None,
        }
    }
}

fn any_change() -> impl Strategy<Value = Change> {
    let name = prop::sample::select(vec!["a/x", "a/y", "b/x"]).prop_map(str::to_owned);
    let images = prop::collection::btree_set(prop::sample::select(vec!["i", "j", "k"]).prop_map(str::to_owned), 0..3);
    prop_oneof![
        Just(Change::Begin),
        (name.clone(), images.clone()).prop_map(|(name, images)| Change::Listed(name, images)),
        Just(Change::Complete),
        (name.clone(), images).prop_map(|(name, images)| Change::Applied(name, images)),
        name.prop_map(Change::Deleted),
        Just(failed()),
    ]
}

proptest! {
    #[test]
    fn any_sequence_of_changes_leaves_what_a_plain_map_would(changes in prop::collection::vec((0..2_usize, any_change()), 0..60)) {
        let mut references = References::new([Kind::Pod, Kind::Job]);
        let mut models = [Model::default(), Model::default()];
        for (feed, change) in changes {
            let (before, version) = (references.images(), references.version());
            references.apply(feed, change.clone());
            models[feed].apply(change);
            let mut expected = UsedImages::default();
            for (kind, model) in ["Pod", "Job"].into_iter().zip(&models) {
                for (name, image) in model.shown.iter().flat_map(|(name, images)| images.iter().map(move |it| (name, it))) {
                    expected.add(image, &format!("{kind} {name}"));
                }
            }
            prop_assert_eq!(&references.images(), &expected);
            prop_assert!(before == expected || references.version() > version, "a change without a new version");
            let held: BTreeSet<&str> = references.texts.0.iter().map(|text| &**text).collect();
            let named = models.iter().flat_map(|it| it.shown.values().chain(it.arriving.iter().flat_map(BTreeMap::values)));
            prop_assert_eq!(held, named.flatten().map(String::as_str).collect::<BTreeSet<_>>());
        }
    }
}
