//! Whether a registry may be frozen. What is decided is decided in [`crate::collection::preflight`].
//!
//! - `gather`: what is read of the cluster, live; `workloads`: all that makes pods in the namespace
//! - `preview`: a dry run beside the registry
//! - `pods`: the registry's pods, asked whether they take writes

mod gather;
mod pods;
mod preview;
mod workloads;

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use kube::Client;

use super::error::Cause;
use crate::collection::garbage::Account;
use crate::collection::preflight::{Facts, Objection, Preview, Wish, objections, window};
use crate::collection::protocol::Guard;
use crate::collection::{Serving, StoreMark, Template};
use crate::registry::Access;

/// Which registry is to be frozen, and how.
#[derive(Clone, Debug)]
pub struct Ask<'a> {
    /// Where the Deployment is.
    pub namespace: &'a str,
    /// The registry's Deployment.
    pub deployment: &'a str,
    /// The registry's program in its container, where the Deployment does not tell it.
    pub executable: Option<&'a str>,
    /// What is asked for.
    pub wish: Wish,
    /// Our own image, which brings the program.
    pub image: &'a str,
    /// The run that the preview belongs to; a label's value.
    pub run: &'a str,
    /// How long the preview may take.
    pub deadline: Duration,
    /// The host by which the registry is known, if it is; its certificate is of that name.
    pub host: Option<&'a str>,
    /// How its pods are reached.
    pub access: &'a Access,
}

/// What is known of a registry that may be frozen.
#[derive(Clone, Debug)]
pub struct Passed {
    /// The Deployment, as it was read last.
    pub deployment: Deployment,
    /// What a dry run told; `None` where only the registry's own pod can have the store.
    pub preview: Option<Account>,
    /// How the registry serves, likewise.
    pub serving: Option<Serving>,
    /// For how long it would be read-only, likewise.
    pub window: Option<Duration>,
    /// The claims of the store.
    pub claims: BTreeSet<String>,
    /// The nodes on which the registry's pods run.
    pub nodes: BTreeSet<String>,
    /// Whether the admission guard is in force.
    pub guard: Guard,
}

/// Why a registry is not frozen. It was not touched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// There are objections, at least one.
    Refused(Vec<Objection>),
    /// It is not known whether there are any; it is tried again.
    Transient {
        /// The stable code.
        reason: &'static str,
        /// What happened.
        message: String,
    },
}

/// Looks whether a registry may be frozen. Nothing of it is changed: a dry run beside it reads its store, and its pods
/// answer a request.
///
/// What the cluster tells is looked at before the dry run, which may take long, and again after it.
///
/// # Errors
///
/// [`Failure`] if it may not, or that is not known.
pub async fn preflight(client: &Client, ask: &Ask<'_>) -> Result<Passed, Failure> {
    let first = unobjected(Box::pin(gather::gather(client, ask)).await?)?;
    let preview = if first.can_preview() {
        Preview::Told(Box::new(Box::pin(preview::preview(client, ask, &first)).await?))
    } else {
        Preview::Impossible
    };
    let first = unobjected(Facts { preview, ..first })?;
    let mut facts = Box::pin(gather::gather(client, ask)).await?;
    if !is_same(first.deployment.as_ref(), facts.deployment.as_ref()) {
        let message =
            format!("Deployment {} was changed during the dry run beside it; nothing was changed", facts.name);
        return Err(Failure::Transient { reason: "DeploymentChanged", message });
    }
    facts.preview = first.preview;
    if let Some(serving) = facts.serving() {
        facts.answers = Some(Box::pin(pods::answers(&facts, serving, ask)).await);
    }
    passed(unobjected(facts)?)
}

fn unobjected(facts: Facts) -> Result<Facts, Failure> {
    let objections = objections(&facts);
    if objections.is_empty() { Ok(facts) } else { Err(Failure::Refused(objections)) }
}

/// Whether what was previewed is what was asked.
fn is_same(one: Option<&Deployment>, other: Option<&Deployment>) -> bool {
    let identity = |it: &Deployment| (it.metadata.uid.clone(), it.metadata.generation);
    one.map(identity) == other.map(identity)
}

fn passed(facts: Facts) -> Result<Passed, Failure> {
    let (nodes, serving) = (facts.own_nodes(), facts.serving().cloned());
    let Facts { wish, deployment, preview, guard, name, .. } = facts;
    // Without them there are objections.
    let absent = || Failure::Transient { reason: "DeploymentChanged", message: format!("Deployment {name} is gone") };
    let deployment = deployment.ok_or_else(absent)?;
    let template = Template::of(&deployment, wish.container.as_deref(), wish.configuration.as_deref());
    let claims = template.map_err(|refusal| Failure::Refused(vec![Objection::from(&refusal)]))?;
    let claims = StoreMark::of(&claims).claims().map(str::to_owned).collect();
    let preview = match preview {
        Preview::Told(account) => Some(*account),
        Preview::NotYet | Preview::Impossible => None,
    };
    let window = preview.as_ref().map(window);
    Ok(Passed { deployment, preview, serving, window, claims, nodes, guard })
}

impl Failure {
    /// The API server refused, or did not answer.
    fn of_api(what: &str, cause: &Cause) -> Self {
        match cause {
            Cause::Forbidden => Self::Refused(vec![Objection::forbidden(what)]),
            cause => Self::Transient {
                reason: "ApiServer",
                message: format!("{what}: {cause}; nothing was changed; it is tried again"),
            },
        }
    }

    /// The stable code; of several, the first.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Refused(objections) => objections.first().map_or("Refused", Objection::reason),
            Self::Transient { reason, .. } => reason,
        }
    }

    /// Whether it may well pass without anybody's doing.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Refused(objections) => objections.iter().all(Objection::may_pass),
            Self::Transient { .. } => true,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(objections) => {
                let all: Vec<String> = objections.iter().map(Objection::to_string).collect();
                f.write_str(&all.join(". "))
            }
            Self::Transient { message, .. } => f.write_str(message),
        }
    }
}

impl std::error::Error for Failure {}
