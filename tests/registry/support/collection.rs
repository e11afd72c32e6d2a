use std::collections::BTreeSet;
use std::process::Output;
use std::sync::LazyLock;

use regex::Regex;
use registry_retention::oci::Digest;

/// What one run of `garbage-collect` said.
#[derive(Clone, Debug)]
pub struct Collection {
    /// How many digests were found in use.
    pub marked: u64,
    /// The blobs, manifests among them, that were removed, or would be.
    pub eligible: BTreeSet<Digest>,
    /// How many manifests were (only with `--delete-untagged`).
    pub manifests: u64,
    /// Everything that it printed: standard output, then the log.
    pub output: String,
}

impl Collection {
    /// Success is exit code 0 *and* the summary: a flag that does not exist prints the usage and ends with 0.
    pub(super) fn read(output: &Output) -> Result<Self, String> {
        static SUMMARY: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new(r"(?m)^(\d+) blobs marked, (\d+) blobs and (\d+) manifests eligible for deletion$").unwrap()
        });
        static ELIGIBLE: LazyLock<Regex> =
            LazyLock::new(|| Regex::new(r"(?m)^blob eligible for deletion: (\S+)$").unwrap());
        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let summary = SUMMARY.captures(&text).filter(|_| output.status.success());
        let Some(summary) = summary else { return Err(format!("{}\n{text}", output.status)) };
        let number = |group: usize| summary[group].parse().map_err(|_| text.clone());
        let eligible = ELIGIBLE.captures_iter(&text).map(|line| line[1].parse().map_err(|_| text.clone()));
        Ok(Self {
            marked: number(1)?,
            manifests: number(3)?,
            eligible: eligible.collect::<Result<_, _>>()?,
            output: text,
        })
    }
}
