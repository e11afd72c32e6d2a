use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::error::ClusterError;
use super::kind::Kind;
use crate::retention::UsedImages;

/// The images that watched objects name, without the objects. Pure: told of every change, asked for the sum.
///
/// Objects come by *feeds*, each of which lists and then follows one kind in one place. A feed that begins to list
/// again shows what it had until the new list is whole.
#[derive(Debug)]
pub(super) struct References {
    feeds: Vec<Contents>,
    texts: Texts,
    version: u64,
}

/// What a feed tells.
#[derive(Clone, Debug)]
pub(super) enum Change {
    /// It lists everything from here on.
    Begin,
    /// An object of that list.
    Listed(String, BTreeSet<String>),
    /// The list is whole; what is not in it is gone.
    Complete,
    /// An object is new, or has changed.
    Applied(String, BTreeSet<String>),
    /// An object is gone.
    Deleted(String),
    /// Nothing is known any more, until the next list is whole.
    Failed(ClusterError),
}

/// One feed: what its objects, by `namespace/name`, name.
#[derive(Debug)]
struct Contents {
    kind: Kind,
    state: State,
    shown: HashMap<String, Images>,
    /// The list that is not whole yet.
    arriving: Option<HashMap<String, Images>>,
}

#[derive(Clone, Debug)]
enum State {
    /// Its first list is under way.
    Listing,
    Current,
    Failed(ClusterError),
}

/// In order, each once.
type Images = Box<[Arc<str>]>;

/// Each text is held once, however many objects name it, and only as long as one does.
#[derive(Debug, Default)]
struct Texts(HashSet<Arc<str>>);

impl References {
    /// Of one feed for each of `kinds`; all of them have yet to list.
    pub(super) fn new(kinds: impl IntoIterator<Item = Kind>) -> Self {
        let empty = |kind| Contents { kind, state: State::Listing, shown: HashMap::new(), arriving: None };
        Self { feeds: kinds.into_iter().map(empty).collect(), texts: Texts::default(), version: 0 }
    }

    /// Takes in what `feed`, by its number, tells.
    pub(super) fn apply(&mut self, feed: usize, change: Change) {
        let Self { feeds, texts, version } = self;
        let Some(contents) = feeds.get_mut(feed) else { return };
        if contents.apply(change, texts) {
            *version += 1;
        }
    }

    /// How often what is shown has changed.
    pub(super) fn version(&self) -> u64 {
        self.version
    }

    /// Whether every feed is current: `Ok(false)` while the first lists are under way.
    pub(super) fn health(&self) -> Result<bool, ClusterError> {
        let failed = self.feeds.iter().find_map(|feed| match &feed.state {
            State::Failed(error) => Some(error.clone()),
            State::Listing | State::Current => None,
        });
        match failed {
            Some(error) => Err(error),
            None => Ok(self.feeds.iter().all(|feed| matches!(feed.state, State::Current))),
        }
    }

    /// Everything, with its users.
    pub(super) fn images(&self) -> UsedImages {
        let mut all = UsedImages::default();
        for Contents { kind, shown, .. } in &self.feeds {
            for (name, images) in shown {
                let user = format!("{kind} {name}");
                images.iter().for_each(|image| all.add(image, &user));
            }
        }
        all
    }
}

impl Contents {
    /// Whether that changed what is shown.
    fn apply(&mut self, change: Change, texts: &mut Texts) -> bool {
        match change {
            Change::Begin => {
                self.drop_arriving(texts);
                self.arriving = Some(HashMap::new());
                false
            }
            Change::Listed(name, images) => {
                if let Some(arriving) = &mut self.arriving {
                    put(arriving, name, &images, texts);
                }
                false
            }
            Change::Complete => self.complete(texts),
            Change::Applied(name, images) => {
                if let Some(arriving) = &mut self.arriving {
                    put(arriving, name.clone(), &images, texts);
                }
                put(&mut self.shown, name, &images, texts)
            }
            Change::Deleted(name) => {
                if let Some(map) = &mut self.arriving {
                    texts.release(map.remove(&name));
                }
                let gone = self.shown.remove(&name);
                let changed = gone.is_some();
                texts.release(gone);
                changed
            }
            Change::Failed(error) => {
                self.drop_arriving(texts);
                self.state = State::Failed(error);
                false
            }
        }
    }

    fn complete(&mut self, texts: &mut Texts) -> bool {
        // A list whose beginning was not seen may lack what came before.
        let Some(arrived) = self.arriving.take() else { return false };
        self.state = State::Current;
        let changed = self.shown != arrived;
        let replaced = std::mem::replace(&mut self.shown, arrived);
        texts.release(replaced.into_values());
        changed
    }

    fn drop_arriving(&mut self, texts: &mut Texts) {
        texts.release(self.arriving.take().into_iter().flat_map(HashMap::into_values));
    }
}

/// Whether that changed anything.
fn put(map: &mut HashMap<String, Images>, name: String, images: &BTreeSet<String>, texts: &mut Texts) -> bool {
    if map.get(&name).is_some_and(|known| known.iter().map(|text| &**text).eq(images.iter().map(String::as_str))) {
        return false;
    }
    let images: Images = images.iter().map(|image| texts.intern(image)).collect();
    texts.release(map.insert(name, images));
    true
}

impl Texts {
    fn intern(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.0.get(text) {
            return Arc::clone(known);
        }
        let new: Arc<str> = text.into();
        self.0.insert(Arc::clone(&new));
        new
    }

    /// Forgets what nothing but these named.
    fn release(&mut self, all: impl IntoIterator<Item = Images>) {
        for text in all.into_iter().flatten() {
            // This one, and the one in the set.
            if Arc::strong_count(&text) == 2 {
                self.0.remove(&text);
            }
        }
    }
}

#[cfg(test)]
mod tests;
