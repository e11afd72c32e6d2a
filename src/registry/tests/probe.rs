use super::*;
use crate::registry::{Deletes, Generation, Refusal, Server};

fn read_only() -> Response {
    answer(405, &[("allow", "GET, HEAD"), ("content-type", "text/plain; charset=utf-8")], "Method not allowed\n")
}

type Answer = fn() -> Response;

/// What a registry answers to DELETE of a tag and of a digest, to PUT, and the type it names for `/v2/`.
async fn probe(by_tag: Answer, by_digest: Answer, put: Answer, content_type: &'static str) -> (Server, usize) {
    let double = Double::start(move |seen| {
        if seen.line.starts_with("PUT ") {
            put()
        } else if seen.is("GET /v2/") {
            answer(200, &[("content-type", content_type)], "{}")
        } else if seen.line.contains("sha256:0000") {
            by_digest()
        } else {
            by_tag()
        }
    })
    .await;
    (double.client().probe(&app()).await.unwrap(), double.lines().len())
}

#[tokio::test]
async fn the_signs_of_the_versions_are_told_apart() {
    let unknown: Answer = || oci_error(404, "MANIFEST_UNKNOWN");
    let invalid: Answer = || oci_error(400, "DIGEST_INVALID");
    let unsupported: Answer = || oci_error(405, "UNSUPPORTED");
    let failed: Answer = || oci_error(500, "UNKNOWN");
    let forbidden: Answer = || oci_error(403, "DENIED");
    let (yes, locked): (Answer, Answer) = (|| answer(202, &[], ""), read_only);
    let refused = |refusal| Deletes::Refused(refusal);
    let (v2, v3) = ("application/json; charset=utf-8", "application/json");
    for (by_tag, by_digest, put, content_type, generation, deletes, requests) in [
        (invalid, unknown, failed, v2, Generation::V2, Deletes::DigestsOnly, 2),
        (unknown, unknown, failed, v3, Generation::V3, Deletes::TagsAndDigests, 2),
        (unknown, unsupported, failed, v3, Generation::V3, refused(Refusal::Disabled), 2),
        (unsupported, unsupported, failed, v2, Generation::V2, refused(Refusal::Disabled), 4),
        (unsupported, unsupported, failed, v3, Generation::V3, refused(Refusal::Disabled), 4),
        (unsupported, unsupported, forbidden, v3, Generation::V3, refused(Refusal::Disabled), 4),
        (unsupported, unsupported, unsupported, v2, Generation::V2, refused(Refusal::PullThrough), 4),
        (locked, locked, locked, v3, Generation::V3, refused(Refusal::ReadOnly), 3),
        (forbidden, forbidden, forbidden, v2, Generation::V2, refused(Refusal::Forbidden), 3),
        (yes, unknown, failed, "text/html", Generation::Unknown, refused(Refusal::Unrecognised), 3),
    ] {
        let expected = (Server { generation, deletes }, requests);
        assert_eq!(probe(by_tag, by_digest, put, content_type).await, expected);
    }
}

#[tokio::test]
async fn a_server_that_fails_says_nothing_about_itself() {
    let double = Double::start(|_| answer(502, &[], "")).await;
    assert!(double.client().probe(&app()).await.unwrap_err().is_server_error());
}

#[tokio::test]
async fn made_up_tags_differ() {
    let double = Double::start(|_| oci_error(404, "MANIFEST_UNKNOWN")).await;
    double.client().probe(&app()).await.unwrap();
    double.client().probe(&app()).await.unwrap();
    let lines = double.lines();
    assert!(lines[0].starts_with("DELETE /v2/app/manifests/registry-retention-probe-"));
    assert_ne!(lines[0], lines[2]);
}

#[tokio::test]
async fn room_is_tried_and_tidied_up() {
    let double = Double::start(|seen| match seen.line.as_str() {
        // Behind a proxy, the location may name another host.
        "POST /v2/app/blobs/uploads/" => answer(202, &[("location", "http://inner:5000/v2/up?_state=0")], ""),
        "PATCH /v2/up?_state=0" => answer(202, &[("location", "/v2/up?_state=1")], ""),
        "DELETE /v2/up?_state=1" => answer(204, &[], ""),
        other => panic!("{other}"),
    })
    .await;
    assert!(double.client().has_room(&app()).await.unwrap());
    assert_eq!(double.lines().len(), 3);
}

#[tokio::test]
async fn a_full_disk_has_no_room() {
    let double = Double::start(|seen| match seen.line.as_str() {
        "POST /v2/app/blobs/uploads/" => answer(202, &[("location", "/v2/up?_state=0")], ""),
        "GET /v2/up" => answer(204, &[("location", "/v2/up?_state=fresh")], ""),
        "DELETE /v2/up?_state=fresh" => answer(204, &[], ""),
        _ => oci_error(500, "UNKNOWN"),
    })
    .await;
    assert!(!double.client().has_room(&app()).await.unwrap());
    assert_eq!(double.lines().last().unwrap(), "DELETE /v2/up?_state=fresh");
    let double = Double::start(|_| oci_error(500, "UNKNOWN")).await;
    assert!(!double.client().has_room(&app()).await.unwrap());
    let double = Double::start(|_| read_only()).await;
    assert_eq!(double.client().has_room(&app()).await.unwrap_err().reason(), "ReadOnly");
}
