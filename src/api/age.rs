use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use jiff::SignedDuration;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::text;

/// A length of time in hours, days or weeks: `24h`, `30d`, `2w`.
///
/// A day is always 24 hours and a week 7 such days, whatever a calendar or a time zone says. The text is kept as it was
/// written, so `24h` and `1d` last equally long but are not equal; compare [`Age::duration`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Age {
    text: String,
    duration: SignedDuration,
}

/// A text that is no [`Age`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an age: {meaning}", meaning = text::AGE.meaning)]
pub struct AgeError;

impl Age {
    /// How long it lasts.
    pub fn duration(&self) -> SignedDuration {
        self.duration
    }

    /// The text as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// An age of that many hours.
    pub(super) fn from_hours(hours: u16) -> Self {
        Self { text: format!("{hours}h"), duration: SignedDuration::from_hours(hours.into()) }
    }
}

impl FromStr for Age {
    type Err = AgeError;

    fn from_str(text: &str) -> Result<Self, AgeError> {
        let (digits, hours_per_unit) = match text.as_bytes() {
            [digits @ .., b'h'] => (digits, 1),
            [digits @ .., b'd'] => (digits, 24),
            [digits @ .., b'w'] => (digits, 7 * 24),
            _ => return Err(AgeError),
        };
        if !matches!(digits.len(), 1..=5) || !digits.iter().all(u8::is_ascii_digit) {
            return Err(AgeError);
        }
        let count = digits.iter().fold(0, |count, digit| count * 10 + i64::from(digit - b'0'));
        Ok(Self { text: text.to_owned(), duration: SignedDuration::from_hours(count * hours_per_unit) })
    }
}

impl TryFrom<String> for Age {
    type Error = AgeError;

    fn try_from(text: String) -> Result<Self, AgeError> {
        text.parse()
    }
}

impl From<Age> for String {
    fn from(age: Age) -> Self {
        age.text
    }
}

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl JsonSchema for Age {
    fn schema_name() -> Cow<'static, str> {
        "Age".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "maxLength": 6, "pattern": text::AGE.pattern})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_hours_days_and_weeks_and_prints_what_was_written() {
        for (text, hours) in [("0h", 0), ("24h", 24), ("030d", 720), ("2w", 336), ("99999w", 16_799_832)] {
            let age: Age = text.parse().unwrap();
            assert_eq!(age.duration(), SignedDuration::from_hours(hours), "{text}");
            assert_eq!(age.to_string(), text);
            assert_eq!(serde_json::to_value(&age).unwrap(), text);
        }
        assert_eq!(Age::from_hours(24), "24h".parse().unwrap());
    }

    #[test]
    fn refuses_everything_else_as_the_pattern_of_the_schema_does() {
        let pattern = regex::Regex::new(text::AGE.pattern).unwrap();
        for text in
            ["", "h", "24", "1day", "30m", "1.5d", "-1d", "+1d", " 1d", "1d ", "1d\n", "1D", "100000h", "1d12h", "١d"]
        {
            assert_eq!(text.parse::<Age>(), Err(AgeError), "{text:?}");
            assert!(!pattern.is_match(text), "{text:?}");
            let error = serde_json::from_value::<Age>(text.into()).unwrap_err();
            assert!(error.to_string().contains("a whole number of hours, days or weeks"), "{error}");
        }
    }
}
