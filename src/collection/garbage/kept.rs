use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use super::{Found, Graph, Node, Wanted};
use crate::oci::{Digest, ManifestError, RepositoryName, Tag};
use crate::retention::{Store, StoredTag};

/// Everything that has to stay, by our own reckoning: what a tag links, what somebody wants, and all that these need.
///
/// A tag is a link in the storage, whether or not the registry lists it. What is about a kept manifest (its `subject`) is
/// kept with it, and so is each index that holds something wanted.
#[derive(Debug)]
pub struct Kept<'a> {
    /// The manifests, each with what keeps it first.
    pub manifests: HashMap<&'a Digest, Keeper<'a>>,
    /// Configs and layers, likewise.
    pub blobs: HashMap<&'a Digest, Keeper<'a>>,
    /// Tags that link a manifest.
    pub tags: u64,
    /// Tags whose manifest the repository has no more; they answer 404, and reach nothing.
    pub dangling: u64,
    /// Tags whose link is empty, or no digest.
    pub broken: u64,
    /// What is not as it should be, in order.
    pub findings: Vec<Finding<'a>>,
}

/// What keeps something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Keeper<'a> {
    /// A tag in the storage.
    Tag(&'a RepositoryName, &'a Tag),
    /// Somebody who is not in the storage, such as a workload.
    Wanted(&'a str),
}

/// Something kept that is missing or damaged.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding<'a> {
    /// Its digest.
    pub digest: &'a Digest,
    /// What it is.
    pub kind: Kind,
    /// What keeps it.
    pub keeper: Keeper<'a>,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What something kept is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A manifest.
    Manifest,
    /// A config or a layer.
    Blob,
}

/// What is wrong with something kept.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// It is not there.
    Missing,
    /// Its bytes are not what its digest says.
    Damaged,
    /// It has another size than its manifest says.
    Size {
        /// What the manifest says, in bytes.
        expected: u64,
        /// What is there.
        found: u64,
    },
    /// It is no manifest that is understood.
    Unreadable(String),
    /// The repository's link to it is empty or cut, as a full disk leaves it.
    Link,
}

impl<'a> Kept<'a> {
    /// Reckons what stays. `graph` has every manifest that the storage links and that `wanted` names, and whatever these
    /// name as children.
    pub fn of(store: &'a Store, graph: &'a Graph, wanted: &'a Wanted) -> Self {
        let mut kept = Self {
            manifests: HashMap::new(),
            blobs: HashMap::new(),
            tags: 0,
            dangling: 0,
            broken: 0,
            findings: Vec::new(),
        };
        let mut open = kept.tagged(store);
        open.extend(wanted_here(store, graph, wanted));
        open.reverse();
        loop {
            while let Some((digest, keeper)) = open.pop() {
                kept.add(digest, keeper, store, graph, &mut open);
            }
            open = kept.about(graph);
            if open.is_empty() {
                break;
            }
        }
        kept.findings.sort();
        kept.findings.dedup_by(|one, other| (one.digest, one.kind) == (other.digest, other.kind));
        kept
    }

    /// What tags link.
    fn tagged(&mut self, store: &'a Store) -> Vec<(&'a Digest, Keeper<'a>)> {
        let mut open = Vec::new();
        for (name, repository) in &store.repositories {
            for (tag, stored) in &repository.tags {
                let StoredTag::At { digest, .. } = stored else {
                    self.broken += 1;
                    continue;
                };
                let keeper = Keeper::Tag(name, tag);
                match repository.revisions.get(digest) {
                    None => self.dangling += 1,
                    Some(link) if link.is_sound => {
                        self.tags += 1;
                        open.push((digest, keeper));
                    }
                    Some(_) => {
                        let (kind, fault) = (Kind::Manifest, Fault::Link);
                        self.findings.push(Finding { digest, kind, keeper, fault });
                    }
                }
            }
        }
        open
    }

    fn add(
        &mut self,
        digest: &'a Digest,
        keeper: Keeper<'a>,
        store: &'a Store,
        graph: &'a Graph,
        open: &mut Vec<(&'a Digest, Keeper<'a>)>,
    ) {
        let fault = match graph.get(digest) {
            Some(Found::Manifest(node)) => {
                if self.manifests.insert(digest, keeper).is_none() {
                    open.extend(node.children.iter().map(|child| (child, keeper)));
                    for (blob, size) in &node.blobs {
                        self.add_blob(blob, *size, keeper, store);
                    }
                }
                return;
            }
            // A config that is wanted by itself.
            Some(Found::Other(_)) if matches!(keeper, Keeper::Wanted(_)) => {
                self.blobs.entry(digest).or_insert(keeper);
                return;
            }
            Some(Found::Other(why)) => unreadable(why),
            Some(Found::Damaged) => Fault::Damaged,
            Some(Found::Missing) | None => Fault::Missing,
        };
        self.findings.push(Finding { digest, kind: Kind::Manifest, keeper, fault });
    }

    fn add_blob(&mut self, digest: &'a Digest, size: u64, keeper: Keeper<'a>, store: &Store) {
        if self.blobs.contains_key(digest) {
            return;
        }
        let fault = match store.blobs.get(digest) {
            None => Some(Fault::Missing),
            Some(found) if *found != size => Some(Fault::Size { expected: size, found: *found }),
            Some(_) => None,
        };
        self.findings.extend(fault.map(|fault| Finding { digest, kind: Kind::Blob, keeper, fault }));
        self.blobs.insert(digest, keeper);
    }

    /// What is about something kept, and not kept yet.
    fn about(&self, graph: &'a Graph) -> Vec<(&'a Digest, Keeper<'a>)> {
        let about = |(digest, found): (&'a Digest, &'a Found)| {
            let subject = found.node()?.subject.as_ref()?;
            let keeper = self.manifests.get(subject).filter(|_| !self.manifests.contains_key(digest))?;
            Some((digest, *keeper))
        };
        graph.iter().filter_map(about).collect()
    }
}

/// What is wanted, as far as this storage has it: each digest, the images whose config it is, and the indexes around all
/// of these.
fn wanted_here<'a>(store: &'a Store, graph: &'a Graph, wanted: &'a Wanted) -> Vec<(&'a Digest, Keeper<'a>)> {
    let is_linked = |digest: &Digest| store.repositories.values().any(|it| it.revisions.contains_key(digest));
    let mut here: BTreeMap<&Digest, Keeper<'_>> = wanted
        .iter()
        .filter(|(digest, _)| store.blobs.contains_key(*digest) || is_linked(digest))
        .map(|(digest, why)| (digest, Keeper::Wanted(why)))
        .collect();
    let nodes = || graph.iter().filter_map(|(digest, found)| Some((digest, found.node()?)));
    let by_config = |(digest, node): (&'a Digest, &'a Node)| Some((digest, *here.get(node.config()?)?));
    let images: Vec<_> = nodes().filter_map(by_config).collect();
    for (digest, keeper) in images {
        here.entry(digest).or_insert(keeper);
    }
    if here.is_empty() {
        return Vec::new();
    }
    loop {
        let around = |(digest, node): (&'a Digest, &'a Node)| {
            let keeper =
                node.children.iter().find_map(|child| here.get(child)).filter(|_| !here.contains_key(digest))?;
            Some((digest, *keeper))
        };
        let more: Vec<_> = nodes().filter_map(around).collect();
        if more.is_empty() {
            return here.into_iter().collect();
        }
        here.extend(more);
    }
}

/// The manifests that have to be read before [`Kept::of`]: what the storage links, and what somebody wants.
pub fn to_read(store: &Store, wanted: &Wanted) -> BTreeSet<Digest> {
    let linked = store.repositories.values().flat_map(|repository| repository.revisions.keys());
    let wanted = wanted.iter().map(|(digest, _)| digest).filter(|digest| store.blobs.contains_key(*digest));
    linked.chain(wanted).cloned().collect()
}

fn unreadable(why: &ManifestError) -> Fault {
    Fault::Unreadable(why.to_string())
}

impl fmt::Display for Keeper<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tag(name, tag) => write!(f, "{name}:{tag}"),
            Self::Wanted("") => f.write_str("what is in use"),
            Self::Wanted(why) => f.write_str(why),
        }
    }
}

impl fmt::Display for Finding<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { digest, kind, keeper, fault } = self;
        let kind = match kind {
            Kind::Manifest => "manifest",
            Kind::Blob => "blob",
        };
        match fault {
            Fault::Link => write!(f, "the repository's link to the {kind} {digest} of {keeper} {fault}"),
            _ => write!(f, "{kind} {digest} of {keeper} {fault}"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("is missing"),
            Self::Damaged => f.write_str("is damaged: its bytes are not what its digest says"),
            Self::Size { expected, found } => {
                write!(f, "is damaged: it has {found} bytes, and its manifest says {expected}")
            }
            Self::Unreadable(why) => write!(f, "is not understood: {why}"),
            Self::Link => f.write_str("is empty or cut"),
        }
    }
}
