//! One resource with one mistake: exactly the errors that belong to it.

use super::*;

/// Replaces `from` in the least resource by `to` and expects exactly these errors of it.
#[track_caller]
fn broken(from: &str, to: &str, expected: &[&str]) {
    assert!(LEAST.contains(from), "{from}");
    let expected: Vec<_> = expected.iter().map(|error| format!("team (document 1, line 1): {error}")).collect();
    assert_eq!(errors(&LEAST.replace(from, to)), expected, "{from} -> {to}");
}

#[test]
fn rules_across_fields() {
    broken(
        "{inUse: {}}",
        "{inUse: {scope: Everywhere}}",
        &["spec.protect.inUse.scope: must be Cluster or Namespace or None, not `Everywhere`"],
    );
    broken(
        "  protect:",
        "  timeZone: Europe/Berlin\n  protect:",
        &["spec.timeZone: `timeZone` says how `schedule` is read; give a `schedule` too, or leave `timeZone` out"],
    );
    broken(
        "5000'}",
        "5000', container: main}",
        &[
            "spec.registry.container: `container` is one of the Deployment's; name that by `deploymentRef` too, or leave \
           `container` out",
        ],
    );
    broken(
        "5000'}",
        "5000', configuration: /etc/config.yml}",
        &[
            "spec.registry.configuration: `configuration` is a file in the Deployment's container; name the Deployment by \
           `deploymentRef` too, or leave `configuration` out",
        ],
    );
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
        &["spec.rules[0].keep: say at least one criterion: `mostRecentlyPushedCount`, `pushedWithin`, \
           `createdWithin` or `newestVersions`"],
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
        "  registry:",
        "  untagged: {olderThan: 0d}\n  registry:",
        &["spec.untagged.olderThan: must be more than zero; leave `untagged` out to leave untagged manifests"],
    );
    broken(
        "{mostRecentlyPushedCount: 5}",
        "{pushedWithin: 0h}",
        &["spec.rules[0].keep.pushedWithin: must be more than zero; leave it out to keep nothing by its push time"],
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
            "spec.registry.url: must be http:// or https://, a host of at least two names and perhaps a port, such \
             as http://registry.registry:5000 (service.namespace), without login, path, query or fragment; not {shown}"
        )
    };
    for (bad, shown) in [
        ("registry:5000", "`registry:5000`"),
        ("http://registry:5000", "`http://registry:5000`"),
        ("http://me:secret@registry", "`http://…@registry`"),
        ("me:sec@ret@registry:5000", "`…@registry:5000`"),
        ("http://registry?token=secret", "`http://registry?…`"),
        ("", "an empty text"),
    ] {
        broken("http://registry.registry:5000", bad, &[&url(shown)]);
    }
    let long = format!("http://a.{}", "a".repeat(506));
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
        "  untaged: {}\n  registry:",
        &["spec.untaged: unknown field; known here: limits, mode, protect, registry, rules, schedule, suspend, \
           timeZone, timeout, untagged"],
    );
    broken(
        "inUse: {}",
        "inUse: {namespaces: []}",
        &["spec.protect.inUse.namespaces: unknown field; known here: scope"],
    );
    broken(
        "Count: 5",
        "Count: 5, within: 3d",
        &["spec.rules[0].keep.within: unknown field; known here: createdWithin, mostRecentlyPushedCount, \
           newestVersions, pushedWithin"],
    );
    broken(
        "{name: team}",
        "{name: team, labels: {on: 1}, annotations: {a: b}}",
        &["metadata.labels.on: must be text, but YAML reads 1 here: write it in quotes"],
    );
}
