//! Sitemaps (sitemaps.org protocol 0.9, with Google's image and video extensions).

use std::borrow::Cow;
use std::io::Read;
use std::mem;

use flate2::read::MultiGzDecoder;
use quick_xml::events::Event;
use url::Url;

use super::folded_text::FoldedText;
use super::link_target::LinkTarget;
use super::{PageRules, PictureLink, PicturePlacement, REFERENCE, charset, parse_feed, xml};
use crate::canonical_url::CanonicalUrl;

/// A sitemap. The caller decides which of its URLs to trust; by the protocol a sitemap speaks
/// only for URLs below its own directory on its own host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sitemap {
    /// The addresses of further sitemaps.
    Index(Vec<CanonicalUrl>),
    /// Pages.
    Urls(Vec<SitemapEntry>),
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
/// Largest sitemap, in bytes unpacked, by the protocol.
const LARGEST: usize = 50 << 20;
/// Most pictures of one page, by the image extension.
const PICTURES: usize = 1_000;
/// Most pictures of one sitemap.
const ALL_PICTURES: usize = 100_000;

/// Parses a sitemap fetched from `url`: XML, a plain list of URLs, or a feed, each of them
/// packed by gzip or not. A broken part ends it; what was read until then counts.
pub fn parse_sitemap(bytes: &[u8], url: &Url) -> Sitemap {
    let bytes = unpack(bytes);
    let text = charset::decode(&bytes, None, charset::of_xml);
    let text = text.trim_start();
    if !text.starts_with('<') {
        return Sitemap::Urls(plain(text));
    }
    let mut sitemap = SitemapReader::new(url);
    let mut reader = xml::reader(text);
    loop {
        match reader.read_event() {
            Ok(Event::Start(start)) => {
                let name = start.local_name();
                if matches!(name.as_ref(), "rss" | "feed" | "RDF") {
                    return of_feed(text, url);
                }
                sitemap.open(name.as_ref());
            }
            Ok(Event::End(end)) => sitemap.close(end.local_name().as_ref()),
            Ok(Event::Eof) | Err(_) => break,
            Ok(event) => xml::push_text(&mut sitemap.text, &event),
        }
        if sitemap.maps.len().max(sitemap.entries.len()) >= ENTRIES {
            break;
        }
    }
    if sitemap.maps.is_empty() {
        Sitemap::Urls(sitemap.entries)
    } else {
        Sitemap::Index(sitemap.maps)
    }
}

/// What gzip packed, up to the largest size. A truncated file gives what can be unpacked.
fn unpack(bytes: &[u8]) -> Cow<'_, [u8]> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Cow::Borrowed(&bytes[..bytes.len().min(LARGEST)]);
    }
    let mut unpacked = Vec::new();
    let result = MultiGzDecoder::new(bytes)
        .take(LARGEST as u64)
        .read_to_end(&mut unpacked);
    if let Err(error) = result {
        tracing::info!(%error, "a sitemap is packed badly; what can be read counts");
    }
    Cow::Owned(unpacked)
}

fn plain(text: &str) -> Vec<SitemapEntry> {
    text.lines()
        .filter(|line| line.len() <= REFERENCE)
        .filter_map(|line| CanonicalUrl::parse(line).ok())
        .filter(may_be_read)
        .take(ENTRIES)
        .map(|url| SitemapEntry {
            url,
            lastmod: None,
            pictures: Vec::new(),
        })
        .collect()
}

fn of_feed(text: &str, url: &Url) -> Sitemap {
    let feed = parse_feed(text.as_bytes(), Some("utf-8"), url, &PageRules::default());
    let entries = feed.links.into_iter().map(|link| SitemapEntry {
        url: link.url,
        lastmod: None,
        pictures: Vec::new(),
    });
    Sitemap::Urls(entries.take(ENTRIES).collect())
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
            ("loc", Some(image)) => image.url = resolve(self.base, &text),
            ("title", Some(image)) => image.title = FoldedText::of(&text),
            ("caption", Some(image)) => image.caption = FoldedText::of(&text),
            ("image", _) => self.close_image(),
            ("thumbnail_loc", None) => {
                self.image = Some(OpenImage {
                    url: resolve(self.base, &text),
                    ..OpenImage::default()
                });
                self.close_image();
            }
            ("loc", None) => entry.url = resolve(self.base, &text),
            ("lastmod", None) => entry.lastmod = Some(FoldedText::of(&text)),
            ("sitemap", _) => {
                self.maps
                    .extend(self.entry.take().and_then(|entry| entry.url));
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
                    self.entries.push(SitemapEntry {
                        url,
                        lastmod: lastmod.filter(|text| !text.is_empty()),
                        pictures,
                    });
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
        if let Some(url) = url
            && entry.pictures.len() < PICTURES
            && self.pictures < ALL_PICTURES
        {
            self.pictures += 1;
            entry.pictures.push(PictureLink {
                url,
                alt: String::new(),
                title: image.title,
                caption: image.caption,
                placement: PicturePlacement::Shown,
                thumbnail: None,
            });
        }
    }
}

fn may_be_read(url: &CanonicalUrl) -> bool {
    LinkTarget::of_path(url.as_url().path()) != LinkTarget::Other
}

/// The protocol asks for whole URLs; some sitemaps have references.
fn resolve(base: &Url, text: &str) -> Option<CanonicalUrl> {
    let text = text.trim();
    if text.is_empty() || text.len() > REFERENCE {
        return None;
    }
    CanonicalUrl::join(base, text).ok()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn read(bytes: &[u8]) -> String {
        let list = |urls: Vec<&CanonicalUrl>| {
            let urls: Vec<_> = urls
                .iter()
                .map(|url| {
                    url.as_str()
                        .strip_prefix("http://h")
                        .unwrap_or(url.as_str())
                })
                .collect();
            urls.join(" ")
        };
        match parse_sitemap(bytes, &Url::parse("http://h/sitemap.xml").unwrap()) {
            Sitemap::Index(maps) => format!("index {}", list(maps.iter().collect())),
            Sitemap::Urls(entries) => list(entries.iter().map(|entry| &entry.url).collect()),
        }
    }

    #[test]
    fn sitemaps_of_every_form() {
        for (text, expected) in [
            (
                "<urlset><url><loc> http://h/a?b=1&amp;c=2\n</loc></url></urlset>",
                "/a?b=1&c=2",
            ),
            (
                "<urlset><url><loc>http://h/a?b=1&c=2</loc></url></urlset>",
                "/a?b=1&c=2",
            ),
            (
                "<urlset><url><loc><![CDATA[http://h/a]]></loc></url></urlset>",
                "/a",
            ),
            (
                "<?xml version='1.0'?><x:sitemapindex><x:sitemap><x:loc>http://h/b.gz</x:loc>\
                 </x:sitemap><x:sitemap><x:loc>/c</x:loc></x:sitemap></x:sitemapindex>",
                "index /b.gz /c",
            ),
            ("\u{feff}http://h/a\r\nhttp://h/b\n\nnot a url\n", "/a /b"),
            (
                "<rss><channel><item><link>http://h/a</link></item></channel></rss>",
                "/a",
            ),
            (
                "<urlset><url><loc>http://h/a</loc></url><url><loc>http://h/b",
                "/a",
            ),
            (
                "<urlset><url><loc>ftp://h/a</loc></url><url/><url></url></urlset>",
                "",
            ),
            ("<urlset><url><loc>http://h/a.pdf</loc></url></urlset>", ""),
            ("<html><body>Not found</body></html>", ""),
            ("", ""),
        ] {
            assert_eq!(read(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn pages_come_with_their_pictures() {
        let text = "<urlset xmlns:image='i'><url><loc>http://h/a</loc>\
            <lastmod>2024-05-06</lastmod>\
            <image:image><image:loc>http://i/b.jpg</image:loc><image:title>T</image:title>\
            <image:caption>A &quot;C&quot;</image:caption></image:image>\
            <image:image><image:loc>http://i/c.svg</image:loc></image:image>\
            <video:video><video:thumbnail_loc>/d.jpg</video:thumbnail_loc></video:video>\
            </url></urlset>";
        let Sitemap::Urls(entries) =
            parse_sitemap(text.as_bytes(), &Url::parse("http://h/s.xml").unwrap())
        else {
            panic!("not an index");
        };
        assert_eq!(entries[0].url.as_str(), "http://h/a");
        assert_eq!(entries[0].lastmod.as_deref(), Some("2024-05-06"));
        let pictures: Vec<_> = entries[0]
            .pictures
            .iter()
            .map(|picture| (picture.url.as_str(), &*picture.title, &*picture.caption))
            .collect();
        assert_eq!(
            pictures,
            [
                ("http://i/b.jpg", "T", "A \"C\""),
                ("http://h/d.jpg", "", "")
            ]
        );
    }

    #[test]
    fn packed_sitemaps_are_unpacked_up_to_a_limit() {
        let pack = |text: &[u8]| {
            let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
            packed.write_all(text).unwrap();
            packed.finish().unwrap()
        };
        let packed = pack(b"<urlset><url><loc>http://h/a</loc></url></urlset>");
        assert_eq!(read(&packed), "/a");
        // Cut short within the checksum.
        assert_eq!(read(&packed[..packed.len() - 6]), "/a");
        let bomb = pack(&[&b"http://h/a\n"[..], &vec![b' '; LARGEST + 1]].concat());
        assert!(bomb.len() < LARGEST / 100);
        assert_eq!(unpack(&bomb).len(), LARGEST);
    }

    #[test]
    fn entries_are_counted_and_entities_not_expanded() {
        let many = format!(
            "<urlset>{}",
            "<url><loc>http://h/a</loc></url>".repeat(60_000)
        );
        assert_eq!(read(many.as_bytes()).split(' ').count(), ENTRIES);
        let plain = "http://h/a\n".repeat(60_000);
        assert_eq!(read(plain.as_bytes()).split(' ').count(), ENTRIES);
        let bomb = "<!DOCTYPE u [<!ENTITY a 'b'><!ENTITY b '&a;&a;&a;'>]>\
            <urlset><url><loc>http://h/&b;</loc></url></urlset>";
        assert_eq!(read(bomb.as_bytes()), "/&b;");
    }
}
