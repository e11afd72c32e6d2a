//! What the preview and the pods tell.

use super::*;
use crate::collection::{Unanswered, Unreachable};

fn telling(change: impl FnOnce(&mut Account)) -> Facts {
    let mut facts = sound();
    let mut account = previewed();
    change(&mut account);
    facts.preview = Preview::Told(Box::new(account));
    facts
}

#[test]
fn a_store_that_nothing_proves_to_be_its_own_needs_a_word() {
    let exclusive = |mut facts: Facts| {
        let said = reasons(&facts);
        facts.wish.store_is_exclusive = true;
        assert_eq!(reasons(&facts), [""; 0]);
        said
    };
    let refused = ["StoreNotExclusive"];
    for (modes, given, is_proved) in [
        (&["ReadWriteOnce"][..], &["ReadWriteOnce"][..], true),
        (&["ReadWriteOnce"], &["ReadWriteOnce", "ReadWriteMany"], false),
        (&["ReadWriteMany"], &["ReadWriteMany"], false),
        (&["ReadWriteMany", "ReadWriteOnce"], &[], false),
        (&["ReadOnlyMany"], &[], false),
        (&[], &[], false),
    ] {
        for preview in [Preview::NotYet, sound().preview] {
            let mut facts = sound();
            facts.preview = preview;
            facts
                .claims
                .insert("data".into(), of(json!({"spec": {"accessModes": modes}, "status": {"accessModes": given}})));
            assert_eq!(exclusive(facts).is_empty(), is_proved, "{modes:?} {given:?}");
        }
    }
    // The claim is there for something else.
    assert_eq!(exclusive(telling(|it| it.stored = Some(Stored::Bucket))), refused);
    assert_eq!(exclusive(telling(|it| it.stored = Some(Stored::Folder("/srv".into())))), refused);
    assert_eq!(exclusive(telling(|it| it.stored = Some(Stored::Folder("/var/lib/registry/a".into())))), [""; 0]);
    // Where it was not told, the template may tell.
    assert_eq!(exclusive(telling(|it| it.stored = None)), [""; 0]);
    let mut elsewhere = template();
    elsewhere["containers"][0]["env"] = json!([{"name": "REGISTRY_STORAGE_S3_BUCKET", "value": "b"}]);
    let mut facts = with_template(&elsewhere);
    facts.preview = Preview::Impossible;
    assert_eq!(exclusive(facts), refused);
}

#[test]
fn a_preview_that_objects_is_passed_on() {
    for (reason, told, passes) in [
        ("KeptDamaged", "KeptDamaged", false),
        ("PullThrough", "PullThrough", false),
        ("RedisCache", "RedisCache", false),
        ("StorageEmpty", "StorageEmpty", false),
        ("ConfigurationUnreadable", "ConfigurationUnreadable", false),
        ("Stopped", "Stopped", true),
        ("Pruned", "PreviewRefused", false),
    ] {
        let mut facts = sound();
        let account = Account::of(Outcome::Refused, reason, "it is\nso; nothing was deleted".into());
        facts.preview = Preview::Told(Box::new(account));
        let all = objections(&facts);
        let [objection] = all.as_slice() else { panic!("{all:?}") };
        assert_eq!((objection.reason(), objection.may_pass()), (told, passes));
        assert_eq!(objection.to_string(), "it is so; nothing was deleted");
    }
}

#[test]
fn a_registry_that_cannot_be_asked_is_refused() {
    for (unreachable, part) in [
        (Unreachable::Loopback, "loopback"),
        (Unreachable::UnixSocket, "unix socket"),
        (Unreachable::AddressUnclear, "does not tell"),
    ] {
        let mut facts = telling(|it| it.serving = Some(Listening::Nowhere { unreachable }));
        facts.answers = None;
        is_refused(&facts, "ListenerUnreachable", &[part, "http."]);
    }
    is_refused(&telling(|it| it.serving = None), "ListenerUnreachable", &[]);
    let read_only = Serving { read_only: true, ..serving() };
    let facts = telling(|it| it.serving = Some(Listening::At(read_only)));
    is_refused(&facts, "FrozenBySomeoneElse", &["storage.maintenance.readonly"]);
}

#[test]
fn each_pod_must_say_that_it_takes_writes() {
    let text = || "10.0.0.1:5000: so".to_owned();
    for (answer, reason) in [
        (Some(Ok(Answer::ReadOnly)), "FrozenBySomeoneElse"),
        (Some(Ok(Answer::Unknown)), "ProbeUnclear"),
        (None, "ProbeUnclear"),
        (Some(Err(Unanswered::Unauthorized(text()))), "ProbeUnauthorized"),
        (Some(Err(Unanswered::Tls(text()))), "ProbeTls"),
        (Some(Err(Unanswered::Unreachable(text()))), "ProbeUnreachable"),
        (Some(Err(Unanswered::Unclear(text()))), "ProbeUnclear"),
    ] {
        let mut facts = sound();
        facts.answers = Some(answer.into_iter().map(|answer| ("registry-1-a".to_owned(), answer)).collect());
        is_refused(&facts, reason, &["pod registry-1-a"]);
    }
    let mut facts = sound();
    facts.pods[0].status = of(json!({"phase": "Failed"}));
    facts.answers = Some(BTreeMap::new());
    assert_eq!(reasons(&facts), [""; 0], "one that has ended says nothing more");
    let mut facts = sound();
    facts.elsewhere = Some("https://registry.example.com".into());
    is_refused(&facts, "RegistryElsewhere", &["https://registry.example.com"]);
}

#[test]
fn the_window_is_that_of_two_roll_outs_and_twice_the_collector() {
    let seconds = |predicted| window(&Account { predicted_seconds: predicted, ..previewed() }).as_secs();
    assert_eq!([seconds(Some(0.0)), seconds(Some(10.5)), seconds(None)], [120, 141, 120]);
    assert_eq!(seconds(Some(f64::MAX)), u64::MAX);
    let mut facts = telling(|it| it.predicted_seconds = Some(840.0));
    assert_eq!(reasons(&facts), [""; 0]);
    facts.wish.max_read_only = Duration::from_secs(1799);
    is_refused(&facts, "WindowTooLong", &["for 1800 s", "1799 s", "maxReadOnly"]);
}

#[test]
fn too_little_is_not_worth_it_where_somebody_says_so() {
    for (minimum, is_worth) in [(None, true), (Some(1000), true), (Some(1001), false)] {
        let mut facts = sound();
        facts.wish.minimum_reclaim = minimum;
        assert_eq!(reasons(&facts).is_empty(), is_worth, "{minimum:?}");
        if !is_worth {
            assert!(is_refused(&facts, "NotWorthIt", &["1000 bytes", "1001"]).may_pass());
        }
    }
}
