use proptest::prelude::*;

use super::*;

fn of(url: &str, aliases: &[&str], namespace: Option<&str>) -> Vec<String> {
    let aliases: Vec<String> = aliases.iter().map(ToString::to_string).collect();
    identities(&url.parse().unwrap(), &aliases, None, namespace).iter().map(ToString::to_string).collect()
}

#[test]
fn every_spelling_of_an_address_is_the_same() {
    type Row<'a> = (&'a str, &'a [&'a str], Option<&'a str>, &'a [&'a str]);
    for url in [
        "http://registry.registry:5000",
        "http://Registry.Registry.svc:5000",
        "https://registry.registry.svc.cluster.local:5000",
        "http://registry.registry.svc.cluster.local.:5000",
    ] {
        assert_eq!(of(url, &[], Some("any")), ["registry.registry:5000"], "{url}");
    }
    let table: [Row<'_>; 8] = [
        ("https://r.example", &[], None, &["r.example:443"]),
        ("http://r.example", &[], None, &["r.example:80"]),
        ("http://[fd00::1]:5000", &[], Some("a"), &["[fd00::1]:5000"]),
        ("http://localhost:5000", &["localhost:30500"], Some("a"), &["localhost:30500", "localhost:5000"]),
        ("http://r.r:5000", &["M.example./mirror"], None, &["m.example:443", "m.example:80", "r.r:5000"]),
        ("http://r.r:5000", &["m.example:8443/a/b"], None, &["m.example:8443", "r.r:5000"]),
        ("http://r.a:5000", &["r:5000"], Some("a"), &["r.a:5000"]),
        ("http://r.a:5000", &["r:5000"], None, &["r.a:5000", "r:5000"]),
    ];
    for (url, aliases, namespace, expected) in table {
        assert_eq!(of(url, aliases, namespace), expected, "{url} {aliases:?}");
    }
    assert_eq!(of("http://r.svc:1", &[], None), ["r.svc:1"], "a namespace of that name");
}

#[test]
fn workloads_may_write_any_spelling() {
    let aliases = ["mirror.example/hub".to_owned(), "cache:5000/a/b".to_owned()];
    let names = names(&"http://Registry.registry.svc:80".parse().unwrap(), &aliases, Some("shop"));
    for host in [
        "registry.registry",
        "registry.registry:80",
        "registry.registry.svc",
        "registry.registry.svc.cluster.local:80",
        "mirror.example",
        "mirror.example:443",
        "mirror.example:80",
        "cache:5000",
        "cache.shop:5000",
        "cache.shop.svc:5000",
    ] {
        assert!(names.hosts.contains(host), "{host} is not in {:?}", names.hosts);
    }
    assert!(!names.hosts.contains("cache") && !names.hosts.contains("registry.registry:443"), "{:?}", names.hosts);
    assert_eq!(names.prefixes.into_iter().collect::<Vec<_>>(), ["a/b", "hub"]);
}

fn address(name: &str) -> Identity {
    Identity::Address(name.to_owned())
}

fn sets(items: &[(u8, &[&str])]) -> Vec<(u8, BTreeSet<Identity>)> {
    items.iter().map(|(item, names)| (*item, names.iter().map(|name| address(name)).collect())).collect()
}

#[test]
fn the_same_deployment_is_the_same_registry_and_addresses_come_first() {
    let of = |url: &str, namespace| identities(&url.parse().unwrap(), &[], Some("registry"), Some(namespace));
    let (here, by_ingress) = (of("http://registry.a:5000", "a"), of("https://zoo.example", "a"));
    assert_eq!(group(&[(1, here), (2, by_ingress.clone())]).len(), 1);
    assert_eq!(by_ingress.first(), Some(&address("zoo.example:443")));
    assert_eq!(group(&[(1, by_ingress), (2, of("http://registry.b:5000", "b"))]).len(), 2, "another namespace");
}

#[test]
fn what_others_connect_is_one_registry() {
    let registries =
        group(&sets(&[(1, &["a"]), (2, &["d"]), (3, &["c"]), (4, &["a", "b"]), (5, &["b", "c"]), (6, &[])]));
    let members: Vec<Vec<u8>> = registries.iter().map(|registry| registry.members.iter().copied().collect()).collect();
    assert_eq!(members, [vec![6], vec![1, 3, 4, 5], vec![2]]);
    assert_eq!(registries[1].identities, ["a", "b", "c"].map(address).into());
}

proptest! {
    #[test]
    fn the_order_changes_nothing_and_registries_share_no_name(
        mut items in prop::collection::vec(prop::collection::btree_set("[a-h]", 0..3), 0..12)
            .prop_map(|sets| sets.iter().map(|names| names.iter().map(|name| address(name)).collect()).enumerate().collect::<Vec<_>>()),
        seed in any::<u64>(),
    ) {
        let registries = group(&items);
        let mut names = BTreeSet::new();
        for registry in &registries {
            prop_assert!(registry.identities.iter().all(|name| names.insert(name)), "two registries share a name");
            let theirs = items.iter().filter(|(item, _)| registry.members.contains(item));
            let all: BTreeSet<Identity> = theirs.flat_map(|(_, names)| names.clone()).collect();
            prop_assert_eq!(&all, &registry.identities);
            // Nobody is here without a reason: each can be reached from the first by shared names.
            let mut reached: BTreeSet<usize> = registry.members.iter().take(1).copied().collect();
            for _ in 0..items.len() {
                let known: BTreeSet<&Identity> = items.iter().filter(|(item, _)| reached.contains(item)).flat_map(|(_, it)| it).collect();
                let next = items.iter().filter(|(_, names)| names.iter().any(|name| known.contains(name)));
                let next: Vec<usize> = next.map(|(item, _)| *item).collect();
                reached.extend(next);
            }
            prop_assert_eq!(&reached, &registry.members);
        }
        prop_assert_eq!(registries.iter().map(|registry| registry.members.len()).sum::<usize>(), items.len());
        let turn = usize::try_from(seed % 97).unwrap();
        let count = items.len().max(1);
        items.rotate_left(turn % count);
        items.reverse();
        prop_assert_eq!(group(&items), registries);
    }
}
