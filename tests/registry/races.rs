//! Pushes during a prune.

mod exact;
mod soak;
