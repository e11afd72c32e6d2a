//! The next command to type, as the one that was typed.

use std::path::Path;

use super::args::{Access, Cluster, Mandate, Source, State};
use super::source::is_stdin;
use crate::storage::Location;

/// The command that carries a plan out, with the options that were given for it. It holds no secret: a password comes
/// from standard input.
pub(super) fn prune(
    source: &Source,
    storage: Option<&Location>,
    mandate: &Mandate,
    cluster: &Cluster,
    access: &Access,
    state: &State,
) -> String {
    let mut command = format!("registry-retention prune -f {} --yes", file(&source.file));
    let mut option = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            command.extend([" ", name, " ", &word(&value)]);
        }
    };
    let path = |path: &Option<std::path::PathBuf>| path.as_deref().map(absolute);
    option("--registry", source.registry.as_ref().map(ToString::to_string));
    option("--storage", storage.map(given));
    option("--kubeconfig", path(&cluster.kubeconfig));
    option("--context", cluster.context.clone());
    option("--username", access.username.clone());
    option("--docker-config", path(&access.docker_config));
    option("--ca", path(&access.ca));
    option("--cert", path(&access.cert));
    option("--key", path(&access.key));
    for (name, given) in [
        ("--password-stdin", access.password_stdin),
        ("--complete-lists", source.complete_lists),
        ("--live-shared", mandate.live_shared),
        ("--ignore-cluster", cluster.ignored),
    ] {
        if given {
            command.extend([" ", name]);
        }
    }
    command + &state_option(state)
}

/// The option that names the state directory, if it was given.
pub(super) fn state_option(state: &State) -> String {
    state.state_dir.as_deref().map(|dir| format!(" --state-dir {}", word(&absolute(dir)))).unwrap_or_default()
}

fn file(file: &Path) -> String {
    if is_stdin(file) { "-".to_owned() } else { word(&absolute(file)) }
}

/// A location as it can be given again, from anywhere.
fn given(location: &Location) -> String {
    match location {
        Location::Filesystem(path) => absolute(path),
        Location::Bucket(bucket) => bucket.url(),
    }
}

/// From the root, for whoever stands elsewhere when it is typed.
pub(super) fn absolute(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
}

/// As a shell takes it.
pub(super) fn word(text: &str) -> String {
    let plain = |char: char| char.is_ascii_alphanumeric() || "/._-+:@%".contains(char);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::super::args::{Cli, Command};
    use super::*;

    fn next(line: &[&str]) -> String {
        let all = ["registry-retention", "plan"].into_iter().chain(line.iter().copied());
        let Command::Plan(plan) = Cli::try_parse_from(all).unwrap().command else { panic!("not a plan") };
        prune(&plan.source, plan.storage.storage.as_ref(), &plan.mandate, &plan.cluster, &plan.access, &plan.state)
    }

    #[test]
    fn the_next_command_has_the_options_of_this_one() {
        assert_eq!(next(&["-f", "/a.yaml", "-o", "wide"]), "registry-retention prune -f /a.yaml --yes");
        assert_eq!(
            next(&[
                "-f",
                "-",
                "--registry",
                "http://r:5000",
                "--complete-lists",
                "--live-shared",
                "--state-dir",
                "/s s"
            ]),
            "registry-retention prune -f - --yes --registry http://r:5000 --complete-lists --live-shared --state-dir '/s s'"
        );
        assert_eq!(
            next(&["-f", "/a", "--kubeconfig", "/k", "--context", "me@here"]),
            "registry-retention prune -f /a --yes --kubeconfig /k --context me@here"
        );
        let bucket = "s3://images/a b?region=eu&path-style=false&endpoint=http://minio:9000";
        for (given, again) in [
            ("/var/lib/registry", "/var/lib/registry".to_owned()),
            (
                bucket,
                format!(
                    "'{}'",
                    bucket.replace(' ', "%20").replace("http://minio:9000", "http%3A%2F%2Fminio%3A9000%2F")
                ),
            ),
        ] {
            let line = next(&["-f", "/a", "--storage", given]);
            assert_eq!(line, format!("registry-retention prune -f /a --yes --storage {again}"));
        }
        assert_eq!(next(&["-f", "/a", "--ignore-cluster"]), "registry-retention prune -f /a --yes --ignore-cluster");
        assert_eq!(
            next(&["-f", "/it's", "--username", "a$b", "--password-stdin", "--ca", "/ca.pem"]),
            r"registry-retention prune -f '/it'\''s' --yes --username 'a$b' --ca /ca.pem --password-stdin"
        );
    }
}
