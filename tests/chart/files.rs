//! The chart as a whole: its CRDs, its notes, its package, and the plain manifests made from it.

use std::collections::BTreeMap;
use std::fs;

use std::process::Command;

use registry_retention::api;
use serde_json::{Value, json};

use super::helm::{
    CHART, KUBERNETES, copy_of_the_chart, helm, of_kind, printed, render, render_chart, run, value_sets,
};

fn texts(folder: &str) -> BTreeMap<String, String> {
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(path).unwrap())
        })
        .collect()
}

#[test]
fn helm_has_nothing_to_say_against_it() {
    for (name, values) in value_sets() {
        let mut lint = helm();
        lint.args(["lint", "--strict", "--kube-version", KUBERNETES, "--values", "-", CHART]);
        let output = run(&mut lint, &values.to_string());
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stdout));
    }
}

#[test]
fn it_has_the_version_of_the_operator() {
    let chart: Value = serde_saphyr::from_str(&fs::read_to_string(format!("{CHART}/Chart.yaml")).unwrap()).unwrap();
    assert_eq!(chart["appVersion"], env!("CARGO_PKG_VERSION"));
    assert_eq!(chart["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(chart["kubeVersion"], format!(">={KUBERNETES}.0-0"));
}

#[test]
fn its_crds_are_the_committed_ones_and_stay_on_uninstall() {
    let committed = texts("crds");
    assert!(committed == texts(&format!("{CHART}/files/crds")), "the chart's copy is an old one: make manifests");

    let rendered = render(&json!({}));
    let crds = of_kind(&rendered, "CustomResourceDefinition");
    assert_eq!(crds.len(), committed.len());
    for (crd, (name, text)) in crds.into_iter().zip(&committed) {
        assert_eq!(*name, format!("{}.yaml", crd["metadata"]["name"].as_str().unwrap()));
        let mut expected: Value = serde_saphyr::from_str(text).unwrap();
        expected["metadata"]["annotations"] = json!({"helm.sh/resource-policy": "keep"});
        assert_eq!(*crd, expected, "{name}");
    }
}

#[test]
fn nothing_in_the_text_of_a_crd_is_a_template() {
    let folder = tempfile::tempdir().unwrap();
    let chart = copy_of_the_chart(folder.path());
    let file = chart.join("files/crds/odd.example.com.yaml");
    let text = "kind: CustomResourceDefinition\n\
                metadata:\n  name: odd.example.com\n\
                spec:\n  metadata:\n    one: \"{{ .Values.nothing.at.all }} ${1} $1 {{/*\"\n    two: 12345678901234567\n";
    fs::write(file, text).unwrap();
    let rendered = render_chart(&chart, &json!({}));
    let mut expected: Value = serde_saphyr::from_str(text).unwrap();
    expected["metadata"]["annotations"] = json!({"helm.sh/resource-policy": "keep"});
    assert_eq!(of_kind(&rendered, "CustomResourceDefinition")[0], &expected);
}

#[test]
fn packaged_it_is_the_same() {
    let folder = tempfile::tempdir().unwrap();
    printed(run(helm().args(["package", CHART, "--destination"]).arg(folder.path()), ""));
    let package = fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
    assert_eq!(render_chart(&package, &json!({})), render(&json!({})));
}

#[test]
fn it_can_be_part_of_another_chart() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("Chart.yaml"), "{apiVersion: v2, name: platform, version: 1.0.0}").unwrap();
    copy_of_the_chart(&folder.path().join("charts"));
    let values = json!({"namespaces": ["team-a"]});
    let parent = json!({"global": {"domain": "example.com"}, "registry-retention": values});
    assert_eq!(render_chart(folder.path(), &parent), render(&values));
}

/// What Helm prints after an installation. It needs a cluster for that; here the notes are rendered as an object.
fn notes(values: &Value) -> String {
    let folder = tempfile::tempdir().unwrap();
    let chart = copy_of_the_chart(folder.path());
    fs::rename(chart.join("templates/NOTES.txt"), chart.join("files/NOTES.txt")).unwrap();
    let template = "kind: Notes\ntext: {{ tpl (.Files.Get \"files/NOTES.txt\") . | toJson }}\n";
    fs::write(chart.join("templates/notes.yaml"), template).unwrap();
    let rendered = render_chart(&chart, values);
    of_kind(&rendered, "Notes")[0]["text"].as_str().unwrap().to_owned()
}

#[test]
fn its_notes_say_what_to_type_next() {
    let default = notes(&json!({}));
    for part in [
        "resources in registry.\n",
        "kubectl apply --namespace registry -f -",
        "kubectl get registryretention --namespace registry\n",
        "kubectl logs --namespace registry deployment/rr-registry-retention --follow",
    ] {
        assert!(default.contains(part), "{part:?} is not in\n{default}");
    }
    let named = notes(&json!({"namespaces": ["team-b", "team-a"], "rbac": {"create": false}}));
    for part in
        ["in team-a, team-b.", "get registryretention --namespace team-a\n", "No role was created", "account rr-"]
    {
        assert!(named.contains(part), "{part:?} is not in\n{named}");
    }
    for values in [json!({}), json!({"allNamespaces": true, "collection": {"namespaces": ["registry"]}})] {
        let notes = notes(&values);
        assert!(!notes.contains("KeeperForbidden") && !notes.contains("BestEffort"), "{notes}");
    }
    let everywhere = notes(&json!({"allNamespaces": true, "guard": {"create": false}}));
    for part in ["in every namespace.", "KeeperForbidden", "--set 'collection.namespaces={registry}'", "BestEffort"] {
        assert!(everywhere.contains(part), "{part:?} is not in\n{everywhere}");
    }
}

#[test]
fn the_resource_in_its_notes_is_one() {
    for values in [json!({}), json!({"workloads": {"clusterWide": false}})] {
        let notes = notes(&values);
        let resource = notes.split_once("<<END\n").unwrap().1.split_once("   END").unwrap().0;
        let resources = api::read_resources(resource).unwrap_or_else(|errors| panic!("{errors:?}\n{resource}"));
        assert_eq!(resources.len(), 1);
    }
}

#[test]
fn the_plain_manifests_are_what_the_chart_renders() {
    let printed = printed(run(&mut Command::new("scripts/manifests"), ""));
    let committed = fs::read_to_string("deploy/registry-retention.yaml").unwrap();
    assert!(printed == committed, "deploy/registry-retention.yaml is an old one: make manifests");
    assert!(!committed.contains("helm.sh/") && !committed.contains(": Helm"));
}
