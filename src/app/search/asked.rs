//! What a search is asked for in words and numbers, as a command or a request says it.

use std::fmt;
use std::str::FromStr;

use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::ToSchema;

use super::Moment;
use crate::app::Error;
use crate::config::Config;
use crate::head::{Mode, Ranking, Thresholds};
use crate::search::{Filter, SearchOptions};

/// What is asked for, before a head and a configuration say what it comes to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Asked {
    /// Results wanted, 1 to 100,000.
    pub limit: Option<usize>,
    /// Candidates that the index hands to the head, 1 to 100,000.
    pub candidates: Option<usize>,
    /// Only pictures seen on this host.
    pub host: Option<String>,
    /// Only pictures that are at least so wide, in pixels.
    pub min_width: Option<u32>,
    /// Only pictures that are at least so high, in pixels.
    pub min_height: Option<u32>,
    /// Only pictures stored from then on: a date such as `2026-11-26`, in UTC, or a time such as
    /// `2026-11-26T21:00:00Z`.
    #[schema(value_type = Option<String>)]
    pub since: Option<Moment>,
    /// Only pictures stored before then.
    #[schema(value_type = Option<String>)]
    pub until: Option<Moment>,
    /// Only pictures of which pages say all of these words: in alternative text, titles or captions.
    pub text: Option<String>,
    /// Only results of at least this score: a number from 0 to 1, or `p90` or `p99`.
    #[schema(value_type = String)]
    pub score_threshold: ScoreThreshold,
    /// What "alike" means: `same-subject`, `look-alike` or `copy`.
    #[schema(value_type = String)]
    pub mode: Mode,
    /// Whether the parts that match are sought for every result.
    pub explain: bool,
    /// Whether near-copies are results of their own; otherwise one stands for all.
    pub all_copies: bool,
}

impl Asked {
    /// Which pictures may be results.
    pub(in crate::app) fn filter(&self) -> Filter {
        Filter {
            host: self.host.clone(),
            min_width: self.min_width.unwrap_or(0),
            min_height: self.min_height.unwrap_or(0),
            since_s: self.since.map(|moment| moment.seconds()),
            until_s: self.until.map(|moment| moment.seconds()),
            words: Filter::words_of(self.text.as_deref().unwrap_or_default()),
            ..Filter::default()
        }
    }

    /// What it comes to with this head; what is not said is as the configuration says.
    ///
    /// # Errors
    /// If a number is out of range, or the head has no such threshold.
    pub fn options(&self, config: &Config, head: &Ranking) -> Result<SearchOptions, Error> {
        let mut config = config.clone();
        config.query.k = self.limit.unwrap_or(config.query.k);
        config.query.candidates = self.candidates.unwrap_or(config.query.candidates);
        config.check()?;
        Ok(SearchOptions {
            k: config.query.k,
            candidates: config.query.candidates,
            filter: self.filter(),
            min_score: self.score_threshold.of(head, self.mode)?,
            mode: self.mode,
            explain: self.explain,
            all_copies: self.all_copies,
            alone: false,
        })
    }
}

/// From which score on there are results. In JSON a number, or text: a number, `p90` or `p99`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ScoreThreshold {
    /// A score, 0 to 1.
    Score(f32),
    /// From where on 90 of 100 results were right in the head's training.
    Precision90,
    /// From where on 99 were.
    Precision99,
}

impl Default for ScoreThreshold {
    fn default() -> Self {
        Self::Score(0.0)
    }
}

impl ScoreThreshold {
    /// The score that it stands for, with this head in this mode.
    ///
    /// # Errors
    /// If the head has no such threshold.
    pub fn of(self, head: &Ranking, mode: Mode) -> Result<f32, Error> {
        let thresholds = match head {
            Ranking::Fused(head) => head.thresholds(mode),
            Ranking::Mse18(_) | Ranking::Embedding => Thresholds::default(),
        };
        match self {
            Self::Score(score) => Some(score),
            Self::Precision90 => thresholds.precision_90,
            Self::Precision99 => thresholds.precision_99,
        }
        .ok_or(Error::NoThreshold)
    }
}

impl FromStr for ScoreThreshold {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "p90" => Ok(Self::Precision90),
            "p99" => Ok(Self::Precision99),
            _ => match text.parse() {
                Ok(score) if (0.0..=1.0).contains(&score) => Ok(Self::Score(score)),
                _ => Err("it takes a number from 0 to 1, p90 or p99".to_owned()),
            },
        }
    }
}

impl fmt::Display for ScoreThreshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Score(score) => score.fmt(f),
            Self::Precision90 => f.write_str("p90"),
            Self::Precision99 => f.write_str("p99"),
        }
    }
}

impl Serialize for ScoreThreshold {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ScoreThreshold {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NumberOrText;

        impl Visitor<'_> for NumberOrText {
            type Value = ScoreThreshold;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number from 0 to 1, p90 or p99")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
                text.parse().map_err(E::custom)
            }

            fn visit_f64<E: serde::de::Error>(self, score: f64) -> Result<Self::Value, E> {
                self.visit_str(&score.to_string())
            }

            fn visit_u64<E: serde::de::Error>(self, score: u64) -> Result<Self::Value, E> {
                self.visit_str(&score.to_string())
            }
        }

        deserializer.deserialize_any(NumberOrText)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_the_same_after_json() {
        for text in ["p90", "p99", "0", "0.73", "1"] {
            let asked = Asked {
                score_threshold: text.parse().unwrap(),
                mode: Mode::Copy,
                ..Asked::default()
            };
            let json = serde_json::to_string(&asked).unwrap();
            assert_eq!(serde_json::from_str::<Asked>(&json).unwrap(), asked);
        }
        let number: Asked = serde_json::from_str(r#"{"score_threshold": 0.5}"#).unwrap();
        assert_eq!(number.score_threshold, ScoreThreshold::Score(0.5));
        for wrong in ["1.5", "\"-1\"", "\"p95\"", "null", "\"NaN\""] {
            let json = format!(r#"{{"score_threshold": {wrong}}}"#);
            assert!(serde_json::from_str::<Asked>(&json).is_err(), "{wrong}");
        }
    }
}
