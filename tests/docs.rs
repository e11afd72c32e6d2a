//! The operator's guide names every reason that the operator gives, and no other.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

/// What the operator does not show: only the terminal gives it, or, of a storage that is empty, it is no trouble there.
const UNSHOWN: [&str; 3] = ["KubeconfigUnusable", "ResourcesUnreadable", "StorageEmpty"];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let (folders, files): (Vec<PathBuf>, Vec<PathBuf>) = entries.partition(|path| path.is_dir());
    files.into_iter().chain(folders.iter().flat_map(|folder| sources(folder))).collect()
}

/// The source without its tests.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    text.split("#[cfg(test)]").next().unwrap_or_default().to_owned()
}

fn found(pattern: &str, text: &str) -> Vec<String> {
    Regex::new(pattern).unwrap().captures_iter(text).map(|found| found[1].to_owned()).collect()
}

/// Every reason in the source: what errors, refusals and causes call themselves, and what the operator adds.
fn given() -> BTreeSet<String> {
    let mut reasons = BTreeSet::new();
    let errors = [
        "registry/error.rs",
        "cluster/error.rs",
        "cluster/inventory_error.rs",
        "collection/refusal.rs",
        "worker/error.rs",
        "retention/server.rs",
        "retention/approval.rs",
    ];
    for path in errors {
        let code = code(&Path::new("src").join(path));
        let names = code
            .split("pub fn ")
            .filter(|function| function.starts_with("reason(&self) -> &'static str") || function.starts_with("code("));
        let names: Vec<String> = names
            .flat_map(|function| found(r#"=> "([A-Z]\w+)""#, function.split("\n    }\n").next().unwrap()))
            .collect();
        assert!(!names.is_empty(), "{path} names its reasons otherwise");
        reasons.extend(names);
    }
    reasons.extend(found(r#"reason: "([A-Z]\w+)""#, &code(Path::new("src/worker/workloads.rs"))));
    // What the program in a Job may tell.
    reasons.extend(found(r#"\("\w+", "([A-Z]\w+)"\)"#, &code(Path::new("src/cluster/inventory_error.rs"))));
    for path in sources(Path::new("src/controller")) {
        let code = code(&path);
        reasons.extend(found(r#"(?:stalled|transient)\(\s*"([A-Z]\w+)""#, &code));
        reasons.extend(found(r#"\(reason, message\) =\s*\("([A-Z]\w+)""#, &code));
        if path.ends_with("story.rs") {
            reasons.extend(found(r#"\W\(\s*"([A-Z]\w+)","#, &code));
            reasons.extend(found(r#"reason: "([A-Z]\w+)""#, &code));
        }
    }
    reasons.into_iter().filter(|reason| !UNSHOWN.contains(&reason.as_str())).collect()
}

/// The first cells of the table of reasons.
fn documented() -> BTreeSet<String> {
    let guide = fs::read_to_string("docs/operator.md").unwrap();
    let table = guide.split("| Reason |").nth(1).unwrap().split("\n\n").next().unwrap();
    let cells = table.lines().skip(2).filter_map(|row| row.split(" | ").next());
    cells.flat_map(|cell| found(r"`(\w+)`", cell)).collect()
}

#[test]
fn the_guide_has_every_reason_and_no_other() {
    assert_eq!(documented(), given());
}

#[test]
fn the_guides_examples_are_resources() {
    let guide = fs::read_to_string("docs/operator.md").unwrap();
    for block in guide.split("```yaml\n").skip(1) {
        registry_retention::api::read_resources(block.split("```").next().unwrap()).unwrap();
    }
}

/// What is said of a collection: what a preflight objects to, why a run ends, and what stands in the way of either.
#[test]
fn the_guide_to_collecting_has_every_reason_and_no_other() {
    let guide = fs::read_to_string("docs/collecting.md").unwrap();
    let rows = guide.lines().filter(|line| line.starts_with("| `") && !line.starts_with("| `status."));
    let cells = rows.filter_map(|row| row.split(" | ").next());
    let documented: BTreeSet<String> = cells.flat_map(|cell| found(r"`([A-Z]\w+)`", cell)).collect();

    let mut given = BTreeSet::new();
    let reasons = |path: &str, patterns: &[&str]| {
        let code = code(&Path::new("src").join(path));
        let all: Vec<String> = patterns.iter().flat_map(|pattern| found(pattern, &code)).collect();
        assert!(!all.is_empty(), "{path} names its reasons otherwise");
        all
    };
    for path in ["collection/refusal.rs", "collection/unanswered.rs", "collection/protocol/end.rs"] {
        given.extend(reasons(path, &[r#"=> "([A-Z]\w+)""#]));
    }
    for path in
        sources(Path::new("src/collection/preflight")).iter().filter(|path| !path.to_string_lossy().contains("tests"))
    {
        let code = code(path);
        given.extend(found(r#"Objection::(?:new|told)\(\s*"([A-Z]\w+)""#, &code));
        given.extend(found(r#"Self::new\(\s*"([A-Z]\w+)""#, &code));
        given.extend(found(r#"(?m)^    "([A-Z]\w+)",$"#, &code));
        given.extend(found(r#"unwrap_or\("([A-Z]\w+)"\)"#, &code));
    }
    for path in sources(Path::new("src/cluster/preflight")) {
        let code = code(&path);
        given.extend(found(r#"reason: "([A-Z]\w+)""#, &code));
        given.extend(found(r#"transient\("([A-Z]\w+)""#, &code));
        given.extend(found(r#"(?m)^            "([A-Z]\w+)",$"#, &code));
    }
    given.extend(reasons("controller/access.rs", &[r#"stalled\("([A-Z]\w+)""#]));
    given.extend(reasons("controller/context.rs", &[r#"stalled\("([A-Z]\w+)""#]));
    assert_eq!(documented, given);
}
