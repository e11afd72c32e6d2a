//! Reads files of resources, by the rules of the API server: the CRD's own schema and CEL rules.
//!
//! Nothing is ignored silently: unknown fields, other kinds and duplicates are errors, and all errors of a file are
//! reported together.

mod check;
mod document;
mod error;
mod words;

use std::collections::BTreeMap;

use super::RegistryRetention;
use check::Checker;
use document::Candidate;
pub(crate) use error::visible;
pub use error::{FileError, Place};

/// The largest file that is read, in bytes.
pub const MAX_FILE_BYTES: usize = 1024 * 1024;

/// The most errors that are reported for one file; a last one counts the rest.
const MAX_ERRORS: usize = 100;

/// The resources in `text`: one or several YAML or JSON documents, each a `RegistryRetention` or a `List` of them.
///
/// Empty documents are skipped and not counted; a file without any resource is an error. The resources come in the
/// order of the file.
pub fn read_resources(text: &str) -> Result<Vec<RegistryRetention>, Vec<FileError>> {
    let mut errors = Vec::new();
    let candidates = document::candidates(text, &mut errors);
    let checker = Checker::new();
    let mut resources = Vec::new();
    for candidate in &candidates {
        match checker.check(candidate) {
            Ok(resource) => resources.push(resource),
            Err(found) => errors.extend(found),
        }
    }
    errors.extend(duplicates(&candidates));
    if errors.is_empty() {
        return Ok(resources);
    }
    errors.sort_by_cached_key(FileError::order);
    errors.dedup();
    let more = errors.len().saturating_sub(MAX_ERRORS);
    if more > 0 {
        errors.truncate(MAX_ERRORS);
        errors.push(FileError::of_file(&format!("{more} more errors")));
    }
    Err(errors)
}

/// An error for each resource that has the namespace and name of an earlier one.
fn duplicates(candidates: &[Candidate]) -> Vec<FileError> {
    let mut seen = BTreeMap::new();
    let mut errors = Vec::new();
    for candidate in candidates {
        let metadata = &candidate.value["metadata"];
        let Some(name) = metadata["name"].as_str() else { continue };
        let namespace = metadata["namespace"].as_str();
        if let Some(first) = seen.get(&(namespace, name)) {
            let message = format!("{first} has the same name and namespace; each resource may be there once");
            errors.push(candidate.place.error("metadata.name", &message));
        } else {
            seen.insert((namespace, name), &candidate.place);
        }
    }
    errors
}

#[cfg(test)]
mod tests;
