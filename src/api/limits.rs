use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How much may go at once.
///
/// A plan that deletes more than `maxDeletePercent` or `maxDeletions` allows deletes nothing at all: it is shown and
/// waits until a person accepts exactly that plan. Where several resources concern one registry, the strictest limits
/// hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Limits {
    /// The most tags that one plan may delete, in percent of all tags in the repositories that the rules reach.
    /// 0 lets every plan that deletes something wait. Default 50.
    #[schemars(range(min = 0, max = 100))]
    pub max_delete_percent: i32,
    /// The most tags that one plan may delete. 0 lets every plan that deletes something wait. Default 10000.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub max_deletions: i32,
    /// How many tags must remain in each repository: of those that would go, the newest are kept until this many
    /// remain. 0 lets a repository be emptied. Default 1.
    #[schemars(range(min = 0, max = 1000))]
    pub min_tags_per_repository: i32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_delete_percent: 50, max_deletions: 10_000, min_tags_per_repository: 1 }
    }
}
