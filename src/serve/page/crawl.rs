//! Crawl: begun, followed and stopped from a page.

use axum::extract::{Path, Request, State as Shared};
use axum::response::Redirect;
use maud::{Markup, html};

use super::layout::{self, bytes, grouped};
use crate::app::{FailureFilter, Failures};
use crate::serve::api::BASE;
use crate::serve::api::crawls::{CrawlRequest, begun};
use crate::serve::api::form::Form;
use crate::serve::crawls::CrawlProgress;
use crate::serve::jobs::JobState;
use crate::serve::problem::Problem;
use crate::serve::state::State;

/// URLs listed of each reason.
const LISTED: usize = 3;

pub(super) async fn page(Shared(state): Shared<State>) -> Result<Markup, Problem> {
    let progress = state.crawls.latest();
    let collection = state.collection.clone();
    let failures = state
        .jobs
        .run(move || collection.failures(&FailureFilter::default(), 0..LISTED));
    let failures = failures.await??;
    let runs = progress
        .as_ref()
        .is_some_and(|progress| !progress.state.is_over());
    let main = html! {
        h1 { "Crawl" }
        @if let Some(progress) = &progress { (followed(progress)) }
        @if !runs { div.panel { (form()) } }
        (failed(&failures, runs))
    };
    Ok(layout::page("/crawl", "Crawl", &main))
}

/// A crawl's figures, which the script keeps up to date.
fn followed(progress: &CrawlProgress) -> Markup {
    let done = &progress.figures;
    let summary = &done.summary;
    let runs = !progress.state.is_over();
    let mut figures = vec![
        ("pages_fetched", "pages", summary.pages_fetched),
        ("images_indexed", "pictures stored", summary.images_indexed),
        ("duplicates", "stored before", summary.duplicates),
        ("pending", "URLs waiting", summary.pending),
    ];
    if runs {
        figures.push(("hosts", "hosts", done.hosts as u64));
        figures.push(("under_way", "requests now", done.under_way as u64));
    }
    let curves = [
        ("images_indexed", "Pictures stored"),
        ("pending", "URLs waiting"),
    ];
    html! {
        section data-follow=[runs.then(|| format!("{BASE}/crawls/{}/events", progress.id))] {
            p role="status" {
                "Crawl " (progress.id) ": " b data-state { (words(progress.state)) }
                @if let Some(problem) = &progress.problem { ". " (problem) }
            }
            dl.figures {
                @for (key, name, figure) in figures {
                    div { dt { (name) } dd data-figure=(key) { (grouped(figure)) } }
                }
                div { dt { "read" } dd data-figure="bytes" { (bytes(summary.bytes)) } }
            }
            @if !runs && summary.images_indexed > 0 {
                p { a.button.main href="/" { "Find pictures like yours" } }
            }
            @if runs {
                div.curves {
                    @for (key, name) in curves {
                        figure {
                            svg.curve viewBox="0 0 300 80" preserveAspectRatio="none" aria-hidden="true" {
                                polyline data-curve=(key) points="" {}
                            }
                            figcaption.muted.small { (name) " since the beginning" }
                        }
                    }
                }
                p.muted.small { "What is under way is stored first. A crawl that was stopped goes on with the next one." }
                div.row {
                    @let (act, does) = match progress.state {
                        JobState::Paused => ("resume", "Go on"),
                        _ => ("pause", "Pause"),
                    };
                    @for (act, does) in [(act, does), ("stop", "Stop")] {
                        form.inline method="post" action={ "/crawl/" (act) } enctype="multipart/form-data" {
                            input type="hidden" name="id" value=(progress.id);
                            button type="submit" { (does) }
                        }
                    }
                }
            }
        }
    }
}

fn words(state: JobState) -> &'static str {
    match state {
        JobState::Running => "running",
        JobState::Paused => "paused",
        JobState::Stopping => "stopping",
        JobState::Done => "done",
        JobState::Stopped => "stopped",
        JobState::Failed => "failed",
    }
}

fn form() -> Markup {
    html! {
        form method="post" action="/crawl" enctype="multipart/form-data" {
            div {
                label for="seeds" { "Pages to begin at, one a line" }
                textarea id="seeds" name="seeds" rows="3" placeholder="https://" spellcheck="false" aria-describedby="seeds-how" {}
                p.muted.small id="seeds-how" { "Left empty, the last crawl goes on. Hosts are asked by their robots.txt, one
                    request at a time, as your configuration says." }
            }
            div {
                label for="most" { "Pictures at most" }
                input id="most" type="number" name="max_images" min="1" value="500" inputmode="numeric";
            }
            button.main type="submit" { "Crawl" }
        }
    }
}

/// What failed or was refused, and what can be done; renewed by the script while a crawl runs.
fn failed(failures: &[Failures], runs: bool) -> Markup {
    html! {
        h2 { "What failed or was refused" }
        p { a href="/crawl/hosts" { "How politely hosts were asked" } }
        section id="failures" aria-label="What failed or was refused" data-renew[runs] {
            div data-part="failures" {
                @if failures.is_empty() { p.muted { "Nothing so far." } }
                @for of in failures { (failed_by(of)) }
            }
        }
    }
}

fn failed_by(of: &Failures) -> Markup {
    let kind = match (of.waits, of.refused) {
        (true, _) => "waits",
        (false, true) => "refused",
        (false, false) => "failed",
    };
    let name = of.reason.name();
    html! {
        details id={ (kind) "-" (name) } {
            summary {
                b { (name) } " " (grouped(of.count))
                @if of.waits { ", to be tried again" }
            }
            @if let Some(advice) = &of.advice { p { (advice) } }
            ul.places.small { @for url in &of.urls { li { (layout::place(&url.url, &url.url)) } } }
        }
    }
}

/// Begins a crawl.
pub(super) async fn begin(
    Shared(state): Shared<State>,
    request: Request,
) -> Result<Redirect, Problem> {
    let mut form = Form::read(&state, request).await?;
    let seeds = form.take_text("seeds").unwrap_or_default();
    let max_images = form.take_number("max_images")?;
    let seeds = seeds.lines().map(str::trim).filter(|seed| !seed.is_empty());
    let asked = CrawlRequest {
        seeds: seeds.map(ToOwned::to_owned).collect(),
        max_images,
    };
    begun(&state, &asked).await?;
    Ok(Redirect::to("/crawl"))
}

/// Has one rest, go on or stop.
pub(super) async fn act(
    Shared(state): Shared<State>,
    Path(act): Path<String>,
    request: Request,
) -> Result<Redirect, Problem> {
    let mut form = Form::read(&state, request).await?;
    let id = form.take_text("id").and_then(|id| id.parse().ok());
    let id = id.ok_or_else(|| Problem::bad("`id` takes a number"))?;
    match act.as_str() {
        "pause" => state.crawls.pause(id, true)?,
        "resume" => state.crawls.pause(id, false)?,
        "stop" => state.crawls.stop(id)?,
        _ => {
            return Err(Problem::not_found(
                "a crawl can be paused, resumed and stopped",
            ));
        }
    };
    Ok(Redirect::to("/crawl"))
}
