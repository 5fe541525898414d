//! Sitemaps (sitemaps.org protocol 0.9, with Google's image and video extensions).

use std::borrow::Cow;
use std::io::Read;
use std::mem;

use flate2::read::MultiGzDecoder;
use quick_xml::events::Event;
use url::Url;

use super::folded_text::FoldedText;
use super::limit::leave_out;
use super::link_target::LinkTarget;
use super::{
    LeftOut, Limit, PageRules, PictureLink, PicturePlacement, REFERENCE, charset, parse_feed, xml,
};
use crate::canonical_url::{CanonicalUrl, UrlError};

/// A sitemap. The caller decides which of its URLs to trust; by the protocol a sitemap speaks
/// only for URLs below its own directory on its own host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sitemap {
    /// The addresses of further sitemaps.
    Index(Vec<CanonicalUrl>),
    /// Pages.
    Urls(Vec<SitemapEntry>),
}

/// What was read of a sitemap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SitemapContents {
    /// What it names.
    pub sitemap: Sitemap,
    /// What limits have left out.
    pub left_out: LeftOut,
    /// What is wrong with it, if it is no sitemap or ends early, and not because of a limit.
    pub fault: Option<String>,
}

/// A page in a sitemap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SitemapEntry {
    /// The page.
    pub url: CanonicalUrl,
    /// When it changed last, as written (W3C date and time format).
    pub lastmod: Option<String>,
    /// Pictures on the page.
    pub pictures: Vec<PictureLink>,
}

/// Most entries of one sitemap, by the protocol.
const ENTRIES: usize = 50_000;
const NO_SITEMAP: &str = "it is neither a sitemap nor a feed nor a list of URLs";
/// Largest sitemap, in bytes unpacked, by the protocol.
const LARGEST: usize = 50 << 20;
/// Most pictures of one page, by the image extension.
const PICTURES: usize = 1_000;
/// Most pictures of one sitemap.
const ALL_PICTURES: usize = 100_000;

/// Parses a sitemap fetched from `url`: XML, a plain list of URLs, or a feed, each of them
/// packed by gzip or not. A broken part ends it; what was read until then counts.
pub fn parse_sitemap(bytes: &[u8], url: &Url) -> SitemapContents {
    let mut contents = read_sitemap(bytes, url);
    if contents.left_out.contains_key(&Limit::SitemapBytes) {
        // It ends early because the rest was not read.
        contents.fault = None;
    }
    contents
}

fn read_sitemap(bytes: &[u8], url: &Url) -> SitemapContents {
    let mut left_out = LeftOut::new();
    let (bytes, mut fault) = unpack(bytes, &mut left_out);
    let (text, _) = charset::decode(&bytes, None, charset::of_xml);
    let text = text.trim_start();
    if !text.starts_with('<') {
        let entries = plain(text, &mut left_out);
        if entries.is_empty() {
            fault = fault.or(Some(NO_SITEMAP.to_owned()));
        }
        return SitemapContents {
            sitemap: Sitemap::Urls(entries),
            left_out,
            fault,
        };
    }
    let mut sitemap = SitemapReader::new(url);
    let mut reader = xml::reader(text);
    let (mut depth, mut is_sitemap) = (0_u64, false);
    loop {
        match reader.read_event() {
            Ok(Event::Start(start)) => {
                let name = start.local_name();
                if matches!(name.as_ref(), "rss" | "feed" | "RDF") {
                    let (sitemap, of_feed) = of_feed(text, url);
                    left_out.extend(of_feed);
                    return SitemapContents {
                        sitemap,
                        left_out,
                        fault,
                    };
                }
                is_sitemap |= matches!(name.as_ref(), "urlset" | "sitemapindex");
                depth += 1;
                sitemap.open(name.as_ref());
            }
            Ok(Event::End(end)) => {
                depth = depth.saturating_sub(1);
                sitemap.close(end.local_name().as_ref());
            }
            Ok(Event::Empty(empty)) => {
                let name = empty.local_name();
                is_sitemap |= matches!(name.as_ref(), "urlset" | "sitemapindex");
            }
            Ok(Event::Eof) if depth == 0 => break,
            Ok(Event::Eof) => {
                fault = fault.or(Some("it ends early".to_owned()));
                break;
            }
            Err(error) => {
                fault = fault.or(Some(format!("it is no XML that can be read: {error}")));
                break;
            }
            Ok(event) => xml::push_text(&mut sitemap.text, &event),
        }
    }
    if !is_sitemap {
        fault = Some(NO_SITEMAP.to_owned());
    }
    left_out.append(&mut sitemap.left_out);
    let sitemap = match sitemap.maps.is_empty() {
        true => Sitemap::Urls(sitemap.entries),
        false => Sitemap::Index(sitemap.maps),
    };
    SitemapContents {
        sitemap,
        left_out,
        fault,
    }
}

/// What gzip packed, up to the largest size, and what is wrong with it. A truncated file gives
/// what can be unpacked.
fn unpack<'a>(bytes: &'a [u8], left_out: &mut LeftOut) -> (Cow<'a, [u8]>, Option<String>) {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        leave_out(
            left_out,
            Limit::SitemapBytes,
            (bytes.len() > LARGEST).into(),
        );
        return (Cow::Borrowed(&bytes[..bytes.len().min(LARGEST)]), None);
    }
    let mut unpacked = Vec::new();
    // One byte more tells whether there are more.
    let result = MultiGzDecoder::new(bytes)
        .take(LARGEST as u64 + 1)
        .read_to_end(&mut unpacked);
    let is_cut = unpacked.len() > LARGEST;
    leave_out(left_out, Limit::SitemapBytes, is_cut.into());
    unpacked.truncate(LARGEST);
    let fault = result
        .err()
        .map(|error| format!("it is packed badly: {error}"));
    (Cow::Owned(unpacked), fault)
}

fn plain(text: &str, left_out: &mut LeftOut) -> Vec<SitemapEntry> {
    let mut entries = Vec::new();
    for line in text.lines() {
        match CanonicalUrl::parse(line) {
            Ok(url) if !may_be_read(&url) => {}
            Ok(_) if entries.len() >= ENTRIES => leave_out(left_out, Limit::SitemapUrls, 1),
            Ok(url) => entries.push(SitemapEntry {
                url,
                lastmod: None,
                pictures: Vec::new(),
            }),
            Err(UrlError::TooLong) => leave_out(left_out, Limit::UrlLength, 1),
            Err(_) => {}
        }
    }
    entries
}

fn of_feed(text: &str, url: &Url) -> (Sitemap, LeftOut) {
    let feed = parse_feed(text.as_bytes(), Some("utf-8"), url, &PageRules::default());
    let entries = feed.links.into_iter().map(|link| SitemapEntry {
        url: link.url,
        lastmod: None,
        pictures: Vec::new(),
    });
    (
        Sitemap::Urls(entries.take(ENTRIES).collect()),
        feed.left_out,
    )
}

/// The state of reading a sitemap, by elements' local names: prefixes vary.
struct SitemapReader<'a> {
    base: &'a Url,
    maps: Vec<CanonicalUrl>,
    entries: Vec<SitemapEntry>,
    /// Pictures found in all.
    pictures: usize,
    /// The text of the element that was opened last.
    text: String,
    entry: Option<OpenEntry>,
    image: Option<OpenImage>,
    left_out: LeftOut,
}

/// An open `<url>` or `<sitemap>`.
#[derive(Default)]
struct OpenEntry {
    url: Option<CanonicalUrl>,
    lastmod: Option<String>,
    pictures: Vec<PictureLink>,
}

/// An open `<image:image>`.
#[derive(Default)]
struct OpenImage {
    url: Option<CanonicalUrl>,
    title: String,
    caption: String,
}

impl<'a> SitemapReader<'a> {
    fn new(base: &'a Url) -> Self {
        Self {
            base,
            maps: Vec::new(),
            entries: Vec::new(),
            pictures: 0,
            text: String::new(),
            entry: None,
            image: None,
            left_out: LeftOut::new(),
        }
    }

    fn open(&mut self, name: &str) {
        self.text.clear();
        match name {
            "url" | "sitemap" => self.entry = Some(OpenEntry::default()),
            "image" if self.entry.is_some() => self.image = Some(OpenImage::default()),
            _ => {}
        }
    }

    fn close(&mut self, name: &str) {
        let text = mem::take(&mut self.text);
        let Some(entry) = &mut self.entry else {
            return;
        };
        match (name, &mut self.image) {
            ("loc", Some(image)) => image.url = resolve(self.base, &text, &mut self.left_out),
            ("title", Some(image)) => image.title = FoldedText::of(&text),
            ("caption", Some(image)) => image.caption = FoldedText::of(&text),
            ("image", _) => self.close_image(),
            ("thumbnail_loc", None) => {
                self.image = Some(OpenImage {
                    url: resolve(self.base, &text, &mut self.left_out),
                    ..OpenImage::default()
                });
                self.close_image();
            }
            ("loc", None) => entry.url = resolve(self.base, &text, &mut self.left_out),
            ("lastmod", None) => entry.lastmod = Some(FoldedText::of(&text)),
            ("sitemap", _) => {
                let url = self.entry.take().and_then(|entry| entry.url);
                match self.maps.len() < ENTRIES {
                    true => self.maps.extend(url),
                    false => leave_out(&mut self.left_out, Limit::SitemapUrls, 1),
                }
                self.image = None;
            }
            ("url", _) => {
                // Documents and archives are listed too.
                if let Some(OpenEntry {
                    url: Some(url),
                    lastmod,
                    pictures,
                }) = self.entry.take()
                    && may_be_read(&url)
                {
                    let is_full = self.entries.len() >= ENTRIES;
                    leave_out(&mut self.left_out, Limit::SitemapUrls, is_full.into());
                    let entry = (!is_full).then_some(SitemapEntry {
                        url,
                        lastmod: lastmod.filter(|text| !text.is_empty()),
                        pictures,
                    });
                    self.entries.extend(entry);
                }
                self.image = None;
            }
            _ => {}
        }
    }

    fn close_image(&mut self) {
        let (Some(image), Some(entry)) = (self.image.take(), &mut self.entry) else {
            return;
        };
        let url = image.url.filter(may_be_read);
        if let Some(url) = url {
            if entry.pictures.len() >= PICTURES || self.pictures >= ALL_PICTURES {
                leave_out(&mut self.left_out, Limit::SitemapPictures, 1);
                return;
            }
            self.pictures += 1;
            entry.pictures.push(PictureLink {
                url,
                alt: String::new(),
                title: image.title,
                caption: image.caption,
                license: String::new(),
                placement: PicturePlacement::Shown,
                others: Vec::new(),
            });
        }
    }
}

fn may_be_read(url: &CanonicalUrl) -> bool {
    LinkTarget::of_url(url) != LinkTarget::Other
}

/// The protocol asks for whole URLs; some sitemaps have references.
fn resolve(base: &Url, text: &str, left_out: &mut LeftOut) -> Option<CanonicalUrl> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    let url = match text.len() > REFERENCE {
        true => Err(UrlError::TooLong),
        false => CanonicalUrl::join(base, text),
    };
    let is_too_long = url == Err(UrlError::TooLong);
    leave_out(left_out, Limit::UrlLength, is_too_long.into());
    url.ok()
}

#[cfg(test)]
mod tests;
