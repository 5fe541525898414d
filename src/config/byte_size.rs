//! Sizes as people write them: `20 GB`.

use std::fmt;
use std::str::FromStr;

/// A size in bytes, written as a number and a decimal unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(u64);

/// The units, the largest first.
const UNITS: [(&str, u64); 3] = [
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
];
const LEAST: u64 = 1_000_000;
const MOST: u64 = 1_000_000_000_000_000_000;

impl ByteSize {
    /// What may be written.
    pub const FORM: &str = "a number and MB, GB or TB, such as 20 GB, from 1 MB to 1000000 TB";

    /// So many bytes.
    pub fn of_bytes(bytes: u64) -> Self {
        Self(bytes)
    }

    /// How many bytes it is.
    pub fn bytes(self) -> u64 {
        self.0
    }
}

/// A text is no size.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a size is {form}, not `{text}`", form = ByteSize::FORM)]
pub struct ParseByteSizeError {
    text: String,
}

impl FromStr for ByteSize {
    type Err = ParseByteSizeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || ParseByteSizeError {
            text: text.to_owned(),
        };
        let trimmed = text.trim();
        let mut parts = UNITS.iter().filter_map(|(name, unit)| {
            let number = trimmed.strip_suffix(name)?;
            Some((number.trim_end(), unit))
        });
        let (number, unit) = parts.next().ok_or_else(wrong)?;
        let is_plain = |c: char| c.is_ascii_digit() || c == '.';
        // No signs, no exponents, no names of what is no number.
        if !number.starts_with(|c: char| c.is_ascii_digit()) || !number.chars().all(is_plain) {
            return Err(wrong());
        }
        let number: f64 = number.parse().map_err(|_| wrong())?;
        // Past the largest it is the largest of the type, which is refused.
        let bytes = (number * *unit as f64).round() as u64;
        match (LEAST..=MOST).contains(&bytes) {
            true => Ok(Self(bytes)),
            false => Err(wrong()),
        }
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, unit) = UNITS
            .iter()
            .find(|(_, unit)| self.0 >= *unit)
            .unwrap_or(&UNITS[UNITS.len() - 1]);
        write!(f, "{} {name}", self.0 as f64 / *unit as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_a_number_and_a_decimal_unit() {
        for (text, bytes) in [
            ("20 GB", 20_000_000_000),
            ("500MB", 500_000_000),
            (" 1.5  TB ", 1_500_000_000_000),
            ("1 MB", 1_000_000),
        ] {
            assert_eq!(text.parse(), Ok(ByteSize::of_bytes(bytes)), "{text}");
        }
        for wrong in [
            "",
            "20",
            "GB",
            "20 GiB",
            "20 gb",
            "20 kB",
            "-1 GB",
            "+1 GB",
            "1e3 GB",
            "1.2.3 GB",
            "inf GB",
            ".5 GB",
            "0 GB",
            "0.9 MB",
            "1000001 TB",
            "20 GB GB",
            "20 GBGB",
        ] {
            let error = wrong.parse::<ByteSize>().unwrap_err().to_string();
            assert!(error.contains(wrong) && error.contains("20 GB"), "{error}");
        }
        for text in ["20 GB", "1.5 TB", "1 MB", "999.5 MB"] {
            assert_eq!(text.parse::<ByteSize>().unwrap().to_string(), text);
        }
    }
}
