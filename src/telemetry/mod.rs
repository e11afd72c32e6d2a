//! What the operator tells machines: metrics, and whether it lives and is ready. Logs are `tracing`'s.

mod metrics;
mod serve;

pub use metrics::Metrics;
pub use serve::serve;
