use std::fmt;

use jiff::Timestamp;
use serde::Serialize;

use super::pushed::{PushDoubt, Pushed};

/// Nothing was in a registry before this: times that are earlier come from builds that set them to a constant
/// (1970, 1980, year 1) and tell nothing.
pub(super) const OLDEST_CREDIBLE: Timestamp = Timestamp::constant(631_152_000, 0);

/// When an image was built, as far as it can be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Created {
    /// At this time.
    At(Timestamp),
    /// It cannot be told; whatever depends on it is kept.
    Unknown(Doubt),
}

/// Why a creation time is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Doubt {
    /// There is none.
    Missing,
    /// It is no RFC 3339 time.
    Illegible,
    /// It lies before 1990.
    Ancient,
    /// It lies after now.
    Future,
    /// The config that would say was not read.
    Unread,
}

/// Why an age is not known: what was asked for, and what is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AgeDoubt {
    /// The creation time.
    Created(Doubt),
    /// The push time.
    Pushed(PushDoubt),
}

/// Which source told an age.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum AgeSource {
    /// The storage's modification time of the link: a push time.
    Storage,
    /// What the image says of its creation.
    Created,
    /// None that can be believed, or that anybody asked.
    Unknown,
}

/// The time by which tags are ranked, and by which the newest are found: that of the push, and that of the creation
/// only where nobody read the storage. With a store there is no falling back on creation times, or one that shows less
/// would condemn more.
pub(super) fn pushed_or_created(pushed: Pushed, created: Created) -> Result<Timestamp, AgeDoubt> {
    match (pushed, created) {
        (Pushed::At(at), _) | (Pushed::Unknown(PushDoubt::Unread), Created::At(at)) => Ok(at),
        (Pushed::Unknown(PushDoubt::Unread), Created::Unknown(doubt)) => Err(AgeDoubt::Created(doubt)),
        (Pushed::Unknown(doubt), _) => Err(AgeDoubt::Pushed(doubt)),
    }
}

impl AgeSource {
    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Storage => "Storage",
            Self::Created => "Created",
            Self::Unknown => "Unknown",
        }
    }

    /// Which of the two tells the age; see [`pushed_or_created`].
    pub(super) fn of(pushed: Pushed, created: Created) -> Self {
        match (pushed, pushed_or_created(pushed, created)) {
            (_, Err(_)) => Self::Unknown,
            (Pushed::At(_), Ok(_)) => Self::Storage,
            (Pushed::Unknown(_), Ok(_)) => Self::Created,
        }
    }
}

impl Created {
    /// Judges the `created` text of a manifest or config.
    pub fn judge(text: Option<&str>, now: Timestamp) -> Self {
        match text.map(str::parse::<Timestamp>) {
            None => Self::Unknown(Doubt::Missing),
            Some(Err(_)) => Self::Unknown(Doubt::Illegible),
            Some(Ok(at)) if at < OLDEST_CREDIBLE => Self::Unknown(Doubt::Ancient),
            Some(Ok(at)) if at > now => Self::Unknown(Doubt::Future),
            Some(Ok(at)) => Self::At(at),
        }
    }

    /// The youngest that is believed, for an index of several children; if none is, the first doubt.
    pub fn youngest(times: impl Iterator<Item = Self>) -> Self {
        times
            .reduce(|best, next| match (best, next) {
                (Self::At(a), Self::At(b)) => Self::At(a.max(b)),
                (Self::Unknown(_), Self::At(_)) => next,
                _ => best,
            })
            .unwrap_or(Self::Unknown(Doubt::Missing))
    }

    /// The time, if it is believed.
    pub fn at(self) -> Option<Timestamp> {
        match self {
            Self::At(at) => Some(at),
            Self::Unknown(_) => None,
        }
    }
}

impl fmt::Display for AgeDoubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Created(doubt) => doubt.fmt(f),
            Self::Pushed(doubt) => doubt.fmt(f),
        }
    }
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "the image does not say when it was created",
            Self::Illegible => "its creation time cannot be read as a time",
            Self::Ancient => "its creation time is before 1990, as reproducible builds set it",
            Self::Future => "its creation time lies in the future",
            Self::Unread => "the config that would say when it was created was not read",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn incredible_times_are_unknown() {
        let now: Timestamp = "2026-11-22T00:00:00Z".parse().unwrap();
        let table = [
            (None, Created::Unknown(Doubt::Missing)),
            (Some("yesterday"), Created::Unknown(Doubt::Illegible)),
            (Some("0001-01-01T00:00:00Z"), Created::Unknown(Doubt::Ancient)),
            (Some("1970-01-01T00:00:00Z"), Created::Unknown(Doubt::Ancient)),
            (Some("1989-12-31T23:59:59Z"), Created::Unknown(Doubt::Ancient)),
            (Some("1990-01-01T00:00:00Z"), Created::At("1990-01-01T00:00:00Z".parse().unwrap())),
            (Some("2026-11-22T00:00:01Z"), Created::Unknown(Doubt::Future)),
            (Some("2026-11-22T01:00:00+01:00"), Created::At(now)),
            (Some("2020-02-02T02:02:02.123456789Z"), Created::At("2020-02-02T02:02:02.123456789Z".parse().unwrap())),
        ];
        for (text, expected) in table {
            assert_eq!(Created::judge(text, now), expected, "{text:?}");
        }
    }

    #[test]
    fn an_index_is_as_young_as_its_youngest_believable_child() {
        let at = |text: &str| Created::At(text.parse().unwrap());
        let (old, young, unknown) =
            (at("2020-01-01T00:00:00Z"), at("2021-01-01T00:00:00Z"), Created::Unknown(Doubt::Ancient));
        assert_eq!(Created::youngest([old, unknown, young].into_iter()), young);
        assert_eq!(Created::youngest([unknown, old].into_iter()), old);
        assert_eq!(Created::youngest([unknown].into_iter()), unknown);
        assert_eq!(Created::youngest(std::iter::empty()), Created::Unknown(Doubt::Missing));
    }
}
