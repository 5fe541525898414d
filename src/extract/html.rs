//! What stands on an HTML page.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use html5ever::tendril::{StrTendril, TendrilSink};
use html5ever::tree_builder::TreeBuilderOpts;
use html5ever::{ParseOpts, driver};
use scraper::{Html, HtmlTreeSink};
use url::Url;

use super::charset;
use super::found::Found;
use super::page_reading::PageReading;
use super::walk::{Step, attribute, walk};
use super::{Page, PageRules, REFERENCE};

/// Longest time spent on parsing; html5ever takes quadratic time on deep nesting.
pub(super) const PARSING: Duration = Duration::from_secs(2);
/// Longest time spent on reading what was parsed.
const READING: Duration = Duration::from_secs(2);
/// Bytes parsed between two looks at the clock.
const CHUNK: usize = 4 << 10;

/// Parses a page fetched from `url`. `charset` is the one of its Content-Type header.
///
/// This takes milliseconds for a large page and four seconds for the worst one: not for
/// async threads.
pub fn parse_page(body: &[u8], charset: Option<&str>, url: &Url, rules: &PageRules) -> Page {
    let text = charset::decode(body, charset, charset::of_html);
    let mut found = Found::new(url, rules);
    read_html(&text, &mut found, Instant::now() + PARSING);
    found.page
}

/// Reads a page, or a piece of one that stands in a feed; what can be parsed until `deadline`
/// counts.
pub(super) fn read_html(text: &str, found: &mut Found, deadline: Instant) {
    let html = parse(text, deadline);
    let deadline = Instant::now() + READING;
    // <base> counts for the whole page, wherever it stands; the first one counts.
    if let Some(base) = first_base(&html, deadline)
        .filter(|href| href.len() <= REFERENCE)
        .and_then(|href| found.base.join(href).ok())
        .filter(|base| !matches!(base.scheme(), "data" | "javascript"))
    {
        found.base = base;
    }
    let mut reading = PageReading::new(found);
    // If the time is up, what was found until then counts.
    let _ = walk(&html, deadline, |step| {
        reading.step(step);
        ControlFlow::Continue(())
    });
    reading.finish();
}

/// Parses as far as the time goes.
fn parse(html: &str, deadline: Instant) -> Html {
    let options = ParseOpts {
        tree_builder: TreeBuilderOpts {
            // What stands in <noscript> is for simdex.
            scripting_enabled: false,
            ..TreeBuilderOpts::default()
        },
        ..ParseOpts::default()
    };
    let sink = HtmlTreeSink::new(Html::new_document());
    let mut parser = driver::parse_document(sink, options);
    let mut rest = html;
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at(rest.floor_char_boundary(CHUNK));
        parser.process(StrTendril::from_slice(chunk));
        rest = after;
        if Instant::now() > deadline {
            tracing::info!(
                left = rest.len(),
                "a page takes too long to parse; its rest is left"
            );
            break;
        }
    }
    parser.finish()
}

fn first_base(html: &Html, deadline: Instant) -> Option<&str> {
    let mut base = None;
    let _ = walk(html, deadline, |step| match step {
        Step::Enter(element) if element.value().name() == "base" => {
            base = attribute(&element, "href");
            if base.is_some() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        }
        _ => ControlFlow::Continue(()),
    });
    base
}

#[cfg(test)]
mod tests;
