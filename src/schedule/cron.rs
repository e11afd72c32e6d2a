use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// A cron line of five fields, read in a time zone.
///
/// A slot in an hour that a zone skips comes when the hour would have ended; one in an hour that comes twice comes once.
#[derive(Clone, Debug)]
pub struct Schedule {
    cron: Cron,
    zone: TimeZone,
}

/// Why a schedule cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// The cron line.
    #[error(
        "spec.schedule: {0:?} is no cron line of five fields (minute, hour, day of month, month, day of week): {1}"
    )]
    Cron(String, String),
    /// It is one, and no day ever fits it.
    #[error("spec.schedule: {0:?} never comes")]
    Never(String),
    /// The time zone.
    #[error("spec.timeZone: {0:?} is no time zone; write an IANA name such as Europe/Berlin")]
    Zone(String),
}

impl Schedule {
    /// Reads a cron line; without a zone, in UTC.
    pub fn parse(cron: &str, zone: Option<&str>) -> Result<Self, ScheduleError> {
        let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        let parsed = parser.parse(cron).map_err(|why| ScheduleError::Cron(cron.into(), why.to_string()))?;
        let zone = match zone {
            None => TimeZone::UTC,
            Some(name) => TimeZone::get(name).map_err(|_| ScheduleError::Zone(name.into()))?,
        };
        let schedule = Self { cron: parsed, zone };
        match schedule.next_after(Timestamp::UNIX_EPOCH) {
            Some(_) => Ok(schedule),
            None => Err(ScheduleError::Never(cron.into())),
        }
    }

    /// The first slot after `time`.
    pub fn next_after(&self, time: Timestamp) -> Option<Timestamp> {
        let next = self.cron.find_next_occurrence(&time.to_zoned(self.zone.clone()), false);
        next.ok().map(|slot| slot.timestamp())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(cron: &str, zone: &str, after: &str) -> String {
        let schedule = Schedule::parse(cron, Some(zone)).unwrap();
        schedule.next_after(after.parse().unwrap()).unwrap().to_string()
    }

    #[test]
    fn slots_are_in_the_zone_also_when_its_clock_changes() {
        let table = [
            ("0 3 * * *", "Etc/UTC", "2026-11-22T02:59:59Z", "2026-11-22T03:00:00Z"),
            ("0 3 * * *", "Etc/UTC", "2026-11-22T03:00:00Z", "2026-11-23T03:00:00Z"),
            ("0 3 * * *", "Europe/Berlin", "2026-11-22T00:00:00Z", "2026-11-22T02:00:00Z"),
            ("0 3 * * *", "Europe/Berlin", "2026-07-22T00:00:00Z", "2026-07-22T01:00:00Z"),
            // 02:30 does not exist on 29 March 2026, and comes twice on 25 October 2026.
            ("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z"),
            ("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z"),
            ("30 2 * * *", "Europe/Berlin", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"),
            ("0 0 29 2 *", "Etc/UTC", "2026-03-01T00:00:00Z", "2028-02-29T00:00:00Z"),
        ];
        for (cron, zone, after, expected) in table {
            assert_eq!(next(cron, zone, after), expected, "{cron} in {zone} after {after}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let error = |cron, zone| Schedule::parse(cron, zone).unwrap_err().to_string();
        assert!(error("61 3 * * *", None).starts_with("spec.schedule: \"61 3 * * *\" is no cron line"));
        assert!(error("0 0 3 * * *", None).contains("five fields"));
        assert_eq!(error("0 0 30 2 *", None), "spec.schedule: \"0 0 30 2 *\" never comes");
        assert!(error("0 3 * * *", Some("Mars/Olympus")).contains("spec.timeZone: \"Mars/Olympus\""));
    }
}
