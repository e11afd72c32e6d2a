use std::str::FromStr;

use super::{Digest, RepositoryName, Tag};

/// How a container names an image, read as containerd and Docker do: `[HOST[:PORT]/]PATH[:TAG][@DIGEST]`.
///
/// What a kubelet reports as `imageID` is one too: a runtime's prefix such as `docker-pullable://` means nothing, and a
/// digest alone is the image's *ID*, which is the digest of its config.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageReference(Form);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Form {
    Id(Digest),
    Named { host: Option<Box<str>>, repository: RepositoryName, tag: Option<Tag>, digest: Option<Digest> },
}

/// Why a text names no image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ImageReferenceError {
    /// What comes before the first `/` looks like a host and is none.
    #[error("its host is not one")]
    Host,
    /// Not a repository name.
    #[error("its path is not a repository name")]
    Path,
    /// Not a tag.
    #[error("its tag is not one")]
    Tag,
    /// Not a sha256 or sha512 digest.
    #[error("its digest is not one of sha256 or sha512")]
    Digest,
}

impl ImageReference {
    /// Reads `text`.
    ///
    /// # Errors
    ///
    /// The first part of it that is not what it should be.
    pub fn parse(text: &str) -> Result<Self, ImageReferenceError> {
        let text = without_runtime(text);
        if let Some(id) = image_id(text) {
            return Ok(Self(Form::Id(id)));
        }
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => (name, Some(digest.parse().map_err(|_| ImageReferenceError::Digest)?)),
            None => (text, None),
        };
        let (host, rest) = split_host(name);
        if !host.is_none_or(is_host) {
            return Err(ImageReferenceError::Host);
        }
        let (path, tag) = match rest.split_once(':') {
            Some((path, tag)) => (path, Some(tag)),
            None => (rest, None),
        };
        let tag = match (tag, &digest) {
            (None, Some(_)) => None,
            (tag, _) => Some(tag.unwrap_or("latest").parse().map_err(|_| ImageReferenceError::Tag)?),
        };
        let repository = path.parse().map_err(|_| ImageReferenceError::Path)?;
        Ok(Self(Form::Named { host: host.map(Into::into), repository, tag, digest }))
    }

    /// The host, with its port, that `text` names, whether the rest of it can be read or not.
    pub fn host_of(text: &str) -> Option<&str> {
        split_host(without_runtime(text)).0
    }

    /// The host, with its port, as written; `None` if it is left to the runtime, which takes Docker Hub.
    pub fn host(&self) -> Option<&str> {
        match &self.0 {
            Form::Id(_) => None,
            Form::Named { host, .. } => host.as_deref(),
        }
    }

    /// The repository, as the host knows it; `None` if there is only an ID.
    pub fn repository(&self) -> Option<&RepositoryName> {
        match &self.0 {
            Form::Id(_) => None,
            Form::Named { repository, .. } => Some(repository),
        }
    }

    /// The repository as text; empty if there is only an ID.
    pub fn path(&self) -> &str {
        self.repository().map_or("", RepositoryName::as_str)
    }

    /// The tag: the one that is written, or `latest` where neither tag nor digest is.
    pub fn tag(&self) -> Option<&Tag> {
        match &self.0 {
            Form::Id(_) => None,
            Form::Named { tag, .. } => tag.as_ref(),
        }
    }

    /// The digest: a manifest's, or a config's if there is nothing else.
    pub fn digest(&self) -> Option<&Digest> {
        match &self.0 {
            Form::Id(digest) => Some(digest),
            Form::Named { digest, .. } => digest.as_ref(),
        }
    }
}

impl FromStr for ImageReference {
    type Err = ImageReferenceError;

    fn from_str(text: &str) -> Result<Self, ImageReferenceError> {
        Self::parse(text)
    }
}

fn without_runtime(text: &str) -> &str {
    text.split_once("://").map_or(text, |(_, rest)| rest).trim()
}

/// An ID is written with its algorithm or, by CRI-O, without; neither can be a repository.
fn image_id(text: &str) -> Option<Digest> {
    if text.len() == 64 { format!("sha256:{text}").parse().ok() } else { text.parse().ok() }
}

/// The first component is a host if no path could begin like that.
fn split_host(name: &str) -> (Option<&str>, &str) {
    match name.split_once('/') {
        Some((first, rest))
            if first.contains(['.', ':']) || first == "localhost" || first.contains(char::is_uppercase) =>
        {
            (Some(first), rest)
        }
        _ => (None, name),
    }
}

fn is_host(host: &str) -> bool {
    host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    /// Host, path, tag and digest, as they are read; `-` is none.
    fn read(text: &str) -> String {
        let it: ImageReference = text.parse().unwrap_or_else(|why| panic!("{text}: {why}"));
        assert_eq!(it.host(), ImageReference::host_of(text), "{text}");
        let path = it.repository().map(RepositoryName::as_str);
        assert_eq!(it.path(), path.unwrap_or_default(), "{text}");
        let parts = [it.host(), path, it.tag().map(Tag::as_str), it.digest().map(Digest::as_str)];
        parts.map(|part| part.unwrap_or("-")).join(" ")
    }

    #[test]
    fn images_are_named_in_many_ways() {
        let digest = &format!("sha256:{HEX}");
        let long = &format!("sha512:{HEX}{HEX}");
        let table = [
            ("nginx", "- nginx latest -"),
            ("nginx:1.27", "- nginx 1.27 -"),
            ("library/nginx", "- library/nginx latest -"),
            ("localhost:5000", "- localhost 5000 -"),
            ("localhost/app:v1", "localhost app v1 -"),
            ("localhost:5000/app", "localhost:5000 app latest -"),
            ("registry:5000/apps/shop:v1", "registry:5000 apps/shop v1 -"),
            ("registry/apps/shop:v1", "- registry/apps/shop v1 -"),
            ("r.example/a/b/c:V_1", "r.example a/b/c V_1 -"),
            ("Registry/app", "Registry app latest -"),
            ("R.Example:443/app:v1", "R.Example:443 app v1 -"),
            ("10.0.0.1:80/app:v1", "10.0.0.1:80 app v1 -"),
            ("[fd00::1]:5000/app:v1", "[fd00::1]:5000 app v1 -"),
            (&format!("r.example/app@{digest}"), &format!("r.example app - {digest}")),
            (&format!("r.example/app:v1@{digest}"), &format!("r.example app v1 {digest}")),
            (&format!("app@{long}"), &format!("- app - {long}")),
            (&format!("docker-pullable://r:5000/app@{digest}"), &format!("r:5000 app - {digest}")),
            (&format!("docker://{digest}"), &format!("- - - {digest}")),
            (digest, &format!("- - - {digest}")),
            (HEX, &format!("- - - {digest}")),
            (" r:5000/app:v1\n", "r:5000 app v1 -"),
        ];
        for (text, expected) in table {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn nonsense_names_no_image_but_may_name_a_host() {
        use ImageReferenceError as Error;
        let table = [
            ("", Error::Path, None),
            ("NGINX", Error::Path, None),
            ("/app", Error::Path, None),
            ("app/", Error::Path, None),
            ("$(IMAGE)", Error::Path, None),
            ("r:5000/", Error::Path, Some("r:5000")),
            ("r:5000/App:v1", Error::Path, Some("r:5000")),
            ("r:5000/app:{{ .Tag }}", Error::Tag, Some("r:5000")),
            ("r:5000/app:", Error::Tag, Some("r:5000")),
            ("r:5000/app:v1:v2", Error::Tag, Some("r:5000")),
            ("r:5000/app@sha256:abc", Error::Digest, Some("r:5000")),
            ("r:5000/app@md5:d41d8cd98f00b204e9800998ecf8427e", Error::Digest, Some("r:5000")),
            ("docker-pullable://r:5000/app@", Error::Digest, Some("r:5000")),
            ("$(HOST):5000/app", Error::Host, Some("$(HOST):5000")),
        ];
        for (text, why, host) in table {
            assert_eq!((ImageReference::parse(text), ImageReference::host_of(text)), (Err(why), host), "{text}");
        }
    }
}
