//! What is on an HTML page.

mod data_attributes;
mod guesses;
mod img;
mod json_ld;
mod meta;
mod open_elements;
mod page_reader;
mod parser;
mod rel;
mod shared;
mod versions;
mod walk;

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use scraper::Html;
use url::Url;

use super::charset;
use super::limit::{Limit, leave_out};
use super::page_builder::PageBuilder;
use super::{Page, PageRules, REFERENCE};
pub(super) use img::side;
use page_reader::{Held, PageReader};
use parser::parse;
use shared::Shared;
use walk::{Step, attribute, walk};

/// Longest time spent on parsing.
pub(super) const PARSING: Duration = Duration::from_secs(2);
/// Longest time spent on reading what was parsed.
const READING: Duration = Duration::from_secs(2);
/// Longest time spent on comparing the pictures of a page before.
const COMPARING: Duration = Duration::from_millis(500);
/// How deep documents in frames are read.
const NESTED: usize = 3;

/// Parses a page fetched from `url`. `charset` is the one of its Content-Type header.
///
/// This takes milliseconds for a large page and some five seconds for the worst one: not for
/// async threads.
pub fn parse_page(body: &[u8], charset: Option<&str>, url: &Url, rules: &PageRules) -> Page {
    let (text, encoding) = charset::decode(body, charset, charset::of_html);
    let mut builder = PageBuilder::new(url, rules);
    builder.encoding = encoding;
    read_html(&text, &mut builder, Instant::now() + PARSING);
    builder.finish()
}

/// Reads a page, or a piece of HTML in a feed; what can be parsed until `deadline` counts.
pub(super) fn read_html(text: &str, builder: &mut PageBuilder, deadline: Instant) {
    let reading = READING + deadline.saturating_duration_since(Instant::now());
    let mut held = read_document(text, builder, deadline);
    let last = Instant::now() + reading;
    let mut guesses = std::mem::take(&mut held.guesses);
    let base = builder.base.clone();
    // The documents that frames hold (`srcdoc`), which may hold frames themselves.
    let (title, directives) = (builder.page.title.clone(), builder.page.directives.clone());
    let (licenses, data_license) = (builder.licenses.clone(), builder.data_license.clone());
    let mut frames = held.frames;
    for _ in 0..NESTED {
        let mut inner = Vec::new();
        for frame in std::mem::take(&mut frames) {
            let now = Instant::now();
            if now > last {
                break;
            }
            let held = read_document(&frame, builder, last.min(now + PARSING));
            inner.extend(held.frames);
            guesses.append(held.guesses);
            builder.base = base.clone();
        }
        frames = inner;
    }
    builder.page.title = title;
    builder.page.directives = directives;
    (builder.licenses, builder.data_license) = (licenses, data_license);
    builder.leave_out(Limit::Guesses, guesses.left_out);
    // Last, when it is known what the page says of its pictures.
    for reference in guesses.into_list() {
        builder.guess(&reference);
    }
}

/// Reads one document; what it holds that is not yet read is returned.
fn read_document(text: &str, builder: &mut PageBuilder, deadline: Instant) -> Held {
    let parsed = parse(text, deadline);
    leave_out(&mut builder.page.left_out, Limit::Depth, parsed.flattened);
    let html = parsed.html;
    let deadline = Instant::now() + READING;
    // <base> counts for the whole page, wherever it stands; the first one counts.
    if let Some(base) = first_base(&html, deadline)
        .filter(|href| href.len() <= REFERENCE)
        .and_then(|href| builder.base.join(href).ok())
        .filter(|base| !matches!(base.scheme(), "data" | "javascript"))
    {
        builder.base = base;
    }
    let shared = match names_versions(text) {
        true => Shared::of(&html, Instant::now() + COMPARING),
        false => Shared::default(),
    };
    let deadline = Instant::now() + READING;
    let mut reader = PageReader::new(builder, shared);
    // If the time is up, what was found until then counts.
    let walked = walk(&html, deadline, |step| {
        reader.step(step);
        ControlFlow::Continue(())
    });
    let held = reader.finish();
    let is_cut = parsed.left > 0 || walked.is_break();
    leave_out(&mut builder.page.left_out, Limit::Time, is_cut.into());
    held
}

/// Whether pictures on a page may have versions besides `src`; most pages that are only long have
/// none, and need not be walked once more.
fn names_versions(text: &str) -> bool {
    text.contains("<img") && (text.contains("data-") || text.contains("srcset"))
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
