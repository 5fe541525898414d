//! Removals from the page: hidden at once, carried out after a while, undone until then.

use axum::extract::{Request, State as Shared};
use axum::response::Redirect;
use maud::{Markup, html};

use super::layout::{self, counted};
use crate::app::{NamedOrPath, RemovalAsked};
use crate::canonical_url::CanonicalUrl;
use crate::picture::PictureId;
use crate::serve::api::form::Form;
use crate::serve::api::removals::postponed;
use crate::serve::problem::Problem;
use crate::serve::removals::WaitingRemoval;
use crate::serve::state::State;
use crate::store::{Provenance, now_ms};

/// How long a removal waits, in seconds.
const WAIT_S: u64 = 600;

/// Removes a picture, or all that is on a host of it.
pub(super) fn forms(id: PictureId, provenance: &Provenance) -> Markup {
    let urls = provenance.urls.iter();
    let hosts = urls.filter_map(|url| {
        CanonicalUrl::parse(url)
            .ok()
            .map(|url| url.host().to_owned())
    });
    let mut hosts: Vec<String> = hosts.collect();
    hosts.sort_unstable();
    hosts.dedup();
    html! {
        h2 { "Remove" }
        p.muted { "It is hidden at once and removed in ten minutes, or when the server stops. Until then it can be undone." }
        div.row {
            (form("picture", &id.to_string(), "Remove this picture"))
            @for host in &hosts { (form("host", host, &format!("Remove all of {host}"))) }
        }
    }
}

fn form(field: &str, value: &str, words: &str) -> Markup {
    html! {
        form.inline method="post" action="/removals" enctype="multipart/form-data" {
            input type="hidden" name=(field) value=(value);
            button type="submit" { (words) }
        }
    }
}

/// Hides a picture or a host's, and removes them later.
pub(super) async fn remove(
    Shared(state): Shared<State>,
    request: Request,
) -> Result<Redirect, Problem> {
    let mut form = Form::read(&state, request).await?;
    let picture = form.take_text("picture").map(|name| NamedOrPath {
        name,
        path: String::new(),
    });
    let asked = RemovalAsked {
        names: picture.into_iter().collect(),
        host: form.take_text("host"),
        wait_s: Some(WAIT_S),
        ..RemovalAsked::default()
    };
    if asked.names.is_empty() && asked.host.is_none() {
        return Err(Problem::bad("name a picture or a host to be removed"));
    }
    postponed(&state, asked).await?;
    Ok(Redirect::to("/removals"))
}

/// The removals that wait.
pub(super) async fn page(Shared(state): Shared<State>) -> Markup {
    let waiting = state.removals.list();
    let main = html! {
        h1 { "Removed" }
        @if waiting.is_empty() {
            p.lead { "Nothing waits to be removed. What was undone can be found again." }
        } @else {
            p.lead { "Hidden, and removed when their time has come. Until then they can be undone." }
            ul.members { @for one in &waiting { li.member { (shown(one)) } } }
        }
        p { a href="/" { "Ask for something else" } }
    };
    layout::page("", "Removed", &main)
}

fn shown(one: &WaitingRemoval) -> Markup {
    let minutes = one.due_ms.saturating_sub(now_ms()).div_ceil(60_000);
    html! {
        @for named in &one.removal.names {
            img src={ "/examples/" (named.name) } alt="The picture that is removed" width="160" height="160";
        }
        @if let Some(host) = &one.removal.host { p { "All of " (host) } }
        p.muted { (counted(one.hidden, "picture")) ", in " (minutes) " min" }
        form method="post" action="/removals/undo" enctype="multipart/form-data" {
            input type="hidden" name="id" value=(one.id);
            button type="submit" { "Undo" }
        }
    }
}

/// Shows again what was to be removed.
pub(super) async fn undo(
    Shared(state): Shared<State>,
    request: Request,
) -> Result<Redirect, Problem> {
    let mut form = Form::read(&state, request).await?;
    let id = form.take_text("id").and_then(|id| id.parse().ok());
    let id = id.ok_or_else(|| Problem::bad("`id` takes a number"))?;
    let undone = state.removals.undo(id);
    undone.ok_or_else(|| Problem::not_found("it was undone before, or is carried out"))?;
    Ok(Redirect::to("/removals"))
}
