use std::collections::BTreeSet;

use kube::{Api, Client};

use super::images::Workload;
use super::kind::Kind;
use crate::api;

/// Where workloads count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// In the whole cluster.
    Cluster,
    /// In these namespaces.
    Namespaces(BTreeSet<String>),
}

impl Scope {
    /// All that several resources ask for, each with the namespace that it means by `Namespace`; none, if none of them
    /// asks for anything.
    pub fn of(asked: impl IntoIterator<Item = (api::Scope, String)>) -> Option<Self> {
        let mut namespaces = BTreeSet::new();
        for (scope, namespace) in asked {
            match scope {
                api::Scope::Cluster => return Some(Self::Cluster),
                api::Scope::Namespace => drop(namespaces.insert(namespace)),
                api::Scope::None => {}
            }
        }
        (!namespaces.is_empty()).then_some(Self::Namespaces(namespaces))
    }

    /// Each kind, in each place where it has to be read.
    pub(super) fn feeds(&self) -> Vec<Feed> {
        let places: Vec<Option<String>> = match self {
            Self::Cluster => vec![None],
            Self::Namespaces(namespaces) => namespaces.iter().cloned().map(Some).collect(),
        };
        let of = |kind: Kind| places.iter().map(move |namespace| Feed { kind, namespace: namespace.clone() });
        Kind::ALL.into_iter().flat_map(of).collect()
    }
}

/// One kind, in one namespace or in all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Feed {
    pub(super) kind: Kind,
    pub(super) namespace: Option<String>,
}

impl Feed {
    pub(super) fn api(&self, client: &Client) -> Api<Workload> {
        let resource = self.kind.resource();
        match &self.namespace {
            Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
            None => Api::all_with(client.clone(), &resource),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_widest_scope_that_any_resource_asks_for_holds() {
        let of = |asked: &[(api::Scope, &str)]| {
            Scope::of(asked.iter().map(|(scope, namespace)| (*scope, (*namespace).to_owned())))
        };
        let (all, one, none) = (api::Scope::Cluster, api::Scope::Namespace, api::Scope::None);
        let namespaces = |names: &[&str]| Some(Scope::Namespaces(names.iter().map(ToString::to_string).collect()));
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[(none, "a"), (none, "b")]), None);
        assert_eq!(of(&[(one, "b"), (none, "c"), (one, "a"), (one, "b")]), namespaces(&["a", "b"]));
        assert_eq!(of(&[(one, "b"), (all, "c"), (none, "a")]), Some(Scope::Cluster));
    }

    #[test]
    fn every_kind_is_read_in_every_place() {
        assert_eq!(Scope::Cluster.feeds().len(), Kind::ALL.len());
        let two = Scope::Namespaces(["a".to_owned(), "b".to_owned()].into());
        assert_eq!(two.feeds().len(), 2 * Kind::ALL.len());
        assert!(two.feeds().iter().all(|feed| feed.namespace.is_some()));
    }
}
