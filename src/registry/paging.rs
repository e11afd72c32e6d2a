use std::collections::HashSet;

use reqwest::header::{HeaderMap, LINK};
use url::Url;

use super::Endpoint;
use super::error::Problem;

/// More pages than any registry needs: at Distribution's 100 names a page, a million names.
const MAX_PAGES: usize = 10_000;
/// The most that all pages of one listing may hold together, in bytes; 50,000 tags of 128 characters are a tenth of it.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// Walks the pages of one listing by their `Link: <…>; rel="next"` (RFC 8288), never by counting: 2.8 ignores `n`.
///
/// A `Link` is the server's word, so it may only lead to the registry itself, and never to a page that was read.
pub(super) struct Pages<'a> {
    endpoint: &'a Endpoint,
    read: HashSet<Url>,
    bytes: u64,
}

impl<'a> Pages<'a> {
    pub(super) fn new(endpoint: &'a Endpoint) -> Self {
        Self { endpoint, read: HashSet::new(), bytes: 0 }
    }

    /// How large the next page may be, in bytes: all pages of a listing share one limit.
    pub(super) fn room(&self) -> u64 {
        MAX_BYTES.saturating_sub(self.bytes)
    }

    /// What follows the page at `url`, which had `bytes` bytes.
    pub(super) fn after(&mut self, url: &Url, headers: &HeaderMap, bytes: usize) -> Result<Option<Url>, Problem> {
        self.bytes += bytes as u64;
        self.read.insert(url.clone());
        let mut links = headers.get_all(LINK).iter().filter_map(|value| value.to_str().ok());
        let Some(target) = links.find_map(next_of) else { return Ok(None) };
        let next = url.join(target).map_err(|_| Problem::Malformed("the Link header is not a URL"))?;
        if !self.endpoint.is_origin_of(&next) {
            return Err(Problem::UnsafeLink);
        }
        if self.read.contains(&next) || self.read.len() >= MAX_PAGES {
            return Err(Problem::Malformed("the pages of the listing do not end"));
        }
        Ok(Some(next))
    }
}

/// The target of the link whose relation is `next`.
fn next_of(line: &str) -> Option<&str> {
    let mut rest = line;
    loop {
        let (_, after) = rest.split_once('<')?;
        let (target, after) = after.split_once('>')?;
        let params = &after[..end_of_params(after)];
        if params.split(';').any(is_next) {
            return Some(target);
        }
        rest = &after[params.len()..];
    }
}

/// The length of a link's parameters: up to the first comma outside quotes.
fn end_of_params(text: &str) -> usize {
    let mut quoted = false;
    for (at, c) in text.char_indices() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => return at,
            _ => {}
        }
    }
    text.len()
}

fn is_next(param: &str) -> bool {
    let Some((name, value)) = param.split_once('=') else { return false };
    let mut relations = value.trim().trim_matches('"').split_ascii_whitespace();
    name.trim().eq_ignore_ascii_case("rel") && relations.any(|relation| relation.eq_ignore_ascii_case("next"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderValue;

    fn after(link: &str) -> Result<Option<String>, Problem> {
        let endpoint: Endpoint = "http://r:5000".parse().unwrap();
        let mut headers = HeaderMap::new();
        headers.append(LINK, HeaderValue::from_str(link).unwrap());
        let url = endpoint.at("/v2/_catalog");
        Ok(Pages::new(&endpoint).after(&url, &headers, 1)?.map(|next| next.to_string()))
    }

    #[test]
    fn the_next_page_is_found_among_the_links() {
        let next = Ok(Some("http://r:5000/v2/_catalog?last=a%2Fb&n=3".to_owned()));
        for link in [
            r#"</v2/_catalog?last=a%2Fb&n=3>; rel="next""#,
            "<?last=a%2Fb&n=3>;rel=next",
            r#"<http://r:5000/v2/_catalog?last=a%2Fb&n=3>; title="a,<b>"; rel="last NEXT""#,
            r#"</first>; rel="prev", </v2/_catalog?last=a%2Fb&n=3>; rel="next""#,
        ] {
            assert_eq!(after(link), next, "{link}");
        }
        for link in ["", "</x>", r#"</x>; rel="prev""#, r#"</x>; title="rel=next""#, "<open"] {
            assert_eq!(after(link), Ok(None), "{link}");
        }
    }

    #[test]
    fn no_page_is_elsewhere_and_none_comes_twice() {
        for link in ["<http://evil/v2/>", "<https://r:5000/v2/>", "<http://r/v2/>", "<//evil/>", "<file:///etc/passwd>"]
        {
            assert_eq!(after(&format!("{link}; rel=next")), Err(Problem::UnsafeLink), "{link}");
        }
        assert!(matches!(after("</v2/_catalog>; rel=next"), Err(Problem::Malformed(_))));
    }
}
