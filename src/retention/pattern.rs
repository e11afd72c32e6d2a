use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use regex::{RegexSet, RegexSetBuilder};

/// Compiled regexes may take this much memory, in bytes, so that no resource can exhaust the operator.
const REGEX_SIZE_LIMIT: usize = 1 << 20;

/// Why a pattern does not compile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{pattern:?} is no valid {kind}: {why}")]
pub struct PatternError {
    kind: &'static str,
    pattern: String,
    why: String,
}

/// Globs over names: `*` and `?` stay within a path segment, `**` crosses segments, `{a,b}` and `[a-z]` work.
#[derive(Clone, Debug)]
pub struct Globs {
    set: GlobSet,
    texts: Vec<String>,
}

impl Globs {
    /// Compiles the patterns; none of them matches nothing.
    pub fn compile(patterns: &[String]) -> Result<Self, PatternError> {
        let mut builder = GlobSetBuilder::new();
        for pattern in patterns {
            let error = |why: globset::Error| PatternError {
                kind: "glob",
                pattern: pattern.clone(),
                why: why.kind().to_string(),
            };
            builder.add(GlobBuilder::new(pattern).literal_separator(true).build().map_err(error)?);
        }
        let set = builder.build().map_err(|why| PatternError {
            kind: "list of globs",
            pattern: patterns.join(", "),
            why: why.kind().to_string(),
        })?;
        Ok(Self { set, texts: patterns.to_vec() })
    }

    /// Whether any pattern matches the whole of `name`.
    pub fn matches(&self, name: &str) -> bool {
        self.set.is_match(name)
    }

    /// The first pattern, in alphabetical order, that matches the whole of `name`.
    pub fn first_match(&self, name: &str) -> Option<&str> {
        self.set.matches(name).into_iter().map(|index| self.texts[index].as_str()).min()
    }

    /// The patterns that can match one name only, if all of them are such: what can be asked for without a catalog.
    pub fn literals(&self) -> impl Iterator<Item = &str> {
        self.texts.iter().map(String::as_str).filter(|text| is_literal(text))
    }

    /// Whether every pattern can match one name only.
    pub fn all_literal(&self) -> bool {
        self.texts.iter().all(|text| is_literal(text))
    }
}

fn is_literal(pattern: &str) -> bool {
    !pattern.contains(['*', '?', '[', ']', '{', '}', '\\', '!'])
}

/// Regular expressions over tags, anchored at both ends: `pr-\d+` does not match `xpr-1y`.
#[derive(Clone, Debug)]
pub struct Regexes(RegexSet);

impl Regexes {
    /// Compiles the patterns; none of them matches nothing.
    pub fn compile(patterns: &[String]) -> Result<Self, PatternError> {
        for pattern in patterns {
            // Each alone first: `a)(b` would become valid inside the anchoring group.
            let error = |why: regex_syntax_error::Text| PatternError {
                kind: "regular expression",
                pattern: pattern.clone(),
                why: why.0,
            };
            regex::RegexBuilder::new(pattern)
                .size_limit(REGEX_SIZE_LIMIT)
                .build()
                .map_err(|why| error(regex_syntax_error::Text::from(&why)))?;
        }
        let anchored = patterns.iter().map(|pattern| format!(r"\A(?:{pattern})\z"));
        let set = RegexSetBuilder::new(anchored).size_limit(REGEX_SIZE_LIMIT).build().map_err(|why| PatternError {
            kind: "list of regular expressions",
            pattern: patterns.join(", "),
            why: regex_syntax_error::Text::from(&why).0,
        })?;
        Ok(Self(set))
    }

    /// Whether any pattern matches the whole of `name`.
    pub fn matches(&self, name: &str) -> bool {
        self.0.is_match(name)
    }
}

mod regex_syntax_error {
    /// The last line of a regex error: what is wrong, without the drawing above it.
    pub(super) struct Text(pub(super) String);

    impl From<&regex::Error> for Text {
        fn from(error: &regex::Error) -> Self {
            let text = error.to_string();
            Self(text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn globs(patterns: &[&str]) -> Globs {
        Globs::compile(&patterns.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap()
    }

    fn regexes(patterns: &[&str]) -> Result<Regexes, PatternError> {
        Regexes::compile(&patterns.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    #[test]
    fn one_star_stays_in_its_segment_and_two_cross() {
        let table = [
            ("apps/*", "apps/shop", true),
            ("apps/*", "apps/shop/api", false),
            ("apps/**", "apps/shop/api", true),
            ("apps/**", "apps", false),
            ("**", "a/b/c", true),
            ("*", "a", true),
            ("*", "a/b", false),
            ("**/api", "shop/api", true),
            ("**/api", "api", true),
            ("pr-*", "pr-12", true),
            ("pr-*", "xpr-12", false),
            ("v1.?", "v1.2", true),
            ("v1.?", "v1x2", false),
            ("{dev,test}-*", "test-1", true),
            ("T1", "T12", false),
        ];
        for (pattern, name, expected) in table {
            assert_eq!(globs(&[pattern]).matches(name), expected, "{pattern} on {name}");
        }
        assert!(!globs(&[]).matches("anything"));
    }

    #[test]
    fn the_first_pattern_by_name_is_named_however_they_are_written() {
        assert_eq!(globs(&["stable-*", "latest", "l*"]).first_match("latest"), Some("l*"));
        assert_eq!(globs(&["l*", "latest", "stable-*"]).first_match("latest"), Some("l*"));
        assert_eq!(globs(&["a"]).first_match("b"), None);
    }

    #[test]
    fn literal_patterns_are_known() {
        assert!(globs(&["apps/shop", "base"]).all_literal());
        assert!(!globs(&["apps/shop", "base*"]).all_literal());
        assert_eq!(globs(&["latest", "stable-*"]).literals().collect::<Vec<_>>(), ["latest"]);
    }

    #[test]
    fn regexes_match_whole_names_only() {
        let table = [
            (r"pr-\d+", "pr-1", true),
            (r"pr-\d+", "xpr-1", false),
            (r"a|b", "ab", false),
            (r"a|b", "b", true),
            (r"v1$", "v1", true),
        ];
        for (pattern, name, expected) in table {
            assert_eq!(regexes(&[pattern]).unwrap().matches(name), expected, "{pattern} on {name}");
        }
        assert!(!regexes(&[]).unwrap().matches(""));
    }

    #[test]
    fn a_bad_pattern_is_named_with_its_fault() {
        for bad in ["a)(b", "(", "[", "a{99999}{99999}"] {
            let error = regexes(&["fine", bad]).unwrap_err().to_string();
            assert!(error.contains("regular expression") && error.contains(bad), "{error}");
        }
        assert!(Globs::compile(&["a[".into()]).unwrap_err().to_string().starts_with("\"a[\" is no valid glob"));
    }
}
