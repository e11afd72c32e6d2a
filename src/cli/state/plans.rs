use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::folder::{Record, StoredFor, read_record, stored_path};
use super::{StateError, file};
use crate::retention::StoredPlan;

/// A plan that a person has accepted.
#[derive(Debug)]
pub(in crate::cli) struct Accepted {
    /// The plan.
    pub(in crate::cli) plan: StoredPlan,
    /// For whom.
    pub(in crate::cli) made_for: StoredFor,
    /// It had been accepted before.
    pub(in crate::cli) already: bool,
}

/// Accepts the waiting plan whose hash begins with `typed`, of `registry` (a URL) if that is given.
///
/// No lock is needed: a plan becomes accepted by a file that is there or not, and a run reads such files once.
pub(in crate::cli) fn accept(
    root: &Path,
    typed: &str,
    registry: Option<&str>,
    now: Timestamp,
) -> Result<Accepted, StateError> {
    let typed = typed.to_ascii_lowercase();
    if typed.len() < 12 || !typed.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let why = format!("{typed:?} is no plan's hash: type at least the 12 hex digits that `plan` shows");
        return Err(StateError::NoSuchPlan(why));
    }
    let found = find(root, &typed, registry)?;
    let mut all = found.iter();
    let Some((path, record)) = all.next() else {
        let place = root.display();
        let why = format!(
            "no waiting plan has the hash {typed} in {place}; it may have been swept after 7 days, or stored with \
             another --state-dir; run `registry-retention plan -f FILE` to see what waits"
        );
        return Err(StateError::NoSuchPlan(why));
    };
    if all.next().is_some() {
        let registries: Vec<&str> = found.iter().map(|(_, record)| record.made_for.registry.as_str()).collect();
        let why = format!(
            "{typed} means {} plans, of {}; type more digits, or say which with --registry URL; nothing was accepted",
            found.len(),
            registries.join(" and ")
        );
        return Err(StateError::NoSuchPlan(why));
    }
    let Record { made_for, plan } = record.clone();
    if !plan.is_acceptable(now) {
        let why = format!(
            "the plan {} is of {:.0}, more than 7 days old; run `registry-retention plan -f FILE` and accept its new \
             hash",
            plan.hash, plan.made_at
        );
        return Err(StateError::NoSuchPlan(why));
    }
    let folder = path.parent().and_then(Path::parent).unwrap_or(root).join("accepted");
    let already = path.starts_with(&folder);
    if !already {
        file::make_folder(&folder)?;
        file::write(&stored_path(&folder, &plan.hash), record)?;
        file::remove(path)?;
    }
    Ok(Accepted { plan, made_for, already })
}

fn find(root: &Path, typed: &str, registry: Option<&str>) -> Result<Vec<(PathBuf, Record)>, StateError> {
    let mut found: Vec<(PathBuf, Record)> = Vec::new();
    for folder in folders(root)? {
        for name in ["accepted", "waiting"] {
            for path in file::list(&folder.join(name))? {
                let of_hash = path.file_stem().is_some_and(|stem| stem.to_string_lossy().starts_with(typed));
                let Some(record) = of_hash.then(|| read_record(&path)).transpose()?.flatten() else { continue };
                let here = registry.is_none_or(|registry| record.made_for.registry == registry);
                // Accepting may have been cut short between its two steps.
                let known =
                    found.iter().any(|(known, it)| known.starts_with(&folder) && it.plan.hash == record.plan.hash);
                if here && !known && record.plan.hash.is_meant_by(typed) {
                    found.push((path, record));
                }
            }
        }
    }
    Ok(found)
}

fn folders(root: &Path) -> Result<Vec<PathBuf>, StateError> {
    let failed = || StateError::io(root, "cannot be read");
    let entries = match fs::read_dir(root) {
        Ok(entries) => entries,
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(why) => return Err(failed()(why)),
    };
    let mut folders = Vec::new();
    for entry in entries {
        let path = entry.map_err(failed())?.path();
        if path.is_dir() {
            folders.push(path);
        }
    }
    folders.sort();
    Ok(folders)
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::super::Folder;
    use super::*;
    use crate::oci::Digest;
    use crate::retention::{Cause, Entry};

    fn store(root: &Path, registry: &str, tags: &[&str], now: Timestamp) -> StoredPlan {
        let entry = |tag: &&str| Entry {
            repository: "app".parse().unwrap(),
            tag: Some(tag.parse().unwrap()),
            digest: Digest::of(tag.as_bytes()),
        };
        let causes = vec![Cause::MaxDeletions { condemned: 1, limit: 0 }];
        let plan = StoredPlan::new(tags.iter().map(entry).collect(), causes, now);
        let made_for =
            StoredFor { registry: format!("http://{registry}"), resources: vec!["team".into()], command: "x".into() };
        Folder::open(root, registry, "plan", now).unwrap().store_waiting(&plan, &made_for).unwrap();
        plan
    }

    #[test]
    fn a_waiting_plan_becomes_an_accepted_one() {
        let root = tempfile::tempdir().unwrap();
        let now = crate::cli::now();
        let plan = store(root.path(), "r:5000", &["v1"], now);
        store(root.path(), "r:5000", &["v2"], now);
        let accepted = accept(root.path(), &plan.hash.short().to_uppercase(), None, now).unwrap();
        assert_eq!((&accepted.plan, accepted.already), (&plan, false));
        let folder = Folder::open(root.path(), "r:5000", "prune", now).unwrap();
        assert_eq!(folder.accepted().unwrap(), std::slice::from_ref(&plan));
        assert!(accept(root.path(), plan.hash.short(), None, now).unwrap().already);
        folder.forget_accepted(&[plan]).unwrap();
        assert!(folder.accepted().unwrap().is_empty());
    }

    #[test]
    fn what_is_meant_must_be_clear() {
        let root = tempfile::tempdir().unwrap();
        let now = crate::cli::now();
        let plan = store(root.path(), "r:5000", &["v1"], now);
        store(root.path(), "s:5000", &["v1"], now);
        let hash = plan.hash.as_str();
        let refused = |typed: &str, registry: Option<&str>, at: Timestamp| {
            accept(root.path(), typed, registry, at).unwrap_err().to_string()
        };
        assert!(refused(&hash[..11], None, now).contains("at least the 12"));
        assert!(refused("../../../etc/passwd", None, now).contains("no plan's hash"));
        assert!(refused("0123456789ab", None, now).contains("no waiting plan"));
        assert!(refused(hash, None, now).contains("means 2 plans"));
        let late = now + SignedDuration::from_hours(168);
        assert!(refused(hash, Some("http://r:5000"), late).contains("more than 7 days old"));
        let accepted = accept(root.path(), hash, Some("http://s:5000"), now).unwrap();
        assert_eq!(accepted.made_for.registry, "http://s:5000");
    }
}
