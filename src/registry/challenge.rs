use reqwest::header::{HeaderMap, WWW_AUTHENTICATE};

/// What a registry asks for with its 401 (RFC 9110 § 11.6.1; the parameters of Bearer by Distribution's token
/// specification). Schemes that are not spoken here are left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Challenge {
    /// User name and password with each request.
    Basic,
    /// A token from a token service.
    Bearer(Bearer),
}

/// The parameters of a Bearer challenge.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Bearer {
    /// The URL of the token service, unjudged.
    pub realm: String,
    /// The name of the registry there.
    pub service: Option<String>,
    /// What the token must permit.
    pub scope: Option<String>,
    /// What was wrong with the token that was sent.
    pub error: Option<String>,
}

impl Challenge {
    /// All challenges of an answer, in order. What cannot be parsed ends its header line.
    pub(super) fn of(headers: &HeaderMap) -> Vec<Self> {
        headers
            .get_all(WWW_AUTHENTICATE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|line| Scanner { rest: line }.challenges())
            .filter_map(|(scheme, params)| Self::from_parts(&scheme, params))
            .collect()
    }

    fn from_parts(scheme: &str, params: Vec<(String, String)>) -> Option<Self> {
        if scheme.eq_ignore_ascii_case("basic") {
            return Some(Self::Basic);
        }
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let mut bearer = Bearer::default();
        for (name, value) in params {
            match name.to_ascii_lowercase().as_str() {
                "realm" => bearer.realm = value,
                "service" => bearer.service = Some(value),
                "scope" => bearer.scope = Some(value),
                "error" => bearer.error = Some(value),
                _ => {}
            }
        }
        Some(Self::Bearer(bearer))
    }
}

struct Scanner<'a> {
    rest: &'a str,
}

impl Scanner<'_> {
    fn challenges(mut self) -> Vec<(String, Vec<(String, String)>)> {
        let mut found = Vec::new();
        loop {
            self.skip([' ', '\t', ',']);
            let Some(scheme) = self.token() else { return found };
            let mut params = Vec::new();
            while let Some(param) = self.param() {
                params.push(param);
            }
            found.push((scheme, params));
        }
    }

    /// The next `name=value`; nothing is consumed where something else follows, such as the next scheme.
    fn param(&mut self) -> Option<(String, String)> {
        let mut ahead = Scanner { rest: self.rest };
        ahead.skip([' ', '\t', ',']);
        let name = ahead.token()?;
        ahead.skip([' ', '\t']);
        ahead.rest = ahead.rest.strip_prefix('=')?;
        ahead.skip([' ', '\t']);
        let value = ahead.quoted().or_else(|| ahead.token())?;
        self.rest = ahead.rest;
        Some((name, value))
    }

    fn token(&mut self) -> Option<String> {
        let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        // Unquoted URLs are met as well, though the grammar has none.
        let end = self.rest.find(|c| !(is_token(c) || matches!(c, ':' | '/'))).unwrap_or(self.rest.len());
        let (token, rest) = self.rest.split_at(end);
        self.rest = rest;
        (!token.is_empty()).then(|| token.to_owned())
    }

    fn quoted(&mut self) -> Option<String> {
        let mut chars = self.rest.strip_prefix('"')?.chars();
        let mut text = String::new();
        loop {
            match chars.next()? {
                '"' => break,
                '\\' => text.push(chars.next()?),
                c => text.push(c),
            }
        }
        self.rest = chars.as_str();
        Some(text)
    }

    fn skip<const N: usize>(&mut self, chars: [char; N]) {
        self.rest = self.rest.trim_start_matches(chars);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderValue;

    fn parse(lines: &[&str]) -> Vec<Challenge> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(WWW_AUTHENTICATE, HeaderValue::from_str(line).unwrap());
        }
        Challenge::of(&headers)
    }

    fn bearer(realm: &str, service: &str, scope: &str) -> Challenge {
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Challenge::Bearer(Bearer { realm: realm.into(), service: text(service), scope: text(scope), error: None })
    }

    #[test]
    fn bearer_in_any_order_quoted_or_not() {
        let expected = [bearer("https://auth/token", "registry", "repository:a/b:pull,push")];
        for line in [
            r#"Bearer realm="https://auth/token",service="registry",scope="repository:a/b:pull,push""#,
            r#"bearer  scope="repository:a/b:pull,push" , SERVICE=registry,  realm = "https://auth/token""#,
            r#"Bearer realm=https://auth/token,service="reg\istry",scope="repository:a/b:pull,push",error_description="a, b=c""#,
        ] {
            assert_eq!(parse(&[line]), expected, "{line}");
        }
    }

    #[test]
    fn several_challenges_in_one_line_or_in_many() {
        let both = [Challenge::Basic, bearer("https://t", "", "")];
        assert_eq!(parse(&[r#"Basic realm="x", Bearer realm="https://t""#]), both);
        assert_eq!(parse(&["Basic", r#"Bearer realm="https://t""#]), both);
        assert_eq!(parse(&[r#"Digest realm="d", nonce="n", Basic realm="x", Bearer realm="https://t""#]), both);
    }

    #[test]
    fn the_fault_of_a_token_is_read() {
        let line = r#"Bearer realm="https://t",error="insufficient_scope""#;
        let [Challenge::Bearer(bearer)] = &parse(&[line])[..] else { panic!("one challenge") };
        assert_eq!(bearer.error.as_deref(), Some("insufficient_scope"));
    }

    #[test]
    fn garbage_is_no_challenge() {
        for line in ["", ",,", "\"", "Negotiate YWJj==", "Bearer realm=\"open"] {
            let found = parse(&[line]);
            assert!(found.iter().all(|one| *one == bearer("", "", "")), "{line}: {found:?}");
        }
    }
}
