//! Map: all pictures in two dimensions, and the same as a list of its regions.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Query, Request, State as Shared};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;

use super::layout::{self, counted};
use crate::app::Said;
use crate::picture::PictureId;
use crate::serve::api::form::Form;
use crate::serve::api::trainings::begun;
use crate::serve::limits::MOST_LABELS;
use crate::serve::maps::Drawn;
use crate::serve::problem::Problem;
use crate::serve::state::State;
use crate::store::Sequence;

/// Regions of the map, across and down.
const ACROSS: usize = 6;
/// Regions that are listed, those with the most pictures first ...
const LISTED: usize = 18;
/// ... and pictures shown of each.
const SHOWN: usize = 8;

async fn latest(state: &State) -> Result<Arc<Drawn>, Problem> {
    let shared = state.clone();
    let drawn = state
        .reads
        .run(move || shared.maps.latest(&shared.collection));
    Ok(drawn.await?)
}

pub(super) async fn page(Shared(state): Shared<State>) -> Result<Markup, Problem> {
    let drawn = latest(&state).await?;
    let regions = regions(&drawn);
    let main = html! {
        h1 { "Map" }
        p.lead { "Pictures lie together where they look alike. It is made while you look, and grows as pictures come." }
        @if let Some(problem) = &drawn.problem { p.trouble role="alert" { (problem) } }
        section.atlas data-map="/map/points" hidden aria-label="Map" {
            div.map {
                canvas tabindex="0" role="application" aria-label="Map of all pictures. Arrows move it, plus and minus zoom. The regions below list the same." {}
            }
            div.row.map-bar {
                button type="button" data-zoom="2" { "Zoom in" }
                button type="button" data-zoom="0.5" { "Zoom out" }
                button type="button" data-whole { "All" }
                button type="button" data-lasso aria-pressed="false" { "Lasso" }
                span.muted role="status" data-status {}
            }
            form.panel method="post" action="/map/list.csv" enctype="multipart/form-data" data-selected hidden {
                h2 { span data-count {} " selected" }
                input type="hidden" name="pictures";
                ul.copies data-sample {}
                label { "Call them" input type="text" name="class" maxlength="200" autocomplete="off" placeholder="a class, such as cat"; }
                div.row {
                    button type="submit" formaction="/map/label" { "Label them" }
                    button type="submit" formaction="/map/label" name="train" value="now" { "Label them, and train" }
                    a.button data-like href="/" { "Look for pictures like these" }
                    button type="submit" { "List them as CSV" }
                    button.quiet type="button" data-clear { "Clear" }
                }
            }
        }
        h2 { "Regions" }
        @if regions.is_empty() {
            p.muted role="status" {
                @if drawn.progress >= 1.0 { "There are no pictures yet." } @else { "The map is being made. Come back in a moment." }
            }
        }
        @for region in &regions {
            div.group {
                h3.small { (counted(region.count, "picture")) }
                ul.copies {
                    @for id in &region.shown {
                        li { a href={ "/look?like=" (id) } {
                            img src={ "/api/v1/pictures/" (id) "/thumbnail" } alt={ "Pictures like this one" } loading="lazy" width="72" height="72";
                        } }
                    }
                }
            }
        }
        @if drawn.progress < 1.0 && !regions.is_empty() {
            p.muted { "Made to " (format!("{:.0}", drawn.progress * 100.0)) " %, with " (counted(drawn.pictures.len(), "picture")) "." }
        }
    };
    Ok(layout::page("/map", "Map", &main))
}

/// A part of the map with pictures on it.
struct Region {
    count: usize,
    /// Those nearest to their middle.
    shown: Vec<PictureId>,
}

/// The map cut into squares; those with the most pictures.
fn regions(drawn: &Drawn) -> Vec<Region> {
    let bound = |axis: usize, better: fn(f32, f32) -> f32, from: f32| {
        drawn
            .points
            .iter()
            .fold(from, |bound, at| better(bound, at[axis]))
    };
    let lows = [0, 1].map(|axis| bound(axis, f32::min, f32::MAX));
    let highs = [0, 1].map(|axis| bound(axis, f32::max, f32::MIN));
    let cell = |at: &[f32; 2]| {
        [0, 1].map(|axis| {
            let share = (at[axis] - lows[axis]) / (highs[axis] - lows[axis]).max(f32::MIN_POSITIVE);
            ((share * ACROSS as f32) as usize).min(ACROSS - 1)
        })
    };
    let mut cells: BTreeMap<[usize; 2], Vec<usize>> = BTreeMap::new();
    for (place, at) in drawn.points.iter().enumerate() {
        cells.entry(cell(at)).or_default().push(place);
    }
    let mut cells: Vec<Vec<usize>> = cells.into_values().collect();
    cells.sort_by_key(|places| std::cmp::Reverse(places.len()));
    cells.truncate(LISTED);
    cells
        .into_iter()
        .map(|places| region(drawn, places))
        .collect()
}

fn region(drawn: &Drawn, mut places: Vec<usize>) -> Region {
    let count = places.len();
    let middle = [0, 1].map(|axis| {
        places
            .iter()
            .map(|place| drawn.points[*place][axis])
            .sum::<f32>()
            / count as f32
    });
    let far = |place: &usize| {
        let [x, y] = drawn.points[*place];
        (x - middle[0]).powi(2) + (y - middle[1]).powi(2)
    };
    places.sort_by(|a, b| far(a).total_cmp(&far(b)));
    let shown = places
        .iter()
        .take(SHOWN)
        .map(|place| drawn.pictures[*place].1);
    Region {
        count,
        shown: shown.collect(),
    }
}

#[derive(Deserialize)]
pub(super) struct Seen {
    /// The version that the script has.
    #[serde(default)]
    seen: u32,
}

/// The points for the script, if they have changed.
pub(super) async fn points(
    Shared(state): Shared<State>,
    Query(Seen { seen }): Query<Seen>,
) -> Result<Response, Problem> {
    let drawn = latest(&state).await?;
    if drawn.version == seen {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let kind = [(CONTENT_TYPE, "application/octet-stream")];
    Ok((kind, drawn.to_bytes()).into_response())
}

/// What was selected, as CSV: ids, and where the pictures are.
pub(super) async fn list(
    Shared(state): Shared<State>,
    request: Request,
) -> Result<Response, Problem> {
    let mut form = Form::read(&state, request).await?;
    let pictures = selected(&mut form)?;
    let collection = state.collection.clone();
    let text = state.jobs.run(move || {
        let store = collection.store();
        let mut table = csv::Writer::from_writer(Vec::new());
        let mut line = |id: &str, place: &str| {
            let written = table.write_record([id, place]);
            written.expect("memory takes what is written, and all lines have two fields");
        };
        line("id", "place");
        for sequence in pictures {
            let Some(id) = store.picture_at(sequence)? else {
                continue;
            };
            let places = store.provenance(id)?;
            let paths = places.paths.iter().map(ToString::to_string);
            paths
                .chain(places.urls)
                .for_each(|place| line(&id.to_string(), &place));
        }
        Ok::<_, Problem>(table.into_inner().expect("memory takes what is written"))
    });
    let head = [
        (CONTENT_TYPE, "text/csv; charset=utf-8"),
        (CONTENT_DISPOSITION, "attachment; filename=\"pictures.csv\""),
    ];
    Ok((head, text.await??).into_response())
}

/// Says of what was selected of which class it is, and has that learned where it is wanted.
pub(super) async fn label(
    Shared(state): Shared<State>,
    request: Request,
) -> Result<Redirect, Problem> {
    let mut form = Form::read(&state, request).await?;
    let pictures = selected(&mut form)?;
    let class = form.take_text("class").unwrap_or_default();
    let trains = form.take_text("train").is_some();
    let collection = state.collection.clone();
    let said = state.jobs.run(move || {
        let store = collection.store();
        for part in pictures.chunks(MOST_LABELS) {
            let mut said = Vec::with_capacity(part.len());
            for sequence in part {
                // Removed since, it is of no class.
                let picture = store.picture_at(*sequence)?;
                said.extend(picture.map(|picture| Said::Class {
                    picture: picture.to_string(),
                    class: class.clone(),
                }));
            }
            collection.say(&said)?;
        }
        Ok::<_, Problem>(())
    });
    said.await??;
    if trains {
        begun(&state)?;
    }
    Ok(Redirect::to("/labels"))
}

/// The numbers of pictures in a form's field.
fn selected(form: &mut Form) -> Result<Vec<Sequence>, Problem> {
    let numbers = form.take_text("pictures").unwrap_or_default();
    let numbers = numbers.split(',').filter(|number| !number.is_empty());
    let numbers = numbers.map(|number| number.parse().map(Sequence));
    numbers
        .collect::<Result<_, _>>()
        .map_err(|_| Problem::bad("`pictures` takes numbers, with commas between them"))
}
