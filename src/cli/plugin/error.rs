use crate::cli::exit::Exit;
use crate::cluster::Cause;
use crate::controller::resource::Key;

/// Why a command of the plugin did not do what it was told: a sentence, and the next command.
#[derive(Debug, thiserror::Error)]
#[error("{what}\nNext: {next}")]
pub(in crate::cli) struct PluginError {
    what: String,
    /// The next command.
    next: String,
    exit: Exit,
}

/// What was tried at the API server, as roles name it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attempt<'a> {
    pub(super) verb: &'static str,
    pub(super) resource: &'static str,
    /// Where; absent: in all namespaces.
    pub(super) namespace: Option<&'a str>,
}

impl PluginError {
    /// What was typed means nothing that is there.
    pub(super) fn usage(what: impl Into<String>, next: String) -> Self {
        Self { what: what.into(), next, exit: Exit::Usage }
    }

    /// The cluster cannot be asked, or what it says cannot be used.
    pub(super) fn cluster(what: impl Into<String>, next: String) -> Self {
        Self { what: what.into(), next, exit: Exit::Registry }
    }

    /// The resource is not there.
    pub(super) fn no_resource(key: &Key, kubectl: impl Fn(&str) -> String) -> Self {
        let what = format!("there is no RegistryRetention {} in namespace {}", key.name, key.namespace);
        Self::usage(what, kubectl("registry-retention status -A"))
    }

    /// The cluster does not know the kind.
    pub(super) fn no_kind() -> Self {
        let what = "the cluster does not know the kind RegistryRetention: the operator is not installed there";
        let next = "helm install registry-retention charts/registry-retention -n registry --create-namespace";
        Self::cluster(what, next.to_owned())
    }

    /// The API server did not do it.
    pub(super) fn refused(attempt: Attempt<'_>, cause: &Cause, kubectl: impl Fn(&str) -> String) -> Self {
        let Attempt { verb, resource, namespace } = attempt;
        let place = namespace.map_or("in all namespaces".to_owned(), |namespace| format!("in namespace {namespace}"));
        let what = format!("{resource}: {verb} {place} failed: ");
        match cause {
            Cause::Forbidden => {
                let option = namespace.map_or("-A".to_owned(), |namespace| format!("-n {namespace}"));
                let why = format!("your role lacks the verb {verb}; an administrator can grant it");
                Self::cluster(what + &why, kubectl(&format!("auth can-i {verb} {resource} {option}")))
            }
            Cause::Unauthenticated => Self::cluster(format!("{what}{cause}; log in again"), kubectl("auth whoami")),
            _ => Self::cluster(format!("{what}{cause}"), kubectl("cluster-info")),
        }
    }

    /// The code that the process ends with.
    pub(in crate::cli) fn exit(&self) -> Exit {
        self.exit
    }
}
