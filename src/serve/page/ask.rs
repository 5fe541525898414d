//! Ask: choosing, dropping, pasting or naming the pictures to look for.

use axum::extract::{RawQuery, Request, State as Shared};
use axum::response::Redirect;
use maud::{Markup, html};
use url::form_urlencoded::parse;

use super::layout::{self, counted};
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
        @if pictures == 0 { (first_steps()) } @else {
            h1 { "Find pictures like yours" }
            p.lead { (counted(pictures, "picture")) " can be found. Each result says why it is one." }
        }
        @if pictures > 0 { (form(&url)) }
    };
    Ok(layout::page("/", "Ask", &main))
}

fn form(url: &str) -> Markup {
    html! {
        form.ask method="post" action="/ask" enctype="multipart/form-data" data-drop {
            div.drop {
                label for="image" { "Drop, paste or choose pictures" }
                input id="image" type="file" name="image" accept="image/*" multiple aria-describedby="how";
                p.muted.small id="how" { "Anywhere on this page. Several are looked for together." }
                p role="status" {}
            }
            div {
                label for="url" { "or the address of one" }
                input id="url" type="url" name="url" value=(url) placeholder="https://" inputmode="url" autocomplete="off";
            }
            (modes(Mode::default()))
            button.main type="submit" { "Search" }
        }
    }
}

/// A choice of what "alike" means.
pub(super) fn modes(chosen: Mode) -> Markup {
    html! {
        fieldset.modes {
            legend { "Look for" }
            div {
                @for mode in Mode::ALL {
                    label {
                        input type="radio" name="mode" value=(mode.name()) checked[mode == chosen];
                        " " (words(mode))
                    }
                }
            }
        }
    }
}

/// From nothing to a first result.
fn first_steps() -> Markup {
    html! {
        h1 { "Find pictures that look alike" }
        p.lead { "There are no pictures yet. In a minute there can be some, and your first result: fill the store
            in one of these ways, then come back here and ask." }
        ol.steps {
            li {
                h2 { "From a site" }
                p { "Its pages are crawled by its robots.txt, one request a second, until you have enough." }
                p { a.button.main href="/crawl" { "Crawl a site" } }
            }
            li {
                h2 { "From your disk" }
                p { "In a terminal. What is new in the folder is read, and read again only where it changed." }
                pre tabindex="0" { "simdex add ~/Pictures" }
                p.muted.small { "This server can go on running meanwhile." }
            }
            li {
                h2 { "From nothing" }
                p { "A small site of drawings is made, crawled and asked on this machine alone. Then serve its store." }
                pre tabindex="0" { "simdex demo\nsimdex --data-dir simdex-demo/store serve" }
            }
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
