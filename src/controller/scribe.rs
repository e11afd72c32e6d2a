//! Writes what the status says, if it says something new.

use k8s_openapi::api::core::v1::ObjectReference;
use kube::Api;
use kube::api::{Patch, PatchParams};
use kube::core::DynamicObject;
use kube::runtime::events::{Event, EventType, Recorder};

use super::context::Context;
use super::resource::{Key, with_status};
use super::story::Words;
use super::trouble::Trouble;
use crate::api::{RegistryRetentionStatus, api_resource};

/// Who writes the status.
const MANAGER: &str = "registry-retention";
/// The most characters of an event's note; the API allows 1024 bytes.
const MAX_NOTE: usize = 1000;

/// Writes `status`. A resource that is gone, or another of the same name, is left alone.
pub(super) async fn write(
    context: &Context,
    key: &Key,
    uid: &str,
    status: &RegistryRetentionStatus,
) -> Result<(), Trouble> {
    let api: Api<DynamicObject> = Api::namespaced_with(context.client.clone(), &key.namespace, &api_resource());
    let mut body = with_status(key, status);
    body["metadata"]["uid"] = uid.into();
    let patch = api.patch_status(&key.name, &PatchParams::apply(MANAGER).force(), &Patch::Apply(body)).await;
    match patch {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.is_not_found() || status.is_conflict() => {
            tracing::info!(%key, code = status.code, "the resource is gone; its status is not written");
            Ok(())
        }
        Err(why) => Err(Trouble::of_api(&format!("status of {key}"), &why)),
    }
}

/// Tells of a change. An event that is lost is no harm.
pub(super) async fn tell(context: &Context, key: &Key, uid: &str, words: &Words, good: bool) {
    let resource = api_resource();
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
