//! From text to the values that claim to be resources.

use kube::Resource;
use serde_json::Value;
use serde_saphyr::{Options, SnippetMode, Spanned, UserMessageFormatter};

use super::error::{Place, shortened};
use super::{FileError, MAX_FILE_BYTES};
use crate::api::RegistryRetention;

/// A value that has the right `apiVersion` and `kind`.
pub(super) struct Candidate {
    pub(super) place: Place,
    pub(super) value: Value,
}

/// Every value in `text` that is of our kind; what is not goes to `errors`.
pub(super) fn candidates(text: &str, errors: &mut Vec<FileError>) -> Vec<Candidate> {
    if text.len() > MAX_FILE_BYTES {
        errors.push(FileError::of_file("larger than 1 MiB, which is the most that is read"));
        return Vec::new();
    }
    let documents: Vec<Spanned<Value>> = match serde_saphyr::from_multiple_with_options(text, options()) {
        Ok(documents) => documents,
        Err(error) => {
            let plain = serde_saphyr::render_options! {
                formatter: &UserMessageFormatter,
                snippets: SnippetMode::Off,
            };
            errors.push(FileError::of_file(&format!("not readable as YAML: {}", error.render_with_options(plain))));
            return Vec::new();
        }
    };
    if documents.is_empty() {
        errors.push(FileError::of_file("empty; it should hold a RegistryRetention"));
    }
    let mut found = Vec::new();
    for (index, Spanned { value, defined, .. }) in documents.into_iter().enumerate() {
        let place = Place { document: index + 1, line: defined.line(), item: None, name: name(&value) };
        if value["kind"] == "List" && value["apiVersion"] == "v1" {
            items(&place, value, errors, &mut found);
        } else {
            admit(place, value, errors, &mut found);
        }
    }
    found
}

/// Bounds on what anchors, nesting and document marks can blow a small file up to.
fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: 32,
            max_documents: 1024,
            max_nodes: 200_000,
            max_aliases: 1000,
            max_total_scalar_bytes: 4 * MAX_FILE_BYTES,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: 100_000,
        },
    }
}

fn items(list: &Place, mut value: Value, errors: &mut Vec<FileError>, found: &mut Vec<Candidate>) {
    for field in value.as_object().into_iter().flat_map(serde_json::Map::keys) {
        if !matches!(field.as_str(), "apiVersion" | "kind" | "metadata" | "items") {
            errors.push(list.error(field, "unknown field; known here: apiVersion, items, kind, metadata"));
        }
    }
    let Value::Array(items) = value["items"].take() else {
        errors.push(list.error("items", "must be a list of resources"));
        return;
    };
    if items.is_empty() {
        errors.push(list.error("items", "empty; it should hold a RegistryRetention"));
    }
    for (index, item) in items.into_iter().enumerate() {
        admit(Place { item: Some(index + 1), name: name(&item), ..list.clone() }, item, errors, found);
    }
}

/// Takes a value of our kind; anything else is an error, since a file that is half understood is not understood.
fn admit(place: Place, value: Value, errors: &mut Vec<FileError>, found: &mut Vec<Candidate>) {
    let kind = RegistryRetention::kind(&());
    let api_version = RegistryRetention::api_version(&());
    if !value.is_object() {
        let message = format!("not a resource: it should be a mapping with apiVersion: {api_version} and kind: {kind}");
        errors.push(place.error("", &message));
    } else if let Some(other) = value["kind"].as_str().filter(|other| *other != kind) {
        let message = format!("only {kind} is read here, not {}; take it out of this file", shortened(other));
        errors.push(place.error("kind", &message));
    } else if value["kind"] != *kind {
        errors.push(place.error("kind", &format!("missing; it must be {kind}")));
    } else if value["apiVersion"] != *api_version {
        let message = match value["apiVersion"].as_str() {
            Some(other) => format!("must be {api_version}, not {}", shortened(other)),
            None => format!("missing; it must be {api_version}"),
        };
        errors.push(place.error("apiVersion", &message));
    } else {
        found.push(Candidate { place, value });
    }
}

fn name(value: &Value) -> Option<String> {
    value["metadata"]["name"].as_str().map(|name| super::error::visible(&shortened(name)))
}
