//! The versions that an element names which shows a picture.

use scraper::ElementRef;

use super::data_attributes::add_data_attributes;
use super::versions::{Rank, Versions, is_usable};
use super::walk::attribute;
use crate::extract::PageRules;
use crate::extract::data_picture::is_data;

/// The versions of an `<img>`; `sources` are those of an enclosing `<picture>`. None if there is
/// no usable one or the picture is declared to be too small.
pub(super) fn img_versions<'a>(
    element: &ElementRef<'a>,
    sources: Versions<'a>,
    is_placeholder: &dyn Fn(&str) -> bool,
    rules: &PageRules,
) -> Versions<'a> {
    let named = named_versions(element, sources, is_placeholder);
    of_some_size(element, named, rules)
}

/// The versions that an element names, whatever their size, after those of `sources`.
/// `is_placeholder` tells of a `src` whether it only keeps the place of others.
pub(super) fn named_versions<'a>(
    element: &ElementRef<'a>,
    sources: Versions<'a>,
    is_placeholder: &dyn Fn(&str) -> bool,
) -> Versions<'a> {
    let mut versions = sources;
    add_sets(element, &mut versions);
    add_data_attributes(element, true, &mut versions);
    for name in ["src", "href"] {
        // `href` is for SVG and for preloads.
        if let Some(reference) = attribute(element, name) {
            if is_data(reference) {
                versions.push(Rank::Held, reference);
            } else if is_placeholder(reference) {
                versions.push(Rank::Placeholder, reference);
            } else if is_usable(reference) {
                versions.push(Rank::Plain(1.0), reference);
            }
        }
    }
    versions
}

/// Leaves out what is declared to be too small; all, if that is the best.
pub(super) fn of_some_size<'a>(
    element: &ElementRef<'a>,
    mut versions: Versions<'a>,
    rules: &PageRules,
) -> Versions<'a> {
    let is_large = |rank| match rank {
        Rank::Linked | Rank::Full => true,
        Rank::Width(width) => width >= rules.min_side,
        Rank::Dense(density) => is_large(element, density, rules),
        _ => is_large(element, 1.0, rules),
    };
    match versions.best() {
        Some(best) if is_large(best) => versions.retain(is_large),
        _ => versions = Versions::default(),
    }
    versions
}

/// Adds the candidates of an element's own sets.
pub(super) fn add_sets<'a>(element: &ElementRef<'a>, versions: &mut Versions<'a>) {
    for name in ["srcset", "imagesrcset"] {
        if let Some(set) = attribute(element, name) {
            versions.push_set(set);
        }
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
pub(in crate::extract) fn side(value: &str) -> Option<u32> {
    let digits = value.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit = value[digits.len()..].trim();
    (unit.is_empty() || unit.eq_ignore_ascii_case("px"))
        .then(|| digits.parse().ok())
        .flatten()
}
