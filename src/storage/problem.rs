use std::error::Error as _;
use std::fmt;
use std::path::PathBuf;

use object_store::client::HttpError;

use super::Service;
use super::service::terms;

/// Why an object store gave no answer that could be used. What it said besides is not shown: it may quote the login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BucketProblem {
    /// It does not let this login read.
    Refused {
        /// What it answered.
        answer: Answer,
        /// What a login must be allowed to do.
        rights: &'static str,
    },
    /// It does not have the bucket, or not there.
    NotThere {
        /// What it answered.
        answer: Answer,
        /// What may be wrong.
        check: &'static str,
    },
    /// It answered with another error.
    Failed(Answer),
    /// There was no answer.
    Unreachable {
        /// What may be wrong.
        check: &'static str,
    },
    /// There is no login: whoever gives them out refused, or did not answer.
    NoLogin {
        /// What that one answered.
        answer: Option<Answer>,
        /// What in the environment holds a login.
        login: &'static str,
    },
    /// The file with the login cannot be read.
    KeyFile {
        /// The file.
        path: PathBuf,
        /// What the system says.
        why: String,
    },
    /// A name in the bucket, or the bucket's own, is none that can be used.
    Name,
    /// The settings do not fit together, or the login is none.
    Settings {
        /// What may be wrong.
        check: &'static str,
    },
}

/// An answer that is an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The object store's own word for it.
    pub code: Option<String>,
}

impl BucketProblem {
    pub(super) fn of(error: &object_store::Error, service: &Service) -> Self {
        let terms = terms(service);
        if matches!(error, object_store::Error::InvalidPath { .. }) {
            return Self::Name;
        }
        // An answer has no type of its own there, only its text.
        let text = error.to_string();
        let answer = status(&text).map(|status| Answer { status, code: code(&text) });
        if text.contains("performing token request") || text.contains("getting token response") {
            return Self::NoLogin { answer, login: terms.login };
        }
        match answer {
            Some(answer) => match answer.status {
                401 | 403 => Self::Refused { answer, rights: terms.rights },
                301 | 307 | 400 | 404 => Self::NotThere { answer, check: terms.place },
                _ => Self::Failed(answer),
            },
            None if is_unanswered(error) => Self::Unreachable { check: terms.server },
            None => Self::Settings { check: terms.place },
        }
    }

    /// What a person can do about it; begins with `; `.
    pub(super) fn advice(&self) -> String {
        match self {
            Self::Refused { rights, .. } => format!("; it takes a login that may {rights}"),
            Self::NotThere { check, .. } | Self::Unreachable { check } => format!("; check {check}"),
            Self::Failed(_) => "; run it again".to_owned(),
            Self::NoLogin { login, .. } => format!("; set {login}"),
            Self::KeyFile { .. } => "; check the parameter keyfile, and that the file is there".to_owned(),
            Self::Name => "; check the bucket for keys with empty parts".to_owned(),
            Self::Settings { check } => format!("; check {check}, and the login"),
        }
    }
}

/// Whether there was no answer at all.
fn is_unanswered(error: &object_store::Error) -> bool {
    let mut source = error.source();
    while let Some(cause) = source {
        if cause.is::<HttpError>() {
            return true;
        }
        source = cause.source();
    }
    false
}

/// The status in the text of an error.
fn status(text: &str) -> Option<u16> {
    let (_, rest) = text.split_once("status code: ")?;
    rest.split(' ').next()?.parse().ok()
}

/// The object store's own word in an answer, `<Code>…</Code>`.
fn code(body: &str) -> Option<String> {
    let (_, rest) = body.split_once("<Code>")?;
    let (code, _) = rest.split_once("</Code>")?;
    (code.len() <= 60 && code.bytes().all(|byte| byte.is_ascii_alphanumeric())).then(|| code.to_owned())
}

impl fmt::Display for BucketProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { answer, .. } | Self::NotThere { answer, .. } | Self::Failed(answer) => {
                write!(f, "it answered {answer}")
            }
            Self::Unreachable { .. } => f.write_str("it does not answer"),
            Self::NoLogin { answer: Some(answer), .. } => {
                write!(f, "there is no login for it: whoever gives it out answered {answer}")
            }
            Self::NoLogin { answer: None, .. } => {
                f.write_str("there is no login for it, and this machine has none to give")
            }
            Self::KeyFile { path, why } => write!(f, "the keyfile {} cannot be read: {why}", path.display()),
            Self::Name => f.write_str("it has a key that no registry writes and that cannot be read"),
            Self::Settings { .. } => f.write_str("it cannot be asked"),
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self { status, code: None } => write!(f, "{status}"),
            Self { status, code: Some(code) } => write!(f, "{status} ({code})"),
        }
    }
}
