use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use registry_retention::oci::Digest;
use registry_retention::retention::StoredTag;

use super::{digest_of, inventory, repository, tag, tags};
use crate::support::{Artifact, Registry, Version, both_versions};

both_versions![what_is_read_is_what_was_pushed, push_times_are_those_of_the_links, an_upload_that_did_not_end_is_seen];

/// Names within names, aliases, an index, and tags that moved on.
async fn what_is_read_is_what_was_pushed(version: Version) {
    let registry = Registry::start(version).await;
    let pusher = registry.pusher();
    let image = |seed: &str| Artifact::image(seed).layers(2, 1000).build();
    pusher.push("a", "v1", &image("one")).await;
    pusher.tag("a", "v1", "alias").await;
    let old = pusher.push("a", "latest", &image("old")).await;
    pusher.push("a", "latest", &image("new")).await;
    pusher.push("a/b", "v1", &image("one")).await;
    pusher.push("a/b/c", "all", &Artifact::index([image("one"), image("two")])).await;
    let untagged = pusher.push_untagged("other", &image("two")).await;
    let began = jiff::Timestamp::now();
    let inventory = inventory(&registry).await;

    assert!(
        began <= inventory.began && inventory.began <= inventory.ended && inventory.ended <= jiff::Timestamp::now()
    );
    let names: Vec<_> = inventory.repositories.keys().map(ToString::to_string).collect();
    assert_eq!(names, ["a", "a/b", "a/b/c", "other"]);
    for name in &names {
        let listed = pusher.tags(name).await.unwrap_or_default();
        assert_eq!(tags(&inventory, name), listed, "{name}");
        for of in listed {
            assert_eq!(digest_of(&inventory, name, &of), pusher.digest_of(name, &of).await, "{name}:{of}");
        }
        assert!(repository(&inventory, name).revisions.values().all(|link| link.is_sound));
    }
    let revisions = |name: &str| repository(&inventory, name).revisions.keys().cloned().collect::<BTreeSet<_>>();
    let digests = |images: &[Artifact]| images.iter().map(Artifact::digest).collect::<BTreeSet<Digest>>();
    assert_eq!(revisions("a"), digests(&[image("one"), image("old"), image("new")]));
    assert!(revisions("a").contains(&old), "what `latest` was at");
    let index = Artifact::index([image("one"), image("two")]);
    assert_eq!(revisions("a/b/c"), digests(&[index, image("one"), image("two")]));
    assert_eq!(revisions("other"), BTreeSet::from([untagged]));

    let sizes: BTreeMap<Digest, u64> = registry
        .store()
        .blobs()
        .into_iter()
        .map(|digest| (digest.clone(), fs::metadata(registry.store().blob(&digest)).unwrap().len()))
        .collect();
    assert_eq!(inventory.blobs, sizes);
    assert_eq!(inventory.oddities.count, 0, "{:?}", inventory.oddities);
    let capacity = inventory.capacity.expect("a filesystem tells how much it holds");
    assert!(capacity.free > 0 && capacity.free <= capacity.total);

    // What was deleted is gone, though its folders stay.
    let status = pusher.delete("a", old.as_str()).await;
    assert_eq!(status.as_u16(), 202);
    let after = super::inventory(&registry).await;
    assert!(!repository(&after, "a").revisions.contains_key(&old));
    assert_eq!(after.oddities.count, 0, "{:?}", after.oddities);
}

/// To the nanosecond, before 1970, and in the future.
async fn push_times_are_those_of_the_links(version: Version) {
    let registry = Registry::start(version).await;
    let pusher = registry.pusher();
    let image = Artifact::image("one").build();
    for of in ["old", "now", "future", "ancient"] {
        pusher.push("app", of, &image).await;
    }
    let times = [
        ("old", UNIX_EPOCH + Duration::new(1_600_000_000, 123_456_789)),
        ("future", SystemTime::now() + Duration::from_secs(3600 * 24 * 365)),
        ("ancient", UNIX_EPOCH - Duration::from_secs(1)),
    ];
    for (of, time) in times {
        registry.store().set_push_time("app", of, time);
    }
    let inventory = inventory(&registry).await;
    for (of, time) in times {
        let StoredTag::At { pushed, .. } = tag(&inventory, "app", of) else { panic!("{of} has a link") };
        assert_eq!(SystemTime::from(*pushed), time, "{of}");
    }
    let StoredTag::At { pushed, .. } = tag(&inventory, "app", "now") else { panic!("it has a link") };
    assert!(inventory.began.duration_since(*pushed).as_secs() < 60);

    // The manifest's own link is written with each tag.
    let link = repository(&inventory, "app").revisions[&image.digest()];
    assert!(inventory.began.duration_since(link.pushed).as_secs() < 60);
}

async fn an_upload_that_did_not_end_is_seen(version: Version) {
    let registry = Registry::start(version).await;
    let pusher = registry.pusher();
    let session = pusher.begin_upload("only/an/upload").await.unwrap();
    let chunk = pusher.request(reqwest::Method::PATCH, &session).body(vec![b'x'; 5000]);
    assert_eq!(chunk.send().await.unwrap().status().as_u16(), 202);
    let inventory = inventory(&registry).await;
    let found = repository(&inventory, "only/an/upload");
    assert!(found.tags.is_empty() && found.revisions.is_empty());
    let [upload] = found.uploads.as_slice() else { panic!("one upload, not {:?}", found.uploads) };
    assert!(session.contains(&upload.id), "{} is not in {session}", upload.id);
    assert!(upload.bytes >= 5000 && upload.bytes < 6000, "{}", upload.bytes);
    assert!(inventory.ended.duration_since(upload.active).as_secs() < 60);
}
