use std::fmt;

use jiff::Timestamp;

use super::age::OLDEST_CREDIBLE;

/// When something was pushed last, as far as the storage tells and can be believed: the modification time of a tag's
/// link, or of a manifest's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pushed {
    /// At this time.
    At(Timestamp),
    /// It cannot be told; whatever depends on it is kept.
    Unknown(PushDoubt),
}

/// Why a push time is not known, or not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PushDoubt {
    /// Nobody read the storage.
    Unread,
    /// It is not in the storage as it was read, or was something else there: it came, or moved, since.
    Newer,
    /// Its link was empty, or no digest.
    Broken,
    /// The link is from before 1990.
    Ancient,
    /// The link is from after now.
    Future,
    /// Most links here, or in the whole store, are from within one minute: a restore, or a copy that kept no times.
    Restamped,
}

impl Pushed {
    /// Judges the time of a link by itself.
    pub fn judge(at: Timestamp, now: Timestamp) -> Self {
        match at {
            at if at < OLDEST_CREDIBLE => Self::Unknown(PushDoubt::Ancient),
            at if at > now => Self::Unknown(PushDoubt::Future),
            at => Self::At(at),
        }
    }

    /// The time, if it is believed.
    pub fn at(self) -> Option<Timestamp> {
        match self {
            Self::At(at) => Some(at),
            Self::Unknown(_) => None,
        }
    }

    /// The same, unless the source is distrusted as a whole.
    pub(super) fn unless(self, restamped: bool) -> Self {
        match self {
            Self::At(_) if restamped => Self::Unknown(PushDoubt::Restamped),
            _ => self,
        }
    }
}

impl fmt::Display for PushDoubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unread => "only the storage tells when it was pushed; give --storage or --inventory",
            Self::Newer => "it was pushed after the storage was read",
            Self::Broken => "its link in the storage is empty or no digest",
            Self::Ancient => "its push time in the storage is before 1990",
            Self::Future => "its push time in the storage lies in the future",
            Self::Restamped => {
                "most push times here are from within one minute, as after a restore or a copy that kept no times \
                 (AgesRestamped)"
            }
        })
    }
}
