use std::fmt::Debug;
use std::time::Duration;

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use kube::api::ListParams;
use kube::{Api, Client};
use serde::de::DeserializeOwned;

use super::error::{Cause, ClusterError, Unread, Verb};
use super::scope::{Feed, Scope};
use crate::retention::UsedImages;

/// Objects of one page: 500 pods are about 3 MB.
const PAGE: u32 = 500;
/// How long one page may take, its body included.
const PAGE_TIMEOUT: Duration = Duration::from_secs(60);
/// How often a list is begun whose continue token expires.
const ATTEMPTS: usize = 3;
/// How many kinds are read at once.
const CONCURRENCY: usize = 4;

/// Reads what workloads in `scope` use, now and from where writes go: no cache answers. No more than a few pages are
/// held at a time.
///
/// # Errors
///
/// [`ClusterError::Workloads`] if any kind cannot be read whole.
pub async fn used_images(client: &Client, scope: &Scope) -> Result<UsedImages, ClusterError> {
    stream::iter(scope.feeds())
        .map(|feed| async move {
            read_feed(client, &feed).await.map_err(|cause| {
                let namespace = feed.namespace.as_deref();
                ClusterError::Workloads(Unread::new(&feed.kind.resource(), namespace, Verb::List, cause))
            })
        })
        .buffer_unordered(CONCURRENCY)
        .try_fold(UsedImages::default(), async |mut all, used| {
            all.absorb(&used);
            Ok(all)
        })
        .await
}

async fn read_feed(client: &Client, feed: &Feed) -> Result<UsedImages, Cause> {
    read(&feed.api(client), |used: &mut UsedImages, workload| {
        let user = format!("{} {}", feed.kind, workload.name());
        workload.images().iter().for_each(|image| used.add(image, &user));
    })
    .await
}

/// All objects of `api`, page by page, taken in by `take`. A list that expires is begun anew with nothing taken in.
pub(super) async fn read<K, T>(api: &Api<K>, take: impl Fn(&mut T, K)) -> Result<T, Cause>
where
    K: Clone + DeserializeOwned + Debug,
    T: Default,
{
    for _ in 0..ATTEMPTS {
        match read_once(api, &take).await {
            Err(Cause::Expired) => {}
            done => return done,
        }
    }
    Err(Cause::Expired)
}

async fn read_once<K, T>(api: &Api<K>, take: impl Fn(&mut T, K)) -> Result<T, Cause>
where
    K: Clone + DeserializeOwned + Debug,
    T: Default,
{
    let mut taken = T::default();
    let mut page = ListParams::default().limit(PAGE);
    loop {
        let answer = tokio::time::timeout(PAGE_TIMEOUT, api.list(&page)).await;
        let answer = answer.map_err(|_| Cause::Unreachable("the API server stopped in the middle of a page".into()))?;
        let list = answer.map_err(|error| Cause::from(&error))?;
        list.items.into_iter().for_each(|object| take(&mut taken, object));
        match list.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(more) => page = page.continue_token(&more),
            None => return Ok(taken),
        }
    }
}
