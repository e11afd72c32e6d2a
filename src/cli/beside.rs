//! What a Job of ours finds out inside the registry's own image: which configuration file the registry reads, and whether
//! its storage is the same one there.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::error::CliError;
use crate::storage::Location;

/// The variable that names the file to a registry that is told of none.
const VARIABLE: &str = "REGISTRY_CONFIGURATION_PATH";
/// Where the official images have it: of 2.x, and of 3.x.
const OFFICIAL: [&str; 2] = ["/etc/docker/registry/config.yml", "/etc/distribution/config.yml"];

/// The environment, as far as it is text.
pub(super) fn environment() -> BTreeMap<String, String> {
    let text = |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
    std::env::vars_os().filter_map(text).collect()
}

/// Finds the configuration file of the registry whose image and environment these are, if there is just one that it can
/// be. `exists` says whether a file is there.
///
/// The official images tell the registry the file, and then it does not look at the variable
/// (`registry/root.go`, `resolveConfiguration`); an image that has neither file needs the variable.
fn configuration_file(
    environment: &BTreeMap<String, String>,
    exists: impl Fn(&Path) -> bool,
) -> Result<PathBuf, CliError> {
    let official = OFFICIAL.iter().map(PathBuf::from);
    let named = environment.get(VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from);
    let mut files: Vec<PathBuf> = official.chain(named).filter(|path| exists(path)).collect();
    files.sort();
    files.dedup();
    match files.as_slice() {
        [file] => Ok(file.clone()),
        [] => Err(unknown(&format!("neither {} is there, nor what {VARIABLE} names", OFFICIAL.join(" nor ")))),
        files => {
            let files: Vec<_> = files.iter().map(|file| file.display().to_string()).collect();
            Err(unknown(&format!("{} are there", files.join(" and "))))
        }
    }
}

fn unknown(why: &str) -> CliError {
    CliError::EntryPointUnknown(format!(
        "which configuration file the registry reads is not known: {why}; nothing was done; say in the Deployment how it \
         is started: command: [registry, serve, FILE]"
    ))
}

/// The configuration file that is named, or else found.
pub(super) fn chosen_file(
    named: Option<&PathBuf>,
    environment: &BTreeMap<String, String>,
) -> Result<PathBuf, CliError> {
    named.map_or_else(|| configuration_file(environment, Path::is_file), |path| Ok(path.clone()))
}

/// Refuses a storage that lies in none of `volumes` (`DIR:DIR`), if any are given.
pub(super) fn must_lie_in(volumes: Option<&str>, location: &Location) -> Result<(), CliError> {
    let Some(volumes) = volumes else { return Ok(()) };
    let volumes: Vec<PathBuf> = volumes.split(':').filter(|path| !path.is_empty()).map(PathBuf::from).collect();
    must_be_shared(location, &volumes)
}

/// Refuses a storage that lies in none of `volumes`, the folders at which what several pods share is mounted: beside the
/// registry it would be another one.
fn must_be_shared(location: &Location, volumes: &[PathBuf]) -> Result<(), CliError> {
    let Location::Filesystem(root) = location else { return Ok(()) };
    // Through links, and as it is where there is nothing.
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let place = real(root);
    if volumes.iter().any(|volume| place.starts_with(real(volume))) {
        return Ok(());
    }
    Err(CliError::StoreNotShared(format!(
        "{location}: the storage lies on no volume that another pod can have as well, such as a claim (an emptyDir, or the \
         container's own files, cannot be read from beside it); nothing was done"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(named: Option<&str>, there: &[&str]) -> Result<PathBuf, String> {
        let environment = named.map(|path| (VARIABLE.to_owned(), path.to_owned())).into_iter().collect();
        let exists = |path: &Path| there.iter().any(|there| path == Path::new(there));
        configuration_file(&environment, exists).map_err(|why| why.to_string())
    }

    #[test]
    fn the_one_file_that_the_registry_can_read_is_found() {
        let [old, new] = OFFICIAL;
        for (named, there, expected) in [
            (None, vec![old], old),
            (None, vec![new, "/x"], new),
            (Some("/x"), vec!["/x"], "/x"),
            (Some(""), vec![new], new),
            (Some(new), vec![new], new),
            // The registry is told the file by the image, so that it does not look at the variable.
            (Some("/x"), vec![new], new),
        ] {
            assert_eq!(found(named, &there), Ok(expected.into()), "{named:?} {there:?}");
        }
        for (named, there, part) in [
            (None, vec![], "neither"),
            (Some("/x"), vec![], "neither"),
            (None, vec![old, new], "/etc/distribution/config.yml and /etc/docker/registry/config.yml are there"),
            // An image of one's own may have left the official file where it is.
            (Some("/x"), vec![new, "/x"], "/etc/distribution/config.yml and /x are there"),
        ] {
            let error = found(named, &there).unwrap_err();
            assert!(error.contains(part) && error.contains("serve, FILE"), "{named:?} {there:?}: {error}");
        }
    }

    #[test]
    fn a_storage_that_no_other_pod_sees_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().join(path);
        for path in ["claim/store", "own", "claims"] {
            std::fs::create_dir_all(at(path)).unwrap();
        }
        std::os::unix::fs::symlink(at("claim/store"), at("own/link")).unwrap();
        std::os::unix::fs::symlink(at("own"), at("claim/out")).unwrap();
        let check = |root: &str| must_be_shared(&Location::Filesystem(at(root)), &[at("claim"), at("missing")]).is_ok();
        for (root, shared) in [
            ("claim", true),
            ("claim/store", true),
            ("claim/absent", true),
            ("own/link", true),
            ("own", false),
            ("claims", false),
            ("claim/out", false),
            ("missing", true),
        ] {
            assert_eq!(check(root), shared, "{root}");
        }
        assert!(must_be_shared(&"s3://b".parse().unwrap(), &[]).is_ok());
        assert!(must_be_shared(&Location::Filesystem(at("claim")), &[]).is_err());
    }
}
