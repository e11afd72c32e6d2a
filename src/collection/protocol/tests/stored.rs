use super::*;

#[test]
fn journal_and_claim_survive_being_written() {
    let journal = Journal::new(terms(Strategy::ScaleToZero));
    let writer = Writer { pod: Uid::new("old"), machine: machine() };
    let collector = Uid::new("collector");
    let end = End::Aborted(Abort::FreezeLost);
    let phases = [
        Phase::Claiming,
        Phase::Freezing { collector, replicas: 2, writers: [writer].into() },
        Phase::Collecting { replicas: 2, release: release() },
        Phase::Thawing { replicas: Some(2), end, witnesses: [Uid::new("new")].into() },
        Phase::Over { end: End::Collected, stale: [].into() },
    ];
    for phase in phases {
        let journal = journal.then(phase);
        let text = serde_json::to_string(&journal).unwrap();
        assert_eq!(serde_json::from_str::<Journal>(&text).unwrap(), journal, "{text}");
    }
    let claim = Claim::new(terms(Strategy::ReadOnly)).frozen().releasing(release());
    let text = serde_json::to_string(&claim).unwrap();
    assert_eq!(serde_json::from_str::<Claim>(&text).unwrap(), claim, "{text}");
    assert!(text.contains(r#""isFrozen":true"#) && text.contains(r#""lastRelease":"1970-01-01T00:25:00Z""#), "{text}");
}
