use std::borrow::Cow;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::text;

/// How long something may take, in minutes or hours: `30m`, `2h`. The text is kept as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Timeout {
    text: String,
    duration: Duration,
}

/// A text that is no [`Timeout`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a timeout: {meaning}", meaning = text::TIMEOUT.meaning)]
pub struct TimeoutError;

impl Timeout {
    /// How long that is.
    pub fn duration(&self) -> Duration {
        self.duration
    }

    /// The text as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// A timeout of that many minutes.
    pub(super) fn from_minutes(minutes: u16) -> Self {
        Self { text: format!("{minutes}m"), duration: Duration::from_secs(60 * u64::from(minutes)) }
    }
}

impl Default for Timeout {
    fn default() -> Self {
        Self { text: "2h".into(), duration: Duration::from_secs(2 * 3600) }
    }
}

impl TryFrom<String> for Timeout {
    type Error = TimeoutError;

    fn try_from(text: String) -> Result<Self, TimeoutError> {
        let (digits, seconds_per_unit) = match text.as_bytes() {
            [digits @ .., b'm'] => (digits, 60),
            [digits @ .., b'h'] => (digits, 3600),
            _ => return Err(TimeoutError),
        };
        let is_number =
            matches!(digits, [b'1'..=b'9', rest @ ..] if rest.len() < 4 && rest.iter().all(u8::is_ascii_digit));
        if !is_number {
            return Err(TimeoutError);
        }
        let count = digits.iter().fold(0, |count, digit| count * 10 + u64::from(digit - b'0'));
        Ok(Self { text, duration: Duration::from_secs(count * seconds_per_unit) })
    }
}

impl From<Timeout> for String {
    fn from(timeout: Timeout) -> Self {
        timeout.text
    }
}

impl JsonSchema for Timeout {
    fn schema_name() -> Cow<'static, str> {
        "Timeout".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "maxLength": 5, "pattern": text::TIMEOUT.pattern})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_minutes_and_hours_as_the_pattern_of_the_schema_does() {
        let pattern = regex::Regex::new(text::TIMEOUT.pattern).unwrap();
        for (text, seconds) in [("1m", 60), ("30m", 1800), ("2h", 7200), ("9999h", 35_996_400)] {
            let timeout = Timeout::try_from(text.to_owned()).unwrap();
            assert_eq!((timeout.duration().as_secs(), String::from(timeout)), (seconds, text.to_owned()));
            assert!(pattern.is_match(text));
        }
        for text in ["", "m", "0m", "01m", "10000m", "1s", "1d", "1h30m", " 1h", "1h\n", "-1h"] {
            assert_eq!(Timeout::try_from(text.to_owned()), Err(TimeoutError), "{text:?}");
            assert!(!pattern.is_match(text), "{text:?}");
        }
        assert_eq!(Timeout::default(), Timeout::try_from("2h".to_owned()).unwrap());
    }
}
