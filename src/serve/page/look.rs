//! Look: what is like the pictures that were asked for.

use axum::extract::{RawQuery, State as Shared};
use maud::{Markup, html};

use super::ask::{modes, words};
use super::layout;
use super::question::{A_PAGE, Question, example};
use crate::app::{Error, Question as Search, ScoreThreshold};
use crate::head::Mode;
use crate::picture::PictureId;
use crate::search::{QueryResult, ResultEntry};
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
    let result = answer(&state, &question).await?;
    let shown: Vec<&ResultEntry> = result
        .results
        .iter()
        .skip(question.from)
        .take(A_PAGE)
        .collect();
    let more = result.results.len() > question.from + A_PAGE;
    let next = question.next().filter(|_| more);
    let main = html! {
        h1 { "Look" }
        (asked(&question))
        (refine(&question))
        @if shown.is_empty() {
            p.trouble role="status" { "Nothing is as alike as that. A lower threshold or another way of being alike
                may show more." }
        }
        ol.grid start=(question.from + 1) data-grid aria-label="Results" {
            @for entry in &shown { (card(&question, entry)) }
        }
        @if let Some(next) = next {
            p { a.button rel="next" href=(next.look()) data-more { "More" } }
        }
    };
    Ok(layout::page(words(question.mode), &main))
}

async fn answer(state: &State, question: &Question) -> Result<QueryResult, Problem> {
    let of = |ids: &[PictureId]| ids.iter().map(|id| example(state, *id)).collect();
    let search = Search {
        name: "page".to_owned(),
        wanted: of(&question.like),
        unwanted: of(&question.unlike),
        ..Search::default()
    };
    let (collection, asked) = (state.collection.clone(), question.asked());
    let answer = state.searched(move || {
        let head = collection.heads().named(None)?;
        let options = asked.options(collection.config(), &head)?;
        collection
            .search(&search, &head, &options)
            .map_err(not_kept)
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
    html! {
        section.asked aria-label="What was asked for" {
            @for (ids, kind) in [(&question.like, "like"), (&question.unlike, "not like")] {
                @for id in ids {
                    figure {
                        img src={ "/examples/" (id) } alt={ "A picture that results should be " (kind) } width="112" height="112";
                        figcaption {
                            (kind)
                            @if question.like.len() + question.unlike.len() > 1 && !question.without(*id).like.is_empty() {
                                " " a href=(question.without(*id).look()) { "leave out" }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Another way of being alike, a threshold, a host.
fn refine(question: &Question) -> Markup {
    let thresholds = [
        (ScoreThreshold::default(), "all"),
        (
            ScoreThreshold::Precision90,
            "those of which 90 % were right",
        ),
        (
            ScoreThreshold::Precision99,
            "those of which 99 % were right",
        ),
    ];
    html! {
        form.refine method="get" action="/look" data-refine {
            @for id in &question.like { input type="hidden" name="like" value=(id); }
            @for id in &question.unlike { input type="hidden" name="unlike" value=(id); }
            (modes(question.mode))
            label {
                "Show "
                select name="threshold" {
                    @for (threshold, words) in thresholds {
                        option value=(threshold) selected[threshold == question.threshold] { (words) }
                    }
                }
            }
            label { "Only from host " input type="text" name="host" value=(question.host) autocomplete="off"; }
            button type="submit" { "Apply" }
        }
    }
}

fn card(question: &Question, entry: &ResultEntry) -> Markup {
    let page = entry.pages.first();
    let alt = page.map_or("", |page| page.words());
    let place = entry.place();
    let id: Option<PictureId> = entry.id.parse().ok();
    html! {
        li.card value=(entry.rank) {
            a.picture href={ "/why?" (question.query()) "&picture=" (entry.id) } {
                img src={ "/api/v1/pictures/" (entry.id) "/thumbnail" }
                    alt={ @if alt.is_empty() { "Result " (entry.rank) } @else { (alt) } }
                    width="200" height="200" loading="lazy";
            }
            p.score {
                b { (percent(entry.score)) }
                @if let Some(explanation) = &entry.explanation { " " (explanation.words) }
            }
            p.muted {
                (entry.width) " x " (entry.height) ", "
                (layout::place(place, &short(place)))
                @if !entry.copies.is_empty() {
                    ", and " (entry.copies.len()) @if entry.copies.len() == 1 { " copy" } @else { " copies" }
                }
            }
            @if let Some(id) = id {
                p.feedback {
                    a href=(question.like_only(id).look()) { "more like this" }
                    " " a href=(question.also_like(id).look()) { "like this, too" }
                    @if question.mode != Mode::Copy {
                        " " a href=(question.not_like(id).look()) { "not like this" }
                    }
                }
            }
        }
    }
}

/// Only the very same bytes are 100 %.
pub(super) fn percent(score: f32) -> String {
    match score {
        1.0.. => "100 %".to_owned(),
        _ => format!("{:.1} %", (f64::from(score) * 1000.0).floor() / 10.0),
    }
}

/// Characters of a place that are shown.
const SHOWN: usize = 40;

/// The end of a place, which tells more than its beginning.
pub(super) fn short(place: &str) -> String {
    let count = place.chars().count();
    match count > SHOWN {
        true => {
            let end: String = place.chars().skip(count - SHOWN).collect();
            format!("...{end}")
        }
        false => place.to_owned(),
    }
}
