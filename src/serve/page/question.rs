//! What is looked for, as a page's URL says it.

use url::form_urlencoded::{Serializer, parse};

use crate::app::{Asked, Example, ScoreThreshold};
use crate::head::Mode;
use crate::picture::PictureId;
use crate::serve::problem::Problem;
use crate::serve::state::State;

/// What is looked for, in the order of a URL's query.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Question {
    /// Pictures that results should be like.
    pub(super) like: Vec<PictureId>,
    /// Pictures that they should not be like.
    pub(super) unlike: Vec<PictureId>,
    pub(super) mode: Mode,
    pub(super) threshold: ScoreThreshold,
    pub(super) host: String,
    /// Results that are not shown, since they were before.
    pub(super) from: usize,
}

/// Results of a page.
pub(super) const A_PAGE: usize = 24;
/// Results that can be reached by going on.
const MOST: usize = 1_000;
/// Pictures that a question may have.
const MOST_EXAMPLES: usize = 16;

impl Question {
    /// Reads a query; what is not understood is said, not passed over.
    pub(super) fn of_query(query: &str) -> Result<Self, Problem> {
        let mut question = Self::default();
        for (name, value) in parse(query.as_bytes()) {
            let wrong = || Problem::bad(format!("`{name}` cannot be `{value}`"));
            let id = || value.parse::<PictureId>().map_err(|_| wrong());
            match &*name {
                "like" => question.like.push(id()?),
                "unlike" => question.unlike.push(id()?),
                "mode" => question.mode = mode_named(&value).ok_or_else(wrong)?,
                "threshold" => question.threshold = value.parse().map_err(|_| wrong())?,
                "host" => value.trim().clone_into(&mut question.host),
                "from" => question.from = value.parse().map_err(|_| wrong())?,
                // Of another form on the same page.
                _ => {}
            }
        }
        if question.from > MOST || question.like.len() + question.unlike.len() > MOST_EXAMPLES {
            return Err(Problem::bad(format!(
                "there may be {MOST_EXAMPLES} pictures and {MOST} results"
            )));
        }
        Ok(question)
    }

    pub(super) fn query(&self) -> String {
        let mut query = Serializer::new(String::new());
        for id in &self.like {
            query.append_pair("like", &id.to_string());
        }
        for id in &self.unlike {
            query.append_pair("unlike", &id.to_string());
        }
        if self.mode != Mode::default() {
            query.append_pair("mode", self.mode.name());
        }
        if self.threshold != ScoreThreshold::default() {
            query.append_pair("threshold", &self.threshold.to_string());
        }
        if !self.host.is_empty() {
            query.append_pair("host", &self.host);
        }
        if self.from > 0 {
            query.append_pair("from", &self.from.to_string());
        }
        query.finish()
    }

    /// The page of its results.
    pub(super) fn look(&self) -> String {
        format!("/look?{}", self.query())
    }

    /// The same with other results: those like a picture, too.
    pub(super) fn also_like(&self, id: PictureId) -> Self {
        let mut question = self.restarted();
        question.unlike.retain(|other| *other != id);
        if !question.like.contains(&id) {
            question.like.push(id);
        }
        question
    }

    /// The same without those like a picture.
    pub(super) fn not_like(&self, id: PictureId) -> Self {
        let mut question = self.restarted();
        question
            .like
            .retain(|other| *other != id || self.like.len() == 1);
        if !question.unlike.contains(&id) {
            question.unlike.push(id);
        }
        question
    }

    /// Without one of its pictures.
    pub(super) fn without(&self, id: PictureId) -> Self {
        let mut question = self.restarted();
        question.like.retain(|other| *other != id);
        question.unlike.retain(|other| *other != id);
        question
    }

    /// What is like one picture alone.
    pub(super) fn like_only(&self, id: PictureId) -> Self {
        Self {
            like: vec![id],
            unlike: Vec::new(),
            ..self.restarted()
        }
    }

    fn restarted(&self) -> Self {
        Self {
            from: 0,
            ..self.clone()
        }
    }

    pub(super) fn next(&self) -> Option<Self> {
        let from = self.from + A_PAGE;
        let next = Self {
            from,
            ..self.clone()
        };
        (from < MOST).then_some(next)
    }

    pub(super) fn asked(&self) -> Asked {
        Asked {
            // One more, to know whether there are more.
            limit: Some(self.from + A_PAGE + 1),
            candidates: None,
            host: (!self.host.is_empty()).then(|| self.host.clone()),
            score_threshold: self.threshold,
            mode: self.mode,
            explain: false,
            all_copies: false,
            ..Asked::default()
        }
    }
}

/// A picture of a question: one that was given, or one that is stored.
pub(super) fn example(state: &State, id: PictureId) -> Example {
    match state.held.find(id) {
        Some(picture) => Example::Given((*picture).clone()),
        None => Example::Stored(id),
    }
}

pub(super) fn mode_named(name: &str) -> Option<Mode> {
    Mode::ALL.into_iter().find(|mode| mode.name() == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_the_same_after_its_url() {
        let id = |byte: u8| PictureId::of(&[byte]);
        let question = Question {
            like: vec![id(1), id(2)],
            unlike: vec![id(3)],
            mode: Mode::Copy,
            threshold: ScoreThreshold::Precision90,
            host: "a b&c=d".to_owned(),
            from: 24,
        };
        assert_eq!(Question::of_query(&question.query()).unwrap(), question);
        assert_eq!(Question::of_query("").unwrap(), Question::default());
        for wrong in [
            "like=../../etc/passwd",
            "mode=best",
            "threshold=2",
            "from=-1",
            "from=99999",
        ] {
            assert!(Question::of_query(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn feedback_moves_a_picture_and_starts_anew() {
        let id = |byte: u8| PictureId::of(&[byte]);
        let question = Question {
            like: vec![id(1)],
            from: 24,
            ..Question::default()
        };
        let liked = question.also_like(id(2)).also_like(id(2));
        assert_eq!((liked.like.len(), liked.from), (2, 0));
        let unliked = liked.not_like(id(2));
        assert_eq!((unliked.like, unliked.unlike), (vec![id(1)], vec![id(2)]));
    }
}
