use super::*;

#[tokio::test]
async fn pages_are_joined_sorted_and_freed_of_duplicates() {
    let double = Double::start(|seen| match seen.line.as_str() {
        "GET /v2/_catalog?n=1000" => answer(
            200,
            &[("link", r#"</v2/_catalog?last=b&n=1000>; rel="next""#)],
            r#"{"repositories": ["b", "a/c", "a"]}"#,
        ),
        "GET /v2/_catalog?last=b&n=1000" => ok(r#"{"repositories": ["a-b", "b"]}"#),
        other => panic!("{other}"),
    })
    .await;
    let names: Vec<_> = double.client().repositories().await.unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(names, ["a", "a-b", "a/c", "b"]);
}

#[tokio::test]
async fn a_catalog_that_refuses_large_pages_is_read_in_its_own() {
    let double = Double::start(|seen| match seen.line.as_str() {
        "GET /v2/_catalog?n=1000" => oci_error(400, "PAGINATION_NUMBER_INVALID"),
        "GET /v2/_catalog" => ok(r#"{"repositories": ["a"]}"#),
        other => panic!("{other}"),
    })
    .await;
    assert_eq!(double.client().repositories().await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_emptied_or_unknown_repository_has_no_tags() {
    for body in [r#"{"name": "app", "tags": null}"#, r#"{"tags": []}"#, r#"{"name": "app"}"#] {
        let double = Double::start(move |_| ok(body)).await;
        assert_eq!(double.client().tags(&app()).await.unwrap(), [], "{body}");
    }
    let double = Double::start(|_| oci_error(404, "NAME_UNKNOWN")).await;
    assert_eq!(double.client().tags(&app()).await.unwrap(), []);
    // Not the registry's word, so no proof that there are no tags.
    let double = Double::start(|_| answer(404, &[], "default backend - 404")).await;
    assert_eq!(double.client().tags(&app()).await.unwrap_err().reason(), "UnexpectedAnswer");
}

#[tokio::test]
async fn a_next_page_elsewhere_is_not_fetched() {
    let evil = Double::start(|_| ok(r#"{"tags": ["evil"]}"#)).await;
    let link = format!("<{}/v2/app/tags/list?last=a>; rel=\"next\"", evil.url);
    let double = Double::start(move |_| answer(200, &[("link", &link)], r#"{"tags": ["a"]}"#)).await;
    assert_eq!(double.client().tags(&app()).await.unwrap_err().reason(), "UnsafeLink");
    assert_eq!(evil.lines().len(), 0);
}

#[tokio::test]
async fn pages_that_lead_in_a_circle_are_an_error() {
    let link = "</v2/app/tags/list?last=a>; rel=\"next\"";
    let double = Double::start(move |_| answer(200, &[("link", link)], r#"{"tags": ["a"]}"#)).await;
    assert_eq!(double.client().tags(&app()).await.unwrap_err().reason(), "Malformed");
    assert_eq!(double.lines().len(), 2);
}

#[tokio::test]
async fn an_illegal_name_is_shown_harmlessly() {
    let double = Double::start(|_| ok(r#"{"tags": ["v1", "a\u001b[31m/b"]}"#)).await;
    let error = double.client().tags(&app()).await.unwrap_err();
    assert!(error.to_string().contains(r#"it lists "a\u{1b}[31m/b", which is no legal name"#), "{error}");
}

#[tokio::test]
async fn a_page_that_is_no_json_is_malformed() {
    let double = Double::start(|_| ok("<html>secret</html>")).await;
    let error = double.client().tags(&app()).await.unwrap_err();
    assert_eq!(error.reason(), "Malformed");
    assert!(!format!("{error} {error:?}").contains("secret"));
}
