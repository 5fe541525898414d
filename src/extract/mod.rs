//! What is on a page, in a style sheet, a feed or a sitemap: links and pictures.
//!
//! ```text
//! bytes ─ charset ─> text ─ html, sheet, feed, sitemap ─> references ─ PageBuilder ─> Page
//!                           └ walk, page_reader: img, data_attributes,        └ link_target, data_picture
//!                             meta, rel, json_ld, guesses
//! ```
//!
//! Every input is hostile until proven otherwise: each reader has a bounded depth, a bounded
//! number of finds and a bounded time. All of it computes for a while, so it is for threads
//! that may block, not for async ones.

mod charset;
mod data_picture;
mod directive;
mod feed;
mod folded_text;
mod html;
mod limit;
mod link_target;
mod page_builder;
mod sheet;
mod sitemap;
mod srcset;
#[cfg(test)]
mod tests;
mod version;
mod xml;

pub use directive::MetaDirective;
pub use feed::parse_feed;
pub use html::parse_page;
pub use limit::{LeftOut, Limit};
pub use sheet::{Sheet, parse_sheet};
pub use sitemap::{Sitemap, SitemapContents, parse_sitemap};

use crate::canonical_url::CanonicalUrl;

/// Which pictures of a page are wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PageRules {
    /// The name by which pages address simdex in meta elements, in lower case.
    pub agent: &'static str,
    /// Whether a site's icons and logos are wanted.
    pub icons: bool,
    /// Pictures declared to have a shorter side are left out, in pixels.
    pub min_side: u32,
}

/// A page's contents that matter to a crawl, each list in document order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// The title; empty if it has none.
    pub title: String,
    /// Links to other pages, frames among them, each URL once.
    pub links: Vec<Link>,
    /// Where it sends its readers within seconds (`Refresh`); it is among the links, too.
    pub refresh: Option<CanonicalUrl>,
    /// Pictures, each URL once.
    pub pictures: Vec<PictureLink>,
    /// Pictures whose bytes are in the page itself, each once.
    pub inline: Vec<InlinePicture>,
    /// Style sheets, which may name more pictures; see [`parse_sheet`].
    pub sheets: Vec<CanonicalUrl>,
    /// RSS and Atom feeds; see [`parse_feed`].
    pub feeds: Vec<CanonicalUrl>,
    /// What the page asks of robots and of text and data mining.
    pub directives: Vec<MetaDirective>,
    /// The licence of what it shows (`rel=license`, `license` in JSON-LD): a URL or words. Empty if
    /// it names none, or several without saying of what each is.
    pub license: String,
    /// What limits have left out.
    pub left_out: LeftOut,
}

/// A link to a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Where it leads.
    pub url: CanonicalUrl,
    /// Whether every link to this URL on the page says `rel=nofollow`. `ugc` and `sponsored`
    /// tell who placed a link and do not ask to stay away, so they do not count.
    pub nofollow: bool,
}

/// A picture to fetch. The texts are empty where the page has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PictureLink {
    /// The best known version.
    pub url: CanonicalUrl,
    /// How the page leads to it.
    pub placement: PicturePlacement,
    /// Its other versions, best first, for when the best cannot be had.
    pub others: Vec<PictureVersion>,
    /// The alternative text, or a link's text.
    pub alt: String,
    /// The title; of a feed's picture, its entry's.
    pub title: String,
    /// The caption of the enclosing figure.
    pub caption: String,
    /// The licence that the page names of this picture alone.
    pub license: String,
}

/// One of the URLs under which a picture can be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PictureVersion {
    /// The URL.
    pub url: CanonicalUrl,
    /// How the page leads to it.
    pub placement: PicturePlacement,
}

/// How a page leads to a picture, the strongest way first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PicturePlacement {
    /// The page shows it.
    Shown,
    /// A link leads to it.
    Linked,
    /// Only links that say `rel=nofollow` lead to it.
    LinkedNofollow,
    /// It stands in data for scripts, and looks like a picture's URL.
    Guessed,
}

/// A picture that a `data:` URL holds (RFC 2397).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InlinePicture {
    /// The decoded file, whose format is yet to be checked.
    pub bytes: Vec<u8>,
    /// The alternative text.
    pub alt: String,
    /// The title.
    pub title: String,
    /// The caption of the enclosing figure.
    pub caption: String,
    /// The licence that the page names of this picture alone.
    pub license: String,
}

/// Most finds of one sort that are taken from one page, sheet or feed.
const MOST: usize = 10_000;
/// Most versions of one picture.
const MOST_VERSIONS: usize = 8;
/// Longest reference that is resolved, in bytes; longer than any URL that is kept.
const REFERENCE: usize = 4_096;
