use std::sync::atomic::{AtomicBool, Ordering};

use registry_retention::retention::StoredTag;

use super::{digest_of, inventory, repository};
use crate::support::{Artifact, Registry, Version, both_versions};

both_versions![what_stays_is_always_seen];

/// While tags come, move and go, those that stay are in every inventory, whole, and none is said to be broken.
async fn what_stays_is_always_seen(version: Version) {
    const STAYING: usize = 50;
    let registry = Registry::start(version).await;
    let pusher = registry.pusher();
    let image = |seed: String| Artifact::image(seed).build();
    let staying: Vec<_> = (0..STAYING).map(|n| (format!("stays{n}"), image(format!("stays{n}")))).collect();
    pusher.push_all("app", &staying).await;
    let over = AtomicBool::new(false);
    let pushing = async {
        let mut n = 0;
        while !over.load(Ordering::Relaxed) {
            let artifact = image(format!("moves{n}"));
            let digest = pusher.push("app", "moves", &artifact).await;
            // The same again: 2.8 empties the links for an instant.
            pusher.push("app", "stays0", &staying[0].1).await;
            pusher.push("app", &format!("comes{n}"), &artifact).await;
            if n % 2 == 1 {
                pusher.delete("app", digest.as_str()).await;
            }
            n += 1;
        }
        n
    };
    let reading = async {
        for _ in 0..40 {
            let inventory = inventory(&registry).await;
            for (of, artifact) in &staying {
                assert_eq!(digest_of(&inventory, "app", of), Some(artifact.digest()), "{of}");
                assert!(repository(&inventory, "app").revisions[&artifact.digest()].is_sound, "{of}");
                assert!(inventory.blobs.contains_key(&artifact.digest()), "{of}");
            }
            for (of, stored) in &repository(&inventory, "app").tags {
                assert!(matches!(stored, StoredTag::At { .. }), "{of} is broken");
            }
        }
        over.store(true, Ordering::Relaxed);
    };
    let (rounds, ()) = tokio::join!(pushing, reading);
    assert!(rounds > 0);
}
