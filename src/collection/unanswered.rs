/// Why a pod did not say whether it takes writes. The texts hold no secret and nothing of an answer's body.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    /// It wants a login, or another one.
    #[error("{0}")]
    Unauthorized(String),
    /// No TLS came about.
    #[error("{0}")]
    Tls(String),
    /// No connection came about, or nothing came over it in time.
    #[error("{0}")]
    Unreachable(String),
    /// It answered, and not as a registry does.
    #[error("{0}")]
    Unclear(String),
}

impl Unanswered {
    /// The stable code.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Unauthorized(_) => "ProbeUnauthorized",
            Self::Tls(_) => "ProbeTls",
            Self::Unreachable(_) => "ProbeUnreachable",
            Self::Unclear(_) => "ProbeUnclear",
        }
    }
}
