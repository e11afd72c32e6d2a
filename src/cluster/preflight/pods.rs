use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream;

use super::Ask;
use crate::collection::preflight::Facts;
use crate::collection::protocol::Answer;
use crate::collection::{Serving, Unanswered};
use crate::registry;

/// How many pods are asked at once.
const AT_ONCE: usize = 8;
/// How often a pod is asked that cannot be reached, and how long it is waited in between: a packet may be lost.
const TRIES: usize = 3;
const PAUSE: Duration = Duration::from_secs(1);

/// What each of the registry's pods answers, by its uid; those without an address are left out.
pub(super) async fn answers(
    facts: &Facts,
    serving: &Serving,
    ask: &Ask<'_>,
) -> BTreeMap<String, Result<Answer, Unanswered>> {
    let pods = facts.own_pods().filter_map(|pod| {
        let address: IpAddr = pod.status.as_ref()?.pod_ip.as_ref()?.parse().ok()?;
        Some((pod.metadata.uid.clone()?, address))
    });
    let pods: Vec<(String, IpAddr)> = pods.collect();
    let asked = stream::iter(pods).map(async |(uid, address)| (uid, answer(address, serving, ask).await));
    asked.buffer_unordered(AT_ONCE).collect().await
}

async fn answer(address: IpAddr, serving: &Serving, ask: &Ask<'_>) -> Result<Answer, Unanswered> {
    let mut tries = 1;
    loop {
        match registry::ask(address, serving, ask.host, ask.access).await {
            Err(Unanswered::Unreachable(_)) if tries < TRIES => tries += 1,
            answer => return answer,
        }
        tokio::time::sleep(PAUSE).await;
    }
}
