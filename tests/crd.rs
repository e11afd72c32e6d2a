//! The committed CRD and the field reference are those of the types, and the schema is one that an API server takes.

use std::collections::BTreeSet;
use std::fs;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use registry_retention::api;
use serde_json::Value;

fn crd() -> Value {
    serde_json::to_value(api::crd()).unwrap()
}

fn schema_of(crd: &CustomResourceDefinition) -> Value {
    let crd = serde_json::to_value(crd).unwrap();
    crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"].clone()
}

/// Calls `visit` with the path of each node of the schema and the node.
fn walk(path: &str, node: &Value, visit: &mut impl FnMut(&str, &Value)) {
    visit(path, node);
    for (name, property) in node["properties"].as_object().into_iter().flatten() {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        walk(&path, property, visit);
    }
    if let Some(items) = node.get("items") {
        walk(&format!("{path}[]"), items, visit);
    }
}

#[test]
fn the_committed_crds_are_the_generated_ones() {
    for crd in api::crds() {
        let path = format!("crds/{}.yaml", crd.metadata.name.as_deref().unwrap());
        let committed = fs::read_to_string(&path).unwrap_or_default();
        assert!(committed == api::crd_yaml(&crd), "{path} is not what the types say; make it anew: make manifests");
    }
}

#[test]
fn the_yaml_is_the_same_definition() {
    for crd in api::crds() {
        let read: CustomResourceDefinition = serde_saphyr::from_str(&api::crd_yaml(&crd)).unwrap();
        assert_eq!(read, crd);
    }
}

#[test]
fn names_and_columns() {
    let crd = crd();
    assert_eq!(crd["metadata"]["name"], "registryretentions.registry-retention.dev");
    assert_eq!(crd["spec"]["scope"], "Namespaced");
    assert_eq!(crd["spec"]["names"]["shortNames"], serde_json::json!(["rr"]));
    let columns = crd["spec"]["versions"][0]["additionalPrinterColumns"].as_array().unwrap();
    let names: Vec<_> = columns.iter().map(|column| column["name"].as_str().unwrap()).collect();
    let all = "Mode, Ready, Tags, Condemned, Deleted, Used, Reclaimable, Last Run, Next Run, Age, Reason, Registry, In Use, \
               Age Storage, Age Created, Age Unknown";
    assert_eq!(names.join(", "), all);
}

#[test]
fn what_a_user_writes_is_structural_and_bounded() {
    let known: BTreeSet<_> = [
        "default",
        "description",
        "enum",
        "format",
        "items",
        "maxItems",
        "maxLength",
        "maximum",
        "minItems",
        "minimum",
        "pattern",
        "properties",
        "required",
        "title",
        "type",
        "x-kubernetes-list-map-keys",
        "x-kubernetes-list-type",
        "x-kubernetes-validations",
    ]
    .into();
    let mut seen = 0;
    let mut visit = |path: &str, node: &Value| {
        seen += 1;
        let has = |keyword: &str| node.get(keyword).is_some();
        for keyword in node.as_object().unwrap().keys() {
            // So neither nullable nor additionalProperties nor anyOf.
            assert!(known.contains(keyword.as_str()), "{path}: {keyword}");
        }
        match node["type"].as_str() {
            Some("string") => assert!(has("enum") || has("maxLength") && has("pattern"), "{path}: unbounded text"),
            Some("integer") => {
                assert!(has("minimum") && has("maximum"), "{path}: unbounded number");
                assert_eq!(node["format"], "int32", "{path}");
            }
            Some("array") => assert!(has("maxItems") && has("items"), "{path}: unbounded list"),
            Some("object") => assert!(has("properties"), "{path}: an open mapping"),
            Some("boolean") => {}
            other => panic!("{path}: type {other:?}"),
        }
        let documented = has("description") || path.ends_with("[]") && node["type"] == "string";
        assert!(documented, "{path}: no description");
    };
    for crd in api::crds() {
        walk("spec", &schema_of(&crd)["properties"]["spec"], &mut visit);
    }
    assert!(seen > 30, "{seen}");
}

#[test]
fn every_rule_says_what_to_do() {
    let mut rules = 0;
    let mut visit = |path: &str, node: &Value| {
        for rule in node["x-kubernetes-validations"].as_array().into_iter().flatten() {
            rules += 1;
            let message = rule["message"].as_str().unwrap_or_default();
            assert!(message.len() > 20 && !message.contains('\n'), "{path}: {message:?}");
            // A loop over a list would have to be bounded on its own.
            let expression = rule["rule"].as_str().unwrap();
            for r#loop in [".all(", ".exists(", ".map(", ".filter("] {
                assert!(!expression.contains(r#loop), "{path}: {expression}");
            }
        }
    };
    for crd in api::crds() {
        walk("", &schema_of(&crd), &mut visit);
    }
    assert_eq!(rules, 13);
}

#[test]
fn defaults_obey_the_rules_of_their_field() {
    let mut visit = |path: &str, node: &Value| {
        if let Some(default) = node.get("default") {
            let validator = jsonschema::validator_for(node).unwrap();
            assert!(validator.is_valid(default), "{path}: {default}");
            let ruled = kube::core::cel::Validator::new().validate(node, default, None);
            assert!(ruled.is_ok(), "{path}: {ruled:?}");
        }
    };
    for crd in api::crds() {
        walk("", &schema_of(&crd), &mut visit);
    }
}

/// Where each resource has its fields explained.
const REFERENCES: [(&str, &str); 2] =
    [("registryretentions", "docs/reference.md"), ("registrycollections", "docs/collecting.md")];

fn references() -> impl Iterator<Item = (Value, String)> {
    REFERENCES.into_iter().map(|(plural, path)| {
        let crd = api::crds().into_iter().find(|it| it.spec.names.plural == plural).unwrap();
        (schema_of(&crd), fs::read_to_string(path).unwrap())
    })
}

#[test]
fn the_references_have_every_field_its_default_and_its_bounds() {
    for (schema, reference) in references() {
        assert_fields(&schema, &reference);
    }
}

fn assert_fields(schema: &Value, reference: &str) {
    let mut rows = BTreeSet::new();
    for line in reference.lines() {
        let row = line.strip_prefix("| `").filter(|row| !row.starts_with("status."));
        if let Some((field, _)) = row.and_then(|row| row.split_once("` |")) {
            // A reason begins with a capital.
            if field.starts_with(char::is_lowercase) {
                assert!(rows.insert(field.to_owned()), "{field}: twice in the reference");
            }
        }
    }
    let mut fields = BTreeSet::new();
    let spec = schema["properties"]["spec"].clone();
    walk("", &spec, &mut |path, node| {
        if path.is_empty() || path.ends_with("[]") {
            return;
        }
        fields.insert(path.to_owned());
        let row = reference.lines().find(|line| line.starts_with(&format!("| `{path}` |"))).unwrap_or_default();
        let cells: Vec<_> = row.split(" | ").collect();
        assert!(cells.len() == 4, "{path}: a row of the reference has field, type and bounds, default, meaning: {row}");
        for bound in ["minimum", "maximum"].iter().filter_map(|bound| node[bound].as_f64()) {
            assert!(cells[1].contains(&bound.to_string()), "{path}: {bound} is not in {:?}", cells[1]);
        }
        for bound in ["maxItems", "minItems"].iter().filter_map(|bound| node[bound].as_u64()) {
            assert!(cells[1].contains(&bound.to_string()), "{path}: {bound} is not in {:?}", cells[1]);
        }
        for choice in node["enum"].as_array().into_iter().flatten() {
            assert!(cells[1].contains(&format!("`{}`", choice.as_str().unwrap())), "{path}: {choice}");
        }
        match &node["default"] {
            Value::Null | Value::Object(_) => {}
            Value::String(default) => assert_eq!(cells[2], format!("`{default}`"), "{path}"),
            default => assert_eq!(cells[2], format!("`{default}`"), "{path}"),
        }
    });
    assert_eq!(rows, fields, "fields in the reference, and in the schema");
}

#[test]
fn the_references_have_every_field_of_the_status() {
    for (schema, reference) in references() {
        assert_status(&schema, &reference);
    }
}

fn assert_status(schema: &Value, reference: &str) {
    let row = |line: &str| Some(line.strip_prefix("| `status.")?.split_once("` |")?.0.to_owned());
    let rows: Vec<String> = reference.lines().filter_map(row).collect();
    let mut fields = BTreeSet::new();
    walk("", &schema["properties"]["status"], &mut |path, _| {
        // Conditions are Kubernetes' own.
        if !path.is_empty() && !path.ends_with("[]") && !path.starts_with("conditions[].") {
            fields.insert(path.to_owned());
        }
    });
    assert_eq!(rows.iter().cloned().collect::<BTreeSet<_>>(), fields);
    assert_eq!(rows.len(), fields.len(), "one row each");
}

#[test]
fn the_examples_of_the_reference_are_resources() {
    let reference = fs::read_to_string("docs/reference.md").unwrap();
    let mut examples = 0;
    for block in reference.split("```yaml\n").skip(1) {
        let yaml = block.split("```").next().unwrap();
        if yaml.contains("kind: RegistryRetention") {
            examples += 1;
            api::read_resources(yaml).unwrap();
        }
    }
    assert!(examples > 0);
}
