//! The `<link>` elements that matter to a crawl.

use scraper::ElementRef;

use super::img::{named_versions, side};
use super::versions::Versions;
use super::walk::{attribute, has_token};
use crate::extract::PageRules;
use crate::extract::link_target::LinkTarget;

/// What a `<link>` leads to.
#[derive(Debug, Clone)]
pub(super) enum Rel<'a> {
    Picture(&'a str),
    /// A picture that is loaded early, in its versions.
    Preloaded(Versions<'a>),
    Sheet(&'a str),
    Feed(&'a str),
    Page(&'a str),
    /// The licence of what the page shows.
    License(&'a str),
}

pub(super) fn read<'a>(element: &ElementRef<'a>, rules: &PageRules) -> Option<Rel<'a>> {
    let has_rel = |rels: &[&str]| rels.iter().any(|rel| has_token(element, "rel", rel));
    let has_itemprop = |name| has_token(element, "itemprop", name);
    let media_type = attribute(element, "type").unwrap_or_default();
    let is_type = |types: &[&str]| types.iter().any(|t| media_type.eq_ignore_ascii_case(t));
    if has_rel(&["preload", "prefetch"]) {
        let is_image = has_token(element, "as", "image");
        let named = || named_versions(element, Versions::default(), &|_| false);
        return (is_image && LinkTarget::of_media_type(media_type) != LinkTarget::Other)
            .then(|| Rel::Preloaded(named()));
    }
    let href = attribute(element, "href")?;
    if has_rel(&[
        "icon",
        "apple-touch-icon",
        "apple-touch-icon-precomposed",
        "fluid-icon",
    ]) {
        is_wanted_icon(element, rules).then_some(Rel::Picture(href))
    } else if has_rel(&["image_src"]) || has_itemprop("image") || has_itemprop("thumbnailUrl") {
        Some(Rel::Picture(href))
    } else if has_rel(&["stylesheet"]) {
        Some(Rel::Sheet(href))
    } else if has_rel(&["license"]) {
        Some(Rel::License(href))
    } else if has_rel(&["alternate"]) {
        if is_type(&["application/rss+xml", "application/atom+xml"]) {
            Some(Rel::Feed(href))
        } else {
            // Alternates of other types are for programs: oEmbed, a site's API.
            is_type(&["", "text/html", "application/xhtml+xml"]).then_some(Rel::Page(href))
        }
    } else {
        has_rel(&["canonical", "next", "prev"]).then_some(Rel::Page(href))
    }
}

/// By the largest of an icon's `sizes`.
fn is_wanted_icon(element: &ElementRef<'_>, rules: &PageRules) -> bool {
    let largest = attribute(element, "sizes")
        .into_iter()
        .flat_map(str::split_ascii_whitespace)
        .filter_map(|size| side(size.split(['x', 'X']).next()?))
        .max();
    rules.icons && largest.is_none_or(|largest| largest >= rules.min_side)
}
