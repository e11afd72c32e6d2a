use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use reqwest::header::HeaderValue;

/// How to log in to a registry, or to the token service that it names.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum Credentials {
    /// Without a login.
    #[default]
    Anonymous,
    /// With a user name and a password (or an access token in its place).
    Basic {
        /// The user name.
        username: String,
        /// The password. Never printed.
        password: String,
    },
}

impl Credentials {
    /// The value of `Authorization`; `None` without a login.
    pub(super) fn header(&self) -> Option<HeaderValue> {
        let Self::Basic { username, password } = self else { return None };
        sensitive(&format!("Basic {}", BASE64_STANDARD.encode(format!("{username}:{password}"))))
    }
}

/// `text` as a header value that no log shows; `None` if it cannot be one.
pub(super) fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anonymous => f.write_str("Anonymous"),
            Self::Basic { .. } => f.write_str("Basic(redacted)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_sent_but_never_shown() {
        let login = Credentials::Basic { username: "alice".into(), password: "s3cret".into() };
        let header = login.header().unwrap();
        assert_eq!(header.to_str().unwrap(), "Basic YWxpY2U6czNjcmV0");
        assert_eq!(format!("{login:?} {header:?}"), "Basic(redacted) Sensitive");
        assert_eq!(Credentials::Anonymous.header(), None);
    }
}
