//! Whatever a message tells to type can be typed.

use clap::CommandFactory as _;

use super::super::{FILE_NAME, is_called};
use super::*;

/// The commands of this plugin in `text`, each as one line.
fn commands(text: &str) -> Vec<String> {
    let begin = "kubectl registry-retention ";
    let ends = |word: &&str| !word.starts_with('(') && !word.starts_with('#');
    text.split(begin)
        .skip(1)
        .map(|rest| {
            let line = rest.lines().next().unwrap_or_default();
            // A command ends with the sentence that it is part of, or with its quotes.
            let end = line.find([',', ';', '`', '\'']).unwrap_or(line.len());
            let words: Vec<&str> = line[..end].split(' ').filter(|word| !word.is_empty()).take_while(ends).collect();
            words.join(" ").trim_end_matches('.').to_owned()
        })
        .collect()
}

#[track_caller]
fn check(text: &str) -> usize {
    let commands = commands(text);
    for command in &commands {
        parse(&command.replace("HASH", "0123456789ab"));
    }
    commands.len()
}

#[test]
fn those_of_the_status_exist() {
    let standings = include_str!(
        "../../../controller/snapshots/\
         registry_retention__controller__story__tests__every_message_ends_with_the_next_command.snap"
    );
    assert!(check(standings) >= 9, "{standings}");
    let patches: Vec<&str> = standings.split("-p '").skip(1).filter_map(|rest| rest.split('\'').next()).collect();
    assert_eq!(patches, [r#"{"spec":{"suspend":false}}"#]);
}

#[test]
fn those_of_the_plugin_and_of_the_docs_exist() {
    let commands =
        Commands::new(&Place { kubeconfig: Some("/k".into()), context: Some("here".into()), ..Place::default() });
    let key = crate::controller::resource::Key { namespace: "registry".into(), name: "team".into() };
    let all = [
        commands.status(&key),
        commands.plan(&key),
        commands.plan_waiting(&key),
        commands.plan_running(&key),
        commands.run(&key),
        commands.accept(&key, "0123456789ab"),
    ];
    assert_eq!(check(&all.join("\n")), all.len());
    assert!(all.iter().all(|it| it.ends_with(" -n registry --kubeconfig /k --context here")), "{all:?}");
    for text in [
        include_str!("../../../../docs/operator.md"),
        include_str!("../../../../docs/cli.md"),
        include_str!("../../../../README.md"),
        include_str!("../../../../charts/registry-retention/README.md"),
        include_str!("../../../../charts/registry-retention/templates/NOTES.txt"),
    ] {
        check(text);
    }
}

#[test]
fn the_command_line_is_consistent_and_as_kubectl_has_it() {
    Plugin::command().debug_assert();
    let parse = |line: &str| {
        let words = std::iter::once("kubectl registry-retention").chain(line.split(' '));
        Plugin::try_parse_from(words)
    };
    for line in ["status -A", "-n x status y", "status y --namespace x --context z", "plan y -o yaml --waiting"] {
        assert!(parse(line).is_ok(), "{line}");
    }
    for line in [
        "status y -A",
        "status -A -n x",
        "plan",
        "plan y --waiting --running",
        "accept y 0123456789",
        "accept y 0123456789xy",
    ] {
        assert!(parse(line).is_err(), "{line}");
    }
}

#[test]
fn it_is_the_plugin_by_its_name_alone() {
    for (name, is) in [(FILE_NAME, true), ("/usr/bin/kubectl-registry_retention", true), ("registry-retention", false)]
    {
        assert_eq!(is_called(name.as_ref()), is, "{name}");
    }
}
