use super::*;
use crate::api::*;

const EXAMPLE: &str = include_str!("../../../docs/example.yaml");

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
  protect: {inUse: {scope: None}}
";

fn errors(text: &str) -> Vec<String> {
    let errors = read_resources(text).expect_err(text);
    errors.iter().map(ToString::to_string).collect()
}

/// Replaces `from` in the least resource by `to` and expects exactly these errors of it.
#[track_caller]
fn broken(from: &str, to: &str, expected: &[&str]) {
    assert!(LEAST.contains(from), "{from}");
    let expected: Vec<_> = expected.iter().map(|error| format!("team (document 1, line 1): {error}")).collect();
    assert_eq!(errors(&LEAST.replace(from, to)), expected, "{from} -> {to}");
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
        registry: Registry { url: "http://registry.registry:5000".to_owned(), complete_tag_lists: true },
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
        protect: Protect {
            tags: texts(&["latest", "stable-*"]),
            minimum_age: age("2w"),
            in_use: Some(InUse { scope: Scope::None }),
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
    assert_eq!(resource.spec.protect, Protect { in_use: Some(InUse { scope: Scope::None }), ..Protect::default() });
    assert_eq!(resource.spec.protect.minimum_age.as_str(), "24h");
    let written = serde_json::to_value(resource).unwrap();
    let defaulted = kube::core::cel::apply_defaults(&crd::schema(), &serde_json::to_value(resource).unwrap());
    assert_eq!(written, defaulted, "a default in the schema is not the one of the type");
    let bare: serde_json::Value = serde_saphyr::from_str(LEAST).unwrap();
    let defaulted = kube::core::cel::apply_defaults(&crd::schema(), &bare);
    assert_eq!(serde_json::from_value::<RegistryRetention>(defaulted).unwrap(), *resource);
}

#[test]
fn rules_across_fields() {
    let in_use = "spec.protect.inUse: workloads in use are looked up in a cluster, which this version does not do yet; \
                  say `inUse: {scope: None}` under `protect` to go without that protection";
    broken("  protect: {inUse: {scope: None}}\n", "", &[in_use]);
    broken("{inUse: {scope: None}}", "{minimumAge: 1d}", &[in_use]);
    broken("{inUse: {scope: None}}", "{}", &[in_use]);
    broken(
        "scope: None",
        "scope: Cluster",
        &["spec.protect.inUse.scope: must be None, not `Cluster`: workloads in use are looked up in a cluster, which \
           this version does not do yet; say `inUse: {scope: None}` to go without that protection"],
    );
    broken("{scope: None}", "{}", &["spec.protect.inUse.scope: missing; it is required"]);
    let neither = "spec.rules[0]: say what becomes of the selected tags: `keep` with at least one criterion, or \
                   `action: Delete` or `action: Keep`";
    broken("    keep: {mostRecentlyPushedCount: 5}\n", "", &[neither]);
    broken("keep:", "action: Keep\n    keep:", &["spec.rules[0]: say either `keep` or `action`, not both"]);
    broken(
        "keep:",
        "keepp:",
        &[neither, "spec.rules[0].keepp: unknown field; known here: action, keep, name, repositories, tags"],
    );
    broken(
        "{mostRecentlyPushedCount: 5}",
        "{}",
        &["spec.rules[0].keep: say at least one criterion: `mostRecentlyPushedCount`, `createdWithin` or \
           `newestVersions`"],
    );
    let no_tags = "spec.rules[0].tags: say which tags: at least one glob in `include` or one expression in \
                   `includeRegex`; `include: [\"*\"]` means all";
    broken("{include: ['*']}", "{}", &[no_tags]);
    broken("{include: ['*']}", "{include: [], exclude: [x], includeRegex: []}", &[no_tags]);
    broken(
        "{mostRecentlyPushedCount: 5}",
        "{createdWithin: 00d}",
        &["spec.rules[0].keep.createdWithin: must be more than zero; leave it out to keep nothing by its age"],
    );
    broken(
        "  - name: all",
        "  - {name: all, repositories: {include: [a]}, tags: {include: [a]}, action: Keep}\n  - name: all",
        &["spec.rules[1].name: spec.rules[0] is named all too; each rule needs its own name"],
    );
    let only_regex = LEAST.replace("{include: ['*']}", "{includeRegex: ['.*']}");
    assert!(read_resources(&only_regex).is_ok());
}

#[test]
fn forms_of_text() {
    let url = |shown: &str| {
        format!(
            "spec.registry.url: must be http:// or https://, a host and perhaps a port, such as \
             http://registry.registry:5000, without login, query or fragment; not {shown}"
        )
    };
    for (bad, shown) in [
        ("registry:5000", "`registry:5000`"),
        ("http://me:secret@registry", "`http://…@registry`"),
        ("me:sec@ret@registry:5000", "`…@registry:5000`"),
        ("http://registry?token=secret", "`http://registry?…`"),
        ("", "an empty text"),
    ] {
        broken("http://registry.registry:5000", bad, &[&url(shown)]);
    }
    let long = format!("http://{}", "a".repeat(506));
    broken("http://registry.registry:5000", &long, &["spec.registry.url: must have at most 512 characters"]);
    let age = "a whole number of hours, days or weeks, such as 24h, 30d or 2w (at most five digits; a day is 24 hours)";
    broken("{inUse:", "{minimumAge: 1day, inUse:", &[&format!("spec.protect.minimumAge: must be {age}; not `1day`")]);
    broken(
        "{inUse:",
        "{minimumAge: 24, inUse:",
        &["spec.protect.minimumAge: must be text, but YAML reads 24 here: write it in quotes"],
    );
    let glob = "a glob over repository names, such as apps/** or team/*: lower-case, without host, not starting or \
                ending with '/', not empty, no spaces";
    broken(
        "['**']",
        "[/apps, ok, 'a b', '']",
        &[
            &format!("spec.rules[0].repositories.include[0]: must be {glob}; not `/apps`"),
            &format!("spec.rules[0].repositories.include[2]: must be {glob}; not `a b`"),
            &format!("spec.rules[0].repositories.include[3]: must be {glob}; not an empty text"),
        ],
    );
    let glob = "a glob over tags, such as pr-* or v?.*: letters, digits, '_', '.', '-' and * ? [] {}, not starting \
                with '.', '-' or '/', not empty, no spaces";
    broken("['*']", "[a/b]", &[&format!("spec.rules[0].tags.include[0]: must be {glob}; not `a/b`")]);
    broken("{inUse:", "{tags: [' '], inUse:", &[&format!("spec.protect.tags[0]: must be {glob}; not ` `")]);
    let printable = "printable ASCII characters, and at least one";
    broken(
        "include: ['*']",
        "includeRegex: ['']",
        &[&format!("spec.rules[0].tags.includeRegex[0]: must be {printable}; not an empty text")],
    );
    broken(
        "{mostRecentlyPushedCount: 5}",
        "{newestVersions: {count: 1, range: ''}}",
        &[&format!("spec.rules[0].keep.newestVersions.range: must be {printable}; not an empty text")],
    );
    let label = "lower-case letters, digits and '-', starting and ending with a letter or digit";
    broken("name: all", "name: All", &[&format!("spec.rules[0].name: must be {label}; not `All`")]);
}

#[test]
fn types_and_bounds() {
    let count = "spec.rules[0].keep.mostRecentlyPushedCount";
    broken("Count: 5", "Count: 0", &[&format!("{count}: must be from 1 to 10000, not 0")]);
    broken("Count: 5", "Count: 10001", &[&format!("{count}: must be from 1 to 10000, not 10001")]);
    broken("Count: 5", "Count: '5'", &[&format!("{count}: must be a whole number, not `5`")]);
    broken("Count: 5", "Count: 1.5", &[&format!("{count}: must be a whole number, not 1.5")]);
    broken("Count: 5", "Count:", &[&format!("{count}: empty; give it a value or leave it out")]);
    broken(
        "  protect:",
        "  limits: {maxDeletePercent: 101, maxDeletions: -1, minTagsPerRepository: 1001}\n  protect:",
        &[
            "spec.limits.maxDeletePercent: must be from 0 to 100, not 101",
            "spec.limits.maxDeletions: must be from 0 to 1000000, not -1",
            "spec.limits.minTagsPerRepository: must be from 0 to 1000, not 1001",
        ],
    );
    broken("  protect:", "  mode: enforce\n  protect:", &["spec.mode: must be DryRun or Enforce, not `enforce`"]);
    broken("{mostRecentlyPushedCount: 5}", "5", &["spec.rules[0].keep: must be a mapping of fields, not 5"]);
    broken("['*']", "'*'", &["spec.rules[0].tags.include: must be a list, not `*`"]);
    broken(
        "['*']",
        "[1.10]",
        &["spec.rules[0].tags.include[0]: must be text, but YAML reads 1.1 here: write it in quotes"],
    );
    broken(
        "5000'}",
        "5000', completeTagLists: 'no'}",
        &["spec.registry.completeTagLists: must be true or false, not `no`"],
    );
    broken("{include: ['**']}", "{exclude: [x]}", &["spec.rules[0].repositories.include: missing; it is required"]);
    broken("['**']", "[]", &["spec.rules[0].repositories.include: must have at least 1 item"]);
    let many = format!("[{}]", "a,".repeat(65));
    broken("['**']", &many, &["spec.rules[0].repositories.include: must have at most 64 items"]);
    broken(
        "    repositories: {include: ['**']}\n    tags: {include: ['*']}\n",
        "",
        &["spec.rules[0].repositories: missing; it is required", "spec.rules[0].tags: missing; it is required"],
    );
    broken(
        "{mostRecentlyPushedCount: 5}",
        "{newestVersions: {per: Patch}}",
        &[
            "spec.rules[0].keep.newestVersions.count: missing; it is required",
            "spec.rules[0].keep.newestVersions.per: must be Major or Minor, not `Patch`",
        ],
    );
}

#[test]
fn unknown_fields_at_any_depth() {
    broken(
        "metadata:",
        "status: {}\nmetadata:",
        &["status: unknown field; known here: apiVersion, kind, metadata, spec"],
    );
    broken(
        "{name: team}",
        "{name: team, uid: x}",
        &["metadata.uid: unknown field; known here: annotations, labels, name, namespace"],
    );
    broken(
        "  registry:",
        "  suspend: true\n  registry:",
        &["spec.suspend: unknown field; known here: limits, mode, protect, registry, rules"],
    );
    broken(
        "scope: None",
        "scope: None, namespaces: []",
        &["spec.protect.inUse.namespaces: unknown field; known here: scope"],
    );
    broken(
        "Count: 5",
        "Count: 5, pushedWithin: 3d, within: 3d",
        &[
            "spec.rules[0].keep.pushedWithin: unknown field; known here: createdWithin, mostRecentlyPushedCount, \
         newestVersions",
            "spec.rules[0].keep.within: unknown field; known here: createdWithin, mostRecentlyPushedCount, newestVersions",
        ],
    );
    broken(
        "{name: team}",
        "{name: team, labels: {on: 1}, annotations: {a: b}}",
        &["metadata.labels.on: must be text, but YAML reads 1 here: write it in quotes"],
    );
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
        ("a: 1\na: 2", "duplicate mapping key: a"),
        ("a: 1\na: 2", "line 2, column 1"),
        ("\ta: 1", "line 1"),
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
        laughs += &format!("a{level}: &a{level} [{below}]\n");
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
        ("scope: None", format!("scope: {evil}")),
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
