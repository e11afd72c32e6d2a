use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::{FinalPlan, Graph, Kept, PlannedDeletion, PlannedUntag, Wanted};
use crate::oci::{CompanionTag, Digest, RepositoryName, Tag, Tombstone};
use crate::pruning::Operation;
use crate::retention::{Store, StoredRepository, StoredTag};

/// What of a final plan is removed: only what nothing needs that stays, by the storage as it is now. The plan is an upper
/// bound; what is no longer so is left for the next one.
///
/// What stays is every tag and every manifest that does not go, tagged or not, and what is wanted, with all that these
/// need. So each removal that is left may hold others back, until nothing changes any more.
#[derive(Debug, Default)]
pub struct Removals {
    /// In a safe order: in each repository tags, where they can be deleted alone, then manifests, an index before its
    /// children and a companion after its subject; at last whatever has to store something first.
    pub operations: Vec<(RepositoryName, Operation)>,
    /// How many lines of the plan are left.
    pub skipped: u64,
}

impl Removals {
    /// Reckons what goes. `graph` is as [`Kept::of`] wants it, and `wanted` has what the plan keeps in it.
    /// `tags_deletable` says whether the registry deletes a tag alone.
    pub fn of(plan: &FinalPlan, store: &Store, graph: &Graph, wanted: &Wanted, tags_deletable: bool) -> Self {
        let mut untagged = store.clone();
        untagged.repositories.values_mut().for_each(|repository| repository.tags.clear());
        let used = Kept::of(&untagged, graph, wanted);
        let used: HashSet<&Digest> = used.manifests.keys().copied().collect();
        let mut removals = Self::default();
        let mut writes = Vec::new();
        for (name, planned) in by_repository(plan) {
            let Some(stored) = store.repositories.get(name) else { continue };
            let ground = Ground::new(stored, graph, &used, &planned);
            let (going, skipped) = ground.settle(planned);
            removals.skipped += skipped;
            let operations = ground.operations(&going, tags_deletable).into_iter().map(|it| (name.clone(), it));
            let (last, first): (Vec<_>, Vec<_>) = operations.partition(|(_, it)| it.writes(tags_deletable));
            removals.operations.extend(first);
            writes.extend(last);
        }
        removals.operations.extend(writes);
        removals
    }

    /// The storage without the tags and manifests that go, as far as what they need goes.
    pub fn without(&self, mut store: Store) -> Store {
        for (name, operation) in &self.operations {
            let Some(repository) = store.repositories.get_mut(name) else { continue };
            for tag in operation.tags() {
                repository.tags.remove(tag);
            }
            match operation {
                Operation::Delete { digest, .. } => drop(repository.revisions.remove(digest)),
                Operation::FinishTombstone { tombstone, .. } => drop(repository.revisions.remove(tombstone)),
                _ => {}
            }
        }
        store
    }
}

/// The placeholder under a tag while it is removed. It is the same in every run: one that could not be stored for want of
/// space is mended only by the very same bytes.
pub(crate) fn placeholder(tag: &Tag, original: &Digest) -> Tombstone {
    Tombstone { run: "frozen".to_owned(), tag: tag.clone(), original: original.clone() }
}

/// What a plan removes in one repository.
#[derive(Clone, Default)]
struct Planned<'a> {
    untags: Vec<&'a PlannedUntag>,
    deletions: Vec<&'a PlannedDeletion>,
}

/// In the order of the plan.
fn by_repository(plan: &FinalPlan) -> Vec<(&RepositoryName, Planned<'_>)> {
    let mut places: BTreeMap<&RepositoryName, usize> = BTreeMap::new();
    let mut all: Vec<(&RepositoryName, Planned<'_>)> = Vec::new();
    let names = plan.untags.iter().map(|it| &it.repository).chain(plan.deletions.iter().map(|it| &it.repository));
    for name in names {
        places.entry(name).or_insert_with(|| {
            all.push((name, Planned::default()));
            all.len() - 1
        });
    }
    for untag in &plan.untags {
        all[places[&untag.repository]].1.untags.push(untag);
    }
    for deletion in &plan.deletions {
        all[places[&deletion.repository]].1.deletions.push(deletion);
    }
    all
}

/// A tag's link, as it is seen through a placeholder.
#[derive(Clone, Copy, Debug)]
struct Link<'a> {
    /// What it links, or linked before the placeholder.
    digest: &'a Digest,
    /// What it links.
    stored: &'a Digest,
}

/// One repository as it is.
struct Ground<'a> {
    stored: &'a StoredRepository,
    graph: &'a Graph,
    /// What is wanted, with all that it needs.
    used: &'a HashSet<&'a Digest>,
    links: BTreeMap<&'a Tag, Link<'a>>,
}

impl<'a> Ground<'a> {
    fn new(
        stored: &'a StoredRepository,
        graph: &'a Graph,
        used: &'a HashSet<&'a Digest>,
        planned: &Planned<'a>,
    ) -> Self {
        let of_deletions = planned.deletions.iter().flat_map(|it| it.tags.iter().map(|tag| (tag, &it.digest)));
        let sought: BTreeMap<&Tag, &Digest> =
            of_deletions.chain(planned.untags.iter().map(|it| (&it.tag, &it.digest))).collect();
        let links = stored.tags.iter().filter_map(|(tag, at)| {
            let StoredTag::At { digest: at, .. } = at else { return None };
            let marker = graph.get(at).and_then(|found| found.node()?.tombstone.as_deref());
            let original = match marker {
                Some(marker) => Some(&marker.original).filter(|_| marker.tag == *tag),
                // One that was cut short while its placeholder was deleted has only the tag left.
                None if stored.revisions.contains_key(at) => None,
                None => sought.get(tag).copied().filter(|it| Digest::of(&placeholder(tag, it).to_bytes()) == *at),
            };
            Some((tag, Link { digest: original.unwrap_or(at), stored: at }))
        });
        Self { stored, graph, used, links: links.collect() }
    }

    /// What of this goes, and how many others would have something to take away.
    fn settle(&self, mut planned: Planned<'a>) -> (Planned<'a>, u64) {
        let linked: HashSet<&Digest> = self.links.values().map(|link| link.digest).collect();
        planned.deletions.retain(|it| self.stored.revisions.contains_key(&it.digest) || linked.contains(&it.digest));
        planned.untags.retain(|it| self.stored.tags.contains_key(&it.tag));
        let all = planned.count();
        let (mut digests, mut tags) = (HashSet::new(), HashSet::new());
        planned.deletions.retain(|it| digests.insert(&it.digest));
        planned.untags.retain(|it| tags.insert(&it.tag));
        loop {
            let before = planned.count();
            let stays = self.stays(&planned);
            planned.deletions.retain(|it| {
                let is_sound = self.stored.revisions.get(&it.digest).is_none_or(|link| link.is_sound);
                is_sound && !stays.manifests.contains(&it.digest)
            });
            planned.untags.retain(|it| self.may_untag(it, &stays));
            if planned.count() == before {
                return (planned, (all - before) as u64);
            }
        }
    }

    /// Whether the tag still links that manifest, and something else keeps it.
    fn may_untag(&self, untag: &PlannedUntag, stays: &Stays<'_>) -> bool {
        let PlannedUntag { tag, digest, .. } = untag;
        self.links.get(tag).is_some_and(|link| link.digest == digest)
            && self.stored.revisions.get(digest).is_some_and(|link| link.is_sound)
            && (stays.tagged.contains(digest) || self.used.contains(digest))
            && !is_about(tag, &stays.manifests)
    }

    /// The tags that a deletion takes away.
    fn tags_of<'b>(&'b self, deletion: &'a PlannedDeletion) -> impl Iterator<Item = (&'a Tag, Link<'a>)> + 'b {
        let links = deletion.tags.iter().filter_map(|tag| self.links.get_key_value(tag));
        links.map(|(tag, link)| (*tag, *link)).filter(|(_, link)| *link.digest == deletion.digest)
    }

    /// What stays if this goes.
    fn stays(&self, planned: &Planned<'a>) -> Stays<'a> {
        let going: BTreeSet<&Digest> = planned.deletions.iter().map(|it| &it.digest).collect();
        let with_manifest = planned.deletions.iter().flat_map(|it| self.tags_of(it).map(|(tag, _)| tag));
        let taken: HashSet<&Tag> = with_manifest.chain(planned.untags.iter().map(|it| &it.tag)).collect();
        let links = self.links.iter().filter(|(tag, _)| !taken.contains(*tag)).map(|(_, link)| link);
        let tagged: HashSet<&Digest> = links.flat_map(|link| [link.digest, link.stored]).collect();
        let linked = self.stored.revisions.keys().filter(|digest| !going.contains(digest));
        let mut open: Vec<&Digest> = linked.chain(tagged.iter().copied()).chain(self.used.iter().copied()).collect();
        let mut manifests = HashSet::new();
        while !open.is_empty() {
            while let Some(digest) = open.pop() {
                if manifests.insert(digest) {
                    open.extend(
                        self.graph.get(digest).and_then(|it| it.node()).into_iter().flat_map(|it| &it.children),
                    );
                }
            }
            let rest = planned.deletions.iter().filter(|it| !manifests.contains(&it.digest));
            open.extend(rest.filter(|it| self.belongs_to_any(it, &manifests)).map(|it| &it.digest));
        }
        Stays { tagged, manifests }
    }

    /// Whether it is a companion of something that stays, by its subject or by one of its tags.
    fn belongs_to_any(&self, deletion: &'a PlannedDeletion, manifests: &HashSet<&Digest>) -> bool {
        let subject = self.graph.get(&deletion.digest).and_then(|found| found.node()?.subject.as_ref());
        subject.is_some_and(|subject| manifests.contains(subject))
            || self.tags_of(deletion).any(|(tag, _)| is_about(tag, manifests))
    }

    fn operations(&self, going: &Planned<'a>, tags_deletable: bool) -> Vec<Operation> {
        let mut tags: Vec<Operation> = Vec::new();
        let untags = going.untags.iter().filter_map(|it| self.links.get_key_value(&it.tag));
        tags.extend(untags.map(|(tag, link)| self.take_away(tag, *link, tags_deletable)));
        let mut deletes = Vec::new();
        for deletion in self.ordered(&going.deletions) {
            let is_linked = self.stored.revisions.contains_key(&deletion.digest);
            let mut along = Vec::new();
            for (tag, link) in self.tags_of(deletion) {
                // A companion's tags go with its manifest: until its subject is gone, it is not to be without them.
                let goes_along = !tags_deletable || CompanionTag::parse(tag).is_some();
                if is_linked && link.stored == link.digest && goes_along {
                    along.push(tag.clone());
                } else {
                    tags.push(self.take_away(tag, link, tags_deletable));
                }
            }
            if is_linked {
                deletes.push(Operation::Delete { digest: deletion.digest.clone(), tags: along });
            }
        }
        tags.extend(deletes);
        tags
    }

    /// Takes away a tag alone.
    fn take_away(&self, tag: &Tag, link: Link<'_>, tags_deletable: bool) -> Operation {
        let (tag, digest, stored) = (tag.clone(), link.digest.clone(), link.stored.clone());
        let is_linked = self.stored.revisions.contains_key(link.stored);
        match (is_linked, link.stored == link.digest) {
            (true, false) => Operation::FinishTombstone { tag, tombstone: stored, original: digest },
            _ if tags_deletable => Operation::Untag { tag, digest: stored },
            (true, true) => Operation::Entomb { tag, digest },
            (false, _) => Operation::ClearDangling { tag, digest },
        }
    }

    /// In the order of the plan, but each after the indexes that name it, and after its subject.
    fn ordered(&self, deletions: &[&'a PlannedDeletion]) -> Vec<&'a PlannedDeletion> {
        let all: BTreeMap<&Digest, &PlannedDeletion> = deletions.iter().map(|it| (&it.digest, *it)).collect();
        let mut before: BTreeMap<&Digest, Vec<&Digest>> = BTreeMap::new();
        for deletion in deletions {
            let Some(node) = self.graph.get(&deletion.digest).and_then(|found| found.node()) else { continue };
            for child in node.children.iter().filter(|child| all.contains_key(child)) {
                before.entry(child).or_default().push(&deletion.digest);
            }
            before.entry(&deletion.digest).or_default().extend(&node.subject);
        }
        for deletion in deletions {
            let subjects = self.tags_of(deletion).filter_map(|(tag, _)| subject_of(tag));
            let subjects = subjects.filter_map(|subject| all.get_key_value(&subject).map(|(digest, _)| *digest));
            before.entry(&deletion.digest).or_default().extend(subjects);
        }
        let mut seen: HashSet<&Digest> = HashSet::new();
        let mut ordered = Vec::new();
        for deletion in deletions {
            let mut open: Vec<&PlannedDeletion> = if seen.insert(&deletion.digest) { vec![*deletion] } else { vec![] };
            while let Some(last) = open.last().copied() {
                let first = before.get(&last.digest).into_iter().flatten();
                let mut first = first.filter_map(|digest| all.get(digest));
                match first.find(|it| seen.insert(&it.digest)) {
                    Some(earlier) => open.push(earlier),
                    None => ordered.extend(open.pop()),
                }
            }
        }
        ordered
    }
}

impl Planned<'_> {
    fn count(&self) -> usize {
        self.untags.len() + self.deletions.len()
    }
}

/// What stays.
struct Stays<'a> {
    /// What tags link.
    tagged: HashSet<&'a Digest>,
    /// All manifests.
    manifests: HashSet<&'a Digest>,
}

/// What a companion's tag is about, as far as its name tells that whole.
fn subject_of(tag: &Tag) -> Option<Digest> {
    CompanionTag::parse(tag)?.key().replacen('-', ":", 1).parse().ok()
}

/// Whether the tag is that of a companion of one of these.
fn is_about(tag: &Tag, manifests: &HashSet<&Digest>) -> bool {
    let Some(companion) = CompanionTag::parse(tag) else { return false };
    match subject_of(tag) {
        Some(subject) => manifests.contains(&subject),
        None => manifests.iter().any(|digest| companion.belongs_to(digest)),
    }
}
