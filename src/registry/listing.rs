use std::str::FromStr;

use reqwest::Method;
use serde::Deserialize;

use super::Client;
use super::error::{Problem, RegistryError, escaped};
use super::exchange::Answer;
use super::paging::Pages;
use super::token::Scope;
use super::transport::Ask;
use crate::oci::{RepositoryName, Tag};

/// A page of either listing. Emptied repositories have `"tags": null` in some versions, nothing at all in others.
#[derive(Deserialize)]
struct Page {
    tags: Option<Vec<String>>,
    repositories: Option<Vec<String>>,
}

impl Client {
    /// All repositories, sorted. Emptied ones stay in the catalog.
    ///
    /// # Errors
    ///
    /// Besides failed requests, `Malformed` if a name is illegal, and `UnsafeLink` if a next page is elsewhere.
    pub async fn repositories(&self) -> Result<Vec<RepositoryName>, RegistryError> {
        // 2.8 walks from the start for each page, and 3.x on S3 loses names between pages: few large ones, then. Where
        // the limit was lowered, 1000 is refused, and the server's own size is the largest that is sure to be taken.
        let mut first = self.ask_list("/v2/_catalog", Scope::catalog());
        first.url.set_query(Some("n=1000"));
        let mut answer = self.transport.send(&first).await?;
        if answer.status() == 400 {
            // It counts as in flight while it lives.
            drop(answer);
            first.url.set_query(None);
            answer = self.transport.send(&first).await?;
        }
        self.pages(first, answer, |page| page.repositories).await
    }

    /// All tags of `repository`, sorted; none if it is unknown.
    ///
    /// A listed tag may lead nowhere, and 3.0.0–3.1.1 on S3 leave tags out.
    ///
    /// # Errors
    ///
    /// Besides failed requests, `Malformed` if a tag is illegal, and `UnsafeLink` if a next page is elsewhere.
    pub async fn tags(&self, repository: &RepositoryName) -> Result<Vec<Tag>, RegistryError> {
        // Without `n` all versions give everything at once, and 3.0.0 cannot skip a tag between two pages.
        let ask = self.ask_list(&format!("/v2/{repository}/tags/list"), Scope::pull(repository));
        let mut answer = self.transport.send(&ask).await?;
        if answer.status() == 404 {
            let code = answer.code().await;
            return if code.as_deref() == Some("NAME_UNKNOWN") { Ok(Vec::new()) } else { Err(answer.error_with(code)) };
        }
        self.pages(ask, answer, |page| page.tags).await
    }

    fn ask_list(&self, path: &str, scope: Scope) -> Ask {
        Ask::new(Method::GET, self.at(path), scope)
    }

    /// Reads the page in `answer`, which came for `ask`, and all that follow.
    async fn pages<T: FromStr + Ord>(
        &self,
        mut ask: Ask,
        mut answer: Answer,
        names: fn(Page) -> Option<Vec<String>>,
    ) -> Result<Vec<T>, RegistryError> {
        let mut pages = Pages::new(self.endpoint());
        let mut found = Vec::new();
        let mut cut = false;
        loop {
            if answer.status() != 200 {
                return Err(answer.into_error().await);
            }
            let (page, length) = match answer.json::<Page>(pages.room()).await {
                Err(error) if !cut && *error.problem() == Problem::CutShort => {
                    cut = true;
                    drop(answer);
                    answer = self.transport.send(&ask).await?;
                    continue;
                }
                page => page?,
            };
            for name in names(page).unwrap_or_default() {
                let name = name.parse().map_err(|_| answer.fail(Problem::IllegalName(escaped(&name))))?;
                found.push(name);
            }
            let next = pages.after(&ask.url, answer.headers(), length).map_err(|problem| answer.fail(problem))?;
            drop(answer);
            let Some(next) = next else { break };
            ask.url = next;
            answer = self.transport.send(&ask).await?;
        }
        found.sort();
        found.dedup();
        Ok(found)
    }
}
