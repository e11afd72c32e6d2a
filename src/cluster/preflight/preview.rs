use k8s_openapi::api::core::v1::{ContainerStateTerminated, Pod};
use kube::{Api, Client};

use super::{Ask, Failure};
use crate::cluster::errand::{self, ErrandError};
use crate::cluster::pod_state::how;
use crate::collection::garbage::{Account, Outcome};
use crate::collection::preflight::{Facts, Objection};
use crate::collection::{Errand, Template, job};

/// Runs a dry run of a collection beside the registry, as its Deployment and its pods were read.
pub(super) async fn preview(client: &Client, ask: &Ask<'_>, facts: &Facts) -> Result<Account, Failure> {
    let wish = &facts.wish;
    let deployment = facts.deployment.as_ref().ok_or_else(|| ErrandError::NoDeployment(facts.name.clone()))?;
    let template = Template::of(deployment, wish.container.as_deref(), wish.configuration.as_deref());
    let template = template.map_err(ErrandError::Refused)?;
    let place = template.place(&facts.access_modes(), facts.own_nodes()).map_err(ErrandError::Refused)?;
    let seconds = i64::try_from(ask.deadline.as_secs()).unwrap_or(i64::MAX).max(1);
    let wanted = job(&template, &place, &Errand::preview(&template, ask.executable, ask.run, ask.image, seconds));
    let pods: Api<Pod> = Api::namespaced(client.clone(), ask.namespace);
    let done = errand::run(client, &wanted, async |made| -> Result<_, Failure> {
        let pod = errand::pod_of(&pods, made).await?;
        Ok(errand::ended(&pods, &pod).await?)
    });
    account(&Box::pin(done).await?)
}

/// What the program wrote into its container's status.
fn account(ended: &ContainerStateTerminated) -> Result<Account, Failure> {
    let account = Account::last_in(ended.message.as_deref().unwrap_or_default());
    // A program that said so and then failed did something else as well.
    let is_sound = |account: &Account| account.outcome != Outcome::Previewed || ended.exit_code == 0;
    account.filter(is_sound).ok_or_else(|| {
        let how = how(ended);
        transient(
            "PreviewFailed",
            &format!("the dry run beside the registry ended with {how}, and did not tell what it found"),
        )
    })
}

impl From<ErrandError> for Failure {
    fn from(error: ErrandError) -> Self {
        match error {
            ErrandError::Refused(refusal) => Self::Refused(vec![Objection::from(&refusal)]),
            ErrandError::Api(what, cause) => Self::of_api(what, &cause),
            ErrandError::NotOurs(job) => Self::Refused(vec![Objection::job_in_the_way(&job)]),
            ErrandError::NoDeployment(name) => transient("DeploymentChanged", &format!("Deployment {name} is gone")),
            ErrandError::Stays(job) => transient(
                "JobInTheWay",
                &format!("Job {job} was deleted and its pod does not go; see that its node is Ready"),
            ),
            ErrandError::NoPod(job) => {
                let why = "a quota, a policy or Pod Security may be in the way; see its Events";
                transient("JobNotStarted", &format!("no pod was made for Job {job}: {why}"))
            }
            ErrandError::NotStarted(why) => {
                transient("JobNotStarted", &format!("the dry run beside the registry was not started: {why}"))
            }
            ErrandError::Gone => {
                transient("JobGone", "the pod of the dry run beside the registry was deleted meanwhile")
            }
            ErrandError::Timeout => transient("JobTimeout", "the dry run beside the registry did not end in time"),
        }
    }
}

fn transient(reason: &'static str, what: &str) -> Failure {
    Failure::Transient { reason, message: format!("{what}; nothing was changed; it is tried again") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_account_with_the_right_exit_code_counts() {
        let previewed = Account::of(Outcome::Previewed, "Previewed", "x".into()).to_line();
        let refused = Account::of(Outcome::Refused, "PullThrough", "x".into()).to_line();
        let read = |message: Option<&str>, exit_code| {
            let message = message.map(str::to_owned);
            let ended = ContainerStateTerminated { exit_code, message, ..ContainerStateTerminated::default() };
            account(&ended).map(|account| account.reason).map_err(|failure| failure.reason())
        };
        assert_eq!(read(Some(&format!("{previewed}\n")), 0), Ok("Previewed".into()));
        assert_eq!(read(Some(&format!("some words\n{refused}")), 3), Ok("PullThrough".into()));
        for (message, code) in [
            (Some(previewed.as_str()), 137),
            (Some(&previewed[..previewed.len() - 1]), 0),
            (Some("killed"), 1),
            (None, 137),
        ] {
            assert_eq!(read(message, code), Err("PreviewFailed"), "{message:?}");
        }
    }
}
