//! How files are read; `fields` has what may be wrong inside a resource.

mod fields;

use std::fmt::Write;

use super::*;
use crate::api::*;

const EXAMPLE: &str = include_str!("../../../../docs/example.yaml");

/// The least that is a resource; `CUT` marks where tests put things.
const LEAST: &str = "\
apiVersion: registry-retention.dev/v1alpha1
kind: RegistryRetention
metadata: {name: team}
spec:
  registry: {url: 'http://registry.registry:5000'}
  rules:
  - name: all
    repositories: {include: ['**']}
    tags: {include: ['*']}
    keep: {mostRecentlyPushedCount: 5}
  protect: {inUse: {}}
";

fn errors(text: &str) -> Vec<String> {
    let errors = read_resources(text).expect_err(text);
    errors.iter().map(ToString::to_string).collect()
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn the_example_means_what_it_says() {
    let age = |text: &str| text.parse::<Age>().unwrap();
    let resources = read_resources(EXAMPLE).unwrap();
    let [resource] = resources.as_slice() else { panic!("{resources:?}") };
    assert_eq!(resource.metadata.name.as_deref(), Some("team"));
    assert_eq!(resource.metadata.namespace.as_deref(), Some("registry"));
    let expected = RegistryRetentionSpec {
        mode: Mode::Enforce,
        suspend: true,
        schedule: Some("0 3 * * *".to_owned()),
        time_zone: Some("Europe/Berlin".to_owned()),
        timeout: Timeout::try_from("90m".to_owned()).unwrap(),
        registry: Registry {
            url: "http://registry.registry:5000".to_owned(),
            aliases: texts(&["registry.example.com/mirror"]),
            complete_tag_lists: true,
            secret_ref: Some(SecretReference { name: "registry-credentials".to_owned() }),
            cert_secret_ref: Some(SecretReference { name: "registry-ca".to_owned() }),
            deployment_ref: Some(DeploymentReference { name: "registry".into() }),
            container: Some("registry".into()),
            configuration: Some("/etc/distribution/config.yml".into()),
        },
        rules: vec![
            Rule {
                name: "pull-requests".to_owned(),
                repositories: Repositories { include: texts(&["apps/**"]), exclude: texts(&["apps/base/**"]) },
                tags: Tags {
                    include: texts(&["pr-*"]),
                    exclude: texts(&["pr-template"]),
                    include_regex: texts(&["[0-9a-f]{7,40}"]),
                    exclude_regex: texts(&["0+"]),
                },
                keep: Some(Keep {
                    most_recently_pushed_count: Some(10),
                    pushed_within: Some(age("14d")),
                    created_within: Some(age("30d")),
                    newest_versions: Some(NewestVersions {
                        count: 3,
                        per: Some(Per::Minor),
                        range: Some(">=2.0.0".to_owned()),
                        prereleases: Prereleases::Include,
                    }),
                }),
                action: None,
            },
            Rule {
                name: "withdrawn".to_owned(),
                repositories: Repositories { include: texts(&["apps/shop"]), exclude: vec![] },
                tags: Tags { include: texts(&["T12", "T22", "T52"]), ..Tags::default() },
                keep: None,
                action: Some(Action::Delete),
            },
        ],
        untagged: Some(Untagged { older_than: age("7d") }),
        protect: Protect {
            tags: texts(&["latest", "stable-*"]),
            minimum_age: age("2w"),
            in_use: InUse { scope: Scope::Namespace },
        },
        limits: Limits { max_delete_percent: 20, max_deletions: 500, min_tags_per_repository: 3 },
    };
    assert_eq!(resource.spec, expected);
}

#[test]
fn what_is_left_out_has_the_defaults_of_the_schema() {
    let resource = &read_resources(LEAST).unwrap()[0];
    assert_eq!(resource.spec.mode, Mode::DryRun);
    assert!(!resource.spec.registry.complete_tag_lists);
    assert_eq!(resource.spec.limits, Limits::default());
    assert_eq!(resource.spec.protect, Protect::default());
    assert_eq!(resource.spec.protect.in_use.scope, Scope::Cluster);
    assert!(!resource.spec.suspend && resource.spec.timeout.as_str() == "2h");
    assert_eq!(resource.spec.protect.minimum_age.as_str(), "24h");
    let written = serde_json::to_value(resource).unwrap();
    let defaulted = kube::core::cel::apply_defaults(&crd::schema(), &serde_json::to_value(resource).unwrap());
    assert_eq!(written, defaulted, "a default in the schema is not the one of the type");
    let bare: serde_json::Value = serde_saphyr::from_str(LEAST).unwrap();
    let defaulted = kube::core::cel::apply_defaults(&crd::schema(), &bare);
    assert_eq!(serde_json::from_value::<RegistryRetention>(defaulted).unwrap(), *resource);
}

#[test]
fn names() {
    let nameless = "document 1 (line 1): metadata.name: missing; it is required";
    assert_eq!(errors(&LEAST.replace("name: team", "namespace: a")), [nameless]);
    assert_eq!(
        errors(&LEAST.replace("metadata: {name: team}\n", "")),
        ["document 1 (line 1): metadata: missing; it is required"]
    );
    let bad = errors(&LEAST.replace("name: team", "name: Team, namespace: a.b"));
    assert!(bad[0].starts_with("Team (document 1, line 1): metadata.name: must be lower-case letters"), "{bad:?}");
    assert!(bad[1].starts_with("Team (document 1, line 1): metadata.namespace: must be lower-case letters"), "{bad:?}");
    let twice = format!("{LEAST}---\n{LEAST}");
    assert_eq!(
        errors(&twice),
        ["team (document 2, line 13): metadata.name: team (document 1, line 1) has the same name and namespace; each \
         resource may be there once"]
    );
    let apart = format!("{LEAST}---\n{}", LEAST.replace("name: team", "name: team, namespace: other"));
    assert_eq!(read_resources(&apart).unwrap().len(), 2);
}

#[test]
fn several_documents_lists_and_json() {
    let other = LEAST.replace("team", "other").replace("Count: 5", "Count: 0");
    let found = errors(&format!("---\n# nothing\n---\n{LEAST}---\n---\n{other}"));
    assert_eq!(
        found,
        ["other (document 2, line 17): spec.rules[0].keep.mostRecentlyPushedCount: must be from 1 to 10000, not 0"]
    );

    let json = |text: &str| serde_saphyr::from_str::<serde_json::Value>(text).unwrap();
    let list =
        serde_json::json!({"apiVersion": "v1", "kind": "List", "metadata": {}, "items": [json(EXAMPLE), json(LEAST)]});
    for text in [list.to_string(), serde_json::to_string_pretty(&list).unwrap().replace("  ", "\t")] {
        assert_eq!(read_resources(&text).unwrap().len(), 2);
    }
    let list =
        serde_json::json!({"apiVersion": "v1", "kind": "List", "extra": 1, "items": [json(LEAST), json(&other), 7]});
    assert_eq!(
        errors(&list.to_string()),
        [
            "document 1 (line 1): extra: unknown field; known here: apiVersion, items, kind, metadata",
            "other (document 1, item 2, line 1): spec.rules[0].keep.mostRecentlyPushedCount: must be from 1 to 10000, not 0",
            "document 1, item 3 (line 1): not a resource: it should be a mapping with apiVersion: \
         registry-retention.dev/v1alpha1 and kind: RegistryRetention",
        ]
    );
    assert_eq!(
        errors("{apiVersion: v1, kind: List, items: []}"),
        ["document 1 (line 1): items: empty; it should hold a RegistryRetention"]
    );
    assert_eq!(errors("{apiVersion: v1, kind: List}"), ["document 1 (line 1): items: must be a list of resources"]);
}

#[test]
fn other_things_in_a_file() {
    assert_eq!(
        errors(&format!("{LEAST}---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: x}}\n")),
        ["x (document 2, line 13): kind: only RegistryRetention is read here, not ConfigMap; take it out of this file"]
    );
    assert_eq!(
        errors(&LEAST.replace("v1alpha1", "v1")),
        [
            "team (document 1, line 1): apiVersion: must be registry-retention.dev/v1alpha1, not registry-retention.dev/v1"
        ]
    );
    assert_eq!(errors("a: 1"), ["document 1 (line 1): kind: missing; it must be RegistryRetention"]);
    assert_eq!(
        errors("just text"),
        [
            "document 1 (line 1): not a resource: it should be a mapping with apiVersion: registry-retention.dev/v1alpha1 \
         and kind: RegistryRetention"
        ]
    );
    for empty in ["", "\n", "# only a comment\n", "---\n---\n", "null"] {
        assert_eq!(errors(empty), ["empty; it should hold a RegistryRetention"], "{empty:?}");
    }
}

#[test]
fn what_is_no_yaml() {
    for (text, expected) in [
        ("a: [1\nb: 2", "line 2"),
        ("a: 1\na: 2", "duplicate mapping key `a` is not allowed here"),
        ("a: 1\na: 2", "line 2, column 1"),
        ("a: *missing", "line 1"),
        ("a: \u{1b}[31mred", "line 1"),
    ] {
        let found = errors(text);
        assert!(found.len() == 1 && found[0].starts_with("not readable as YAML: "), "{text:?}: {found:?}");
        println!("{found:?}");
        assert!(found[0].contains(expected) && !found[0].contains(char::is_control), "{found:?}");
    }
}

#[test]
fn small_files_stay_small_and_large_ones_are_refused() {
    let large = format!("{LEAST}#{}", " ".repeat(MAX_FILE_BYTES));
    assert_eq!(errors(&large), ["larger than 1 MiB, which is the most that is read"]);
    let mut laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let below = format!("*a{}, ", level - 1).repeat(9);
        writeln!(laughs, "a{level}: &a{level} [{below}]").unwrap();
    }
    let long = format!("a: &a {}\nb: [{}]", "x".repeat(500_000), "*a, ".repeat(500));
    for text in [laughs, long, "[".repeat(100_000), "---\na\n".repeat(100_000)] {
        let found = errors(&text);
        assert!(found.len() == 1 && found[0].starts_with("not readable as YAML: "), "{:.300}", found[0]);
        assert!(found[0].len() < 300, "{:.300}", found[0]);
    }
    let deep = format!("a: {}{}", "[".repeat(30), "]".repeat(30));
    assert_eq!(errors(&deep), ["document 1 (line 1): kind: missing; it must be RegistryRetention"]);
    let anchored = LEAST.replace("['**']", "&all ['**']").replace("['*']", "*all");
    assert!(read_resources(&anchored).is_ok());
    let many = format!("{LEAST}  x: [{}]", "1,".repeat(10));
    let many = many.replace("['**']", &format!("[{}]", "1, ".repeat(500)));
    let found = errors(&many);
    assert_eq!(found.len(), 101);
    assert_eq!(found[100], "402 more errors");
}

#[test]
fn no_control_character_of_the_file_reaches_a_message() {
    let evil = r#""\e[31m\u202e\n""#;
    for (from, to) in [
        ("name: team", format!("name: {evil}")),
        ("  protect:", format!("  {evil}: 1\n  protect:")),
        ("['*']", format!("[{evil}]")),
        ("name: all", format!("name: {evil}")),
        ("kind: RegistryRetention", format!("kind: {evil}")),
        ("v1alpha1", format!("v1alpha1\nx: {evil}")),
        ("inUse: {}", format!("inUse: {{scope: {evil}}}")),
    ] {
        let found = errors(&LEAST.replace(from, &to)).concat();
        assert!(found.contains(r"\u{1b}[31m") || from == "v1alpha1", "{to}: {found}");
        assert!(!found.contains(|char: char| char.is_control() || char == '\u{202e}'), "{to}: {found:?}");
    }
}

#[test]
fn errors_come_in_the_order_of_the_fields_in_lists() {
    let globs = "[ok, ok, 'X', ok, ok, ok, ok, ok, ok, ok, 'X']";
    let found = errors(&LEAST.replace("['**']", globs));
    assert!(found[0].contains("include[2]") && found[1].contains("include[10]"), "{found:?}");
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(64))]

    /// Whatever a person or a merge conflict makes of a file: an answer in clean words, never a panic.
    #[test]
    fn any_damage_to_a_file_gets_an_answer(
        cuts in proptest::collection::vec((0..EXAMPLE.len(), 0..40_usize, "[ -~\\n\\t\u{0}\u{1b}é]{0,6}"), 1..4),
    ) {
        let mut text = EXAMPLE.to_owned();
        for (at, length, put) in cuts {
            let floor = |at: usize| (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            text.replace_range(floor(at)..floor(at + length), &put);
        }
        for error in read_resources(&text).err().unwrap_or_default() {
            let shown = error.to_string();
            proptest::prop_assert!(!shown.is_empty() && !shown.contains(char::is_control), "{shown:?}");
        }
    }
}
