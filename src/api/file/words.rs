//! Says in words what a schema refuses.

use jsonschema::ValidationError;
use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::paths::{Location, LocationSegment};
use serde_json::Value;

use super::error::shortened;
use crate::api::text::{FORMS, REGISTRY_URL};

/// The fields concerned and what is wrong with each.
pub(super) fn describe(error: &ValidationError<'_>, schema: &Value) -> Vec<(String, String)> {
    let path = path(error.instance_path());
    let value = error.instance();
    let node = node(error.schema_path(), schema);
    let message = match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            let known = node["properties"].as_object().into_iter().flat_map(serde_json::Map::keys);
            let known = known.map(String::as_str).collect::<Vec<_>>().join(", ");
            let message = format!("unknown field; known here: {known}");
            return unexpected.iter().map(|field| (join(&path, &shortened(field)), message.clone())).collect();
        }
        ValidationErrorKind::Required { property } => {
            let field = join(&path, property.as_str().unwrap_or_default());
            return vec![(field, "missing; it is required".to_owned())];
        }
        _ if value.is_null() => "empty; give it a value or leave it out".to_owned(),
        ValidationErrorKind::Type { kind: TypeKind::Single(wanted) } => wrong_type(wanted.as_str(), value),
        ValidationErrorKind::Enum { .. } => not_one_of(node, value),
        ValidationErrorKind::Pattern { pattern } => {
            let form = FORMS.iter().find(|form| form.pattern == pattern.as_str());
            let meaning = form.map_or_else(|| format!("text that matches {pattern}"), |form| form.meaning.to_owned());
            let shown = if pattern == REGISTRY_URL.pattern { shown(&without_secrets(value)) } else { shown(value) };
            format!("must be {meaning}; not {shown}")
        }
        ValidationErrorKind::Minimum { .. } | ValidationErrorKind::Maximum { .. } => {
            let bound = |name: &str| node[name].as_f64().unwrap_or_default();
            format!("must be from {} to {}, not {}", bound("minimum"), bound("maximum"), shown(value))
        }
        ValidationErrorKind::MaxLength { limit } => format!("must have at most {limit} characters"),
        ValidationErrorKind::MinItems { limit } => format!("must have at least {limit} item"),
        ValidationErrorKind::MaxItems { limit } => format!("must have at most {limit} items"),
        _ => shortened(&error.masked().to_string()),
    };
    vec![(path, message)]
}

fn wrong_type(wanted: &str, value: &Value) -> String {
    let found = match value {
        Value::Bool(_) | Value::Number(_) | Value::String(_) => shown(value),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a mapping".to_owned(),
        Value::Null => "empty".to_owned(),
    };
    let wanted = match wanted {
        "string" if value.is_number() || value.is_boolean() => {
            return format!("must be text, but YAML reads {found} here: write it in quotes");
        }
        "string" => "text",
        "integer" | "number" => "a whole number",
        "boolean" => "true or false",
        "array" => "a list",
        "object" => "a mapping of fields",
        other => other,
    };
    format!("must be {wanted}, not {found}")
}

fn not_one_of(node: &Value, value: &Value) -> String {
    let options = node["enum"].as_array().into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>();
    let options = options.join(" or ");
    format!("must be {options}, not {}", shown(value))
}

/// The schema that the refusing keyword belongs to.
fn node<'a>(keyword: &Location, schema: &'a Value) -> &'a Value {
    let parent = keyword.as_str().rsplit_once('/').map_or("", |(parent, _)| parent);
    schema.pointer(parent).unwrap_or(&Value::Null)
}

fn path(location: &Location) -> String {
    location.segments().fold(String::new(), |path, segment| match segment {
        LocationSegment::Property(name) => join(&path, &name),
        LocationSegment::Index(index) => format!("{path}[{index}]"),
    })
}

fn join(path: &str, field: &str) -> String {
    if path.is_empty() { field.to_owned() } else { format!("{path}.{field}") }
}

/// The URL without what may be a password or a token: whatever is before an `@`, or after a `?` or `#`.
fn without_secrets(url: &Value) -> Value {
    let url = url.as_str().unwrap_or_default();
    let (scheme, rest) = url.split_once("://").map_or(("", url), |(_, rest)| url.split_at(url.len() - rest.len()));
    let rest = rest.rsplit_once('@').map_or_else(|| rest.to_owned(), |(_, host)| format!("…@{host}"));
    let end = rest.find(['?', '#']).map_or(rest.len(), |mark| mark + 1);
    let more = if end < rest.len() { "…" } else { "" };
    Value::String(format!("{scheme}{}{more}", &rest[..end]))
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) if text.is_empty() => "an empty text".to_owned(),
        Value::String(text) => format!("`{}`", shortened(text)),
        other => shortened(&other.to_string()),
    }
}
