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
    /// So many versions of one picture are kept.
    Versions,
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
    const ALL: [Self; 13] = [
        Self::UrlLength,
        Self::Links,
        Self::Pictures,
        Self::HeldPictures,
        Self::Versions,
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
            Self::Versions => "picture_versions",
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

    /// What was left out, for people.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::UrlLength => "URLs longer than 2,048 bytes",
            Self::Links => "links beyond the 10,000 that are taken from one page",
            Self::Pictures => "pictures beyond the 10,000 that are taken from one page",
            Self::HeldPictures => {
                "pictures in data: URLs beyond the 64 that are taken from one page"
            }
            Self::Versions => "versions of pictures beyond the 8 that are kept of one",
            Self::Guesses => "guesses beyond the 1,000 that are taken from one page",
            Self::Sheets => "style sheets and feeds beyond the 256 that are taken from one page",
            Self::Depth => "elements nested deeper than 512, read as if they stood side by side",
            Self::PageBytes => "page longer than max_page_bytes of [crawl]; its beginning was read",
            Self::Time => "pages that take too long to read; their rest is left",
            Self::SitemapUrls => "URLs beyond the 50,000 that a sitemap may have",
            Self::SitemapPictures => "pictures beyond the 1,000 of a page or 100,000 of a sitemap",
            Self::SitemapBytes => "bytes or more beyond the 50 MiB that a sitemap may have",
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
