//! What is on an HTML page.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use html5ever::tendril::{StrTendril, TendrilSink};
use html5ever::tree_builder::TreeBuilderOpts;
use html5ever::{ParseOpts, driver};
use scraper::{Html, HtmlTreeSink};
use url::Url;

use super::charset;
use super::page_builder::PageBuilder;
use super::page_reader::PageReader;
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
    let mut builder = PageBuilder::new(url, rules);
    read_html(&text, &mut builder, Instant::now() + PARSING);
    builder.page
}

/// Reads a page, or a piece of HTML in a feed; what can be parsed until `deadline` counts.
pub(super) fn read_html(text: &str, builder: &mut PageBuilder, deadline: Instant) {
    let html = parse(text, deadline);
    let deadline = Instant::now() + READING;
    // <base> counts for the whole page, wherever it stands; the first one counts.
    if let Some(base) = first_base(&html, deadline)
        .filter(|href| href.len() <= REFERENCE)
        .and_then(|href| builder.base.join(href).ok())
        .filter(|base| !matches!(base.scheme(), "data" | "javascript"))
    {
        builder.base = base;
    }
    let mut reader = PageReader::new(builder);
    // If the time is up, what was found until then counts.
    let _ = walk(&html, deadline, |step| {
        reader.step(step);
        ControlFlow::Continue(())
    });
    reader.finish();
}

/// Parses as far as the time goes.
fn parse(html: &str, deadline: Instant) -> Html {
    let options = ParseOpts {
        tree_builder: TreeBuilderOpts {
            // What is in <noscript> is meant for readers like simdex.
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
