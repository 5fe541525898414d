//! What is looked for, as a page's URL says it.

use url::form_urlencoded::{Serializer, parse};

use crate::app::{Asked, Crop, Example, Moment, ScoreThreshold, TRAINED};
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
    /// The part of the one picture to be like that is meant.
    pub(super) part: Option<Crop>,
    /// Whether what was learned from labels ranks.
    pub(super) trained: bool,
    pub(super) filters: Filters,
    /// Results that are not shown, since they were before.
    pub(super) from: usize,
}

/// Which pictures may be results.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Filters {
    pub(super) host: String,
    /// Words that pages say of them.
    pub(super) text: String,
    pub(super) min_width: Option<u32>,
    pub(super) min_height: Option<u32>,
    /// Days, or moments, between which they were stored.
    pub(super) since: Option<Moment>,
    pub(super) until: Option<Moment>,
}

impl Filters {
    /// As fields and values, in the order of a URL's query; none of those that say nothing.
    pub(super) fn fields(&self) -> Vec<(&'static str, String)> {
        let number = |number: Option<u32>| number.map_or_else(String::new, |it| it.to_string());
        let moment = |moment: Option<Moment>| moment.map_or_else(String::new, |it| it.to_string());
        let all = [
            ("host", self.host.clone()),
            ("text", self.text.clone()),
            ("min_width", number(self.min_width)),
            ("min_height", number(self.min_height)),
            ("since", moment(self.since)),
            ("until", moment(self.until)),
        ];
        all.into_iter()
            .filter(|(_, value)| !value.is_empty())
            .collect()
    }

    /// Takes a field in; whether it is one of these.
    fn take(&mut self, name: &str, value: &str) -> Result<bool, ()> {
        fn given<T: std::str::FromStr>(value: &str) -> Result<Option<T>, ()> {
            let value = value.trim();
            let given = (!value.is_empty()).then(|| value.parse());
            given.transpose().map_err(|_| ())
        }
        match name {
            "host" => value.trim().clone_into(&mut self.host),
            "text" => value.trim().clone_into(&mut self.text),
            "min_width" => self.min_width = given(value)?,
            "min_height" => self.min_height = given(value)?,
            "since" => self.since = given(value)?,
            "until" => self.until = given(value)?,
            _ => return Ok(false),
        }
        Ok(true)
    }
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
                "box" if value.is_empty() => {}
                "box" => question.part = Some(value.parse().map_err(|_| wrong())?),
                "head" => question.trained = value == TRAINED,
                "from" => question.from = value.parse().map_err(|_| wrong())?,
                // What is no filter is of another form on the same page.
                name => _ = question.filters.take(name, &value).map_err(|()| wrong())?,
            }
        }
        if question.from > MOST || question.like.len() + question.unlike.len() > MOST_EXAMPLES {
            return Err(Problem::bad(format!(
                "there may be {MOST_EXAMPLES} pictures and {MOST} results"
            )));
        }
        if question.part.is_some() && question.like.len() > 1 {
            return Err(Problem::bad("a part can be of one picture only"));
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
        if let Some(part) = self.part {
            query.append_pair("box", &part.to_string());
        }
        if self.trained {
            query.append_pair("head", TRAINED);
        }
        query.extend_pairs(self.filters.fields());
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
            // A part is of one picture.
            question.part = None;
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
            part: None,
            ..self.restarted()
        }
    }

    /// The same with the whole picture in the place of its part.
    pub(super) fn of_whole(&self) -> Self {
        Self {
            part: None,
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

    /// The head that ranks, where it is not the default.
    pub(super) fn head(&self) -> Option<&'static str> {
        self.trained.then_some(TRAINED)
    }

    pub(super) fn asked(&self) -> Asked {
        let said = |text: &String| (!text.is_empty()).then(|| text.clone());
        Asked {
            // One more, to know whether there are more.
            limit: Some(self.from + A_PAGE + 1),
            candidates: None,
            host: said(&self.filters.host),
            text: said(&self.filters.text),
            min_width: self.filters.min_width,
            min_height: self.filters.min_height,
            since: self.filters.since,
            until: self.filters.until,
            score_threshold: self.threshold,
            mode: self.mode,
            explain: false,
            all_copies: false,
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
            part: None,
            trained: true,
            filters: Filters {
                host: "a b&c=d".to_owned(),
                text: "red sail".to_owned(),
                min_width: Some(200),
                min_height: None,
                since: Some("2026-11-26".parse().unwrap()),
                until: None,
            },
            from: 24,
        };
        let part = Question {
            like: vec![id(1)],
            part: Some("0.25,0,0.5,1".parse().unwrap()),
            ..Question::default()
        };
        assert_eq!(Question::of_query(&part.query()).unwrap(), part);
        assert_eq!(part.also_like(id(2)).part, None);
        assert_eq!(Question::of_query(&question.query()).unwrap(), question);
        assert_eq!(Question::of_query("").unwrap(), Question::default());
        for wrong in [
            "like=../../etc/passwd",
            "mode=best",
            "threshold=2",
            "box=1,1,1,1",
            "min_width=-3",
            "since=yesterday",
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
