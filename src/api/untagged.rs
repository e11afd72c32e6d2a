use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use super::Age;

/// Which manifests go that no tag reaches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Untagged {
    /// A manifest that no tag reaches goes once it was pushed longer ago than this, and longer ago than
    /// `protect.minimumAge`. Hours, days or weeks: `24h`, `7d`, `2w`; a day is 24 hours. More than zero. Only the
    /// registry's storage shows such manifests; where it cannot be read they stay.
    #[x_kube(validation = kube::core::Rule::new("!self.matches('^0+[hdw]$')")
        .message("must be more than zero; leave `untagged` out to leave untagged manifests"))]
    pub older_than: Age,
}
