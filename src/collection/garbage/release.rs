use std::fmt;

/// Which Distribution a registry is, as far as its collector goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generation {
    /// 2.x.
    V2,
    /// 3.x.
    V3,
}

/// What a registry's program calls itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// How its collector prints.
    pub generation: Generation,
    version: String,
}

/// The longest version that is shown.
const LONGEST: usize = 60;

impl Release {
    /// Reads what `--version` prints: `PROGRAM PACKAGE VERSION`. `None` for what is not Distribution.
    pub fn of(printed: &str) -> Option<Self> {
        let (rest, version) = printed.lines().next()?.trim_end().rsplit_once(' ')?;
        let (_, package) = rest.rsplit_once(' ')?;
        let generation = match package {
            "github.com/docker/distribution" => Generation::V2,
            "github.com/distribution/distribution/v3" => Generation::V3,
            _ => return None,
        };
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".+-~_".contains(&byte);
        let is_version = matches!(version.len(), 1..=LONGEST) && version.bytes().all(is_plain);
        is_version.then(|| Self { generation, version: version.to_owned() })
    }
}

/// Its version, as it says it.
impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_distribution_is_distribution() {
        for (printed, generation, version) in [
            ("registry github.com/docker/distribution v2.8.3\n", Generation::V2, "v2.8.3"),
            ("/a b/docker-registry github.com/docker/distribution 2.8.2+ds1\n", Generation::V2, "2.8.2+ds1"),
            ("registry github.com/distribution/distribution/v3 v3.1.2+unknown\n", Generation::V3, "v3.1.2+unknown"),
        ] {
            let release = Release::of(printed).unwrap();
            assert_eq!((release.generation, release.to_string().as_str()), (generation, version));
        }
        for printed in [
            "",
            "registry",
            "zot 2.1.0",
            "registry github.com/distribution/distribution/v4 v4.0.0",
            "registry github.com/docker/distribution ",
            "registry github.com/docker/distribution 2.8\u{1b}[2J",
            "\nregistry github.com/docker/distribution 2.8.3",
        ] {
            assert_eq!(Release::of(printed), None, "{printed:?}");
        }
    }
}
