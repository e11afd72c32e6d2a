//! Keeps the house in its shape: what is pure imports nothing that could look at the world.

use std::fs;
use std::path::{Path, PathBuf};

/// The modules that decide.
const PURE: [&str; 6] = ["api", "collection", "oci", "pruning", "retention", "schedule"];

/// What decides in the controller, beside what acts.
const PURE_IN_CONTROLLER: [&str; 5] = ["record", "registries", "resource", "story", "trouble"];

/// What they may take from outside the crate. `k8s_openapi` and `kube` give types, schemas and CEL only, `flate2` packs
/// what is in memory.
const CRATES: [&str; 20] = [
    "std",
    "core",
    "crate",
    "self",
    "super",
    "serde",
    "serde_json",
    "jiff",
    "thiserror",
    "sha2",
    "base64",
    "flate2",
    "croner",
    "globset",
    "regex",
    "semver",
    "k8s_openapi",
    "kube",
    "schemars",
    "jsonschema",
];
const MORE_CRATES: [&str; 2] = ["serde_saphyr", "serde_ignored"];

/// What they may not name, wherever it stands.
const WORLD: [&str; 11] = [
    "tokio",
    "reqwest",
    "kube::Client",
    "kube::runtime",
    "tracing",
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "Timestamp::now",
    "SystemTime",
];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// The source without comments and without its tests, which may do as they like.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).expect("a source file");
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn pure_sources() -> impl Iterator<Item = (PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = PURE.into_iter().flat_map(move |module| sources(&root.join(module)));
    files.filter(|path| !path.components().any(|part| part.as_os_str() == "tests")).map(|path| {
        let code = code(&path);
        (path, code)
    })
}

#[test]
fn pure_modules_import_no_client_no_clock_and_no_runtime() {
    for (path, code) in pure_sources() {
        for import in code.lines().filter_map(|line| line.trim().trim_start_matches("pub ").strip_prefix("use ")) {
            let root = import.split([':', ';', ' ']).next().unwrap_or_default();
            let local = root.chars().next().is_some_and(char::is_uppercase) || code.contains(&format!("mod {root}"));
            let known = CRATES.contains(&root) || MORE_CRATES.contains(&root);
            assert!(known || local, "{} imports {root}, which is not known to be pure", path.display());
        }
        for world in WORLD {
            assert!(!code.contains(world), "{} names {world}", path.display());
        }
    }
}

#[test]
fn what_decides_in_the_controller_looks_at_nothing() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/controller");
    for file in PURE_IN_CONTROLLER {
        let code = code(&root.join(file).with_extension("rs"));
        for world in WORLD.into_iter().chain(["async", "super::clock", "super::context"]) {
            assert!(!code.contains(world), "{file} names {world}");
        }
    }
}

#[test]
fn pure_modules_know_only_one_another() {
    for (path, code) in pure_sources() {
        for rim in [
            "crate::registry",
            "crate::storage",
            "crate::collector",
            "crate::worker",
            "crate::cluster",
            "crate::controller",
            "crate::cli",
        ] {
            assert!(!code.contains(rim), "{} names {rim}", path.display());
        }
    }
}

#[test]
fn the_lowest_floors_know_nothing_above_them() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let floors = [
        ("oci", ["crate::api", "crate::retention", "crate::pruning"]),
        ("api", ["crate::oci", "crate::retention", "crate::pruning"]),
    ];
    for (module, above) in floors {
        for path in sources(&root.join(module)) {
            let code = code(&path);
            for name in above {
                assert!(!code.contains(name), "{} names {name}", path.display());
            }
        }
    }
}
