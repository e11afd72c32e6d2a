use super::*;
use crate::oci::Digest;
use crate::registry::Reference;

#[tokio::test]
async fn a_busy_server_is_asked_again() {
    let double = Double::start(|seen| match seen.index {
        0 => answer(429, &[("retry-after", "0")], ""),
        1 => answer(503, &[], ""),
        _ => ok(r#"{"tags": ["v1"]}"#),
    })
    .await;
    assert_eq!(double.client().tags(&app()).await.unwrap().len(), 1);
    assert_eq!(double.lines().len(), 3);
}

#[tokio::test]
async fn tries_end_and_patience_has_bounds() {
    let double = Double::start(|_| answer(429, &[], "")).await;
    assert_eq!(double.client().tags(&app()).await.unwrap_err().reason(), "RateLimited");
    assert_eq!(double.lines().len(), 4);
    let double = Double::start(|_| answer(429, &[("retry-after", "3600")], "")).await;
    let error = double.client().tags(&app()).await.unwrap_err();
    assert!(error.to_string().contains("asks to wait 3600 s"), "{error}");
    assert_eq!(double.lines().len(), 1);
}

#[tokio::test]
async fn a_write_that_may_have_happened_is_sent_once() {
    for status in [500, 502, 503, 504] {
        let double = Double::start(move |_| answer(status, &[], "")).await;
        let client = double.client();
        assert!(client.delete_tag(&app(), &tag("v1")).await.unwrap_err().is_server_error());
        let put = client.put_manifest(&app(), Reference::Tag(&tag("v1")), "x/y", "{}".into()).await;
        assert!(put.unwrap_err().is_server_error());
        assert_eq!(double.lines().len(), 2, "{status}");
    }
    let double = Double::start(|seen| answer(if seen.index == 0 { 429 } else { 202 }, &[], "")).await;
    double.client().delete_manifest(&app(), &Digest::of(b"x")).await.unwrap();
    assert_eq!(double.lines().len(), 2);
}

#[tokio::test]
async fn nobody_there_is_unreachable() {
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let client = Client::new(format!("http://{unused}").parse().unwrap(), Access::default()).unwrap();
    let error = client.tags(&app()).await.unwrap_err();
    assert_eq!(error.reason(), "Unreachable");
    assert!(error.is_transient());
}
