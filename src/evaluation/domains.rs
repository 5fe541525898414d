//! `simdex eval domains`: the answers of `simdex query` on pictures of many domains. What is
//! asked and stored is the caller's; this makes figures of what came of it.

mod figures;

use serde::Serialize;

use super::average_precision;

pub use figures::{
    AnswerlessFigures, AtThresholdFigures, DomainRow, DomainSize, DomainsEvaluation, HeadFigures,
    StoreFigures,
};

/// Results of each query that are shown, as `simdex query` does.
pub const SHOWN: usize = 10;

/// Which pictures stores hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreKind {
    /// All domains in one store.
    Mixed,
    /// Each domain in a store of its own.
    Alone,
    /// So many pictures of the mixed store, drawn at random.
    Sample(usize),
}

impl StoreKind {
    /// Its name in tables and JSON: `mixed`, `alone`, `sample-25`.
    pub fn name(self) -> String {
        match self {
            Self::Mixed => "mixed".to_owned(),
            Self::Alone => "alone".to_owned(),
            Self::Sample(size) => format!("sample-{size}"),
        }
    }
}

impl Serialize for StoreKind {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.name())
    }
}

/// What a stored picture is to a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Of its class.
    Right,
    /// Of the class of that name in another domain: the same subject, drawn instead of
    /// photographed.
    SameSubject,
    /// Of another class.
    Wrong,
}

/// A result, with what it and the near-copies that it stands for are to the query.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// Its score.
    pub score: f32,
    /// What it is.
    pub answer: Answer,
    /// What its near-copies are.
    pub copies: Vec<Answer>,
}

/// What a query got that has an answer in the store.
#[derive(Debug, Clone, PartialEq)]
pub struct Answered {
    /// The head, by number.
    pub head: usize,
    /// The kind of store, by number.
    pub kind: usize,
    /// The query's domain, by number.
    pub domain: usize,
    /// Average precision of the list. Results of the same subject in another domain are left out.
    pub average_precision: f64,
    /// Whether the first result is right; those of the same subject are left out.
    pub first_hit: bool,
    /// The results shown: scores, and whether they are of the same class or subject.
    pub shown: Vec<(f32, bool)>,
}

/// What a query got to which nothing in the store is an answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Answerless {
    /// The head, by number.
    pub head: usize,
    /// The kind of store, by number.
    pub kind: usize,
    /// The score of the best result; 0 without one.
    pub best: f32,
}

impl Answered {
    /// What `list` is worth; `relevant` pictures of the store are right.
    pub fn of(
        (head, kind, domain): (usize, usize, usize),
        list: &[Listed],
        relevant: usize,
    ) -> Self {
        let each = list
            .iter()
            .flat_map(|result| std::iter::once(&result.answer).chain(&result.copies));
        let told = each.filter(|answer| **answer != Answer::SameSubject);
        let answers: Vec<bool> = told.map(|answer| *answer == Answer::Right).collect();
        let shown = list.iter().take(SHOWN);
        Self {
            head,
            kind,
            domain,
            average_precision: average_precision(&answers, relevant),
            first_hit: answers.first().copied().unwrap_or(false),
            shown: shown
                .map(|result| (result.score, result.answer != Answer::Wrong))
                .collect(),
        }
    }
}

/// A head that was asked, with its own thresholds.
#[derive(Debug, Clone, PartialEq)]
pub struct AskedHead {
    /// Its name or file.
    pub name: String,
    /// The score from which on it says that nine results of ten are right.
    pub precision_90: Option<f32>,
    /// And ninety-nine of a hundred.
    pub precision_99: Option<f32>,
}

/// Stores of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AskedStores {
    /// Their kind.
    pub kind: StoreKind,
    /// How many there are.
    pub stores: usize,
    /// Pictures in all of them together.
    pub pictures: usize,
}

/// All that was asked, and what came of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Observations {
    /// The heads.
    pub heads: Vec<AskedHead>,
    /// The kinds of stores.
    pub kinds: Vec<AskedStores>,
    /// The domains' names.
    pub domains: Vec<String>,
    /// Queries with an answer.
    pub answered: Vec<Answered>,
    /// Queries without one.
    pub answerless: Vec<Answerless>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(score: f32, answer: Answer) -> Listed {
        Listed {
            score,
            answer,
            copies: Vec::new(),
        }
    }

    #[test]
    fn the_same_subject_elsewhere_is_right_to_calibration_and_nothing_to_ranking() {
        let mut list = vec![
            listed(0.9, Answer::SameSubject),
            listed(0.8, Answer::Wrong),
            listed(0.7, Answer::Right),
        ];
        let found = Answered::of((1, 2, 3), &list, 2);
        assert_eq!((found.head, found.kind, found.domain), (1, 2, 3));
        // Right at rank 2 of those that count, of two.
        assert!((found.average_precision - 0.25).abs() < 1e-12);
        assert!(!found.first_hit);
        assert_eq!(found.shown, [(0.9, true), (0.8, false), (0.7, true)]);
        list[1].answer = Answer::Right;
        assert!(Answered::of((0, 0, 0), &list, 2).first_hit);
    }

    #[test]
    fn a_result_is_listed_with_its_copies_and_shown_alone() {
        let mut list = vec![listed(0.9, Answer::Right); 12];
        list[0].copies = vec![Answer::Right, Answer::Wrong];
        list.truncate(1);
        let found = Answered::of((0, 0, 0), &list, 2);
        assert!((found.average_precision - 1.0).abs() < 1e-12);
        assert_eq!(found.shown.len(), 1);
        let many = vec![listed(0.9, Answer::Right); 12];
        assert_eq!(Answered::of((0, 0, 0), &many, 12).shown.len(), SHOWN);
        let none = Answered::of((0, 0, 0), &[], 2);
        assert_eq!((none.average_precision, none.first_hit), (0.0, false));
    }
}
