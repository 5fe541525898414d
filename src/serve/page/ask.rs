//! Ask: choosing, dropping, pasting or naming the pictures to look for.

use axum::extract::{RawQuery, Request, State as Shared};
use axum::response::Redirect;
use maud::{Markup, html};
use url::form_urlencoded::parse;

use super::layout;
use super::question::{Question, mode_named};
use crate::app::NamedPicture;
use crate::head::Mode;
use crate::serve::api::form::Form;
use crate::serve::api::search::given;
use crate::serve::problem::Problem;
use crate::serve::state::State;

/// What modes are called.
pub(super) fn words(mode: Mode) -> &'static str {
    match mode {
        Mode::SameSubject => "the same kind of thing",
        Mode::LookAlike => "the same look",
        Mode::Copy => "copies and parts of it",
    }
}

pub(super) async fn page(
    Shared(state): Shared<State>,
    RawQuery(query): RawQuery,
) -> Result<Markup, Problem> {
    let query = query.unwrap_or_default();
    // Nothing is fetched before a click: a URL is only written into its field.
    let url = parse(query.as_bytes()).find(|(name, _)| name == "url");
    let url = url.map_or_else(String::new, |(_, url)| url.into_owned());
    let pictures = state.picture_count().await?;
    let main = html! {
        h1 { "Find pictures like yours" }
        @if pictures == 0 { (first_steps()) }
        (form(&url))
        @if pictures > 0 {
            p.muted { (pictures) " pictures can be found." }
        }
    };
    Ok(layout::page("Ask", &main))
}

fn form(url: &str) -> Markup {
    html! {
        form.ask method="post" action="/ask" enctype="multipart/form-data" data-drop {
            div.drop {
                label for="image" { "Pictures" }
                input id="image" type="file" name="image" accept="image/*" multiple aria-describedby="how";
                p.muted id="how" { "Choose them, drop them anywhere on this page, or paste one." }
            }
            div {
                label for="url" { "or the address of one" }
                input id="url" type="url" name="url" value=(url) placeholder="https://" inputmode="url" autocomplete="off";
            }
            (modes(Mode::default()))
            button type="submit" { "Search" }
        }
    }
}

/// A choice of what "alike" means.
pub(super) fn modes(chosen: Mode) -> Markup {
    html! {
        fieldset.modes {
            legend { "Look for" }
            @for mode in Mode::ALL {
                label {
                    input type="radio" name="mode" value=(mode.name()) checked[mode == chosen];
                    (words(mode))
                }
            }
        }
    }
}

/// From nothing to a first result.
fn first_steps() -> Markup {
    html! {
        section.first aria-labelledby="first" {
            h2 id="first" { "There are no pictures yet" }
            p { a.button href="/crawl" { "Crawl a site" } " for its pictures, by its robots.txt, one request a second." }
            p { "Or put in pictures that you have: stop this server (Ctrl-C), since one process at a time fills
                 the store, and start it again after" }
            pre tabindex="0" { "simdex add ~/Pictures" }
        }
    }
}

/// Takes pictures in, and leads to what is like them.
pub(super) async fn take(
    Shared(state): Shared<State>,
    request: Request,
) -> Result<Redirect, Problem> {
    let mut form = Form::read(&state, request).await?;
    let url = form.take_text("url");
    let mode = form.take_text("mode");
    let mut question = Question {
        mode: mode.as_deref().and_then(mode_named).unwrap_or_default(),
        ..Question::default()
    };
    for upload in std::mem::take(&mut form.uploads) {
        // A field of a form in which nothing was chosen.
        if upload.bytes.is_empty() {
            continue;
        }
        let picture = NamedPicture {
            name: upload.name,
            bytes: upload.bytes,
        };
        question.like.push(state.held.keep(picture));
    }
    if let Some(url) = url {
        let picture = given(&state, url.trim()).await?;
        question.like.push(state.held.keep(picture));
    }
    if question.like.is_empty() {
        return Err(Problem::bad(
            "choose a picture, or write the address of one",
        ));
    }
    Ok(Redirect::to(&question.look()))
}
