//! What real collectors print, and small storages made by hand.

mod kept;
mod output;
mod removals;
mod veto;

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Found, Graph, Node, Wanted};
use crate::oci::{Digest, RepositoryName, Tag};
use crate::retention::{Oddities, Store, StoredLink, StoredTag};

/// As Distribution 2.8.2 and 3.1.2 print it, of the same storage.
const V2: &str = include_str!("dry-run-2.8.txt");
const V3: &str = include_str!("dry-run-3.1.txt");

fn digest(name: &str) -> Digest {
    Digest::of(name.as_bytes())
}

fn name(text: &str) -> RepositoryName {
    text.parse().unwrap()
}

fn tag(text: &str) -> Tag {
    text.parse().unwrap()
}

/// A storage, in which things are called by names.
struct Shelf {
    store: Store,
    graph: Graph,
    wanted: Wanted,
}

impl Shelf {
    fn new() -> Self {
        let store = Store {
            began: Timestamp::UNIX_EPOCH,
            ended: Timestamp::UNIX_EPOCH,
            repositories: BTreeMap::new(),
            blobs: BTreeMap::new(),
            capacity: None,
            oddities: Oddities::default(),
        };
        Self { store, graph: Graph::new(), wanted: Wanted::default() }
    }

    /// A blob of 10 bytes.
    fn blob(mut self, of: &str) -> Self {
        self.store.blobs.insert(digest(of), 10);
        self
    }

    fn linked(mut self, repository: &str, of: &str, node: Node) -> Self {
        let revisions = &mut self.store.repositories.entry(name(repository)).or_default().revisions;
        revisions.insert(digest(of), StoredLink { pushed: Timestamp::UNIX_EPOCH, is_sound: true });
        self.graph.insert(digest(of), Found::Manifest(node));
        self.blob(of)
    }

    /// An image of these blobs, config first, all of which are there.
    fn image(self, repository: &str, of: &str, blobs: &[&str]) -> Self {
        let node = Node { blobs: blobs.iter().map(|blob| (digest(blob), 10)).collect(), ..Node::default() };
        blobs.iter().fold(self.linked(repository, of, node), |shelf, blob| shelf.blob(blob))
    }

    fn index(self, repository: &str, of: &str, children: &[&str]) -> Self {
        let children = children.iter().map(|child| digest(child)).collect();
        self.linked(repository, of, Node { children, ..Node::default() })
    }

    fn about(mut self, of: &str, subject: &str) -> Self {
        let Some(Found::Manifest(node)) = self.graph.get_mut(&digest(of)) else { panic!("{of} is a manifest") };
        node.subject = Some(digest(subject));
        self
    }

    fn tag(mut self, repository: &str, called: &str, of: &str) -> Self {
        let tags = &mut self.store.repositories.entry(name(repository)).or_default().tags;
        tags.insert(tag(called), StoredTag::At { digest: digest(of), pushed: Timestamp::UNIX_EPOCH });
        self
    }

    fn wants(mut self, of: &str, why: &str) -> Self {
        self.wanted.add(digest(of), why);
        self
    }

    fn found(mut self, of: &str, found: Found) -> Self {
        self.graph.insert(digest(of), found);
        self
    }
}
