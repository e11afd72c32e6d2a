//! Signatures, attestations and whatever else belongs to an image: they stay with it, and go with it.

use crate::aftermath::{exactly_survives, tags};
use crate::desk::{Desk, condemned, reason, resource, rules, set};
use crate::support::{Artifact, Pusher, Registry, Relay, Version, both_versions};

both_versions![
    what_belongs_to_an_image_stays_and_goes_with_it,
    what_belongs_to_an_unknown_image_stays,
    a_signature_of_a_child_of_an_index_that_stays_stays,
    no_count_and_no_limit_includes_what_belongs_to_an_image,
    a_batch_does_not_part_images_from_their_signatures,
];

const ALL: &str = "[{name: all, repositories: {include: [app]}, tags: {include: ['*']}, action: Delete}]";
const LIMITS: &str = "{maxDeletePercent: 100}";

fn image(seed: &str) -> Artifact {
    Artifact::image(seed).created("2026-01-01T00:00:00Z").layers(1, 500).build()
}

/// Everything that tools attach to `subject`, as (tag, artifact).
fn companions(subject: &Artifact, sbom: &str) -> Vec<(String, Artifact)> {
    let of = |kind: &str| image(&format!("{kind} of {}", subject.digest()));
    let signature = Artifact::attachment(subject, "application/vnd.example.signature");
    vec![
        (subject.cosign_tag("sig"), of("signature")),
        (subject.cosign_tag("att"), of("attestation")),
        (subject.cosign_tag("sbom"), of("packages")),
        (of("signature").cosign_tag("sig"), of("signature of the signature")),
        (subject.fallback_tag(), Artifact::index([signature])),
        (sbom.to_owned(), Artifact::attachment(subject, "application/vnd.example.sbom")),
    ]
}

async fn push_signed(pusher: &Pusher, tag: &str, image: &Artifact) -> Vec<String> {
    pusher.push("app", tag, image).await;
    let companions = companions(image, &format!("packages-of-{tag}"));
    for (tag, companion) in &companions {
        pusher.push("app", tag, companion).await;
    }
    companions.into_iter().map(|(tag, _)| tag).collect()
}

async fn what_belongs_to_an_image_stays_and_goes_with_it(version: Version) {
    let registry = Registry::start(version).await;
    let relay = Relay::start(&registry).await;
    let pusher = registry.pusher();
    let stays = push_signed(&pusher, "v1", &image("released")).await;
    // Their names sort before and after those of what belongs to them.
    let mut goes = push_signed(&pusher, "a-1", &image("first")).await;
    goes.extend(push_signed(&pusher, "zz-1", &image("second")).await);
    goes.extend(["a-1".to_owned(), "zz-1".to_owned()]);

    let policies = resource("{tags: [v1], minimumAge: 0h, inUse: {scope: None}}", LIMITS, ALL);
    let mut desk = Desk::at_url(relay.url(), registry_retention::registry::Access::default());
    let plan = desk.plan(&policies).await.unwrap();
    assert_eq!(condemned(&plan, "app"), goes.iter().cloned().collect());
    for tag in &stays {
        assert_eq!(reason(&plan, "app", tag), "CompanionOfKept");
    }
    let report = desk.prune(&policies).await.unwrap();
    assert!(report.is_complete() && report.skipped.is_empty(), "{report:?}");
    assert!(desk.journal.0.is_empty(), "{:?}", desk.journal.0);

    let lines = relay.lines();
    let delete =
        |reference: &str| lines.iter().position(|line| *line == format!("DELETE /v2/app/manifests/{reference}"));
    for (tag, subject) in [("a-1", image("first")), ("zz-1", image("second"))] {
        let at = delete(subject.digest().as_str()).expect("the subject is deleted");
        for (name, companion) in companions(&subject, &format!("packages-of-{tag}")) {
            assert!(delete(companion.digest().as_str()).is_some_and(|after| at < after), "{name}: {lines:#?}");
            assert!(delete(&name).is_none_or(|after| at < after), "{name}: {lines:#?}");
        }
    }
    exactly_survives(&registry, "app", &stays.into_iter().chain(["v1".to_owned()]).collect()).await;
}

async fn what_belongs_to_an_unknown_image_stays(version: Version) {
    let registry = Registry::start(version).await;
    let pusher = registry.pusher();
    pusher.push("app", "v1", &image("released")).await;
    pusher.push("app", "pr-1", &image("rejected")).await;
    let mut left = set(["v1"]);
    for (tag, companion) in companions(&image("never pushed"), "packages") {
        pusher.push("app", &tag, &companion).await;
        left.insert(tag);
    }
    let policies = resource("{tags: [v1], minimumAge: 0h, inUse: {scope: None}}", LIMITS, ALL);
    let report = Desk::at(&registry).prune(&policies).await.unwrap();
    assert!(report.is_complete() && report.skipped.is_empty(), "{report:?}");
    assert_eq!(report.deleted_tags, 1);
    exactly_survives(&registry, "app", &left).await;
}

async fn a_signature_of_a_child_of_an_index_that_stays_stays(version: Version) {
    let registry = Registry::start(version).await;
    let pusher = registry.pusher();
    pusher.push("app", "v1", &Artifact::index([Artifact::index([image("deep")]), image("child")])).await;
    pusher.push("app", "pr-1", &Artifact::index([image("child"), image("alone")])).await;
    pusher.push("app", "pr-alone", &image("alone")).await;
    for seed in ["deep", "child", "alone"] {
        pusher.push("app", &image(seed).cosign_tag("sig"), &image(&format!("signature of {seed}"))).await;
    }
    let policies = resource("{tags: [v1], minimumAge: 0h, inUse: {scope: None}}", LIMITS, ALL);
    let report = Desk::at(&registry).prune(&policies).await.unwrap();
    assert!(report.is_complete() && report.skipped.is_empty(), "{report:?}");
    let left = [image("deep").cosign_tag("sig"), image("child").cosign_tag("sig"), "v1".into()].into();
    exactly_survives(&registry, "app", &left).await;
}

async fn no_count_and_no_limit_includes_what_belongs_to_an_image(version: Version) {
    let registry = Registry::start(version).await;
    let pusher = registry.pusher();
    let mut left = set(["v3", "v2"]);
    for day in 1..=3 {
        let created = format!("2026-01-0{day}T00:00:00Z");
        let image = Artifact::image(created.as_str()).created(created.as_str()).layers(1, 500).build();
        let companions = push_signed(&pusher, &format!("v{day}"), &image).await;
        if day > 1 {
            left.extend(companions);
        }
    }
    // One of three images may go; with what belongs to them it would be more tags than any limit lets.
    let policies = resource(
        "{tags: [], minimumAge: 0h, inUse: {scope: None}}",
        "{maxDeletePercent: 34, maxDeletions: 1, minTagsPerRepository: 2}",
        "[{name: two, repositories: {include: [app]}, tags: {include: ['*']}, keep: {mostRecentlyPushedCount: 2}}]",
    );
    let mut desk = Desk::at(&registry);
    desk.now = "2026-06-01T00:00:00Z".parse().unwrap();
    let report = desk.prune(&policies).await.unwrap();
    assert!(report.is_complete() && report.skipped.is_empty(), "{report:?}");
    exactly_survives(&registry, "app", &left).await;
}

/// More than one batch: the signatures come when their images are no longer there.
async fn a_batch_does_not_part_images_from_their_signatures(version: Version) {
    let registry = Registry::start(version).await;
    let pusher = registry.pusher();
    let base = image("base");
    let variant = |seed: String| base.clone().annotated("org.opencontainers.image.version", &seed);
    let mut pushed = vec![("v1".to_owned(), base.clone())];
    for n in 0..130 {
        let image = variant(format!("image {n}"));
        pushed.push((image.cosign_tag("sig"), variant(format!("signature {n}"))));
        pushed.push((format!("pr-{n}"), image));
    }
    pusher.push_all("app", &pushed).await;
    let mut desk = Desk::at(&registry);
    let pr = "[{name: pr, repositories: {include: [app]}, tags: {include: ['pr-*']}, action: Delete}]";
    let report = desk.prune(&rules(pr)).await.unwrap();
    assert!(report.is_complete() && report.skipped.is_empty(), "{report:?}");
    assert_eq!(tags(&registry, "app").await, set(["v1"]));
    assert!(desk.journal.0.is_empty(), "{:?}", desk.journal.0);
}
