//! A walk over what a page shows.

use std::ops::ControlFlow;
use std::time::Instant;

use scraper::{ElementRef, Html};

/// What a walk comes across.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step<'a> {
    Enter(ElementRef<'a>),
    Text(&'a str),
    Leave(ElementRef<'a>),
}

/// Nodes between two looks at the clock.
const NODES: usize = 256;

/// Walks over a page in document order, leaving out the contents of templates, which show
/// nothing until a script copies them, and of scripts and styles, which are no text. Stops when told to or when the time is up.
pub(super) fn walk<'a>(
    html: &'a Html,
    deadline: Instant,
    mut visit: impl FnMut(Step<'a>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    // No recursion: a page's depth is its author's choice.
    let mut node = html.tree.root();
    for count in 0usize.. {
        if count.is_multiple_of(NODES) && Instant::now() > deadline {
            tracing::info!(
                nodes = count,
                "a page takes too long to read; its rest is left"
            );
            return ControlFlow::Break(());
        }
        let element = ElementRef::wrap(node);
        if let Some(element) = element {
            visit(Step::Enter(element))?;
        } else if let Some(text) = node.value().as_text() {
            visit(Step::Text(text))?;
        }
        if let Some(child) = node.first_child()
            && !element.as_ref().is_some_and(is_closed)
        {
            node = child;
            continue;
        }
        loop {
            if let Some(element) = ElementRef::wrap(node) {
                visit(Step::Leave(element))?;
            }
            if let Some(next) = node.next_sibling() {
                node = next;
                break;
            }
            match node.parent() {
                Some(parent) => node = parent,
                None => return ControlFlow::Continue(()),
            }
        }
    }
    ControlFlow::Continue(())
}

fn is_closed(element: &ElementRef<'_>) -> bool {
    match element.value().name() {
        "script" | "style" => true,
        // One with a shadow root mode is shown without any script.
        "template" => attribute(element, "shadowrootmode").is_none(),
        _ => false,
    }
}

/// An attribute's value, whatever its namespace (`xlink:href`), without white space around it.
pub(super) fn attribute<'a>(element: &ElementRef<'a>, name: &str) -> Option<&'a str> {
    element
        .value()
        .attrs()
        .find(|(known, _)| *known == name)
        .map(|(_, value)| value.trim())
}

/// Whether an attribute that holds a list of words holds this one.
pub(super) fn has_token(element: &ElementRef<'_>, name: &str, token: &str) -> bool {
    attribute(element, name).is_some_and(|list| {
        list.split_ascii_whitespace()
            .any(|word| word.eq_ignore_ascii_case(token))
    })
}

/// The text that stands directly in an element: all of it in `<title>`, `<style>`, `<script>`.
pub(super) fn own_text(element: &ElementRef<'_>) -> String {
    element
        .children()
        .filter_map(|child| child.value().as_text())
        .map(|text| &**text)
        .collect()
}

/// Whether a `<source>` is one of a `<picture>`.
pub(super) fn is_in_picture(source: &ElementRef<'_>) -> bool {
    source
        .parent()
        .and_then(ElementRef::wrap)
        .is_some_and(|parent| parent.value().name() == "picture")
}

/// Whether it is an element of HTML: SVG has titles of its own.
pub(super) fn is_html(element: &ElementRef<'_>) -> bool {
    element.value().name.ns == html5ever::ns!(html)
}
