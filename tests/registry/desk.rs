//! The product as a test uses it: resources in YAML, plans and prunes of one registry, with everything that outlives a
//! pass kept by the test, so that it can forget, keep or carry it over a crash.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use registry_retention::api::read_resources;
use registry_retention::oci::{Digest, RepositoryName, Tag};
use registry_retention::pruning::{Intent, OpenIntents};
use registry_retention::registry::{Access, Client};
use registry_retention::retention::{
    InUse, Inventory, Mandate, Memory, Plan, Policy, RegistryNames, Store, StoredPlan, UsedImages, approve, decide,
    entries,
};
use registry_retention::worker::{
    Journal, JournalError, Observer, Pruner, Report, Silent, Verification, Verifier, WorkError, Workloads,
};

use crate::support::Registry;

/// One person's work on one registry.
pub struct Desk {
    pub client: Client,
    pub memory: Memory,
    pub journal: Records,
    /// What workloads use.
    pub in_use: Arc<InUse>,
    /// What the storage showed, if somebody read it.
    pub store: Option<Arc<Store>>,
    /// Whether single tags may be removed from 2.8 by way of a placeholder.
    pub tombstones: bool,
    pub now: Timestamp,
}

/// A journal that a test can look into. It outlives the run that writes it, as a file would.
#[derive(Clone, Default)]
pub struct Records(pub OpenIntents);

impl Journal for Records {
    fn open_intents(&self) -> &OpenIntents {
        &self.0
    }

    async fn intend(&mut self, intents: &[Intent]) -> Result<(), JournalError> {
        for intent in intents {
            self.0.open(intent.clone());
        }
        Ok(())
    }

    async fn settle(&mut self, repository: &RepositoryName, digest: &Digest) -> Result<(), JournalError> {
        self.0.settle(repository, digest);
        Ok(())
    }
}

impl Desk {
    /// At `registry`, without a login.
    pub fn at(registry: &Registry) -> Self {
        Self::at_url(registry.url(), Access::default())
    }

    /// At `url`, with a login.
    pub fn at_url(url: &str, access: Access) -> Self {
        let client = Client::new(url.parse().expect("a registry URL"), access).expect("a client");
        let now = Timestamp::now();
        let (memory, journal, in_use) = Default::default();
        Self { client, memory, journal, in_use, store: None, tombstones: false, now }
    }

    /// What the rules, written as YAML, make of the registry now.
    pub async fn plan(&self, policies: &[Policy]) -> Result<Plan, WorkError> {
        Ok(self.decide(&self.observe(policies).await?, policies))
    }

    pub async fn observe(&self, policies: &[Policy]) -> Result<Inventory, WorkError> {
        let (memory, open) = (&self.memory, self.journal.open_intents());
        let in_use = &self.in_use;
        let store = self.store.as_ref();
        Observer { client: &self.client, policies, in_use, store, memory, open, progress: &Silent }.inventory().await
    }

    pub fn decide(&self, inventory: &Inventory, policies: &[Policy]) -> Plan {
        decide(inventory, policies, &self.in_use, Mandate { tombstones: self.tombstones, within: None }, self.now)
    }

    /// Plans, and carries out what needs no acceptance.
    pub async fn prune(&mut self, policies: &[Policy]) -> Result<Report, WorkError> {
        let plan = self.plan(policies).await?;
        let approval = approve(&plan, &[], &[], self.now);
        assert_eq!(approval.waiting, None, "the test's limits let its plan pass");
        self.carry_out(policies, &StoredPlan::new(entries(&plan), Vec::new(), self.now)).await
    }

    /// Carries a stored plan out.
    pub async fn carry_out(&mut self, policies: &[Policy], plan: &StoredPlan) -> Result<Report, WorkError> {
        let in_use = Arc::clone(&self.in_use);
        self.carry_out_beside(&in_use, policies, plan).await
    }

    /// Carries a stored plan out, while `workloads` come and go.
    pub async fn carry_out_beside(
        &mut self,
        workloads: &dyn Workloads,
        policies: &[Policy],
        plan: &StoredPlan,
    ) -> Result<Report, WorkError> {
        Pruner {
            client: &self.client,
            policies,
            in_use: workloads,
            memory: &mut self.memory,
            journal: &mut self.journal,
            store: self.store.clone(),
            plan,
            tombstones: self.tombstones,
            now: self.now,
            progress: &Silent,
        }
        .run()
        .await
    }

    /// Walks and hashes everything that any tag reaches.
    pub async fn verify(&self) -> Verification {
        let repositories = self.client.repositories().await.expect("a catalog");
        let verifier = Verifier { client: &self.client, rehash: true, progress: &Silent };
        verifier.verify(repositories).await.expect("a verification")
    }
}

/// A resource with these rules, written as a YAML list, that may delete at once and without limits; its lists are
/// vouched for.
pub fn rules(rules: &str) -> Vec<Policy> {
    resource("{tags: [], minimumAge: 0h, inUse: {scope: None}}", "{maxDeletePercent: 100}", rules)
}

/// A resource with these blocks, in YAML.
pub fn resource(protect: &str, limits: &str, rules: &str) -> Vec<Policy> {
    let text = format!(
        "apiVersion: registry-retention.dev/v1alpha1\nkind: RegistryRetention\nmetadata: {{name: team}}\n\
         spec:\n  registry: {{url: 'http://127.0.0.1:5000', completeTagLists: true}}\n  protect: {protect}\n  \
         limits: {limits}\n  rules: {rules}\n"
    );
    let resources = read_resources(&text).unwrap_or_else(|errors| panic!("{errors:#?}\n{text}"));
    resources.iter().map(|resource| Policy::compile(resource).expect("a good resource")).collect()
}

/// The tags of `repository` that `plan` condemns.
pub fn condemned(plan: &Plan, repository: &str) -> BTreeSet<String> {
    let tags = plan.tags().filter(|(name, tag)| name.as_str() == repository && tag.verdict.is_condemned());
    tags.map(|(_, tag)| tag.tag.to_string()).collect()
}

/// The reason code of one tag.
pub fn reason(plan: &Plan, repository: &str, tag: &str) -> &'static str {
    let tag: Tag = tag.parse().expect("a tag");
    let found = plan.tags().find(|(name, planned)| name.as_str() == repository && planned.tag == tag);
    found.unwrap_or_else(|| panic!("{repository}:{tag} is in the plan")).1.verdict.code()
}

/// What is in use, if a Pod names each of `images`.
pub fn in_use<'a>(images: impl IntoIterator<Item = &'a str>) -> Arc<InUse> {
    let mut used = UsedImages::default();
    images.into_iter().for_each(|image| used.add(image, "Pod shop/web-1"));
    Arc::new(InUse::of(&used, &RegistryNames::default()).expect("readable references"))
}

/// A set of names.
pub fn set<'a>(names: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    names.into_iter().map(str::to_owned).collect()
}
