//! Deciding what to keep: `wants(policies, tags)` says what must be read, `decide(inventory, policies, in_use, now)` says
//! what becomes of every tag. Two calls, never a loop; both pure.
//!
//! - [`policy`](Policy): a resource, compiled by `compile`; `pattern` and `version` are what its rules are made of
//! - [`inventory`](Inventory): what was observed; `age` judges its creation times, [`pushed`](Pushed) the push times that a
//!   store tells, `push_times` all of them, `restamped` whether these tell anything
//! - [`used_images`](UsedImages): the images that workloads name; [`in_use`](InUse): what of them may concern one
//!   registry, and [`uses`](Uses) one repository
//! - `rules`: what each rule says of the tags it selects
//! - `judge`: rules, protections and ages give each tag a verdict by itself; `young` is the minimum age
//! - `settle`: what the verdicts mean for one another, and which manifests go; `untagged` are those that no tag reaches,
//!   `setting` what all that depends on, `deletions` the order
//! - `decide`: all of that, for a whole registry, with the `powers` that its server gives
//! - [`store`](Store): what the storage shows, where somebody read it
//! - `space`: what that would free, as far as manifests tell; [`collected`](Collected): the same to the byte, where the
//!   storage was read
//! - `approval`: how much of a plan may be carried out; [`Memory`]: what is remembered between passes
//! - [`plan`](Plan) and [`verdict`](Verdict): the result, a value; `sentence` says it in words

mod age;
mod approval;
mod collected;
mod compile;
mod decide;
mod deletions;
mod in_use;
mod inventory;
mod judge;
mod memory;
mod pattern;
mod plan;
mod policy;
mod powers;
mod push_times;
mod pushed;
mod restamped;
mod rules;
mod sentence;
mod server;
mod setting;
mod settle;
mod space;
mod store;
mod untagged;
mod used_images;
mod uses;
mod verdict;
mod version;
mod wants;
mod young;

pub use age::{AgeDoubt, AgeSource, Created, Doubt};
pub use approval::{Approval, Cause, Entry, PlanHash, StoredPlan, approve, entries, means};
pub use collected::{Collected, RuleBytes, marks};
pub use compile::InvalidField;
pub use decide::{Mandate, decide};
pub use in_use::{InUse, RegistryNames, UnreadableReference};
pub use inventory::{Elsewhere, Inventory, Listing, ManifestState, Repository, Subject, TagState};
pub use judge::opinions;
pub use memory::Memory;
pub use pattern::{Globs, PatternError, Regexes};
pub use plan::{Deletion, DigestDeletion, Plan, Removal, RepositoryPlan, RuleTotals, TagPlan, Totals, UntaggedPlan};
pub use policy::{
    Criteria, Effect, Limits, NewestVersions, Policy, RepositorySelector, Role, Rule, RuleId, TagSelector,
};
pub use powers::Powers;
pub use pushed::{PushDoubt, Pushed};
pub use server::{Deletes, Generation, Refusal, Server};
pub use store::{Capacity, Oddities, OpenUpload, Store, StoredLink, StoredRepository, StoredTag};
pub use used_images::{UsedImages, Users};
pub use uses::Uses;
pub use verdict::{AskedBy, Condemned, Criterion, Kept, Verdict, Youth};
pub use version::TagVersion;
pub use wants::{Wants, named_repositories, reaches, wants};
