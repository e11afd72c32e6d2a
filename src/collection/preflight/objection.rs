use std::fmt;

use crate::collection::Refusal;

/// Why a registry is not frozen. The registry was not touched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Objection {
    reason: &'static str,
    text: String,
    may_pass: bool,
}

impl Objection {
    /// What was found, and what a person has to do about it.
    pub(super) fn new(reason: &'static str, found: impl fmt::Display, remedy: impl fmt::Display) -> Self {
        Self { reason, text: format!("{found}; nothing was changed; {remedy}"), may_pass: false }
    }

    /// What is told by somebody else, who says all of that.
    pub(super) fn told(reason: &'static str, text: impl Into<String>) -> Self {
        Self { reason, text: text.into(), may_pass: false }
    }

    /// A right is missing without which it is not known whether there are others.
    pub fn forbidden(what: &str) -> Self {
        let remedy = "see the rights that the chart gives in the namespaces that it is told of";
        Self::new("Forbidden", format!("{what}: the operator's role lacks the right"), remedy)
    }

    /// A Job has the name of one of ours, and is somebody else's: `namespace/name`.
    pub fn job_in_the_way(job: &str) -> Self {
        let found = format!("Job {job} is in the way: it was not made by registry-retention");
        Self::new("JobInTheWay", found, "delete it")
    }

    /// The same, and it may well pass without anybody's doing.
    #[must_use]
    pub(super) fn passing(self) -> Self {
        Self { may_pass: true, ..self }
    }

    /// The stable code.
    pub fn reason(&self) -> &'static str {
        self.reason
    }

    /// Whether it may well pass without anybody's doing.
    pub fn may_pass(&self) -> bool {
        self.may_pass
    }
}

impl From<&Refusal> for Objection {
    fn from(refusal: &Refusal) -> Self {
        Self::told(refusal.reason(), format!("{refusal}; nothing was changed"))
    }
}

impl fmt::Display for Objection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
