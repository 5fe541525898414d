//! How politely the hosts of a crawl were asked, by the log of requests.

use axum::extract::State as Shared;
use maud::{Markup, html};

use super::layout::{self, bytes, grouped};
use crate::app::{Error, politeness};
use crate::serve::problem::Problem;
use crate::serve::state::State;
use crate::store::ledger::{Report, Row};

/// Hosts that are listed.
const LISTED: usize = 100;

pub(super) async fn page(Shared(state): Shared<State>) -> Result<Markup, Problem> {
    let collection = state.collection.clone();
    let report = state
        .jobs
        .run(move || politeness(collection.config(), LISTED));
    let report = match report.await? {
        Ok(report) => Some(report),
        Err(Error::NothingCrawled(_) | Error::NothingAsked) => None,
        Err(error) => return Err(error.into()),
    };
    let runs = state
        .crawls
        .latest()
        .is_some_and(|crawl| !crawl.state.is_over());
    let main = html! {
        h1 { "How politely hosts were asked" }
        section id="hosts" aria-label="Hosts and requests" data-renew[runs] {
            @match &report {
                None => p.lead { "Nothing was crawled yet." },
                Some(report) => { (totals(report)) (table(&report.by_host)) },
            }
        }
        p { a href="/crawl" { "Back to the crawl" } }
    };
    Ok(layout::page("/crawl", "Hosts", &main))
}

fn totals(report: &Report) -> Markup {
    let figures = [
        ("requests", report.requests),
        ("hosts", report.hosts),
        ("too early", report.violations),
        ("at the same time as another", report.overlaps),
    ];
    html! {
        p.lead { "By the log of requests, which is written before and after each." }
        dl.figures data-part="totals" {
            @for (name, figure) in figures { div { dt { (name) } dd { (grouped(figure)) } } }
        }
    }
}

fn table(hosts: &[Row]) -> Markup {
    let gap =
        |ms: Option<u64>| ms.map_or_else(|| "-".to_owned(), |ms| format!("{} ms", grouped(ms)));
    html! {
        div.scroll tabindex="0" role="region" aria-label="Hosts" {
            table {
                caption.small { "Those with requests that came too early first, then those with the most." }
                thead {
                    tr {
                        th scope="col" { "Host" }
                        @for name in ["Requests", "Smallest gap", "Median gap", "Too early", "Busy answers", "Read"] {
                            th.number scope="col" { (name) }
                        }
                    }
                }
                tbody data-part="rows" {
                    @for host in hosts {
                        tr {
                            th scope="row" { (host.name) }
                            td.number { (grouped(host.requests)) }
                            td.number { (gap(host.smallest_gap_ms)) }
                            td.number { (gap(host.median_gap_ms.map(u64::from))) }
                            td.number { (grouped(host.violations)) }
                            td.number { (grouped(host.busy)) }
                            td.number { (bytes(host.bytes)) }
                        }
                    }
                }
            }
        }
    }
}
