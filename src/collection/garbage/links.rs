use std::collections::{BTreeMap, HashSet};

use super::{Forecast, Graph, Kept};
use crate::oci::{Digest, RepositoryName};
use crate::retention::Store;

/// The links to manifests that are empty or cut, and whether the manifest itself is whole. The collector of 2.x and of 3.x
/// fails for the whole registry as long as there is one.
///
/// A registry writes the link after the manifest and before the tag, and 2.x empties what was there first: so one whose
/// manifest is whole may be that of a push that was confirmed once. Where the manifest is not whole and nothing that is
/// kept needs it, there is nothing to lose.
pub fn broken_links(store: &Store, graph: &Graph, kept: &Kept<'_>) -> Vec<(RepositoryName, Digest, BrokenLink)> {
    let needed: HashSet<&Digest> =
        kept.findings.iter().map(|it| it.digest).chain(kept.manifests.keys().copied()).collect();
    let links = store.repositories.iter().flat_map(|(name, it)| it.revisions.iter().map(move |link| (name, link)));
    let broken = links.filter(|(_, (_, link))| !link.is_sound).map(|(name, (digest, _))| {
        let is_whole = graph.get(digest).is_some_and(|found| found.node().is_some());
        let link = match (is_whole, needed.contains(digest)) {
            (true, _) => BrokenLink::ManifestWhole,
            (false, false) => BrokenLink::LeadsNowhere,
            (false, true) => BrokenLink::ManifestLost,
        };
        (name.clone(), digest.clone(), link)
    });
    broken.collect()
}

/// What is behind a link that is empty or cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BrokenLink {
    /// The manifest is there.
    ManifestWhole,
    /// The manifest is not, and something needs it.
    ManifestLost,
    /// The manifest is not, and nothing needs it.
    LeadsNowhere,
}

/// What a collection would delete, by our own reckoning: all blobs that no linked manifest names. It is asked where the
/// registry's own collector cannot be, until the links are mended.
pub fn reckoned(store: &Store, graph: &Graph) -> Forecast {
    let linked = store.repositories.values().flat_map(|repository| repository.revisions.keys());
    let named = linked.filter_map(|digest| Some((digest, graph.get(digest)?.node()?))).flat_map(|(digest, node)| {
        let blobs = node.blobs.iter().map(|(blob, _)| blob);
        std::iter::once(digest).chain(&node.children).chain(blobs)
    });
    let named: HashSet<&Digest> = named.collect();
    let gone: BTreeMap<&Digest, &u64> = store.blobs.iter().filter(|(digest, _)| !named.contains(digest)).collect();
    Forecast { blobs: gone.len() as u64, bytes: gone.values().copied().sum() }
}
