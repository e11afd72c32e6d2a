use std::error::Error;
use std::fmt;

use kube::client::AuthError;
use kube::core::{ApiResource, Status};

/// Why the cluster could not be asked. Nothing is deleted then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClusterError {
    /// The kubeconfig, or what a pod has in its place, cannot be used.
    #[error("{0}; nothing is deleted")]
    Configuration(String),
    /// What workloads use cannot be read.
    #[error("what workloads use is not known: {0}; nothing is deleted; {remedy}", remedy = .0.remedy())]
    Workloads(Unread),
    /// The other resources of the cluster cannot be read.
    #[error("what other resources keep is not known: {0}; nothing is deleted; {remedy}", remedy = .0.remedy())]
    Resources(Unread),
    /// A resource that concerns the registry, or may, cannot be understood.
    #[error(
        "the RegistryRetention {name} of the cluster may concern this registry and cannot be understood: {why}; nothing \
         is deleted; correct it, or delete it"
    )]
    Resource {
        /// `namespace/name`.
        name: String,
        /// What is wrong with it.
        why: String,
    },
}

/// What could not be read, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// The resource as a role names it, such as `deployments.apps`.
    pub resource: String,
    /// Where; absent: in all namespaces.
    pub namespace: Option<String>,
    /// What was tried.
    pub verb: Verb,
    /// Why it failed.
    pub cause: Cause,
}

/// What is done with resources, as roles name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Read once.
    List,
    /// Followed.
    Watch,
}

/// Why something could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The role lacks the verb.
    Forbidden,
    /// The login is not known.
    Unauthenticated,
    /// There is no such resource.
    NotFound,
    /// The continue token expired, again and again.
    Expired,
    /// The API server refused otherwise: code and message.
    Refused(u16, String),
    /// The answer does not fit the API.
    Malformed(String),
    /// No login could be had, or no answer.
    Unreachable(String),
}

impl ClusterError {
    /// The stable code.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Configuration(_) => "KubeconfigUnusable",
            Self::Workloads(_) => "WorkloadsUnreadable",
            Self::Resources(_) => "ResourcesUnreadable",
            Self::Resource { .. } => "ResourceInvalid",
        }
    }
}

impl Unread {
    pub(super) fn new(resource: &ApiResource, namespace: Option<&str>, verb: Verb, cause: Cause) -> Self {
        let resource = match resource.group.as_str() {
            "" => resource.plural.clone(),
            group => format!("{}.{group}", resource.plural),
        };
        Self { resource, namespace: namespace.map(str::to_owned), verb, cause }
    }

    /// What to do about it.
    fn remedy(&self) -> String {
        match &self.cause {
            Cause::Forbidden => format!("grant the verbs list and watch on {}{}", self.resource, self.place()),
            Cause::Unauthenticated => "log in to the cluster again".to_owned(),
            Cause::Unreachable(_) => "see that the API server can be reached".to_owned(),
            Cause::NotFound | Cause::Malformed(_) => "see that this is the API server of a Kubernetes".to_owned(),
            Cause::Expired | Cause::Refused(..) => "try again".to_owned(),
        }
    }

    fn place(&self) -> String {
        match &self.namespace {
            Some(namespace) => format!(" in namespace {namespace}"),
            None => " in all namespaces".to_owned(),
        }
    }
}

impl From<&Status> for Cause {
    fn from(status: &Status) -> Self {
        match status.code {
            401 => Self::Unauthenticated,
            410 => Self::Expired,
            _ if status.is_forbidden() => Self::Forbidden,
            _ if status.is_not_found() => Self::NotFound,
            code => Self::Refused(code, status.message.clone()),
        }
    }
}

impl From<&kube::Error> for Cause {
    fn from(error: &kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => Self::from(&**status),
            kube::Error::SerdeError(why) => Self::Malformed(why.to_string()),
            other => Self::Unreachable(innermost(other)),
        }
    }
}

/// What is at the root of `error`. What a login's helper printed is no part of it, for that may be the login.
fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut error = error;
    loop {
        match (error.downcast_ref::<AuthError>(), error.source()) {
            (Some(AuthError::AuthExecRun { .. } | AuthError::AuthExecParse(_) | AuthError::AuthExec(_)), _) => {
                return "the command that the kubeconfig names gave no login".to_owned();
            }
            (_, Some(source)) => error = source,
            (_, None) => return error.to_string(),
        }
    }
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} cannot be {}{}: ", self.resource, self.verb.done(), self.place())?;
        match &self.cause {
            Cause::Forbidden => write!(f, "the role of this user lacks the verb {}", self.verb),
            cause => cause.fmt(f),
        }
    }
}

impl Verb {
    fn done(self) -> &'static str {
        match self {
            Self::List => "listed",
            Self::Watch => "watched",
        }
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::List => "list",
            Self::Watch => "watch",
        })
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Forbidden => f.write_str("the role of this user lacks the right"),
            Self::Unauthenticated => f.write_str("the API server does not know this login"),
            Self::NotFound => f.write_str("there is no such resource"),
            Self::Expired => f.write_str("the list was outdated before it was read to its end, several times"),
            Self::Refused(code, message) => write!(f, "the API server answered {code}: {message}"),
            Self::Malformed(why) => write!(f, "the answer does not fit the API: {why}"),
            Self::Unreachable(why) => f.write_str(why),
        }
    }
}
