//! Checks a value by the schema and the CEL rules of the CRD.

use std::collections::BTreeMap;

use jsonschema::Validator;
use kube::core::cel::{self, ErrorKind};
use serde_json::{Value, json};

use super::document::Candidate;
use super::error::{FileError, shortened};
use super::words;
use crate::api::text::{DNS_LABEL, DNS_SUBDOMAIN};
use crate::api::{RegistryRetention, crd};

/// The CRD's rules, ready to be applied.
pub(super) struct Checker {
    /// The schema as it is served, with the CEL rules.
    served: Value,
    /// The same, refusing unknown fields and with a schema for `metadata`.
    strict: Value,
    shape: Validator,
    rules: cel::Validator,
}

impl Checker {
    pub(super) fn new() -> Self {
        let served = crd::schema();
        let mut strict = served.clone();
        // Nobody writes a status into a file.
        strict["properties"].as_object_mut().map(|properties| properties.remove("status"));
        strict["properties"]["apiVersion"] = json!({"type": "string"});
        strict["properties"]["kind"] = json!({"type": "string"});
        strict["properties"]["metadata"] = metadata();
        strict["required"] = json!(["metadata", "spec"]);
        refuse_unknown_fields(&mut strict);
        let shape = jsonschema::validator_for(&strict).expect("the CRD's schema is a JSON schema, as tests prove");
        Self { served, strict, shape, rules: cel::Validator::new() }
    }

    /// The resource, or everything that is wrong with it.
    pub(super) fn check(&self, candidate: &Candidate) -> Result<RegistryRetention, Vec<FileError>> {
        let Candidate { place, value } = candidate;
        let mut errors = Vec::new();
        for error in self.shape.iter_errors(value) {
            for (path, message) in words::describe(&error, &self.strict) {
                errors.push(place.error(&path, &message));
            }
        }
        let shape: Vec<_> = errors.iter().map(|error| error.path.clone()).collect();
        for error in self.rules.validate(&self.served, value, None).err().into_iter().flatten() {
            // Rules fail, or cannot be evaluated, on what has the wrong shape: that was named already.
            let consequence = shape.iter().any(|wrong| is_within(&error.field_path, wrong))
                || error.kind != ErrorKind::ValidationFailure && !shape.is_empty();
            if !consequence {
                errors.push(place.error(&error.field_path, &error.message));
            }
        }
        for (path, message) in repeated_rule_names(value) {
            errors.push(place.error(&path, &message));
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        serde_json::from_value(value.clone()).map_err(|error| vec![place.error("", &error.to_string())])
    }
}

/// Whether `path` is the field `outer` or one inside it.
fn is_within(path: &str, outer: &str) -> bool {
    path.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// What a file may say in `metadata`: the rest is the API server's.
fn metadata() -> Value {
    let texts = json!({"type": "object", "additionalProperties": {"type": "string"}});
    json!({
        "type": "object",
        "required": ["name"],
        "properties": {
            "name": {"type": "string", "maxLength": 253, "pattern": DNS_SUBDOMAIN.pattern},
            "namespace": {"type": "string", "maxLength": 63, "pattern": DNS_LABEL.pattern},
            "labels": texts,
            "annotations": texts,
        },
    })
}

/// Closes every object of the schema that lists its fields.
fn refuse_unknown_fields(schema: &mut Value) {
    let Some(schema) = schema.as_object_mut() else { return };
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.values_mut().for_each(refuse_unknown_fields);
        schema.insert("additionalProperties".to_owned(), Value::Bool(false));
    }
    if let Some(items) = schema.get_mut("items") {
        refuse_unknown_fields(items);
    }
}

/// What an API server refuses because the list is a map by `name`.
fn repeated_rule_names(value: &Value) -> Vec<(String, String)> {
    let mut seen = BTreeMap::new();
    let mut found = Vec::new();
    for (index, rule) in value["spec"]["rules"].as_array().into_iter().flatten().enumerate() {
        let Some(name) = rule["name"].as_str() else { continue };
        if let Some(first) = seen.get(name) {
            let message = format!("spec.rules[{first}] is named {} too; each rule needs its own name", shortened(name));
            found.push((format!("spec.rules[{index}].name"), message));
        } else {
            seen.insert(name, index);
        }
    }
    found
}
