//! Writes what the status says, if it says something new.

use std::fmt;

use k8s_openapi::api::core::v1::ObjectReference;
use kube::Api;
use kube::api::{Patch, PatchParams};
use kube::core::{ApiResource, DynamicObject};
use kube::runtime::events::{Event, EventType, Recorder};

use super::context::Context;
use super::resource::{Key, status_of, with_status};
use super::story::Words;
use super::trouble::Trouble;
use crate::api::{RegistryRetentionStatus, api_resource};

/// Who writes the status.
const MANAGER: &str = "registry-retention";
/// How often a status is written anew when somebody else changes the resource at the same moment.
const MAX_ATTEMPTS: usize = 5;
/// The most characters of an event's note; the API allows 1024 bytes.
const MAX_NOTE: usize = 1000;

/// Why a status was not written.
#[derive(Debug)]
pub(super) enum Unwritten {
    /// Somebody else wrote it meanwhile: an operator that ends while this one begins, or the other way round. What it says
    /// counts, and is to be read before anything else is said.
    Overtaken,
    /// The API server refused, or did not answer.
    Trouble(Trouble),
}

impl fmt::Display for Unwritten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Overtaken => f.write_str("somebody else wrote the status meanwhile; it is read again"),
            Self::Trouble(trouble) => f.write_str(&trouble.message),
        }
    }
}

impl From<Unwritten> for Trouble {
    fn from(why: Unwritten) -> Self {
        match why {
            Unwritten::Overtaken => Self::transient("ApiServer", why.to_string()),
            Unwritten::Trouble(trouble) => trouble,
        }
    }
}

/// Writes `status` over `known`, and over nothing else; what the API server made of it. A resource that is gone, or
/// another of the same name, is left alone.
pub(super) async fn write(
    context: &Context,
    key: &Key,
    uid: &str,
    known: &RegistryRetentionStatus,
    status: &RegistryRetentionStatus,
) -> Result<RegistryRetentionStatus, Unwritten> {
    let api: Api<DynamicObject> = Api::namespaced_with(context.client.clone(), &key.namespace, &api_resource());
    let failed = |why| Unwritten::Trouble(Trouble::of_api(&format!("status of {key}"), &why));
    for _ in 0..MAX_ATTEMPTS {
        // By the right to report, which is left where that to read resources is taken away.
        let live = match api.get_status(&key.name).await {
            Err(kube::Error::Api(status)) if status.is_not_found() => None,
            live => Some(live.map_err(failed)?),
        };
        let Some(live) = live.filter(|live| live.metadata.uid.as_deref() == Some(uid)) else {
            tracing::info!(%key, "the resource is gone; its status is not written");
            return Ok(status.clone());
        };
        if status_of(&live) != *known {
            return Err(Unwritten::Overtaken);
        }
        let mut body = with_status(key, status);
        body["metadata"]["uid"] = uid.into();
        body["metadata"]["resourceVersion"] = live.metadata.resource_version.into();
        match api.patch_status(&key.name, &PatchParams::apply(MANAGER).force(), &Patch::Apply(body)).await {
            Ok(written) => return Ok(status_of(&written)),
            // Whoever was quicker may have changed something else; or it is gone.
            Err(kube::Error::Api(status)) if status.is_not_found() || status.is_conflict() => {}
            Err(why) => return Err(failed(why)),
        }
    }
    let why = format!("status of {key}: somebody changes the resource all the time; it is tried again");
    Err(Unwritten::Trouble(Trouble::transient("ApiServer", why)))
}

/// Tells of a change of a `RegistryRetention`. An event that is lost is no harm.
pub(super) async fn tell(context: &Context, key: &Key, uid: &str, words: &Words, good: bool) {
    tell_of(context, api_resource(), key, uid, words, good).await;
}

/// Tells of a change of an object. An event that is lost is no harm.
pub(super) async fn tell_of(context: &Context, resource: ApiResource, key: &Key, uid: &str, words: &Words, good: bool) {
    let reference = ObjectReference {
        api_version: Some(resource.api_version),
        kind: Some(resource.kind),
        name: Some(key.name.clone()),
        namespace: Some(key.namespace.clone()),
        uid: Some(uid.to_owned()),
        ..ObjectReference::default()
    };
    let event = Event {
        type_: if good { EventType::Normal } else { EventType::Warning },
        reason: words.reason.clone(),
        note: Some(words.message.chars().take(MAX_NOTE).collect()),
        action: "Retain".to_owned(),
        secondary: None,
    };
    // One that remembers would count this under an earlier event of the same reason, whose note has other numbers.
    let recorder = Recorder::new(context.client.clone(), context.reporter.clone());
    if let Err(why) = recorder.publish(&event, &reference).await {
        tracing::warn!(%key, %why, "an event could not be published");
    }
}

#[cfg(test)]
mod tests {
    use kube::Client;
    use serde_json::json;

    use super::*;
    use crate::api::RegistryRetentionStatus as Status;
    use crate::cluster::tests::api_server::{ApiServer, RETENTIONS};
    use crate::controller::Options;
    use crate::telemetry::Metrics;

    fn context(server: &ApiServer) -> Context {
        let listen = ([127, 0, 0, 1], 0).into();
        let options = Options { namespace: "operator".into(), namespaces: None, listen, image: None };
        Context::new(Client::new(server.router(), "default"), &options, Metrics::default())
    }

    fn observed(generation: i64) -> Status {
        Status { observed_generation: Some(generation), ..Status::default() }
    }

    #[tokio::test]
    async fn what_somebody_else_said_meanwhile_is_not_written_over() {
        let server = ApiServer::new();
        server.serves(RETENTIONS);
        server.put(RETENTIONS, "registry", "team", json!({"metadata": {"uid": "u-1"}, "spec": {}}));
        let context = context(&server);
        let key = Key { namespace: "registry".into(), name: "team".into() };
        let written = write(&context, &key, "u-1", &Status::default(), &observed(1)).await.unwrap();
        assert_eq!(written, observed(1));

        // An edit of the spec changes the version, and not what was said.
        let mut edited = server.get(RETENTIONS, "registry", "team");
        edited["spec"]["suspend"] = true.into();
        server.put(RETENTIONS, "registry", "team", edited);
        assert_eq!(write(&context, &key, "u-1", &observed(1), &observed(2)).await.unwrap(), observed(2));

        // Whoever still believes that the first was the last.
        let late = write(&context, &key, "u-1", &observed(1), &observed(7)).await;
        assert!(matches!(late, Err(Unwritten::Overtaken)), "{late:?}");
        assert_eq!(server.get(RETENTIONS, "registry", "team")["status"]["observedGeneration"], 2);

        // Another of the same name is nobody's affair here.
        write(&context, &key, "u-0", &observed(2), &observed(3)).await.unwrap();
        assert_eq!(server.get(RETENTIONS, "registry", "team")["status"]["observedGeneration"], 2);
    }
}
