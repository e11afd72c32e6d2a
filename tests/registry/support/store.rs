use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use registry_retention::oci::Digest;

/// A registry's storage on disk (`…/docker/registry/v2`), for looking behind the API and for doing damage.
#[derive(Clone, Debug)]
pub struct Store {
    root: PathBuf,
}

impl Store {
    /// The storage at `root`, which ends in `docker/registry/v2`.
    pub fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// `…/docker/registry/v2`.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The file that holds a blob: layer, config or manifest.
    pub fn blob(&self, digest: &Digest) -> PathBuf {
        let (algorithm, hex) = digest.parts();
        self.root.join("blobs").join(algorithm).join(&hex[..2]).join(hex).join("data")
    }

    /// The file that says what a tag points at. Its modification time is the time of the tag's last push.
    pub fn tag_link(&self, repository: &str, tag: &str) -> PathBuf {
        self.repository(repository).join("_manifests/tags").join(tag).join("current/link")
    }

    /// The file that says that a manifest exists in a repository.
    pub fn revision_link(&self, repository: &str, digest: &Digest) -> PathBuf {
        let (algorithm, hex) = digest.parts();
        self.repository(repository).join("_manifests/revisions").join(algorithm).join(hex).join("link")
    }

    /// The file that says that a repository may read a blob.
    pub fn layer_link(&self, repository: &str, digest: &Digest) -> PathBuf {
        let (algorithm, hex) = digest.parts();
        self.repository(repository).join("_layers").join(algorithm).join(hex).join("link")
    }

    /// A repository's folder.
    pub fn repository(&self, name: &str) -> PathBuf {
        self.root.join("repositories").join(name)
    }

    /// Takes a blob away, behind the registry's back.
    pub fn remove_blob(&self, digest: &Digest) {
        fs::remove_file(self.blob(digest)).expect("the blob is there");
    }

    /// Cuts a blob to its first half, as a crash of the disk would.
    pub fn truncate_blob(&self, digest: &Digest) {
        let file = File::options().write(true).open(self.blob(digest)).expect("the blob is there");
        let half = file.metadata().expect("its size").len() / 2;
        file.set_len(half).expect("it can be cut");
    }

    /// Takes a manifest out of a repository but leaves its tags, which dangle from then on.
    pub fn remove_revision(&self, repository: &str, digest: &Digest) {
        fs::remove_file(self.revision_link(repository, digest)).expect("the revision is there");
    }

    /// Makes a tag corrupt: an empty link, as 2.8 leaves one when it is killed in mid-write.
    pub fn empty_tag_link(&self, repository: &str, tag: &str) {
        fs::write(self.tag_link(repository, tag), "").expect("the tag is there");
    }

    /// Makes a revision corrupt: an empty link, as 2.8 leaves one on a full disk.
    pub fn empty_revision_link(&self, repository: &str, digest: &Digest) {
        fs::write(self.revision_link(repository, digest), "").expect("the revision is there");
    }

    /// Makes a tag look as if it had last been pushed at `time`.
    pub fn set_push_time(&self, repository: &str, tag: &str, time: SystemTime) {
        let link = File::options().write(true).open(self.tag_link(repository, tag)).expect("the tag is there");
        link.set_modified(time).expect("its time can be set");
    }

    /// Makes a manifest look as if it had last been pushed at `time`, under whatever tag.
    pub fn set_revision_time(&self, repository: &str, digest: &Digest, time: SystemTime) {
        let link = File::options().write(true).open(self.revision_link(repository, digest)).expect("it is there");
        link.set_modified(time).expect("its time can be set");
    }

    /// The size of all files of blobs, in bytes.
    pub fn blob_bytes(&self) -> u64 {
        let size = |digest: &Digest| fs::metadata(self.blob(digest)).expect("it is there").len();
        self.blobs().iter().map(size).sum()
    }

    /// Every blob that is there, by the files on disk.
    pub fn blobs(&self) -> BTreeSet<Digest> {
        let mut blobs = BTreeSet::new();
        visit(&self.root.join("blobs"), &mut |path, _| {
            let names: Vec<_> = path.iter().rev().filter_map(|name| name.to_str()).take(4).collect();
            if let ["data", hex, _, algorithm] = names[..] {
                blobs.extend(format!("{algorithm}:{hex}").parse::<Digest>());
            }
        });
        blobs
    }

    /// Every file, with its bytes and its time: two of these are equal only if nothing at all was written in between.
    pub fn files(&self) -> BTreeMap<PathBuf, (SystemTime, Vec<u8>)> {
        let mut files = BTreeMap::new();
        visit(&self.root, &mut |path, metadata| {
            let modified = metadata.modified().expect("a time");
            files.insert(path.to_owned(), (modified, fs::read(path).unwrap_or_default()));
        });
        files
    }

    /// Every link of a repository: of tags and of manifests.
    pub fn links(&self, repository: &str) -> BTreeSet<PathBuf> {
        let mut links = BTreeSet::new();
        visit(&self.repository(repository).join("_manifests"), &mut |path, _| {
            if path.ends_with("link") {
                links.insert(path.to_owned());
            }
        });
        links
    }

    /// Every link that is empty: what 2.8 leaves behind when a write fails half-way, and what its collector dies of.
    pub fn empty_links(&self) -> BTreeSet<PathBuf> {
        let mut empty = BTreeSet::new();
        visit(&self.root, &mut |path, metadata| {
            if path.ends_with("link") && metadata.len() == 0 {
                empty.insert(path.to_owned());
            }
        });
        empty
    }

    /// What it takes up on disk, in bytes.
    pub fn bytes(&self) -> u64 {
        let mut bytes = 0;
        visit(&self.root, &mut |_, metadata| bytes += metadata.blocks() * 512);
        bytes
    }
}

/// Calls `see` for every file below `folder`; what vanishes meanwhile is not there.
fn visit(folder: &Path, see: &mut impl FnMut(&Path, &fs::Metadata)) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let Ok(metadata) = entry.metadata() else { continue };
        if metadata.is_dir() {
            visit(&entry.path(), see);
        } else {
            see(&entry.path(), &metadata);
        }
    }
}
