//! Which resources concern the same registry.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::resource::{Key, Resource, Unreadable};
use crate::cluster::{self, Identity};

/// A registry, and every resource that concerns it.
#[derive(Clone, Debug)]
pub struct Registry {
    /// What it is known by.
    pub identities: BTreeSet<Identity>,
    /// By key.
    pub resources: Vec<Arc<Resource>>,
    /// What holds all deletions: resources that name it, or may, and cannot be read. By key.
    pub unreadable: Vec<Arc<Unreadable>>,
}

impl Registry {
    /// What tells it from others, as long as no alias joins two registries or parts them.
    pub fn id(&self) -> String {
        self.identities.first().map(ToString::to_string).unwrap_or_default()
    }
}

/// Sorts resources by registry. Those that name no registry that can be read hold all of them.
pub fn registries(resources: &[Arc<Resource>], unreadable: &[Arc<Unreadable>]) -> Vec<Registry> {
    let whole = resources.iter().map(|it| (&it.key, it.identities.clone()));
    let named = unreadable.iter().filter_map(|it| Some((&it.key, it.identities.clone()?)));
    let items: Vec<(&Key, BTreeSet<Identity>)> = whole.chain(named).collect();
    let of = |registry: cluster::Registry<&Key>| {
        let is_member = |key: &Key| registry.members.contains(key);
        let held_by = |it: &&Arc<Unreadable>| it.identities.is_none() || is_member(&it.key);
        let mut members: Vec<_> = resources.iter().filter(|it| is_member(&it.key)).map(Arc::clone).collect();
        let mut holding: Vec<_> = unreadable.iter().filter(held_by).map(Arc::clone).collect();
        members.sort_by(|a, b| a.key.cmp(&b.key));
        holding.sort_by(|a, b| a.key.cmp(&b.key));
        Registry { identities: registry.identities, resources: members, unreadable: holding }
    };
    cluster::group(&items).into_iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resource(name: &str, identities: &[&str]) -> Arc<Resource> {
        Arc::new(super::super::resource::tests::resource(name, identities))
    }

    fn broken(name: &str, identities: Option<&[&str]>) -> Arc<Unreadable> {
        let mut broken = super::super::resource::tests::unreadable(name);
        broken.identities =
            identities.map(|names| names.iter().map(|name| Identity::Address((*name).into())).collect());
        Arc::new(broken)
    }

    #[test]
    fn what_cannot_be_read_holds_its_registry_and_only_that() {
        let resources = [resource("a", &["x"]), resource("b", &["y"]), resource("c", &["y", "z"])];
        let shown = |unreadable: &[Arc<Unreadable>]| -> Vec<String> {
            let names = |it: &Registry| {
                let whole: Vec<&str> = it.resources.iter().map(|it| it.key.name.as_str()).collect();
                let broken: Vec<&str> = it.unreadable.iter().map(|it| it.key.name.as_str()).collect();
                format!("{} {} held by {}", it.id(), whole.join("+"), broken.join("+"))
            };
            registries(&resources, unreadable).iter().map(names).collect()
        };
        assert_eq!(shown(&[]), ["x a held by ", "y b+c held by "]);
        assert_eq!(shown(&[broken("u", Some(&["z"]))]), ["x a held by ", "y b+c held by u"]);
        assert_eq!(shown(&[broken("u", None)]), ["x a held by u", "y b+c held by u"]);
        assert_eq!(shown(&[broken("u", Some(&["x", "z"]))]), ["x a+b+c held by u"]);
        assert_eq!(shown(&[broken("u", Some(&["q"]))]), ["q  held by u", "x a held by ", "y b+c held by "]);
    }
}
