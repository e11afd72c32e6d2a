use crate::oci::{Digest, RepositoryName};
use crate::pruning::{Intent, OpenIntents};

/// Why something could not be recorded. What cannot be recorded is not executed.
#[derive(Debug, thiserror::Error)]
#[error("{what} could not be recorded in {place}: {why}; nothing was deleted that is not recorded")]
pub struct JournalError {
    /// What.
    pub what: &'static str,
    /// Where.
    pub place: String,
    /// Why.
    pub why: String,
}

/// Where a worker records what it is about to do, so that whoever comes after a crash knows.
pub trait Journal {
    /// What was begun and is not known to have ended.
    fn open_intents(&self) -> &OpenIntents;

    /// Records `intents` durably; only then may they be acted on.
    fn intend(&mut self, intents: &[Intent]) -> impl Future<Output = Result<(), JournalError>> + Send;

    /// Records that whatever was to happen to `digest` in `repository` has happened. Losing this record is harmless.
    fn settle(
        &mut self,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> impl Future<Output = Result<(), JournalError>> + Send;
}
