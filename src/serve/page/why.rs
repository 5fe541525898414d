//! Why: two pictures side by side, what speaks for and against them, and where it was found.

use axum::extract::{Path, RawQuery, State as Shared};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use url::form_urlencoded::parse;

use super::layout::{self, bytes, percent};
use super::look::not_kept;
use super::question::{Question, example as example_of};
use crate::app::{Error, Example};
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
    let named = parse(query.as_bytes()).find(|(name, _)| name == "picture");
    let id = named.and_then(|(_, id)| id.parse::<PictureId>().ok());
    let (Some(id), Some(asked)) = (id, question.like.first().copied()) else {
        return Err(Problem::bad("two pictures must be named"));
    };
    let (collection, mode) = (state.collection.clone(), question.mode);
    let first = example_of(&state, asked);
    let found = state.searched(move || {
        let store = collection.store();
        let record = store.picture(id)?.ok_or(Error::NoPicture(id))?;
        let head = collection.heads().named(None)?;
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
        h1 { (percent(found.comparison.score)) ": " (found.comparison.explanation.words) }
        (side_by_side(asked, id, &found))
        p.row {
            a.button href=(question.like_only(id).look()) { "More like this" }
            a.button href=(question.also_like(id).look()) { "Like this, too" }
            @if question.mode != Mode::Copy {
                a.button href=(question.not_like(id).look()) { "Not like this" }
            }
        }
        (shares(&found.comparison))
        (places(&found))
    };
    Ok(layout::page("/", "Why", &main))
}

fn side_by_side(asked: PictureId, id: PictureId, found: &Found) -> Markup {
    let alignment = found.comparison.alignment;
    let parts = alignment.filter(|it| it.query != Region::WHOLE || it.candidate != Region::WHOLE);
    html! {
        div.pair data-pair {
            (picture(&format!("/examples/{asked}"), "The picture that was asked for", parts.map(|it| it.query)))
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

/// The preview of a picture that is stored or was given; made anew of what was given, so that no bytes
/// from outside are sent on.
pub(super) async fn example(
    Shared(state): Shared<State>,
    Path(text): Path<String>,
) -> Result<Response, Problem> {
    let id: PictureId = text
        .parse()
        .map_err(|_| Problem::not_found("an id is 64 hexadecimal digits"))?;
    let held = state.held.find(id);
    let collection = state.collection.clone();
    let jpeg = state.reads.run(move || match held {
        Some(picture) => collection.preview(&picture),
        None => Ok(collection.thumbnail(id)?),
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
