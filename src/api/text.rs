//! The forms that texts in the resource may have.
//!
//! Patterns stay within what Go, ECMA and Rust regular expressions agree on.

/// A form of text.
pub(super) struct Form {
    /// The regular expression in the schema.
    pub(super) pattern: &'static str,
    /// What it means, in the words of a message: "must be …".
    pub(super) meaning: &'static str,
}

/// The most characters of a glob.
pub(super) const MAX_GLOB: usize = 256;
/// The most characters of a regular expression.
pub(super) const MAX_REGEX: usize = 512;
/// The most items of a list of rules, globs or regular expressions.
pub(super) const MAX_ITEMS: usize = 64;

/// An [`Age`](super::Age).
pub(super) const AGE: Form = Form {
    pattern: "^[0-9]{1,5}[hdw]$",
    meaning: "a whole number of hours, days or weeks, such as 24h, 30d or 2w (at most five digits; a day is 24 hours)",
};

/// The address of a registry.
pub(super) const REGISTRY_URL: Form = Form {
    pattern: r"^https?://(localhost|[A-Za-z0-9][A-Za-z0-9-]*\.[A-Za-z0-9.-]*[A-Za-z0-9]|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?/?$",
    meaning: "http:// or https://, a host of at least two names and perhaps a port, such as \
              http://registry.registry:5000 (service.namespace), without login, path, query or fragment",
};

/// Another name of a registry.
pub(super) const ALIAS: Form = Form {
    pattern: r"^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*$",
    meaning: "a host, perhaps with a port and a path, such as registry.example.com/mirror, without scheme and without \
              '/' at the end",
};

/// A cron line of five fields.
pub(super) const CRON: Form = Form {
    pattern: r"^[A-Za-z0-9*?,/#-]+( +[A-Za-z0-9*?,/#-]+){4}$",
    meaning: "a cron line of five fields (minute, hour, day of month, month, day of week), such as `0 3 * * *`",
};

/// A time zone.
pub(super) const TIME_ZONE: Form = Form {
    pattern: "^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$",
    meaning: "the IANA name of a time zone, such as Europe/Berlin",
};

/// A [`Timeout`](super::Timeout).
pub(super) const TIMEOUT: Form = Form {
    pattern: "^[1-9][0-9]{0,3}[mh]$",
    meaning: "a whole number of minutes or hours, such as 30m or 2h (at least one, at most four digits)",
};

/// A file in a container.
pub(super) const ABSOLUTE_PATH: Form = Form {
    pattern: "^/[A-Za-z0-9._/-]*[A-Za-z0-9_-]$",
    meaning: "an absolute path of letters, digits, '.', '_', '-' and '/', such as /etc/distribution/config.yml",
};

/// A DNS label, as Kubernetes has it.
pub(super) const DNS_LABEL: Form = Form {
    pattern: "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$",
    meaning: "lower-case letters, digits and '-', starting and ending with a letter or digit",
};

/// A DNS subdomain, as Kubernetes has it for names of resources.
pub(super) const DNS_SUBDOMAIN: Form = Form {
    pattern: r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$",
    meaning: "lower-case letters, digits, '-' and '.', starting and ending with a letter or digit",
};

/// A glob over repository names, which are lower-case path components.
pub(super) const REPOSITORY_GLOB: Form = Form {
    pattern: r"^[a-z0-9*?{\[]([a-z0-9*?{}\[\]!^,._/-]*[a-z0-9*?}\]])?$",
    meaning: "a glob over repository names, such as apps/** or team/*: lower-case, without host, not starting or \
              ending with '/', not empty, no spaces",
};

/// A glob over tags, which have no `/`.
pub(super) const TAG_GLOB: Form = Form {
    pattern: r"^[A-Za-z0-9_*?{\[][A-Za-z0-9_*?{}\[\]!^,.-]*$",
    meaning: "a glob over tags, such as pr-* or v?.*: letters, digits, '_', '.', '-' and * ? [] {}, not starting with \
              '.', '-' or '/', not empty, no spaces",
};

/// A regular expression or a range of versions: tags are ASCII, so is what speaks of them.
pub(super) const PRINTABLE: Form =
    Form { pattern: "^[ -~]+$", meaning: "printable ASCII characters, and at least one" };

/// Every form.
pub(super) const FORMS: [&Form; 12] = [
    &AGE,
    &REGISTRY_URL,
    &ALIAS,
    &CRON,
    &TIME_ZONE,
    &TIMEOUT,
    &ABSOLUTE_PATH,
    &DNS_LABEL,
    &DNS_SUBDOMAIN,
    &REPOSITORY_GLOB,
    &TAG_GLOB,
    &PRINTABLE,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(form: &Form, good: &[&str], bad: &[&str]) {
        let pattern = regex::Regex::new(form.pattern).unwrap();
        for text in good {
            assert!(pattern.is_match(text), "{text:?} should match {}", form.pattern);
        }
        for text in bad {
            assert!(!pattern.is_match(text), "{text:?} should not match {}", form.pattern);
        }
    }

    #[test]
    fn registry_urls() {
        let good = [
            "http://registry.registry:5000",
            "https://registry.example.com",
            "https://registry.example.com/",
            "http://localhost:5000",
            "http://[fd00::1]:5000",
        ];
        let bad = [
            "",
            "registry:5000",
            "ftp://registry",
            "HTTP://registry",
            "http://",
            "http:///x",
            "http://me:secret@registry",
            "http://me@registry",
            "http://registry?x=1",
            "http://registry/?x",
            "http://registry/#x",
            "http://registry#x",
            "http://registry:port",
            "http://registry:123456",
            "http://reg istry",
            "http://registry\n",
            "http://-registry",
            "http://registry/%2e",
            "http://127.0.0.1:5000/prefix",
            "http://registry/v2/",
            "http://registry:5000",
            "http://registry.:5000",
        ];
        check(&REGISTRY_URL, &good, &bad);
    }

    #[test]
    fn aliases_and_times() {
        let good = ["registry.example.com/mirror", "localhost:30500", "registry", "R.example:5000/a/b_c", "a.b/c-d"];
        check(&ALIAS, &good, &["", "http://a", "a/", "/a", "a/B", "a//b", "me@a", "a b", "a:port", "a/..", "a\n"]);
        let good = ["0 3 * * *", "*/5 * * * MON-FRI", "0 0 L * ?", "0  3 1,15 * *"];
        check(&CRON, &good, &["", "@daily", "0 3 * *", "0 3 * * * *", " 0 3 * * *", "0 3 * * *\n"]);
        check(&TIME_ZONE, &["Etc/UTC", "Europe/Berlin", "America/Argentina/Ushuaia", "UTC"], &["", "/", "+1", "a b"]);
        check(&TIMEOUT, &["1m", "30m", "2h", "9999h"], &["", "0m", "1s", "2d", "10000h", "1h30m", "h"]);
    }

    #[test]
    fn globs() {
        let good = ["apps/**", "**", "*", "a", "apps/shop", "apps/{a,b}/*", "[a-c]*", "[!a]", "team/?x", "a__b.c-d"];
        let bad =
            ["", "/apps", "apps/", "Apps/*", "apps/ *", "apps\t", "apps\n", "../x", "host:5000/apps", "\u{7}", "é"];
        check(&REPOSITORY_GLOB, &good, &bad);
        let good = ["latest", "pr-*", "v[0-9]*", "[A-Z]*", "*", "_x", "{a,b}", "1.2.?"];
        let bad = ["", "/x", "a/b", "-x", ".x", "a b", "a\n", "sha256:abc", "\u{0}"];
        check(&TAG_GLOB, &good, &bad);
    }

    #[test]
    fn names_and_printable_text() {
        check(&DNS_LABEL, &["a", "pull-requests", "0"], &["", "-a", "a-", "A", "a.b", "a_b", "a\n"]);
        check(&DNS_SUBDOMAIN, &["a", "team.x", "a-b.c"], &["", ".a", "a.", "a..b", "A", "a/b"]);
        check(&PRINTABLE, &[">=2.0.0", "a b", "^v\\d+$"], &["", "\n", "a\tb", "é", "\u{7f}"]);
    }
}
