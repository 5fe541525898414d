//! Which of the versions that an `<img>` names is the largest.

use scraper::ElementRef;

use super::data_picture::is_data;
use super::link_target::LinkTarget;
use super::srcset::{Candidate, CandidateSize, Candidates};
use super::walk::attribute;
use super::{PageRules, REFERENCE};

/// Where pages put the full-size version: galleries, magnifiers, WordPress.
const FULL: [&str; 7] = [
    "data-orig-file",
    "data-large-file",
    "data-hi-res-src",
    "data-zoom-image",
    "data-large_image",
    "data-full-src",
    "data-full",
];
/// Where pages hide the picture that a script loads later, best first.
const LAZY: [&str; 5] = [
    "data-src",
    "data-original",
    "data-lazy-src",
    "data-lazy",
    "data-echo",
];
/// The same if they end like a picture; else they are addresses of other things.
const SOMETIMES_LAZY: [&str; 2] = ["data-url", "data-image"];
const SETS: [&str; 4] = ["srcset", "data-srcset", "data-lazy-srcset", "imagesrcset"];

/// The largest version of an `<img>`; `sources` is the best of an enclosing `<picture>`'s.
/// `None` if there is no usable one or it is declared to be too small.
pub(super) fn largest_version<'a>(
    element: &ElementRef<'a>,
    sources: Option<Candidate<'a>>,
    rules: &PageRules,
) -> Option<&'a str> {
    let full = named_picture(element, &FULL);
    if full.is_some() {
        return full;
    }
    let lazy = named(element, &LAZY)
        .next()
        .or_else(|| named_picture(element, &SOMETIMES_LAZY));
    let set = larger(sources, largest_in_sets(element));
    if let Some(Candidate { url, size }) = set {
        match size {
            CandidateSize::Width(width) => return (width >= rules.min_side).then_some(url),
            // At plain density it may be the placeholder that a script replaces.
            CandidateSize::Density(density) if density > 1.0 || lazy.is_none() => {
                // Beside densities, src stands for 1x.
                let src = attribute(element, "src").filter(|src| is_usable(src));
                let url = src.filter(|_| density < 1.0).unwrap_or(url);
                return is_large(element, density.max(1.0), rules).then_some(url);
            }
            CandidateSize::Density(_) => {}
        }
    }
    lazy.or_else(|| attribute(element, "src").filter(|src| !src.is_empty()))
        .filter(|_| is_large(element, 1.0, rules))
}

/// The largest usable candidate of an element's own sets.
pub(super) fn largest_in_sets<'a>(element: &ElementRef<'a>) -> Option<Candidate<'a>> {
    SETS.iter()
        .filter_map(|name| attribute(element, name))
        .flat_map(Candidates::new)
        .filter(|candidate| is_usable(candidate.url))
        .fold(None, |best, candidate| larger(best, Some(candidate)))
}

/// The larger of two; the first if they are equal.
pub(super) fn larger<'a>(
    first: Option<Candidate<'a>>,
    second: Option<Candidate<'a>>,
) -> Option<Candidate<'a>> {
    match (first, second) {
        (Some(a), Some(b)) => Some(if b.size > a.size { b } else { a }),
        (a, b) => a.or(b),
    }
}

/// Whether no side that an element declares is below the smallest, or one pixel.
pub(super) fn is_large(element: &ElementRef<'_>, density: f64, rules: &PageRules) -> bool {
    ["width", "height"]
        .iter()
        .filter_map(|name| side(attribute(element, name)?))
        .all(|side| side > 1 && f64::from(side) * density >= f64::from(rules.min_side))
}

/// A length in pixels as pages write it: `640` or `640px`. `50%` is no length in pixels.
pub(super) fn side(value: &str) -> Option<u32> {
    let digits = value.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit = value[digits.len()..].trim();
    (unit.is_empty() || unit.eq_ignore_ascii_case("px"))
        .then(|| digits.parse().ok())
        .flatten()
}

/// The references in attributes that scripts also use for notes of their own (`true`, `{}`).
fn named<'a>(element: &ElementRef<'a>, names: &[&str]) -> impl Iterator<Item = &'a str> {
    names
        .iter()
        .filter_map(|name| attribute(element, name))
        .filter(|value| value.contains(['/', '.']) && !value.contains(['{', '<', '\n']))
        .filter(|reference| is_usable(reference))
}

fn named_picture<'a>(element: &ElementRef<'a>, names: &[&str]) -> Option<&'a str> {
    named(element, names).find(|reference| LinkTarget::of_path(reference) == LinkTarget::Picture)
}

/// Whether a reference may be fetched, and for a picture.
fn is_usable(reference: &str) -> bool {
    !reference.is_empty()
        && !is_data(reference)
        && reference.len() <= REFERENCE
        && LinkTarget::of_path(reference) != LinkTarget::Other
}
