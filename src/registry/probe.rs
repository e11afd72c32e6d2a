use bytes::Bytes;
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use serde_json::json;

use super::error::{Problem, RegistryError};
use super::token::Scope;
use super::transport::Ask;
use super::{Client, Reference};
use crate::oci::{Digest, RepositoryName, Tag};
use crate::retention::{Deletes, Generation, Refusal, Server};

/// The digest that no content has.
const NO_DIGEST: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";
const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// The answer to a DELETE of something that does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    /// 404 `MANIFEST_UNKNOWN`: it would have been deleted.
    Unknown,
    /// 400 `DIGEST_INVALID`: 2.8, asked to delete a tag.
    DigestInvalid,
    /// 405 `UNSUPPORTED`.
    Unsupported,
    /// 405 by the router.
    ReadOnly,
    /// 401 or 403 to a login that is good.
    Forbidden,
    /// Anything else.
    Other,
}

impl Client {
    /// Finds out what the registry lets this login delete in `repository`, by deleting what cannot exist there: a
    /// random tag, and the digest of nothing. No version changes anything upon that, and each answers in its own way.
    ///
    /// # Errors
    ///
    /// Failed requests; a refusal to delete is a result.
    pub async fn probe(&self, repository: &RepositoryName) -> Result<Server, RegistryError> {
        let tag = self.made_up_tag()?;
        let digest = nothing();
        let by_tag = self.sign(repository, Reference::Tag(&tag)).await?;
        let by_digest = self.sign(repository, Reference::Digest(&digest)).await?;
        let refused = |refusal| Deletes::Refused(refusal);
        let (generation, deletes) = match (by_tag, by_digest) {
            (Sign::DigestInvalid, Sign::Unknown) => (Some(Generation::V2), Deletes::DigestsOnly),
            (Sign::Unknown, Sign::Unknown) => (Some(Generation::V3), Deletes::TagsAndDigests),
            // 3.0.0 and 3.1.0 forget to stop tags where deletion is disabled; the wish counts.
            (Sign::Unknown, Sign::Unsupported) => (Some(Generation::V3), refused(Refusal::Disabled)),
            (Sign::Unsupported, Sign::Unsupported) => (None, refused(self.why_unsupported(repository, &tag).await?)),
            (Sign::ReadOnly, Sign::ReadOnly) => (None, refused(Refusal::ReadOnly)),
            (Sign::Forbidden, _) | (_, Sign::Forbidden) => (None, refused(Refusal::Forbidden)),
            _ => (None, refused(Refusal::Unrecognised)),
        };
        let generation = match generation {
            Some(generation) => generation,
            None => self.generation().await?,
        };
        Ok(Server { generation, deletes })
    }

    async fn sign(&self, repository: &RepositoryName, reference: Reference<'_>) -> Result<Sign, RegistryError> {
        let ask = self.ask_manifest(Method::DELETE, repository, reference, Scope::delete(repository));
        let mut answer = match self.transport.send(&ask).await {
            Err(error) if matches!(error.problem(), Problem::Forbidden { .. }) => return Ok(Sign::Forbidden),
            answer => answer?,
        };
        let code = answer.code().await;
        match (answer.status(), code.as_deref()) {
            (404, Some("MANIFEST_UNKNOWN")) => return Ok(Sign::Unknown),
            (400, Some("DIGEST_INVALID")) => return Ok(Sign::DigestInvalid),
            _ => {}
        }
        let error = answer.error_with(code);
        match error.problem() {
            Problem::ReadOnly => Ok(Sign::ReadOnly),
            Problem::DeleteDisabled => Ok(Sign::Unsupported),
            Problem::Forbidden { .. } => Ok(Sign::Forbidden),
            Problem::ServerError { .. } | Problem::RateLimited { .. } => Err(error),
            _ => Ok(Sign::Other),
        }
    }

    /// Tells a pull-through cache, which takes no write of any kind, from a registry where deletion is disabled.
    ///
    /// By a PUT that nothing can accept: a manifest of schema version 3 whose config does not exist. Distribution
    /// checks the version first, also with `validation.disabled`, and stores nothing before; 2.8.2 and 3.1.2 answer
    /// 500 `UNKNOWN`, a cache 405 `UNSUPPORTED`.
    async fn why_unsupported(&self, repository: &RepositoryName, tag: &Tag) -> Result<Refusal, RegistryError> {
        let config = json!({"mediaType": "application/vnd.oci.image.config.v1+json", "digest": NO_DIGEST, "size": 2});
        let impossible = json!({"schemaVersion": 3, "mediaType": OCI_MANIFEST, "config": config, "layers": []});
        let mut ask = self.ask_manifest(Method::PUT, repository, Reference::Tag(tag), Scope::push(repository));
        ask.headers.insert(CONTENT_TYPE, HeaderValue::from_static(OCI_MANIFEST));
        ask.body = Some(Bytes::from(impossible.to_string()));
        let answer = match self.transport.send(&ask).await {
            // This login may not push, so nothing is learned; caches with a login of their own are rare.
            Err(error) if matches!(error.problem(), Problem::Forbidden { .. }) => return Ok(Refusal::Disabled),
            answer => answer?,
        };
        if answer.status() < 300 {
            return Ok(Refusal::Unrecognised);
        }
        let error = answer.into_error().await;
        match error.problem() {
            Problem::PullThrough => Ok(Refusal::PullThrough),
            Problem::RateLimited { .. } | Problem::ServerError { status: 502..=504, .. } => Err(error),
            _ => Ok(Refusal::Disabled),
        }
    }

    /// The generation by the one sign that needs no right: 2.8 names a charset for `/v2/`, 3.x does not.
    async fn generation(&self) -> Result<Generation, RegistryError> {
        let ask = Ask::new(Method::GET, self.at("/v2/"), Scope::none());
        let answer = self.transport.send(&ask).await?;
        if answer.status() != 200 {
            return Err(answer.into_error().await);
        }
        Ok(match answer.header(CONTENT_TYPE) {
            Some("application/json") => Generation::V3,
            Some("application/json; charset=utf-8") => Generation::V2,
            _ => Generation::Unknown,
        })
    }

    /// A tag that nobody can have pushed: 128 random bits.
    fn made_up_tag(&self) -> Result<Tag, RegistryError> {
        let random = getrandom::u64().and_then(|high| Ok((high, getrandom::u64()?)));
        let tag =
            random.ok().and_then(|(high, low)| format!("registry-retention-probe-{high:016x}{low:016x}").parse().ok());
        let unasked = || Ask::new(Method::DELETE, self.at("/v2/"), Scope::none()).shown();
        tag.ok_or_else(|| RegistryError::new(unasked(), Problem::NoRandomness))
    }
}

fn nothing() -> Digest {
    NO_DIGEST.parse().expect("64 zeros are a digest")
}
