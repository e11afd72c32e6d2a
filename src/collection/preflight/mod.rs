//! What must be true of a registry before a collection touches it: [`objections`] to what was read, pure.
//!
//! - `facts`: what was read of the cluster, and what was asked for
//! - `objection`: one reason why there is no collection, with a stable code
//! - `deployment`, `store`, `movable`, `nodes`, `holders`, `pods`, `preview`: the table of what is looked at, a small
//!   function for each
//! - `selection`: which nodes take a pod, as the scheduler sees it
//! - [`window`]: for how long the registry would be read-only
//!
//! It is asked twice: before the preview, so that nothing runs beside a registry that is refused anyway, and after it,
//! when its pods were asked as well. What is not known yet is no objection then; in the end it is.

mod deployment;
mod facts;
mod holders;
mod movable;
mod nodes;
mod objection;
mod pods;
mod preview;
mod selection;
mod store;
#[cfg(test)]
mod tests;

pub use facts::{Facts, Preview, Wish, Workload};
pub use objection::Objection;
pub use preview::{THAW, window};

use super::{StoreMark, Template};
use facts::Subject;

/// Looks at one thing.
type Check = fn(&Subject<'_>) -> Vec<Objection>;

/// Everything that is looked at, in the order in which it is told.
const CHECKS: [Check; 18] = [
    deployment::paused,
    deployment::entries,
    deployment::maintenance,
    deployment::unhealthy,
    store::out_of_reach,
    store::shared,
    store::sidecars,
    store::not_exclusive,
    movable::on_several_nodes,
    movable::surges_elsewhere,
    nodes::not_ready,
    nodes::under_pressure,
    holders::guard,
    holders::keeper,
    preview::refused,
    preview::listening,
    preview::window_or_worth,
    pods::answers,
];

/// Why the registry must not be frozen, by what is known; none if there is no reason.
pub fn objections(facts: &Facts) -> Vec<Objection> {
    let Some(deployment) = &facts.deployment else { return vec![deployment::absent(&facts.name)] };
    let Wish { container, configuration, .. } = &facts.wish;
    let template = match Template::of(deployment, container.as_deref(), configuration.as_deref()) {
        Ok(template) => template,
        Err(refusal) => return vec![Objection::from(&refusal)],
    };
    let mark = StoreMark::of(&template);
    let subject = Subject { facts, deployment, template, mark };
    CHECKS.iter().flat_map(|check| check(&subject)).collect()
}
