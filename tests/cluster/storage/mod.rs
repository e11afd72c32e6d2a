//! A registry's storage, read by a Job beside it: what it says is what the files say, and the registry goes on.
//!
//! - [`reading`]: a registry of each version; one that may do next to nothing
//! - [`long`]: 100,000 manifests, whose log is longer than what a kubelet keeps
//! - [`refused`]: what cannot be read, and Jobs that somebody deletes

mod long;
mod reading;
mod refused;

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use registry_retention::cluster::{Configuration, InventoryError, Place, Subject, read_storage};
use registry_retention::retention::Store;
use registry_retention::storage::{Location, read};
use serde_json::Value;

use crate::support::Cluster;

/// Reads the storage of the Deployment `registry` as an administrator.
async fn inventory(cluster: &Cluster, namespace: &str) -> Result<Store, InventoryError> {
    Box::pin(inventory_as(cluster.kubeconfig(), namespace)).await
}

/// The same as somebody else.
async fn inventory_as(kubeconfig: PathBuf, namespace: &str) -> Result<Store, InventoryError> {
    let place = Place { kubeconfig: Some(kubeconfig), context: None };
    let configuration =
        Configuration::find(&place).await.expect("a kubeconfig that can be used").expect("a kubeconfig");
    let subject = Subject {
        namespace,
        deployment: "registry",
        container: None,
        configuration: None,
        image: Cluster::OPERATOR_IMAGE,
        deadline: Duration::from_secs(600),
    };
    read_storage(&configuration.client().expect("a client"), &subject, Timestamp::now()).await
}

/// The storage as it is read from its files, here.
async fn files(volume: &Path) -> Store {
    let location = Location::Filesystem(volume.to_owned());
    read(&location, Timestamp::now()).await.expect("the volume can be read")
}

/// Compares all that does not depend on when it was read.
#[track_caller]
fn assert_same(read: &Store, files: &Store) {
    // They are long.
    assert!(read.repositories == files.repositories, "{:#?}\n{:#?}", read.repositories, files.repositories);
    assert!(read.blobs == files.blobs);
    assert_eq!(read.oddities, files.oddities);
    assert_eq!(read.capacity.map(|it| it.total), files.capacity.map(|it| it.total));
    assert!(read.began <= read.ended && read.ended <= files.began, "{} {}", read.began, read.ended);
}

/// No Job is left, and no pod but those of the registry.
#[track_caller]
fn assert_nothing_left(cluster: &Cluster, namespace: &str) {
    let left =
        cluster.get_json(&["jobs,pods", "-n", namespace, "-l", "app.kubernetes.io/managed-by=registry-retention"]);
    assert_eq!(left["items"], Value::Array(vec![]), "{left}");
}
