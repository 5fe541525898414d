//! Decide: what the user says of results and of near-copies, kept as labels.

use std::collections::HashMap;

use axum::extract::{Request, State as Shared};
use axum::response::Redirect;
use maud::{Markup, html};

use super::question::{Question, mode_named};
use crate::app::{Collection, Error, Said};
use crate::picture::PictureId;
use crate::serve::api::form::Form;
use crate::serve::problem::Problem;
use crate::serve::state::State;
use crate::store::Verdict;

/// What was said of results of a question.
#[derive(Debug, Default)]
pub(super) struct Verdicts {
    /// The stored picture that it was said of.
    of: Option<PictureId>,
    said: HashMap<String, bool>,
}

/// Labels of one picture that are read.
const MOST: usize = 10_000;

impl Verdicts {
    /// What was said of the first picture of a question in its mode. Nothing can be said of one that is
    /// not stored.
    pub(super) fn of(collection: &Collection, question: &Question) -> Result<Self, Error> {
        let Some(id) = question.like.first().copied() else {
            return Ok(Self::default());
        };
        if !collection.store().contains(id)? {
            return Ok(Self::default());
        }
        let labels = collection.labels(Some(id), None, MOST)?.labels;
        let asked = id.to_string();
        let said = labels.into_iter().filter_map(|label| {
            let (a, b, mode, is_same) = match label.label {
                Said::Same { a, b, mode } => (a, b, mode, true),
                Said::Different { a, b, mode } => (a, b, mode, false),
                Said::NotDuplicate { .. } | Said::Class { .. } => return None,
            };
            let other = if a == asked { b } else { a };
            (mode == question.mode).then_some((other, is_same))
        });
        Ok(Self {
            said: said.collect(),
            of: Some(id),
        })
    }

    /// What was said of a result.
    pub(super) fn said(&self, id: &str) -> Option<bool> {
        self.said.get(id).copied()
    }

    /// Accepts and rejects a result; pressed again, a button takes back what it said.
    pub(super) fn buttons(&self, question: &Question, id: PictureId) -> Markup {
        let of = self.of.filter(|of| *of != id);
        let said = self.said(&id.to_string());
        let buttons = [(true, "same", "right"), (false, "different", "wrong")];
        html! {
            @if let Some(of) = of {
                form.row method="post" action="/verdicts" enctype="multipart/form-data" {
                    input type="hidden" name="a" value=(of);
                    input type="hidden" name="b" value=(id);
                    input type="hidden" name="mode" value=(question.mode.name());
                    input type="hidden" name="back" value=(question.look());
                    @for (is_same, value, words) in buttons {
                        @let pressed = said == Some(is_same);
                        button.small type="submit" name="say" aria-pressed=(pressed)
                            value=(if pressed { "nothing" } else { value }) data-say=(value) { (words) }
                    }
                    span.small role="status" {}
                }
            }
        }
    }
}

/// A place of ours to return to; any other is refused, so that no form leads away from here.
fn back(form: &mut Form) -> Result<String, Problem> {
    let back = form
        .take_text("back")
        .unwrap_or_else(|| "/labels".to_owned());
    let is_ours = ["/look?", "/duplicates?", "/labels"]
        .iter()
        .any(|page| back.starts_with(page));
    match is_ours {
        true => Ok(back),
        false => Err(Problem::bad("`back` takes a page of simdex")),
    }
}

/// Keeps or takes back what is said of two pictures.
pub(super) async fn say(
    Shared(state): Shared<State>,
    request: Request,
) -> Result<Redirect, Problem> {
    let mut form = Form::read(&state, request).await?;
    let back = back(&mut form)?;
    let mut text = |field| form.take_text(field).unwrap_or_default();
    let (a, b, say) = (text("a"), text("b"), text("say"));
    let mode = mode_named(&text("mode")).ok_or_else(|| Problem::bad("`mode` takes a mode"))?;
    let collection = state.collection.clone();
    let said = state.reads.run(move || {
        match say.as_str() {
            "same" => collection.say(&[Said::Same { a, b, mode }]).map(drop)?,
            "different" => collection
                .say(&[Said::Different { a, b, mode }])
                .map(drop)?,
            "nothing" => {
                let id = |text: &str| {
                    text.parse()
                        .map_err(|_| Problem::bad("`a` and `b` take ids"))
                };
                let verdict = Verdict::Alike {
                    pictures: [id(&a)?, id(&b)?],
                    mode: mode.name().to_owned(),
                    is_alike: true,
                };
                collection.take_back_label(verdict.id()).map(drop)?;
            }
            _ => return Err(Problem::bad("`say` takes same, different or nothing")),
        }
        Ok(())
    });
    said.await??;
    Ok(Redirect::to(&back))
}

/// Says that a picture is no near-copy of others.
pub(super) async fn set_apart(
    Shared(state): Shared<State>,
    request: Request,
) -> Result<Redirect, Problem> {
    let mut form = Form::read(&state, request).await?;
    let back = back(&mut form)?;
    // The picture, and the others of its group.
    let ids = form.take_text("apart").unwrap_or_default();
    let mut ids = ids.split(' ').map(ToOwned::to_owned);
    let a = ids.next().unwrap_or_default();
    let said = ids.map(|b| Said::NotDuplicate { a: a.clone(), b });
    let said: Vec<Said> = said.collect();
    let collection = state.collection.clone();
    state.reads.run(move || collection.say(&said)).await??;
    Ok(Redirect::to(&back))
}
