use std::time::Duration;

use futures::{StreamExt as _, stream};

use super::*;
use crate::oci::Digest;
use crate::registry::Rehashed;

const BODY: &str = "blob";
const SHA512_OF_BODY: &str = "78dfec637347c509fe8d78d55efbd28fa1666f146e3a964b7eda2551e6f36bf2\
    9b57266584fa47306ba7332e246e9d4406c5a72a9e609e2eca6e36a6ff505f36";

fn digest() -> Digest {
    Digest::of(BODY.as_bytes())
}

/// A body that breaks off after `first`, once that has been sent.
fn cut(first: &'static str) -> Body {
    let broken = stream::once(async {
        // While this waits, what came before is flushed.
        tokio::time::sleep(Duration::from_millis(20)).await;
        Err(std::io::Error::other("cut"))
    });
    Body::from_stream(stream::iter([Ok(first)]).chain(broken))
}

#[tokio::test]
async fn a_redirect_is_followed_without_the_login() {
    let store = Double::start(|_| ok(BODY)).await;
    let target = format!("{}/bucket/data?signature=x", store.url);
    let double = Double::start(move |seen| {
        if seen.authorization.is_none() {
            answer(401, &[("www-authenticate", "Basic realm=\"r\"")], "")
        } else {
            answer(307, &[("location", &target)], "")
        }
    })
    .await;
    let client = double.client_of_alice();
    assert_eq!(client.blob(&app(), &digest(), 10).await.unwrap().unwrap(), BODY);
    assert_eq!(client.blob_exists(&app(), &digest()).await.unwrap(), Some(4));
    let seen = store.seen();
    assert_eq!(seen[0].line, "GET /bucket/data?signature=x");
    assert!(seen.iter().all(|seen| seen.authorization.is_none()), "{seen:?}");
    assert!(double.seen().iter().skip(1).all(|seen| seen.authorization.is_some()));
}

#[tokio::test]
async fn redirects_end_and_only_blobs_have_them() {
    let double = Double::start(|seen| answer(307, &[("location", &format!("/again/{}", seen.index))], "")).await;
    let client = double.client();
    assert_eq!(client.blob(&app(), &digest(), 10).await.unwrap_err().reason(), "UnsafeRedirect");
    assert_eq!(double.lines().len(), 4);
    assert_eq!(client.tags(&app()).await.unwrap_err().reason(), "UnsafeRedirect");
    assert_eq!(double.lines().len(), 5);
    let double = Double::start(|_| answer(307, &[("location", "file:///etc/passwd")], "")).await;
    assert_eq!(double.client().blob(&app(), &digest(), 10).await.unwrap_err().reason(), "UnsafeRedirect");
}

#[tokio::test]
async fn a_blob_is_bounded_and_verified() {
    let double = Double::start(|_| ok(BODY)).await;
    let client = double.client();
    assert_eq!(client.blob(&app(), &digest(), 3).await.unwrap_err().reason(), "TooLarge");
    let other = Digest::of(b"other");
    assert_eq!(client.blob(&app(), &other, 10).await.unwrap_err().reason(), "DigestMismatch");
    assert_eq!(client.rehash_blob(&app(), &digest()).await.unwrap(), Rehashed::Whole(4));
    assert_eq!(client.rehash_blob(&app(), &other).await.unwrap(), Rehashed::Damaged);
    let sha512 = |last: char| -> Digest { format!("sha512:{}{last}", &SHA512_OF_BODY[..127]).parse().unwrap() };
    assert_eq!(client.rehash_blob(&app(), &sha512('6')).await.unwrap(), Rehashed::Whole(4));
    assert_eq!(client.rehash_blob(&app(), &sha512('f')).await.unwrap(), Rehashed::Damaged);
}

#[tokio::test]
async fn a_blob_that_ends_early_twice_is_damaged() {
    let double = Double::start(|_| ok(cut("bl"))).await;
    let client = double.client();
    assert_eq!(client.rehash_blob(&app(), &digest()).await.unwrap(), Rehashed::Damaged);
    assert_eq!(client.blob(&app(), &digest(), 10).await.unwrap_err().reason(), "Interrupted");
    let double = Double::start(|seen| if seen.index == 0 { ok(cut("bl")) } else { ok(BODY) }).await;
    assert_eq!(double.client().rehash_blob(&app(), &digest()).await.unwrap(), Rehashed::Whole(4));
    let double = Double::start(|seen| ok(cut(if seen.index == 0 { "b" } else { "bl" }))).await;
    assert_eq!(double.client().rehash_blob(&app(), &digest()).await.unwrap_err().reason(), "Interrupted");
}

#[tokio::test]
async fn a_missing_blob_is_missing() {
    let double = Double::start(|_| oci_error(404, "BLOB_UNKNOWN")).await;
    let client = double.client();
    assert_eq!(client.blob(&app(), &digest(), 10).await.unwrap(), None);
    assert_eq!(client.blob_exists(&app(), &digest()).await.unwrap(), None);
    assert_eq!(client.rehash_blob(&app(), &digest()).await.unwrap(), Rehashed::Missing);
}
