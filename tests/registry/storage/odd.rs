use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use registry_retention::retention::StoredTag;
use registry_retention::storage::{Location, StorageError, read};

use super::{inventory, repository, tag, tags, try_inventory};
use crate::support::{Artifact, Registry, Version, both_versions};

both_versions![damaged_links_are_said_to_be, what_lies_around_is_counted, an_empty_storage_is_no_inventory];

async fn damaged_links_are_said_to_be(version: Version) {
    let registry = Registry::start(version).await;
    let (pusher, store) = (registry.pusher(), registry.store());
    let image = Artifact::image("one").layers(1, 100).build();
    for of in ["good", "empty", "cut", "newline", "gone", "folder", "file"] {
        pusher.push("app", of, &image).await;
    }
    let other = pusher.push("app", "other", &Artifact::image("two").build()).await;
    store.empty_tag_link("app", "empty");
    fs::write(store.tag_link("app", "cut"), &image.digest().as_str()[..40]).unwrap();
    fs::write(store.tag_link("app", "newline"), format!("{}\n", image.digest())).unwrap();
    fs::remove_file(store.tag_link("app", "gone")).unwrap();
    fs::remove_file(store.tag_link("app", "folder")).unwrap();
    fs::create_dir(store.tag_link("app", "folder")).unwrap();
    let current = store.tag_link("app", "file").parent().unwrap().to_owned();
    fs::remove_dir_all(&current).unwrap();
    fs::write(&current, "").unwrap();
    store.empty_revision_link("app", &other);
    store.remove_blob(&image.digest());

    let inventory = inventory(&registry).await;
    for of in ["empty", "cut", "newline", "gone", "folder", "file"] {
        assert_eq!(tag(&inventory, "app", of), &StoredTag::Broken, "{of}");
        assert!(pusher.manifest("app", of).await.is_err(), "{of}: the registry does not take it either");
    }
    assert!(matches!(tag(&inventory, "app", "good"), StoredTag::At { digest, .. } if *digest == image.digest()));
    assert!(!inventory.blobs.contains_key(&image.digest()), "its blob is gone");
    assert!(!repository(&inventory, "app").revisions[&other].is_sound);
    assert!(repository(&inventory, "app").revisions[&image.digest()].is_sound);
}

async fn what_lies_around_is_counted(version: Version) {
    let registry = Registry::start(version).await;
    let pusher = registry.pusher();
    pusher.push("app", "v1", &Artifact::image("one").build()).await;
    let root = registry.store().root().to_owned();
    let app = registry.store().repository("app");
    let files = [
        root.join("repositories/README"),
        app.join("README"),
        app.join("_manifests/tags/.README"),
        app.join("_manifests/revisions/README"),
        app.join("_manifests/revisions/sha256/README"),
        app.join("_uploads/README"),
        root.join("blobs/README"),
        root.join("blobs/sha256/README"),
    ];
    fs::create_dir_all(app.join("_uploads")).unwrap();
    for file in &files {
        fs::write(file, "x").unwrap();
    }
    // Nobody may look into them; nor need anybody.
    let folders = [root.join("repositories/lost+found"), root.join("repositories/Backup/_manifests"), app.join("_tmp")];
    for folder in &folders {
        fs::create_dir_all(folder).unwrap();
        fs::set_permissions(folder, fs::Permissions::from_mode(0o0)).unwrap();
    }
    // The registry lists it.
    fs::write(app.join("_manifests/tags/README"), "x").unwrap();
    symlink("/nowhere", root.join("repositories/dangling")).unwrap();
    let inventory = inventory(&registry).await;
    assert_eq!(inventory.oddities.count, files.len() + folders.len() + 1, "{:#?}", inventory.oddities);
    let first = "blobs/README: not part of the registry's layout";
    assert_eq!(inventory.oddities.examples.first().map(String::as_str), Some(first));
    assert_eq!(tags(&inventory, "app"), ["README", "v1"]);
    assert_eq!(tag(&inventory, "app", "README"), &StoredTag::Broken);
    fs::remove_file(app.join("_manifests/tags/.README")).unwrap();

    // A repository that somebody moved to another disk is read all the same, as the registry does.
    let elsewhere = tempfile::tempdir().unwrap();
    let copied = std::process::Command::new("cp").arg("-a").arg(&app).arg(elsewhere.path()).status().unwrap();
    assert!(copied.success());
    symlink(elsewhere.path().join("app"), root.join("repositories/linked")).unwrap();
    let inventory = super::inventory(&registry).await;
    assert_eq!(tags(&inventory, "linked"), pusher.tags("linked").await.unwrap());
}

async fn an_empty_storage_is_no_inventory(version: Version) {
    let registry = Registry::start(version).await;
    let error = try_inventory(&registry).await.unwrap_err();
    assert!(matches!(error, StorageError::Nothing { .. }), "{error}");
    registry.pusher().push("app", "v1", &Artifact::image("one").build()).await;
    // The folder within it, by mistake.
    let error = read(&Location::Filesystem(registry.store().root().to_owned()), jiff::Timestamp::now()).await;
    assert!(matches!(error, Err(StorageError::Nothing { .. })), "{error:?}");
    fs::rename(registry.store().root().join("blobs"), registry.store().root().join("blobs.old")).unwrap();
    let error = try_inventory(&registry).await.unwrap_err();
    assert!(matches!(error, StorageError::NoBlobs { .. }), "{error}");
}
