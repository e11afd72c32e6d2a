use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::{Command, Output};

use registry_retention::storage::load;

use super::inventory;
use crate::support::{Artifact, Registry, Version, both_versions};

both_versions![an_inventory_is_saved_and_loaded, what_may_not_be_read_ends_it];

fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_registry-retention"));
    command.arg("inventory").args(arguments).env_clear().envs(environment.iter().copied()).output().unwrap()
}

#[track_caller]
fn succeeded(output: &Output) -> String {
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{told}");
    told
}

/// By the storage or the registry's own configuration, to a file or standard output, compressed or not.
async fn an_inventory_is_saved_and_loaded(version: Version) {
    let registry = Registry::start(version).await;
    let pusher = registry.pusher();
    pusher.push("app", "v1", &Artifact::image("one").layers(1, 5000).build()).await;
    pusher.push("app/sub", "v2", &Artifact::image("two").build()).await;
    fs::write(registry.store().root().join("repositories/README"), "x").unwrap();
    let expected = inventory(&registry).await;
    let same = |path: &Path| {
        let mut store = load(path).unwrap();
        (store.began, store.ended, store.capacity) = (expected.began, expected.ended, expected.capacity);
        assert_eq!(store, expected);
    };

    let folder = tempfile::tempdir().unwrap();
    let root = registry.store().root().ancestors().nth(3).unwrap().to_owned();
    let root = root.to_str().unwrap();
    let plain = folder.path().join("inventory");
    let told = succeeded(&run(&["--storage", root, "-o", plain.to_str().unwrap()], &[]));
    for part in [
        "2 repositories, 2 tags, 2 manifests, 5 blobs of ",
        "free",
        "1 thing is not the registry's",
        "repositories/README",
    ] {
        assert!(told.contains(part), "{part:?} is not in {told}");
    }
    same(&plain);
    let compressed = folder.path().join("inventory.gz");
    let config = registry.config_path();
    let config = config.to_str().unwrap();
    assert_eq!(succeeded(&run(&["--configuration", config, "-q", "-o", compressed.to_str().unwrap()], &[])), "");
    same(&compressed);
    assert_eq!(fs::read(&compressed).unwrap()[..2], [0x1f, 0x8b]);

    let output = run(&["--storage", &format!("file://{root}"), "-q"], &[]);
    succeeded(&output);
    fs::write(&plain, &output.stdout).unwrap();
    same(&plain);
    fs::write(&plain, &output.stdout[..output.stdout.len() / 2]).unwrap();
    assert!(load(&plain).unwrap_err().to_string().contains("cut off"));

    // What the environment says stands over the file.
    let elsewhere = [("REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY", "/nowhere")];
    let unwritten = folder.path().join("unwritten");
    let output = run(&["--configuration", config, "-o", unwritten.to_str().unwrap()], &elsewhere);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("/nowhere: no registry stores anything there"));
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "only what was asked for: {left:?}");
}

/// A store with fewer links would be taken for a smaller one.
async fn what_may_not_be_read_ends_it(version: Version) {
    let registry = Registry::start(version).await;
    let pusher = registry.pusher();
    let image = Artifact::image("one").layers(1, 100).build();
    pusher.push("app/sub", "v1", &image).await;
    pusher.begin_upload("app/sub").await.unwrap();
    let (store, folder) = (registry.store(), tempfile::tempdir().unwrap());
    let copy = folder.path().join("copy");
    let program = folder.path().join("registry-retention");
    fs::copy(env!("CARGO_BIN_EXE_registry-retention"), &program).unwrap();
    set_mode(folder.path(), 0o755);
    let root = store.root().ancestors().nth(3).unwrap();
    let is_root = fs::metadata(folder.path()).unwrap().uid() == 0;
    let inventory = || {
        let mut command = Command::new(if is_root { "setpriv" } else { program.to_str().unwrap() });
        if is_root {
            command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"]).arg(&program);
        }
        command.arg("inventory").arg("--storage").arg(&copy).output().unwrap()
    };
    let secret = [
        store.tag_link("app/sub", "v1"),
        store.tag_link("app/sub", "v1").parent().unwrap().to_owned(),
        store.repository("app/sub").join("_manifests/tags/v1"),
        store.repository("app/sub").join("_manifests/tags"),
        store.repository("app/sub").join("_manifests"),
        store.repository("app/sub"),
        store.repository("app"),
        store.root().join("repositories"),
        store.revision_link("app/sub", &image.digest()).parent().unwrap().to_owned(),
        store.repository("app/sub").join("_manifests/revisions"),
        store.repository("app/sub").join("_uploads"),
        store.blob(&image.digest()).parent().unwrap().to_owned(),
        store.root().join("blobs"),
    ];
    for path in secret {
        let _ = fs::remove_dir_all(&copy);
        let copied = Command::new("cp").arg("-a").arg(root).arg(&copy).status().unwrap();
        assert!(copied.success());
        let opened = Command::new("chmod").args(["-R", "a+rX"]).arg(&copy).status().unwrap();
        assert!(opened.success());
        assert_eq!(inventory().status.code(), Some(0), "{:?}", inventory());
        let path = copy.join(path.strip_prefix(root).unwrap());
        set_mode(&path, 0);
        let output = inventory();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        set_mode(&path, 0o755);
        assert_eq!(output.status.code(), Some(3), "{}: {told}", path.display());
        assert!(told.contains("cannot be read: Permission denied") && told.contains("no inventory was made"), "{told}");
        // What was written to standard output before is no inventory.
        let cut = folder.path().join("cut");
        fs::write(&cut, output.stdout).unwrap();
        assert!(load(&cut).is_err());
    }
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}
