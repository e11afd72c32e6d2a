//! Registries of ten thousand tags; the bench includes this file too.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use registry_retention::oci::{Content, Descriptor, Digest, Manifest, Tag};
use registry_retention::retention::{
    Criteria, Deletes, Effect, Generation, Globs, InUse, Inventory, Limits, ManifestState, NewestVersions, Policy,
    Regexes, RegistryNames, Repository, RepositorySelector, Role, Rule, RuleId, Server, TagSelector, TagState,
    UsedImages,
};

/// The one `now`.
pub(crate) fn now() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().expect("a time")
}

fn descriptor(text: &str) -> Descriptor {
    Descriptor { digest: Digest::of(text.as_bytes()), size: 1000 }
}

fn image(repository: &mut Repository, name: &str, hours: i64) -> Descriptor {
    let config = descriptor(&format!("config of {name}"));
    let created = now() - SignedDuration::from_hours(hours);
    repository.configs.insert(config.digest.clone(), Some(created.to_string()));
    let layers = (0..8).map(|layer| descriptor(&format!("layer {layer} of {name}"))).collect();
    insert(repository, name, Content::Image { config, layers })
}

fn index(repository: &mut Repository, name: &str, manifests: Vec<Descriptor>) -> Descriptor {
    insert(repository, name, Content::Index { manifests })
}

fn insert(repository: &mut Repository, name: &str, content: Content) -> Descriptor {
    let manifest = Manifest { size: 1000, content, subject: None, created: None, tombstone: None };
    let descriptor = descriptor(name);
    repository.manifests.insert(descriptor.digest.clone(), ManifestState::Read(manifest));
    descriptor
}

fn tag(repository: &mut Repository, name: &str, at: &Descriptor) {
    let tag: Tag = name.parse().expect("a tag");
    repository.first_seen.insert(tag.clone(), now() - SignedDuration::from_hours(9000));
    repository.tags.insert(tag, TagState::At(at.digest.clone()));
}

/// One repository with an image for each of its tags, and a signature for every tenth.
pub(crate) fn one_repository(tags: usize) -> Inventory {
    let mut repository = Repository::default();
    for number in 0..tags {
        let hours = i64::try_from(number).expect("a small number") + 100;
        let image = image(&mut repository, &format!("image {number}"), hours);
        if number % 10 == 0 {
            let signature = self::image(&mut repository, &format!("signature {number}"), hours);
            tag(&mut repository, &format!("{}.sig", image.digest.as_str().replace(':', "-")), &signature);
        } else {
            tag(&mut repository, &format!("1.{}.{}", number % 100, number / 100), &image);
        }
    }
    inventory([("apps/one".to_owned(), repository)].into())
}

/// Repositories whose tags are aliases: three of each index, and one of a child of each index.
pub(crate) fn many_repositories(repositories: usize, tags: usize) -> Inventory {
    let repository = |number: usize| {
        let mut repository = Repository::default();
        for build in 0..tags / 4 {
            let hours = i64::try_from(build).expect("a small number") + 100;
            let children: Vec<Descriptor> = (0..4)
                .map(|platform| image(&mut repository, &format!("image {number} {build} {platform}"), hours))
                .collect();
            tag(&mut repository, &format!("pr-{build}-amd64"), &children[0]);
            let index = index(&mut repository, &format!("index {number} {build}"), children);
            for name in [format!("1.0.{build}"), format!("pr-{build}"), format!("{build:07x}")] {
                tag(&mut repository, &name, &index);
            }
        }
        (format!("apps/a{number}"), repository)
    };
    inventory((0..repositories).map(repository).collect())
}

fn inventory(repositories: BTreeMap<String, Repository>) -> Inventory {
    // Without deletion of single tags there is most to settle.
    let server = Server { generation: Generation::V2, deletes: Deletes::DigestsOnly };
    let repositories = repositories.into_iter();
    let named = repositories.map(|(name, repository)| (name.parse().expect("a repository name"), repository));
    Inventory::of_api(server, named.collect())
}

fn globs(patterns: &[&str]) -> Globs {
    Globs::compile(&patterns.iter().map(ToString::to_string).collect::<Vec<_>>()).expect("globs")
}

fn rule(name: &str, tags: &[&str], effect: Effect) -> Rule {
    let nothing = || Regexes::compile(&[]).expect("no regexes");
    Rule {
        id: RuleId { policy: "apps/team".into(), rule: name.into() },
        repositories: RepositorySelector { include: globs(&["apps/**"]), exclude: globs(&[]) },
        tags: TagSelector {
            include: globs(tags),
            include_regex: nothing(),
            exclude: globs(&["latest"]),
            exclude_regex: nothing(),
        },
        effect,
    }
}

/// What a team would write: the last hundred of everything, three of each minor, no old pull requests.
pub(crate) fn policies() -> Vec<Policy> {
    let newest = NewestVersions { count: 3, leading_numbers: 2, range: None, prereleases: false };
    let month = Some(SignedDuration::from_hours(720));
    let recent = Criteria { most_recently_pushed: Some(100), created_within: month, ..Criteria::default() };
    let versions = Criteria { newest_versions: Some(newest), ..Criteria::default() };
    vec![Policy {
        name: "apps/team".into(),
        role: Role::Condemns,
        rules: vec![
            rule("recent", &["*"], Effect::KeepIf(recent)),
            rule("versions", &["[0-9]*.[0-9]*.[0-9]*"], Effect::KeepIf(versions)),
        ],
        protected: globs(&["latest", "stable-*"]),
        minimum_age: SignedDuration::from_hours(24),
        untagged: None,
        limits: Limits { max_delete_percent: 50, max_deletions: 10_000, min_tags_per_repository: 1 },
        complete_tag_lists: false,
    }]
}

/// What a cluster would use of them: a thousand tags of one repository by name, the same images by digest, and images
/// of many repositories by their configs.
pub(crate) fn in_use() -> InUse {
    let mut used = UsedImages::default();
    for number in 0..1_000 {
        used.add(&format!("r.example/apps/one:1.{}.{}", number % 100, number / 100), "Pod shop/web");
        used.add(&format!("r.example/apps/one@{}", descriptor(&format!("image {number}")).digest), "Pod shop/web");
        used.add(
            descriptor(&format!("config of image {} {} 2", number % 50, number / 50)).digest.as_str(),
            "Pod shop/web",
        );
    }
    InUse::of(&used, &RegistryNames::default()).expect("readable references")
}
