//! Look: what is like the pictures that were asked for.

use axum::extract::{RawQuery, State as Shared};
use maud::{Markup, html};
use url::form_urlencoded::parse;

use super::ask::{modes, words};
use super::layout::{self, percent, short};
use super::question::{A_PAGE, Question, example};
use super::verdicts::Verdicts;
use crate::app::{Crop, Error, Question as Search, ScoreThreshold, TRAINED};
use crate::head::{Mode, Ranking};
use crate::picture::PictureId;
use crate::search::{CopyEntry, QueryResult, ResultEntry};
use crate::serve::problem::Problem;
use crate::serve::state::State;

pub(super) async fn page(
    Shared(state): Shared<State>,
    RawQuery(query): RawQuery,
) -> Result<Markup, Problem> {
    let question = Question::of_query(&query.unwrap_or_default())?;
    if question.like.is_empty() {
        return Err(Problem::bad(
            "no picture is named that results should be like",
        ));
    }
    let Answer {
        result,
        scale,
        verdicts,
        can_be_trained,
    } = answer(&state, &question).await?;
    let shown: Vec<&ResultEntry> = result
        .results
        .iter()
        .skip(question.from)
        .take(A_PAGE)
        .collect();
    let more = result.results.len() > question.from + A_PAGE;
    let next = question.next().filter(|_| more);
    let main = html! {
        h1 { "What looks like it" }
        (asked(&question))
        (refine(&question, scale, can_be_trained))
        @if shown.is_empty() {
            p.trouble role="status" { "Nothing is as alike as that. A lower threshold, another way of being alike or
                fewer filters may show more." }
        }
        ol.grid start=(question.from + 1) data-grid data-verdicts aria-label="Results" {
            @for entry in &shown { (card(&question, scale, &verdicts, entry)) }
        }
        @if let Some(next) = next {
            p.waiting { a.button rel="next" href=(next.look()) data-more { "More results" } }
        }
    };
    Ok(layout::page("/", words(question.mode), &main))
}

/// The results, and what their scores mean.
struct Answer {
    result: QueryResult,
    scale: Scale,
    verdicts: Verdicts,
    /// Whether there is a head that has learned from labels.
    can_be_trained: bool,
}

/// From which scores on nine results of ten were right, and 99 of 100; with a head that knows.
#[derive(Debug, Clone, Copy, Default)]
struct Scale {
    precision_90: Option<f32>,
    precision_99: Option<f32>,
}

impl Scale {
    fn of(head: &Ranking, mode: Mode) -> Self {
        let score = |threshold: ScoreThreshold| threshold.of(head, mode).ok();
        Self {
            precision_90: score(ScoreThreshold::Precision90),
            precision_99: score(ScoreThreshold::Precision99),
        }
    }

    /// A score in words.
    fn words(self, score: f32) -> &'static str {
        let reaches =
            |threshold: Option<f32>| threshold.is_some_and(|threshold| score >= threshold);
        match score {
            1.0.. => "the very same",
            _ if reaches(self.precision_99) => "as good as certain",
            _ if reaches(self.precision_90) => "very likely",
            0.5.. => "likely",
            0.1.. => "perhaps",
            _ => "hardly",
        }
    }
}

async fn answer(state: &State, question: &Question) -> Result<Answer, Problem> {
    let of = |ids: &[PictureId]| ids.iter().map(|id| example(state, *id)).collect();
    let mut search = Search {
        name: "page".to_owned(),
        wanted: of(&question.like),
        unwanted: of(&question.unlike),
        part: question.part,
        ..Search::default()
    };
    let (collection, question) = (state.collection.clone(), question.clone());
    let answer = state.searched(move |until| {
        search.until = Some(until);
        let head = collection.heads().named(question.head())?;
        let options = question.asked().options(collection.config(), &head)?;
        let result = collection.search(&search, &head, &options);
        Ok(Answer {
            result: result.map_err(not_kept)?,
            scale: Scale::of(&head, options.mode),
            verdicts: Verdicts::of(&collection, &question)?,
            can_be_trained: collection.heads().named(Some(TRAINED)).is_ok(),
        })
    });
    answer.await?
}

/// A picture that is neither stored nor held was held.
pub(super) fn not_kept(error: Error) -> Problem {
    match error {
        Error::NoPicture(_) => Problem::not_found(
            "one of the pictures that were asked for is not kept any more: choose it again",
        ),
        error => error.into(),
    }
}

/// The pictures that were asked for.
fn asked(question: &Question) -> Markup {
    let several = question.like.len() + question.unlike.len() > 1;
    let kinds = [(&question.like, "like"), (&question.unlike, "unlike")];
    html! {
        section.asked aria-label="What was asked for" {
            @for (ids, kind) in kinds {
                @for id in ids {
                    @let is_only = kind == "like" && ids.len() == 1;
                    figure class=(kind) {
                        div.frame data-box=[is_only.then_some("part")] {
                            img src={ "/examples/" (id) } alt={ "A picture that results should be " (kind) };
                            @if is_only && let Some(part) = question.part { (frame(part)) }
                        }
                        figcaption {
                            (kind) " this"
                            @if several && !question.without(*id).like.is_empty() {
                                " " a href=(question.without(*id).look()) { "leave out" }
                            }
                        }
                    }
                }
            }
            @if question.like.len() == 1 { (part(question)) }
        }
    }
}

/// The part that is meant, drawn.
fn frame(part: Crop) -> Markup {
    let [x, y, width, height] = part.shares();
    html! {
        svg viewBox="0 0 1 1" preserveAspectRatio="none" aria-hidden="true" {
            rect x=(x) y=(y) width=(width) height=(height) {}
        }
    }
}

/// Parts that can be chosen without drawing: their names and shares.
const PARTS: [(&str, &str); 7] = [
    ("the middle", "0.25,0.25,0.5,0.5"),
    ("the left half", "0,0,0.5,1"),
    ("the right half", "0.5,0,0.5,1"),
    ("the upper half", "0,0,1,0.5"),
    ("the lower half", "0,0.5,1,0.5"),
    ("the middle third across", "0.333,0,0.333,1"),
    ("the middle third down", "0,0.333,1,0.333"),
];

/// Search by a part: drawn on the picture with the mouse, chosen or written with keys.
fn part(question: &Question) -> Markup {
    html! {
        details open[question.part.is_some()] {
            summary { "Only a part of it" }
            form id="part" method="get" action="/look" {
                (hidden(&question.of_whole()))
                label {
                    "Drawn on the picture, or in shares of it: left, top, width, height"
                    input type="text" name="box" value=[question.part] list="parts" autocomplete="off" placeholder="0.25,0.25,0.5,0.5";
                }
                datalist id="parts" { @for (name, shares) in PARTS { option value=(shares) { (name) } } }
                div.row {
                    button type="submit" { "Search by the part" }
                    @if question.part.is_some() { a href=(question.of_whole().look()) { "By the whole" } }
                }
            }
        }
    }
}

/// A question as fields of a form that asks for a little more.
fn hidden(question: &Question) -> Markup {
    let query = question.query();
    html! {
        @for (name, value) in parse(query.as_bytes()) { input type="hidden" name=(name) value=(value); }
    }
}

/// Another way of being alike, a threshold, filters.
fn refine(question: &Question, scale: Scale, can_be_trained: bool) -> Markup {
    let filters = &question.filters;
    let from = |threshold: Option<f32>| {
        threshold.map_or_else(String::new, |score| format!(" (from {})", percent(score)))
    };
    let thresholds = [
        (ScoreThreshold::default(), "all".to_owned()),
        (
            ScoreThreshold::Score(0.5),
            "right more often than not (from 50 %)".to_owned(),
        ),
        (
            ScoreThreshold::Precision90,
            format!("9 of 10 right{}", from(scale.precision_90)),
        ),
        (
            ScoreThreshold::Precision99,
            format!("99 of 100 right{}", from(scale.precision_99)),
        ),
    ];
    let is_known = thresholds
        .iter()
        .any(|(threshold, _)| *threshold == question.threshold);
    html! {
        form.refine method="get" action="/look" data-refine {
            @for id in &question.like { input type="hidden" name="like" value=(id); }
            @for id in &question.unlike { input type="hidden" name="unlike" value=(id); }
            @if let Some(part) = question.part { input type="hidden" name="box" value=(part); }
            (modes(question.mode))
            label {
                "Results"
                select name="threshold" {
                    @for (threshold, words) in &thresholds {
                        option value=(threshold) selected[*threshold == question.threshold] { (words) }
                    }
                    @if !is_known {
                        option value=(question.threshold) selected { "from " (question.threshold) }
                    }
                }
            }
            @if can_be_trained {
                label.check {
                    input type="checkbox" name="head" value=(TRAINED) checked[question.trained];
                    " by what you have taught"
                }
            }
            button type="submit" { "Apply" }
            details open[!filters.fields().is_empty()] {
                summary { "Filters" }
                div {
                    label { "Host" input type="text" name="host" value=(filters.host) autocomplete="off" placeholder="any"; }
                    label { "Words of the page" input type="text" name="text" value=(filters.text) autocomplete="off" placeholder="any"; }
                    label { "Width from" input type="number" name="min_width" value=[filters.min_width] min="1" placeholder="any"; }
                    label { "Height from" input type="number" name="min_height" value=[filters.min_height] min="1" placeholder="any"; }
                    label { "Stored since" input type="text" name="since" value=[filters.since] placeholder="2026-11-26"; }
                    label { "Stored before" input type="text" name="until" value=[filters.until] placeholder="2026-11-26"; }
                }
            }
        }
    }
}

fn card(question: &Question, scale: Scale, verdicts: &Verdicts, entry: &ResultEntry) -> Markup {
    let page = entry.pages.first();
    let alt = page.map_or("", |page| page.words());
    let place = entry.place();
    let id: Option<PictureId> = entry.id.parse().ok();
    html! {
        @let said = verdicts.said(&entry.id);
        li.card.is-right[said == Some(true)].is-wrong[said == Some(false)] value=(entry.rank) {
            a.picture href={ "/why?" (question.query()) "&picture=" (entry.id) "&score=" (entry.score) } {
                img src=(thumbnail(&entry.id))
                    alt={ @if alt.is_empty() { "Result " (entry.rank) } @else { (alt) } }
                    width="200" height="200" loading="lazy";
            }
            (meter(entry.score))
            p.score { b { (percent(entry.score)) } span { (scale.words(entry.score)) } }
            @if let Some(explanation) = &entry.explanation { p { (explanation.words) } }
            p.muted.small { (entry.width) " x " (entry.height) ", " (layout::place(place, &short(place))) }
            @if !entry.copies.is_empty() { (copies(question, &entry.copies)) }
            @if let Some(id) = id {
                (verdicts.buttons(question, id))
                p.feedback.small {
                    a href=(question.like_only(id).look()) { "more like this" }
                    a href=(question.also_like(id).look()) { "like this, too" }
                    @if question.mode != Mode::Copy {
                        a href=(question.not_like(id).look()) { "not like this" }
                    }
                }
            }
        }
    }
}

fn thumbnail(id: &str) -> String {
    format!("/api/v1/pictures/{id}/thumbnail")
}

/// A score as a bar; the number stands below it.
fn meter(score: f32) -> Markup {
    html! {
        svg.meter viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true" {
            rect width=(score * 100.0) height="4" {}
        }
    }
}

/// The near-copies that a result stands for, to be opened.
fn copies(question: &Question, copies: &[CopyEntry]) -> Markup {
    html! {
        details {
            summary.small {
                "and " (copies.len()) @if copies.len() == 1 { " near-copy" } @else { " near-copies" }
            }
            ul.copies {
                @for copy in copies {
                    li {
                        a href={ "/why?" (question.query()) "&picture=" (copy.id) } {
                            img src=(thumbnail(&copy.id)) alt=(short(&copy.place)) loading="lazy";
                        }
                    }
                }
            }
        }
    }
}
