use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use k8s_openapi::api::apps::v1::Deployment;
use kube::{Api, Client, ResourceExt as _};

use super::tale::with_forecast;
use crate::api::{RegistryCollection, RegistryCollectionSpec, RegistryCollectionStatus};
use crate::cluster::Lookout;
use crate::cluster::preflight::{self, Failure, Passed};
use crate::cluster::stage::{Ask, Stage, StageError, Workshop};
use crate::collection::patch::Subject;
use crate::collection::preflight::{THAW, Wish};
use crate::collection::protocol::{Answer, Run};
use crate::collection::{Serving, StoreMark, unnamed_container};
use crate::controller::access::Secrets;
use crate::controller::context::Context;
use crate::controller::resource::Key;
use crate::controller::trouble::Trouble;
use crate::registry::{Access, ask};

/// How long the dry run beside the registry may take.
const PREVIEW: Duration = Duration::from_secs(3600);
/// Where nothing foretold how long a collection takes.
const UNKNOWN: SignedDuration = SignedDuration::from_secs(60);

/// A collection that may begin, or go on.
pub(super) struct Ready {
    pub(super) stage: Stage,
    /// How long the collector and the thaw after it are expected to take.
    pub(super) expected: SignedDuration,
    /// What is known of it so far.
    pub(super) status: RegistryCollectionStatus,
}

/// Looks whether the registry may be frozen; nothing of it is changed.
///
/// # Errors
///
/// Why it may not.
pub(super) async fn preflight(
    context: &Context,
    key: &Key,
    collection: &RegistryCollection,
    lookout: Arc<Lookout>,
) -> Result<Ready, Trouble> {
    context.serves_this_crd().await?;
    let image = context.image("collects")?;
    let spec = &collection.spec;
    let access = access(&context.client, key, spec).await?;
    let run = collection.uid().unwrap_or_default();
    let ask = preflight::Ask {
        namespace: &key.namespace,
        deployment: &spec.deployment_ref.name,
        executable: spec.executable.as_deref(),
        wish: wish(spec),
        image,
        run: &run,
        deadline: PREVIEW,
        host: None,
        access: &access,
    };
    let passed = Box::pin(preflight::preflight(&context.client, &ask)).await.map_err(|failure| trouble(&failure))?;
    let mut status = collection.status.clone().unwrap_or_default();
    let expected = foretold(&mut status, &passed);
    status.claims = passed.claims.iter().cloned().collect();
    status.serving.clone_from(&passed.serving);
    let stage = stage(context, key, collection, &passed.deployment, &status, lookout, access);
    Ok(Ready { stage, expected, status })
}

/// A collection that has begun: what it was found to be then is in its status.
pub(super) async fn resumed(
    context: &Context,
    key: &Key,
    collection: &RegistryCollection,
    lookout: Arc<Lookout>,
) -> Result<Ready, StageError> {
    let spec = &collection.spec;
    let deployments: Api<Deployment> = Api::namespaced(context.client.clone(), &key.namespace);
    let deployment = deployments.get_opt(&spec.deployment_ref.name).await;
    let deployment = deployment.map_err(|why| StageError::reading_deployment(&why))?.unwrap_or_default();
    let status = collection.status.clone().unwrap_or_default();
    // Without the Secret the pods cannot be asked, and no collection begins; the thaw needs it for nothing.
    let access = access(&context.client, key, spec).await.unwrap_or_default();
    let stage = stage(context, key, collection, &deployment, &status, lookout, access);
    Ok(Ready { stage, expected: UNKNOWN, status })
}

fn stage(
    context: &Context,
    key: &Key,
    collection: &RegistryCollection,
    deployment: &Deployment,
    status: &RegistryCollectionStatus,
    lookout: Arc<Lookout>,
    access: Access,
) -> Stage {
    let spec = &collection.spec;
    let container = spec.container.as_deref().or_else(|| unnamed_container(deployment)).unwrap_or_default().to_owned();
    let mark = StoreMark::known(&status.claims, Some(deployment), &container);
    let subject = Subject { namespace: key.namespace.clone(), deployment: spec.deployment_ref.name.clone(), container };
    let run = Run::new(collection.uid().unwrap_or_default());
    let ask = asking(status.serving.clone(), access);
    let mut stage = Stage::new(context.client.clone(), subject, run, key.name.clone(), mark, lookout, ask);
    stage.workshop = Some(Workshop {
        image: context.image.clone().unwrap_or_default(),
        executable: spec.executable.clone(),
        configuration: spec.configuration.clone(),
        verify: spec.verify,
        stale_uploads: spec.stale_uploads.older_than.to_string(),
    });
    stage
}

fn asking(serving: Option<Serving>, access: Access) -> Ask {
    let access = Arc::new(access);
    Arc::new(move |ip| {
        let (serving, access) = (serving.clone(), Arc::clone(&access));
        Box::pin(async move {
            let (Some(serving), Ok(address)) = (serving, ip.parse()) else { return Answer::Unknown };
            match ask(address, &serving, None, &access).await {
                Ok(answer) => answer,
                Err(why) => {
                    tracing::debug!(reason = why.reason(), %why, "a pod was asked whether it takes writes");
                    Answer::Unknown
                }
            }
        })
    })
}

fn wish(spec: &RegistryCollectionSpec) -> Wish {
    Wish {
        container: spec.container.clone(),
        configuration: spec.configuration.clone(),
        strategy: spec.strategy,
        guard: spec.guard,
        store_is_exclusive: spec.store_is_exclusive,
        max_read_only: spec.max_read_only.duration(),
        // A person who asks for a collection wants it.
        minimum_reclaim: None,
    }
}

/// Writes down what the dry run foretold; how long the collector and the thaw after it will take.
fn foretold(status: &mut RegistryCollectionStatus, passed: &Passed) -> SignedDuration {
    let (Some(account), Some(window)) = (&passed.preview, passed.window) else { return UNKNOWN };
    with_forecast(status, account, window.as_secs());
    // The window begins with a roll-out as long as the last one.
    SignedDuration::try_from(window.saturating_sub(THAW)).unwrap_or(SignedDuration::MAX)
}

async fn access(client: &Client, key: &Key, spec: &RegistryCollectionSpec) -> Result<Access, Trouble> {
    let secrets = Secrets { client, namespace: &key.namespace };
    let name = |reference: &crate::api::SecretReference| reference.name.clone();
    secrets.access("spec", spec.secret_ref.as_ref().map(name), spec.cert_secret_ref.as_ref().map(name), None).await
}

fn trouble(failure: &Failure) -> Trouble {
    Trouble { reason: failure.reason(), message: failure.to_string(), stalled: !failure.may_pass() }
}
