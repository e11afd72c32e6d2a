use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use registry_retention::controller::record::{PlanRecord, TagRecord};
use registry_retention::oci::Digest;

use crate::registries::{Artifact, Version};
use crate::support::runnable;

/// What becomes of each tag, as `expectation.md` says it.
pub struct Expectation(Vec<Row>);

/// One tag.
pub struct Row {
    /// Where.
    pub repository: &'static str,
    /// Which.
    pub tag: String,
    /// At what.
    pub artifact: Artifact,
    /// Whether it is still there in the end.
    pub stays: bool,
    /// The reason's code.
    pub reason: &'static str,
    /// What the sentence says, among other things.
    pub because_of: &'static str,
}

impl Expectation {
    /// The table, for a registry of this version; ages count from now.
    pub fn of(version: Version) -> Self {
        let table = include_str!("expectation.md").lines().filter_map(|line| line.strip_prefix("| "));
        let lines: Vec<Vec<&str>> = table.skip(1).map(|line| line.split('|').map(str::trim).collect()).collect();
        let images: BTreeMap<&str, &str> = lines.iter().map(|cells| (cells[2], cells[3])).collect();
        let row = |cells: &Vec<&'static str>| {
            let verdict = if version == Version::V3_1 && !cells[5].is_empty() { cells[5] } else { cells[4] };
            let (fate, reason) = verdict.split_once(' ').expect("a fate and a reason");
            assert!(["stays", "goes"].contains(&fate), "{fate}");
            let subject = cells[2].strip_prefix("signature of ").map(|name| artifact(name, &images));
            Row {
                repository: cells[0],
                tag: subject.map_or(cells[1].to_owned(), |subject| subject.cosign_tag("sig")),
                artifact: artifact(cells[2], &images),
                stays: fate == "stays",
                reason,
                because_of: cells[6],
            }
        };
        Self(lines.iter().map(row).collect())
    }

    /// Every tag.
    pub fn rows(&self) -> &[Row] {
        &self.0
    }

    /// What the repositories hold in the end: every tag that stays, by repository.
    pub fn left(&self) -> BTreeMap<&'static str, BTreeSet<String>> {
        let mut left: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for row in self.0.iter().filter(|row| row.stays) {
            left.entry(row.repository).or_default().insert(row.tag.clone());
        }
        left
    }

    /// The manifests that nothing which stays needs, with their repositories.
    pub fn gone(&self) -> BTreeSet<(&'static str, Digest)> {
        let of = |stays: bool| self.0.iter().filter(move |row| row.stays == stays);
        let needed: BTreeSet<(&str, Digest)> =
            of(true).flat_map(|row| needs(&row.artifact).into_iter().map(|digest| (row.repository, digest))).collect();
        of(false).map(|row| (row.repository, row.artifact.digest())).filter(|it| !needed.contains(it)).collect()
    }

    /// Compares a stored plan with the table: every tag, and no other.
    pub fn must_be(&self, plan: &PlanRecord) {
        let fate = |stays: bool| if stays { "stays" } else { "goes" };
        let planned = |it: &TagRecord| {
            let TagRecord { repository, condemned, reason, .. } = it;
            format!("{repository}:{} {} {reason}", it.name(), fate(!condemned))
        };
        let found: BTreeSet<String> = plan.tags.iter().map(planned).collect();
        let written =
            |Row { repository, tag, stays, reason, .. }: &Row| format!("{repository}:{tag} {} {reason}", fate(*stays));
        let expected: BTreeSet<String> = self.0.iter().map(written).collect();
        let only =
            |a: &BTreeSet<String>, b: &BTreeSet<String>| a.difference(b).cloned().collect::<Vec<_>>().join("\n  ");
        assert!(
            found == expected && plan.tags.len() == self.0.len(),
            "the plan is not what was expected.\nplanned:\n  {}\nexpected:\n  {}",
            only(&found, &expected),
            only(&expected, &found)
        );
        for row in &self.0 {
            let is_it = |it: &&TagRecord| it.repository.as_str() == row.repository && it.name() == row.tag;
            let tag = plan.tags.iter().find(is_it).expect("it was just found");
            assert!(tag.message.contains(row.because_of), "{}:{}: {}", row.repository, row.tag, tag.message);
            assert_eq!(tag.digest, Some(row.artifact.digest()), "{}:{}", row.repository, row.tag);
        }
    }
}

/// What a cell of the column `image` means; the ages of images are in their rows.
fn artifact(cell: &str, ages: &BTreeMap<&str, &str>) -> Artifact {
    let kinds = ["runnable", "index", "amd64 of", "signature of"];
    let kind = kinds.into_iter().find_map(|kind| Some((kind, cell.strip_prefix(kind)?.strip_prefix(' ')?)));
    let age = |cell: &str| ages.get(cell).copied().unwrap_or_default();
    match kind {
        Some(("runnable", name)) => runnable(name),
        Some(("index", name)) => {
            let image = |part: &str| image(&format!("{name}-{part}"), age(cell));
            Artifact::index([Artifact::index([image("amd64"), image("arm64")])])
        }
        Some(("amd64 of", name)) => artifact(&format!("index {name}"), ages).children[0].children[0].clone(),
        // As cosign has long made them: only the tag says whose it is.
        Some((_, name)) => image(&format!("signature of {}", artifact(name, ages).digest()), ""),
        None => image(cell, age(cell)),
    }
}

/// An image, created so many days ago (`30d`), at a time that nobody believes (`1970`), or nobody knows when.
fn image(name: &str, age: &str) -> Artifact {
    let image = Artifact::image(name).layers(1, 1000);
    let image = match (age, age.strip_suffix('d')) {
        ("", _) => image,
        ("1970", _) => image.created("1970-01-01T00:00:00Z"),
        (_, Some(days)) => {
            let age = SignedDuration::from_hours(24 * days.parse::<i64>().expect("a number of days"));
            image.created((today() - age).to_string())
        }
        _ => panic!("no age: {age}"),
    };
    image.build()
}

/// The same time for all of a test, so that images of one name are the same bytes.
fn today() -> Timestamp {
    static TODAY: std::sync::LazyLock<Timestamp> = std::sync::LazyLock::new(Timestamp::now);
    *TODAY
}

/// The manifest and all below it.
fn needs(artifact: &Artifact) -> BTreeSet<Digest> {
    artifact.children.iter().flat_map(needs).chain([artifact.digest()]).collect()
}
