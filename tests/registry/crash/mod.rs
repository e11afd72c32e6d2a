//! Whoever dies, at whatever instant: the next run ends as an undisturbed one would have.

mod client_killed;
mod registry_killed;
