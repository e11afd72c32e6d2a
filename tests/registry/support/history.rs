use super::{Artifact, Pusher};

/// The repositories of [`push_history`].
pub const REPOSITORIES: [&str; 5] = ["i1", "i2", "i3", "i4", "i5"];

/// The number of tags that [`push_history`] makes in each.
pub const TAGS: usize = 52;

/// A year of weekly releases: repositories i1…i5, each with tags T1…T52.
///
/// All images differ. The images of one repository share a base layer, and four in a row share another one. `T<n>` was
/// created in week n: at the start of 2026 plus n weeks.
pub async fn push_history(pusher: &Pusher) {
    for repository in REPOSITORIES {
        let tagged: Vec<_> = (1..=TAGS).map(|week| (format!("T{week}"), release(repository, week))).collect();
        pusher.push_all(repository, &tagged).await;
    }
}

/// The image that [`push_history`] puts under `T<week>`.
pub fn release(repository: &str, week: usize) -> Artifact {
    let start: jiff::Timestamp = "2026-01-01T00:00:00Z".parse().expect("a time");
    let created = start + jiff::SignedDuration::from_hours(i64::try_from(week).expect("a week") * 7 * 24);
    Artifact::image(format!("{repository}/T{week}"))
        .created(created.to_string())
        .layer(super::artifact::filler(repository, 20_000))
        .layer(super::artifact::filler(&format!("{repository}/{}", week.div_ceil(4)), 10_000))
        .layers(1, 5_000)
        .build()
}

/// Tags T1…T`count` in one repository, quickly: small images that share config and layer and differ in an annotation,
/// so that each costs one request.
pub async fn push_many(pusher: &Pusher, repository: &str, count: usize) {
    let image = Artifact::image(repository).layers(1, 1_000).build();
    let tagged: Vec<_> = (1..=count)
        .map(|n| (format!("T{n}"), image.clone().annotated("org.opencontainers.image.version", &n.to_string())))
        .collect();
    pusher.push_all(repository, &tagged).await;
}
