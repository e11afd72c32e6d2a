use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{self, StreamExt, TryStreamExt};
use serde::Serialize;

use super::CONCURRENCY;
use super::error::{WorkError, is_of_content};
use super::progress::Progress;
use crate::oci::{Digest, Manifest, RepositoryName, Tag};
use crate::registry::{Client, Reference, Rehashed};

/// Walks everything that tags reach: manifests, children at any depth, configs and layers.
#[derive(Clone, Copy)]
pub struct Verifier<'a> {
    /// The registry.
    pub client: &'a Client,
    /// Whether every blob is read and hashed, or only asked for.
    pub rehash: bool,
    /// Who watches.
    pub progress: &'a dyn Progress,
}

/// What a walk found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verification {
    /// Tags that were walked.
    pub tags: usize,
    /// Distinct manifests that are whole.
    pub manifests: usize,
    /// Distinct blobs that are there, and whole if they were hashed.
    pub blobs: usize,
    /// Bytes that were hashed.
    pub hashed_bytes: u64,
    /// Whatever is not as it should be.
    pub findings: Vec<Finding>,
}

/// Something that is missing or damaged.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// Where.
    pub repository: RepositoryName,
    /// What.
    pub what: String,
    /// What is wrong with it.
    pub fault: String,
    /// The tags whose images it breaks.
    pub tags: Vec<Tag>,
}

impl Verifier<'_> {
    /// Walks all of `repositories`.
    pub async fn verify(&self, repositories: Vec<RepositoryName>) -> Result<Verification, WorkError> {
        let mut all = Verification::default();
        for repository in repositories {
            let found = self.repository(&repository).await?;
            all.tags += found.tags;
            all.manifests += found.manifests;
            all.blobs += found.blobs;
            all.hashed_bytes += found.hashed_bytes;
            all.findings.extend(found.findings);
        }
        all.findings.sort();
        Ok(all)
    }

    async fn repository(&self, name: &RepositoryName) -> Result<Verification, WorkError> {
        let listed = self.client.tags(name).await?;
        self.progress.reading(name, listed.len());
        let mut walk = Walk::default();
        let roots: Vec<(Tag, Result<Node, String>)> = stream::iter(listed)
            .map(|tag| async move {
                let node = self.manifest(name, Reference::Tag(&tag)).await?;
                self.progress.read();
                Ok::<_, WorkError>((tag, node))
            })
            .buffer_unordered(CONCURRENCY)
            .try_collect()
            .await?;
        walk.tags = roots.len();
        for (tag, node) in roots {
            match node {
                Ok(node) => walk.add(&node, &[tag].into()),
                Err(fault) => walk.faults.push((format!("tag {tag}"), fault, [tag].into())),
            }
        }
        while let Some((digest, tags)) = walk.manifests_open.pop_first() {
            match self.manifest(name, Reference::Digest(&digest)).await? {
                Ok(node) => walk.add(&node, &tags),
                Err(fault) => walk.faults.push((format!("manifest {digest}"), fault, tags)),
            }
        }
        self.blobs(name, walk).await
    }

    async fn manifest(
        &self,
        name: &RepositoryName,
        reference: Reference<'_>,
    ) -> Result<Result<Node, String>, WorkError> {
        let fetched = match self.client.manifest(name, reference).await {
            Ok(Some(fetched)) => fetched,
            Ok(None) => return Ok(Err("it is missing".into())),
            Err(error) if is_of_content(&error) => return Ok(Err(error.to_string())),
            Err(error) => return Err(error.into()),
        };
        let manifest = Manifest::parse(&fetched.content_type, &fetched.body);
        Ok(manifest.map(|manifest| Node { digest: fetched.digest, manifest }).map_err(|why| why.to_string()))
    }

    async fn blobs(&self, name: &RepositoryName, walk: Walk) -> Result<Verification, WorkError> {
        let results: Vec<(Digest, BTreeSet<Tag>, Result<u64, String>)> = stream::iter(walk.blobs)
            .map(|(digest, tags)| async move {
                let result = self.blob(name, &digest).await?;
                self.progress.read();
                Ok::<_, WorkError>((digest, tags, result))
            })
            .buffer_unordered(CONCURRENCY)
            .try_collect()
            .await?;
        let mut found = Verification { tags: walk.tags, manifests: walk.manifests.len(), ..Verification::default() };
        let mut faults = walk.faults;
        for (digest, tags, result) in results {
            match result {
                Ok(hashed) => {
                    found.blobs += 1;
                    found.hashed_bytes += hashed;
                }
                Err(fault) => faults.push((format!("blob {digest}"), fault, tags)),
            }
        }
        let finding = |(what, fault, tags): (String, String, BTreeSet<Tag>)| Finding {
            repository: name.clone(),
            what,
            fault,
            tags: tags.into_iter().collect(),
        };
        found.findings = faults.into_iter().map(finding).collect();
        Ok(found)
    }

    /// The bytes that were hashed, or what is wrong.
    async fn blob(&self, name: &RepositoryName, digest: &Digest) -> Result<Result<u64, String>, WorkError> {
        if !self.rehash {
            let there = self.client.blob_exists(name, digest).await?.is_some();
            return Ok(if there { Ok(0) } else { Err("it is missing".into()) });
        }
        match self.client.rehash_blob(name, digest).await {
            Ok(Rehashed::Whole(bytes)) => Ok(Ok(bytes)),
            Ok(Rehashed::Damaged) => Ok(Err("its bytes are not what its digest says".into())),
            Ok(Rehashed::Missing) => Ok(Err("it is missing".into())),
            Err(error) if is_of_content(&error) => Ok(Err(error.to_string())),
            Err(error) => Err(error.into()),
        }
    }
}

struct Node {
    digest: Digest,
    manifest: Manifest,
}

/// What is known of a repository half-way, with the tags that need each thing.
#[derive(Default)]
struct Walk {
    tags: usize,
    manifests: BTreeMap<Digest, BTreeSet<Tag>>,
    manifests_open: BTreeMap<Digest, BTreeSet<Tag>>,
    blobs: BTreeMap<Digest, BTreeSet<Tag>>,
    faults: Vec<(String, String, BTreeSet<Tag>)>,
}

impl Walk {
    fn add(&mut self, node: &Node, tags: &BTreeSet<Tag>) {
        self.manifests.entry(node.digest.clone()).or_default().extend(tags.iter().cloned());
        for blob in node.manifest.blobs() {
            self.blobs.entry(blob.digest.clone()).or_default().extend(tags.iter().cloned());
        }
        for child in node.manifest.children() {
            if let Some(known) = self.manifests.get_mut(child) {
                known.extend(tags.iter().cloned());
            } else {
                self.manifests_open.entry(child.clone()).or_default().extend(tags.iter().cloned());
            }
        }
    }
}
