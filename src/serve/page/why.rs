//! Why: two pictures side by side, what speaks for and against them, and where it was found.

use axum::extract::{Path, Query, RawQuery, State as Shared};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde::Deserialize;
use url::form_urlencoded::parse;

use super::layout::{self, bytes, percent};
use super::look::not_kept;
use super::question::{Question, example as example_of};
use super::removals;
use crate::app::{Crop, Error, Example};
use crate::head::{Mode, Region};
use crate::local_path::LocalPath;
use crate::picture::PictureId;
use crate::search::Comparison;
use crate::serve::problem::Problem;
use crate::serve::state::State;
use crate::store::{PictureRecord, Provenance};

/// What is known of a result.
struct Found {
    comparison: Comparison,
    record: PictureRecord,
    provenance: Provenance,
}

pub(super) async fn page(
    Shared(state): Shared<State>,
    RawQuery(query): RawQuery,
) -> Result<Markup, Problem> {
    let query = query.unwrap_or_default();
    let question = Question::of_query(&query)?;
    let named = |wanted: &str| {
        let mut fields = parse(query.as_bytes());
        fields
            .find(|(name, _)| name == wanted)
            .map(|(_, value)| value)
    };
    let id = named("picture").and_then(|id| id.parse::<PictureId>().ok());
    // What the list gave it, which knew how rare its like is.
    let listed = named("score").and_then(|score| score.parse::<f32>().ok());
    let listed = listed.filter(|score| (0.0..=1.0).contains(score));
    let (Some(id), Some(asked)) = (id, question.like.first().copied()) else {
        return Err(Problem::bad("two pictures must be named"));
    };
    let (collection, mode) = (state.collection.clone(), question.mode);
    let (part, head) = (question.part, question.head());
    let first = example_of(&state, asked);
    let found = state.searched(move |_| {
        let store = collection.store();
        let record = store.picture(id)?.ok_or(Error::NoPicture(id))?;
        let head = collection.heads().named(head)?;
        let first = match part {
            Some(part) => collection.part(&first, part).map_err(not_kept)?.into(),
            None => first,
        };
        let comparison = collection.compare(&first, &Example::Stored(id), &head, mode);
        Ok::<_, Problem>(Found {
            comparison: comparison.map_err(not_kept)?,
            record,
            provenance: store.provenance(id)?,
        })
    });
    let found = found.await??;
    let main = html! {
        p { a href=(question.look()) { "Back to the results" } }
        h1 { (percent(listed.unwrap_or(found.comparison.score))) ": " (found.comparison.explanation.words) }
        (scores(listed, &found.comparison))
        (side_by_side(asked, id, &question, &found))
        p.row {
            a.button href=(question.like_only(id).look()) { "More like this" }
            a.button href=(question.also_like(id).look()) { "Like this, too" }
            @if question.mode != Mode::Copy {
                a.button href=(question.not_like(id).look()) { "Not like this" }
            }
        }
        (shares(&found.comparison))
        (places(&found))
        (removals::forms(id, &found.provenance))
    };
    Ok(layout::page("/", "Why", &main))
}

/// What the scores mean.
fn scores(listed: Option<f32>, comparison: &Comparison) -> Markup {
    let alone = percent(comparison.score);
    html! {
        p.muted {
            @if listed.is_some() {
                "The list's score: it knows what else is there. As a pair alone they get " (alone)
            } @else {
                "The score of the pair alone"
            }
            @if let Some(rate) = comparison.base_rate {
                ", which is a probability where " (percent(rate)) " of pairs are the same"
            }
            "."
            @if comparison.estimated {
                " It is estimated: of one of the two all that is kept is a sketch."
            }
        }
    }
}

fn side_by_side(asked: PictureId, id: PictureId, question: &Question, found: &Found) -> Markup {
    let source = match question.part {
        Some(part) => format!("/examples/{asked}?box={part}"),
        None => format!("/examples/{asked}"),
    };
    let alignment = found.comparison.alignment;
    let parts = alignment.filter(|it| it.query != Region::WHOLE || it.candidate != Region::WHOLE);
    html! {
        div.pair data-pair {
            (picture(&source, "The picture that was asked for", parts.map(|it| it.query)))
            (picture(&format!("/examples/{id}"), "The result", parts.map(|it| it.candidate)))
        }
        @if let Some(alignment) = alignment {
            p.muted {
                @if parts.is_some() { "The parts in frames" } @else { "The whole pictures" }
                " agree by " (format!("{:.2}", alignment.agreement)) ". From 0.5 on, parts match; 1 is the most."
            }
        }
    }
}

/// A picture with the part that matches; drawn by attributes, which no policy forbids.
fn picture(source: &str, words: &str, part: Option<Region>) -> Markup {
    html! {
        figure {
            div.frame {
                img src=(source) alt=(words);
                @if let Some(part) = part {
                    svg viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true" {
                        // Dark below bright: one of them is seen on any picture.
                        @for class in ["dim", "bright"] {
                            rect class=(class) x=(part.x * 100.0) y=(part.y * 100.0)
                                width=(part.width * 100.0) height=(part.height * 100.0) {}
                        }
                    }
                }
            }
            figcaption { (words) }
        }
    }
}

/// What speaks for and against, as bars.
fn shares(comparison: &Comparison) -> Markup {
    let nearness = comparison.explanation.nearness;
    html! {
        @if let Some(nearness) = nearness {
            h2 { "How near they are" }
            p.muted { "Against pairs of pictures that have nothing to do with each other: the share of them that is
                farther apart. Half is chance." }
            dl.bars {
                @for (name, near) in nearness.groups() {
                    div {
                        dt { (name) }
                        dd { (near_bar(near)) }
                        dd { (percent(near.min(0.999))) }
                    }
                }
            }
        }
        @if let Some(evidence) = &comparison.evidence {
            h2 { "What speaks for and against" }
            div.scroll tabindex="0" role="region" aria-label="What speaks for and against" {
                table {
                    caption.small { "In log-odds against the average pair; above 0 speaks for the same." }
                    thead { tr { th scope="col" { "Seen by" } th.number scope="col" { "Log-odds" } td { } } }
                    tbody {
                        @for (name, odds) in &evidence.0 {
                            tr {
                                th scope="row" { (name) }
                                td.number { (format!("{odds:+.2}")) }
                                td { (odds_bar(*odds)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A share from 0 to 1, with a line at chance.
fn near_bar(share: f32) -> Markup {
    html! {
        svg.share viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true" {
            rect.near width=(share * 100.0) height="10" {}
            line x1="50" x2="50" y1="0" y2="10" {}
        }
    }
}

/// Log-odds at which a bar is full.
const FULL: f32 = 4.0;

fn odds_bar(odds: f32) -> Markup {
    let width = (odds.abs() / FULL).min(1.0) * 50.0;
    let (x, class) = match odds >= 0.0 {
        true => (50.0, "for"),
        false => (50.0 - width, "against"),
    };
    html! {
        svg.share viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true" {
            rect class=(class) x=(x) y="0" width=(width) height="10" {}
            line x1="50" x2="50" y1="0" y2="10" {}
        }
    }
}

fn places(found: &Found) -> Markup {
    let (record, provenance) = (&found.record, &found.provenance);
    html! {
        h2 { "Where it was found" }
        p.muted { (record.width) " x " (record.height) ", " (record.media_type) ", " (bytes(record.bytes)) }
        ul.places {
            @for page in &provenance.pages {
                li {
                    (layout::place(&page.url, if page.title.is_empty() { &page.url } else { &page.title }))
                    @if !page.words().is_empty() { ": " (page.words()) }
                }
            }
            @for url in &provenance.urls { li { (layout::place(url, url)) } }
            @for path in provenance.paths.iter().map(LocalPath::to_string) { li { (path) } }
        }
    }
}

/// The part of a picture that is meant.
#[derive(Deserialize)]
pub(super) struct Part {
    #[serde(rename = "box")]
    part: Option<Crop>,
}

/// The preview of a picture that is stored or was given, or of a part of it; made anew of what was given,
/// so that no bytes from outside are sent on.
pub(super) async fn example(
    Shared(state): Shared<State>,
    Path(text): Path<String>,
    Query(Part { part }): Query<Part>,
) -> Result<Response, Problem> {
    let id: PictureId = text
        .parse()
        .map_err(|_| Problem::not_found("an id is 64 hexadecimal digits"))?;
    let picture = example_of(&state, id);
    let collection = state.collection.clone();
    let jpeg = state.reads.run(move || match (part, &picture) {
        (Some(part), picture) => collection.preview(&collection.part(picture, part)?),
        (None, Example::Given(picture)) => collection.preview(picture),
        (None, Example::Stored(id)) => Ok(collection.thumbnail(*id)?),
    });
    let jpeg = jpeg.await??;
    if jpeg.is_empty() {
        return Err(Problem::not_found(format!("there is no preview of {id}")));
    }
    let head = [
        (CONTENT_TYPE, "image/jpeg"),
        (CACHE_CONTROL, "private, max-age=3600"),
    ];
    Ok((head, jpeg).into_response())
}
