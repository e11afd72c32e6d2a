use super::*;
use crate::oci::{Digest, MAX_MANIFEST_BYTES};
use crate::registry::{Deleted, Reference, Resolved};

const BODY: &str = r#"{"schemaVersion":2}"#;

fn digest() -> Digest {
    Digest::of(BODY.as_bytes())
}

#[tokio::test]
async fn a_manifest_is_what_its_bytes_are() {
    let double = Double::start(|_| answer(200, &[("content-type", "x/y; charset=utf-8")], BODY)).await;
    let client = double.client();
    for reference in [Reference::Tag(&tag("v1")), Reference::Digest(&digest())] {
        let fetched = client.manifest(&app(), reference).await.unwrap().unwrap();
        assert_eq!((fetched.digest, fetched.content_type.as_str()), (digest(), "x/y; charset=utf-8"));
    }
    let other = Digest::of(b"other");
    let error = client.manifest(&app(), Reference::Digest(&other)).await.unwrap_err();
    assert_eq!(error.reason(), "DigestMismatch");
}

#[tokio::test]
async fn a_digest_header_must_fit_the_bytes() {
    for (header, reason) in [(Digest::of(b"other").to_string(), "DigestMismatch"), ("sha256:zz".into(), "Malformed")] {
        let double = Double::start(move |_| answer(200, &[("docker-content-digest", &header)], BODY)).await;
        let error = double.client().manifest(&app(), Reference::Tag(&tag("v1"))).await.unwrap_err();
        assert_eq!(error.reason(), reason);
    }
}

#[tokio::test]
async fn missing_is_what_the_registry_says_twice() {
    let double = Double::start(|_| oci_error(404, "MANIFEST_UNKNOWN")).await;
    assert_eq!(double.client().manifest(&app(), Reference::Tag(&tag("v1"))).await.unwrap(), None);
    assert_eq!(double.lines().len(), 2);

    let double =
        Double::start(|seen| if seen.index == 0 { oci_error(404, "MANIFEST_UNKNOWN") } else { ok(BODY) }).await;
    assert!(double.client().manifest(&app(), Reference::Tag(&tag("v1"))).await.unwrap().is_some());

    let double = Double::start(|_| answer(404, &[], "404 page not found")).await;
    let error = double.client().manifest(&app(), Reference::Tag(&tag("v1"))).await.unwrap_err();
    assert_eq!(error.reason(), "UnexpectedAnswer");
}

#[tokio::test]
async fn an_oversize_manifest_is_not_read_to_its_end() {
    let double = Double::start(|_| {
        let endless = futures::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b' '; 64 * 1024]));
        ok(Body::from_stream(endless))
    })
    .await;
    let error = double.client().manifest(&app(), Reference::Tag(&tag("v1"))).await.unwrap_err();
    assert_eq!(error.reason(), "TooLarge");
    assert!(error.to_string().contains(&MAX_MANIFEST_BYTES.to_string()));
}

#[tokio::test]
async fn resolving_asks_only_for_a_difference() {
    let known = digest();
    let etag = format!("\"{known}\"");
    let double = Double::start(move |seen| match &seen.if_none_match {
        Some(tag) if *tag == etag => answer(304, &[], ""),
        _ => ok(BODY),
    })
    .await;
    let client = double.client();
    assert_eq!(client.resolve(&app(), &tag("v1"), &known).await.unwrap(), Resolved::Unchanged);
    let Resolved::Moved(fetched) = client.resolve(&app(), &tag("v1"), &Digest::of(b"old")).await.unwrap() else {
        panic!("it moved")
    };
    assert_eq!(fetched.digest, known);
}

#[tokio::test]
async fn a_server_that_knows_no_condition_resolves_as_well() {
    let double = Double::start(|_| ok(BODY)).await;
    assert_eq!(double.client().resolve(&app(), &tag("v1"), &digest()).await.unwrap(), Resolved::Unchanged);
    let double = Double::start(|_| oci_error(404, "MANIFEST_UNKNOWN")).await;
    assert_eq!(double.client().resolve(&app(), &tag("v1"), &digest()).await.unwrap(), Resolved::Missing);
}

#[tokio::test]
async fn deleting_what_is_gone_is_done_and_a_stray_404_is_not() {
    let double = Double::start(|seen| match seen.line.as_str() {
        "DELETE /v2/app/manifests/v1" => answer(202, &[], ""),
        "DELETE /v2/app/manifests/v2" => oci_error(404, "MANIFEST_UNKNOWN"),
        _ => answer(404, &[], ""),
    })
    .await;
    let client = double.client();
    assert_eq!(client.delete_tag(&app(), &tag("v1")).await.unwrap(), Deleted::Now);
    assert_eq!(client.delete_tag(&app(), &tag("v2")).await.unwrap(), Deleted::Already);
    assert_eq!(client.delete_tag(&app(), &tag("v3")).await.unwrap_err().reason(), "UnexpectedAnswer");
}

#[tokio::test]
async fn a_servers_words_stay_out_of_messages() {
    let double = Double::start(|_| oci_error(500, "UNKNOWN")).await;
    let error = double.client().delete_manifest(&app(), &digest()).await.unwrap_err();
    assert!(error.is_server_error());
    let text = format!("{error} {error:?}");
    assert!(text.contains("500 UNKNOWN") && !text.contains("secret"), "{text}");
}
