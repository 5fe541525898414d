//! Labels: what the user has said of pictures, a way to take it back, and rankings that learn from it.

use axum::extract::{RawQuery, Request, State as Shared};
use axum::response::Redirect;
use maud::{Markup, html};
use url::form_urlencoded::parse;

use super::ask::words;
use super::layout::{self, counted};
use crate::app::{KeptLabel, LabelFigures, LabelPage, Said, TRAINED};
use crate::serve::api::form::Form;
use crate::serve::api::trainings::begun;
use crate::serve::problem::Problem;
use crate::serve::state::State;
use crate::serve::trainings::{TrainingFigures, TrainingProgress};
use crate::store::LabelId;

/// Labels of a page.
const A_PAGE: usize = 60;

fn label_id(text: &str) -> Result<LabelId, Problem> {
    text.parse()
        .map_err(|_| Problem::bad("a label's id is 32 hexadecimal digits"))
}

/// All that was said, with a way to take it back.
pub(super) async fn page(
    Shared(state): Shared<State>,
    RawQuery(query): RawQuery,
) -> Result<Markup, Problem> {
    let query = query.unwrap_or_default();
    let after = parse(query.as_bytes()).find(|(name, _)| name == "after");
    let after = after.map(|(_, id)| label_id(&id)).transpose()?;
    let collection = state.collection.clone();
    let listed = state
        .reads
        .run(move || collection.labels(None, after, A_PAGE));
    let listed = listed.await??;
    let training = state.trainings.latest();
    let main = html! {
        h1 { "Labels" }
        @if listed.labels.is_empty() && after.is_none() {
            p.lead { "What you say of results is kept here. On a page of results, press a for right, r for wrong, u
                to undo. Then the ranking can learn from it." }
        } @else {
            p.lead { "What you have said of pictures. What you take back is forgotten." }
            (learning(training.as_ref()))
            (all(&listed))
        }
    };
    Ok(layout::page("/labels", "Labels", &main))
}

fn all(listed: &LabelPage) -> Markup {
    html! {
        ul.members { @for label in &listed.labels { li.member { (one(label)) } } }
        @if let Some(next) = &listed.next {
            p.waiting { a.button rel="next" href={ "/labels?after=" (next) } { "More labels" } }
        }
    }
}

fn one(label: &KeptLabel) -> Markup {
    let (pictures, said) = match &label.label {
        Said::Same { a, b, mode } => (vec![a, b], format!("right for {}", words(*mode))),
        Said::Different { a, b, mode } => (vec![a, b], format!("wrong for {}", words(*mode))),
        Said::NotDuplicate { a, b } => (vec![a, b], "no near-copies of each other".to_owned()),
        Said::Class { picture, class } => (vec![picture], class.clone()),
    };
    html! {
        div.copies {
            @for id in pictures {
                a href={ "/look?like=" (id) } {
                    img src={ "/examples/" (id) } alt="Pictures like this one" loading="lazy" width="96" height="96";
                }
            }
        }
        p { (said) }
        form method="post" action="/labels/take-back" enctype="multipart/form-data" {
            input type="hidden" name="id" value=(label.id);
            button.quiet type="submit" { "Take back" }
        }
    }
}

/// The training, how far it is, and what it has brought.
fn learning(training: Option<&TrainingProgress>) -> Markup {
    let runs = training.is_some_and(|training| !training.state.is_over());
    html! {
        section.panel aria-labelledby="learning" data-reload[runs] {
            h2 id="learning" { "Learn from them" }
            @match training {
                Some(training) if runs => p role="status" {
                    "Learning: " (training.figures.done) " of " (training.figures.total) " steps."
                },
                Some(TrainingProgress { problem: Some(problem), .. }) => p.trouble { (problem) },
                Some(TrainingProgress { figures: TrainingFigures { brought: Some(figures), .. }, .. }) => (brought(figures)),
                _ => p { "The ranking is taught what you have said, and measured on labels that it has not seen." },
            }
            @if !runs {
                form method="post" action="/labels/train" enctype="multipart/form-data" {
                    button.main type="submit" { "Train" }
                }
            }
        }
    }
}

fn brought(figures: &LabelFigures) -> Markup {
    let share = |auc: Option<f64>| {
        auc.map_or_else(|| "-".to_owned(), |auc| format!("{:.1} %", auc * 100.0))
    };
    html! {
        p { "Learned from " (counted(figures.pairs, "pair")) " and " (counted(figures.pictures, "picture"))
            ". Search by it with \"by what you have taught\" on a page of results ("
            code { "head=" (TRAINED) } ")." }
        dl.figures {
            div { dt { "before" } dd { (share(figures.before)) } }
            div { dt { "after" } dd { (share(figures.after)) } }
            div { dt { "measured on" } dd { (figures.measured) } }
        }
        p.muted.small { "Of two pairs, one alike and one not: how often the alike one gets the higher score. Half is
            chance; what is measured was not learned from." }
    }
}

/// Takes a label back.
pub(super) async fn take_back(
    Shared(state): Shared<State>,
    request: Request,
) -> Result<Redirect, Problem> {
    let mut form = Form::read(&state, request).await?;
    let id = label_id(&form.take_text("id").unwrap_or_default())?;
    let collection = state.collection.clone();
    let taken = state.reads.run(move || collection.take_back_label(id));
    taken.await??;
    Ok(Redirect::to("/labels"))
}

/// Begins a training.
pub(super) async fn train(Shared(state): Shared<State>) -> Result<Redirect, Problem> {
    begun(&state)?;
    Ok(Redirect::to("/labels"))
}
