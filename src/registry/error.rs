use std::fmt;
use std::time::Duration;

use reqwest::Method;

use crate::oci::Digest;

/// Why a request to a registry brought no result.
///
/// Its text is for users: what was asked, what came, whether anything was changed, and what to do next where that is
/// known. It holds no secret, no token, no query and no response body; what a server named is escaped.
#[derive(Debug, thiserror::Error)]
pub struct RegistryError {
    request: Request,
    problem: Box<Problem>,
}

/// What was asked, as it may be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub method: Method,
    /// Scheme, host, port and path; no query, which may be signed or hold a session.
    pub target: String,
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The host's name cannot be resolved.
    #[error("the host name cannot be resolved")]
    UnknownHost,
    /// No connection came about.
    #[error("no connection: refused, unreachable, or not accepted within 10 s")]
    Unreachable,
    /// The connection ended too early.
    #[error("the connection broke off")]
    Interrupted,
    /// The answer began, and its body ended too early.
    #[error("the answer broke off half-way")]
    CutShort,
    /// Nothing came for too long.
    #[error("no answer within {} s", .0.as_secs())]
    TimedOut(Duration),
    /// The server's certificate was not accepted.
    #[error("the server's certificate is not accepted: {0}")]
    CertificateRefused(String),
    /// TLS failed for another reason, or cannot be set up with what was given.
    #[error("TLS: {0}")]
    TlsMisconfigured(String),
    /// A login is needed and none was given.
    #[error("the registry wants a login, and none is given")]
    LoginMissing,
    /// The login, or the token got with it, was refused.
    #[error("the login is refused ({})", Status(*.status, None))]
    Unauthorized {
        /// The HTTP status.
        status: u16,
    },
    /// The login is good, but may not do this.
    #[error("the login lacks the right to do this ({})", Status(*.status, .code.as_deref()))]
    Forbidden {
        /// The HTTP status.
        status: u16,
        /// The OCI error code.
        code: Option<String>,
    },
    /// Deletion is off, or it is a pull-through cache; a probe tells which.
    #[error("deletion is disabled there (405 UNSUPPORTED)")]
    DeleteDisabled,
    /// The registry is in its read-only mode.
    #[error("the registry is read-only (405)")]
    ReadOnly,
    /// The registry is a pull-through cache.
    #[error("the registry is a pull-through cache (405 UNSUPPORTED)")]
    PullThrough,
    /// The server asks for fewer requests, and went on to.
    #[error("the server limits the rate of requests (429){}", Patience(*.retry_after))]
    RateLimited {
        /// How long it asked to wait.
        retry_after: Option<Duration>,
    },
    /// The server failed.
    #[error("the server failed ({})", Status(*.status, .code.as_deref()))]
    ServerError {
        /// The HTTP status, 500 or above.
        status: u16,
        /// The OCI error code.
        code: Option<String>,
    },
    /// An answer that nothing here expects.
    #[error("unexpected answer {}", Status(*.status, .code.as_deref()))]
    Unexpected {
        /// The HTTP status.
        status: u16,
        /// The OCI error code.
        code: Option<String>,
    },
    /// The answer is larger than it may be.
    #[error("the answer is larger than {limit} bytes")]
    TooLarge {
        /// What was allowed, in bytes.
        limit: u64,
    },
    /// What came is not what was named.
    #[error("the content that came is not {expected}")]
    DigestMismatch {
        /// The digest that was asked for, or that the server named.
        expected: Digest,
    },
    /// The answer cannot be understood.
    #[error("the answer is malformed: {0}")]
    Malformed(&'static str),
    /// The server listed something that is no legal name.
    #[error("the answer is malformed: it lists {0}, which is no legal name")]
    IllegalName(String),
    /// A redirect that is not followed.
    #[error("it redirects to where it may not")]
    UnsafeRedirect,
    /// A next page that is not fetched.
    #[error("its next page is on another server")]
    UnsafeLink,
    /// A token service to which no login is sent.
    #[error("it names a token service to which no login may be sent: the realm is neither https nor on the same host")]
    UnsafeRealm,
    /// A random number could not be had.
    #[error("the system gives no random numbers")]
    NoRandomness,
}

impl RegistryError {
    pub(super) fn new(request: Request, problem: Problem) -> Self {
        Self { request, problem: Box::new(problem) }
    }

    /// The method of the request that failed: the token service's GET, if it was that.
    pub(super) fn method(&self) -> &Method {
        &self.request.method
    }

    /// What went wrong.
    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    /// One stable word for conditions, events, metrics and exit codes.
    pub fn reason(&self) -> &'static str {
        match &*self.problem {
            Problem::UnknownHost => "UnknownHost",
            Problem::Unreachable => "Unreachable",
            Problem::Interrupted | Problem::CutShort => "Interrupted",
            Problem::TimedOut(_) => "TimedOut",
            Problem::CertificateRefused(_) => "CertificateRefused",
            Problem::TlsMisconfigured(_) => "TlsMisconfigured",
            Problem::LoginMissing | Problem::Unauthorized { .. } => "Unauthorized",
            Problem::Forbidden { .. } => "Forbidden",
            Problem::DeleteDisabled => "DeleteDisabled",
            Problem::ReadOnly => "ReadOnly",
            Problem::PullThrough => "PullThrough",
            Problem::RateLimited { .. } => "RateLimited",
            Problem::ServerError { .. } => "ServerError",
            Problem::Unexpected { .. } => "UnexpectedAnswer",
            Problem::TooLarge { .. } => "TooLarge",
            Problem::DigestMismatch { .. } => "DigestMismatch",
            Problem::Malformed(_) | Problem::IllegalName(_) => "Malformed",
            Problem::UnsafeRedirect => "UnsafeRedirect",
            Problem::UnsafeLink => "UnsafeLink",
            Problem::UnsafeRealm => "UnsafeRealm",
            Problem::NoRandomness => "NoRandomness",
        }
    }

    /// Whether the server failed (5xx). After one on a write nothing more should be written: the disk may be full.
    pub fn is_server_error(&self) -> bool {
        matches!(*self.problem, Problem::ServerError { .. })
    }

    /// Whether the same request may well succeed later without anybody's doing.
    pub fn is_transient(&self) -> bool {
        matches!(
            *self.problem,
            Problem::UnknownHost
                | Problem::Unreachable
                | Problem::Interrupted
                | Problem::CutShort
                | Problem::TimedOut(_)
                | Problem::RateLimited { .. }
                | Problem::ServerError { .. }
        )
    }

    /// What became of a write.
    fn consequence(&self) -> &'static str {
        if matches!(self.request.method, Method::GET | Method::HEAD) {
            return "";
        }
        match *self.problem {
            Problem::Interrupted | Problem::CutShort | Problem::TimedOut(_) | Problem::ServerError { .. } => {
                "; whether it took effect is unknown"
            }
            _ => "; nothing was changed by it",
        }
    }

    fn advice(&self) -> &'static str {
        match *self.problem {
            Problem::LoginMissing => "; give a user name and a password",
            Problem::Unauthorized { .. } => "; check the user name and the password",
            Problem::Forbidden { .. } => "; grant the login pull, push and delete on the repository",
            Problem::DeleteDisabled => "; set storage.delete.enabled to true in the registry's configuration",
            Problem::ReadOnly => "; take storage.maintenance.readonly out of the registry's configuration",
            Problem::PullThrough => "; its content goes by proxy.ttl, prune the registry behind it instead",
            Problem::CertificateRefused(_) => "; give the certificate of the authority that signed it",
            Problem::UnknownHost | Problem::Unreachable => "; check the registry's URL",
            _ => "",
        }
    }
}

impl fmt::Display for RegistryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Request { method, target } = &self.request;
        write!(f, "{method} {target}: {}{}{}", self.problem, self.consequence(), self.advice())
    }
}

/// Text from outside, made fit for a message: control characters escaped, and cut after 100 characters.
pub(super) fn escaped(text: &str) -> String {
    let cut: String = text.chars().take(100).collect();
    let dots = if cut.len() < text.len() { "…" } else { "" };
    format!("\"{}{dots}\"", cut.escape_debug())
}

struct Status<'a>(u16, Option<&'a str>);

impl fmt::Display for Status<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{}", self.0, if self.1.is_some() { " " } else { "" }, self.1.unwrap_or_default())
    }
}

struct Patience(Option<Duration>);

impl fmt::Display for Patience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |wait| write!(f, " and asks to wait {} s", wait.as_secs()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(method: Method, problem: Problem) -> RegistryError {
        RegistryError::new(Request { method, target: "http://r:5000/v2/app/manifests/v1".into() }, problem)
    }

    #[test]
    fn a_message_says_what_came_what_was_not_done_and_what_to_do() {
        assert_eq!(
            error(Method::DELETE, Problem::DeleteDisabled).to_string(),
            "DELETE http://r:5000/v2/app/manifests/v1: deletion is disabled there (405 UNSUPPORTED); nothing was \
             changed by it; set storage.delete.enabled to true in the registry's configuration"
        );
        assert_eq!(
            error(Method::PUT, Problem::ServerError { status: 500, code: Some("UNKNOWN".into()) }).to_string(),
            "PUT http://r:5000/v2/app/manifests/v1: the server failed (500 UNKNOWN); whether it took effect is unknown"
        );
        assert_eq!(
            error(Method::GET, Problem::RateLimited { retry_after: Some(Duration::from_secs(90)) }).to_string(),
            "GET http://r:5000/v2/app/manifests/v1: the server limits the rate of requests (429) and asks to wait 90 s"
        );
    }

    #[test]
    fn what_a_server_named_is_escaped_and_cut() {
        assert_eq!(escaped("a\u{1b}[31m\n\"b"), r#""a\u{1b}[31m\n\"b""#);
        assert_eq!(escaped(&"é".repeat(101)), format!("\"{}…\"", "é".repeat(100)));
    }
}
