//! What is kept of one registry between turns: what is remembered, and what is begun.

use std::collections::BTreeSet;

use super::context::Context;
use super::journal::ClusterJournal;
use super::ledger::{KIND, Shelf};
use super::memory::MemoryFile;
use super::trouble::Trouble;
use crate::cluster::Identity;
use crate::oci::Digest;
use crate::worker::Journal as _;

/// Which registry it is about: one label for each thing that it is known by.
const REGISTRY: &str = "registry-retention.dev/registry-";

/// What is kept of a registry between turns.
pub(super) struct Files {
    pub(super) memory: MemoryFile,
    pub(super) journal: ClusterJournal,
}

impl Files {
    /// What is kept of the registry that goes by any of `identities`; what `known` has is not read again.
    pub(super) async fn open<'a>(
        known: &'a mut Option<Self>,
        context: &Context,
        identities: &BTreeSet<Identity>,
    ) -> Result<&'a mut Self, Trouble> {
        Ok(match known {
            Some(files) => files,
            none => none.insert(Self::read(context, identities).await?),
        })
    }

    async fn read(context: &Context, identities: &BTreeSet<Identity>) -> Result<Self, Trouble> {
        Ok(Self {
            memory: MemoryFile::load(&context.ledger, &context.namespace, identities).await?,
            journal: ClusterJournal::load(&context.ledger, &context.namespace, identities).await?,
        })
    }

    /// Whether something was begun that did not end.
    pub(super) fn is_open(&self) -> bool {
        !self.journal.open_intents().is_empty()
    }
}

/// Where texts of a `kind` about the registry that is known by `identities` are put: under all of these, since any of them
/// may be taken out of a resource before the text is read again.
pub(super) fn shelf(namespace: &str, kind: &str, identities: &BTreeSet<Identity>) -> Shelf {
    let keys: Vec<String> = identities.iter().map(key).collect();
    let first = identities.first().map(digits).unwrap_or_default();
    let known_by = keys.iter().map(|key| (key.clone(), String::new()));
    Shelf {
        namespace: namespace.to_owned(),
        prefix: format!("{kind}-{}", first.get(..8).unwrap_or_default()),
        salt: keys.concat(),
        labels: known_by.chain([(KIND.to_owned(), kind.to_owned())]).collect(),
        owner: None,
    }
}

/// Select what is stored of a `kind` about whatever is known by any of these.
pub(super) fn selectors(kind: &str, identities: &BTreeSet<Identity>) -> Vec<String> {
    identities.iter().map(|identity| format!("{KIND}={kind},{}", key(identity))).collect()
}

/// The label that says that a text is about the registry that is known by this.
fn key(identity: &Identity) -> String {
    format!("{REGISTRY}{}", digits(identity))
}

fn digits(identity: &Identity) -> String {
    Digest::of(identity.to_string().as_bytes()).parts().1[..40].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An alias that sorts before the URL comes and goes, or the Deployment; what was begun must be found again.
    #[test]
    fn what_is_kept_is_found_by_any_identity_that_is_left() {
        let [alias, url] = ["a.example:443", "r.r:5000"].map(|name| Identity::Address(name.into()));
        let deployment = Identity::Deployment("r/registry".into());
        let all = BTreeSet::from([alias, url.clone(), deployment.clone()]);
        let stored = shelf("ns", "intents", &all);
        let finds = |identity: &Identity| {
            selectors("intents", &[identity.clone()].into()).iter().all(|selector| {
                selector.split(',').all(|label| {
                    let (name, value) = label.split_once('=').unwrap_or((label, ""));
                    stored.labels.get(name).map(String::as_str) == Some(value)
                })
            })
        };
        assert!(all.iter().all(finds));
        assert!(!finds(&Identity::Address("other:443".into())));
        // The same text is stored anew once there is more to find it by.
        assert_ne!(stored.salt, shelf("ns", "intents", &[url, deployment].into()).salt);
    }
}
