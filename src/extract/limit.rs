//! What of a document was left out because of a limit.

use std::collections::BTreeMap;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A limit that has left something out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Limit {
    /// URLs may be so long.
    UrlLength,
    /// So many links are taken from one document.
    Links,
    /// So many pictures are taken from one document.
    Pictures,
    /// So many pictures whose bytes stand in a document are taken from it.
    HeldPictures,
    /// So many guesses are taken from one page.
    Guesses,
    /// So many style sheets or feeds are taken from one page.
    Sheets,
    /// Elements of a page nest so deep.
    Depth,
    /// A page, a sheet or a feed has so many bytes.
    PageBytes,
    /// Reading one document takes so long.
    Time,
    /// So many URLs are taken from one sitemap.
    SitemapUrls,
    /// So many pictures are taken from one sitemap.
    SitemapPictures,
    /// A sitemap has so many bytes when it is unpacked.
    SitemapBytes,
}

/// What was left out, and how much of it.
pub type LeftOut = BTreeMap<Limit, u64>;

impl Limit {
    /// All of them.
    const ALL: [Self; 12] = [
        Self::UrlLength,
        Self::Links,
        Self::Pictures,
        Self::HeldPictures,
        Self::Guesses,
        Self::Sheets,
        Self::Depth,
        Self::PageBytes,
        Self::Time,
        Self::SitemapUrls,
        Self::SitemapPictures,
        Self::SitemapBytes,
    ];

    /// A short, stable name for summaries and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::UrlLength => "url_length",
            Self::Links => "page_links",
            Self::Pictures => "page_pictures",
            Self::HeldPictures => "page_data_urls",
            Self::Guesses => "page_guesses",
            Self::Sheets => "page_sheets",
            Self::Depth => "page_depth",
            Self::PageBytes => "page_bytes",
            Self::Time => "page_time",
            Self::SitemapUrls => "sitemap_urls",
            Self::SitemapPictures => "sitemap_pictures",
            Self::SitemapBytes => "sitemap_bytes",
        }
    }

    /// How much was left out of what, for people.
    pub fn says(self, count: u64) -> String {
        let (one, more) = self.words();
        let words = if count == 1 { one } else { more };
        format!("{count} {words}")
    }

    /// What was left out: one, and more.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::UrlLength => (
                "URL longer than 2,048 bytes",
                "URLs longer than 2,048 bytes",
            ),
            Self::Links => (
                "link beyond the 10,000 that are taken from one page",
                "links beyond the 10,000 that are taken from one page",
            ),
            Self::Pictures => (
                "picture beyond the 10,000 that are taken from one page",
                "pictures beyond the 10,000 that are taken from one page",
            ),
            Self::HeldPictures => (
                "picture in a data: URL beyond the 64 that are taken from one page",
                "pictures in data: URLs beyond the 64 that are taken from one page",
            ),
            Self::Guesses => (
                "guess beyond the 1,000 that are taken from one page",
                "guesses beyond the 1,000 that are taken from one page",
            ),
            Self::Sheets => (
                "style sheet or feed beyond the 256 that are taken from one page",
                "style sheets and feeds beyond the 256 that are taken from one page",
            ),
            Self::Depth => (
                "element nested deeper than 512, read as if it stood beside the one around it",
                "elements nested deeper than 512, read as if they stood side by side",
            ),
            Self::PageBytes => (
                "page, style sheet or feed longer than max_page_bytes of [crawl]; its beginning was read",
                "pages, style sheets or feeds longer than max_page_bytes of [crawl]; their beginnings were read",
            ),
            Self::Time => (
                "page that takes too long to read; its rest is left",
                "pages that take too long to read; their rests are left",
            ),
            Self::SitemapUrls => (
                "URL beyond the 50,000 that a sitemap may have",
                "URLs beyond the 50,000 that a sitemap may have",
            ),
            Self::SitemapPictures => (
                "picture beyond the 1,000 of a page or 100,000 of a sitemap",
                "pictures beyond the 1,000 of a page or 100,000 of a sitemap",
            ),
            Self::SitemapBytes => (
                "sitemap longer than the 50 MiB that one may have; its beginning was read",
                "sitemaps longer than the 50 MiB that one may have; their beginnings were read",
            ),
        }
    }
}

impl Serialize for Limit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let named = Self::ALL.into_iter().find(|limit| limit.name() == name);
        named.ok_or_else(|| D::Error::custom(format!("there is no limit `{name}`")))
    }
}

/// Notes that a limit has left out so much more.
pub(super) fn leave_out(left_out: &mut LeftOut, limit: Limit, count: u64) {
    if count > 0 {
        *left_out.entry(limit).or_default() += count;
    }
}
