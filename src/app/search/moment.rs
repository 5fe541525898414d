//! A moment, as people write one.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

/// A moment: a day, which is its beginning in UTC, or a time with its zone (RFC 3339).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Moment(Timestamp);

impl Moment {
    /// Seconds since 1970; 0 before.
    pub fn seconds(self) -> u64 {
        u64::try_from(self.0.as_second()).unwrap_or(0)
    }
}

/// What a day is written like.
const DAY: &str = "2026-11-26";

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let day = || {
            // A time without a zone is no day.
            let day: Date = (text.len() == DAY.len()).then(|| text.parse().ok())??;
            Some(day.to_zoned(TimeZone::UTC).ok()?.timestamp())
        };
        let moment = text.parse().ok().or_else(day).map(Self);
        moment.ok_or_else(|| {
            "it takes a day such as 2026-11-26, or a time such as 2026-11-26T21:00:00Z".to_owned()
        })
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl TryFrom<String> for Moment {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Moment> for String {
    fn from(moment: Moment) -> Self {
        moment.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_times_are_moments() {
        let seconds = |text: &str| text.parse::<Moment>().map(Moment::seconds);
        assert_eq!(seconds("1970-01-02"), Ok(86_400));
        assert_eq!(seconds("1970-01-01T01:00:00+01:00"), Ok(0));
        assert_eq!(seconds("1969-12-31"), Ok(0));
        assert_eq!(seconds("2026-11-26T21:00:00Z"), Ok(1_795_726_800));
        for wrong in [
            "",
            "yesterday",
            "2026-13-01",
            "26.11.2026",
            "2026-11-26T21:00:00",
        ] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
        let moment: Moment = "2026-11-26".parse().unwrap();
        assert_eq!(moment.to_string().parse(), Ok(moment));
    }
}
