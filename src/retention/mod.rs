//! Deciding what to keep: `wants(policies, tags)` says what must be read, `decide(inventory, policies, now)` says what
//! becomes of every tag. Two calls, never a loop; both pure.
//!
//! - [`policy`](Policy): a resource, compiled by `compile`; `pattern` and `version` are what its rules are made of
//! - [`inventory`](Inventory): what was observed; `age` judges its times
//! - `rules`: what each rule says of the tags it selects
//! - `decide`: rules, protections and ages give each tag a verdict by itself
//! - `settle`: what the verdicts mean for one another, and which manifests go
//! - `space`: what that would free
//! - `approval`: how much of a plan may be carried out; [`Memory`]: what is remembered between passes
//! - [`plan`](Plan) and [`verdict`](Verdict): the result, a value

mod age;
mod approval;
mod compile;
mod decide;
mod inventory;
mod memory;
mod pattern;
mod plan;
mod policy;
mod rules;
mod server;
mod settle;
mod space;
mod verdict;
mod version;
mod wants;

pub use age::{Created, Doubt};
pub use approval::{Approval, Cause, Entry, PlanHash, StoredPlan, approve, entries};
pub use compile::InvalidField;
pub use decide::{Mandate, Powers, decide, opinions};
pub use inventory::{Inventory, ManifestState, Repository, Subject, TagState};
pub use memory::{Listing, Memory};
pub use pattern::{Globs, PatternError, Regexes};
pub use plan::{Deletion, DigestDeletion, Plan, Removal, RepositoryPlan, RuleTotals, TagPlan, Totals};
pub use policy::{Criteria, Effect, Limits, NewestVersions, Policy, RepositorySelector, Rule, RuleId, TagSelector};
pub use server::{Deletes, Generation, Refusal, Server};
pub use verdict::{AskedBy, Condemned, Criterion, Kept, Verdict, Youth};
pub use version::TagVersion;
pub use wants::{Wants, named_repositories, reaches, wants};
