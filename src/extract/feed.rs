//! Feeds: RSS 0.9 to 2.0 with Media RSS and iTunes, and Atom (RFC 4287).

use std::time::{Duration, Instant};

use quick_xml::events::{BytesStart, Event};
use url::Url;

use super::folded_text::FoldedText;
use super::html::{PARSING, read_html, side};
use super::limit::Limit;
use super::link_target::LinkTarget;
use super::page_builder::PageBuilder;
use super::version::Version;
use super::{MOST, Page, PageRules, charset, xml};

/// Longest time spent on the HTML that a feed holds, over all its entries.
const HTML: Duration = Duration::from_secs(4);

/// Parses a feed fetched from `url`. `charset` is the one of its Content-Type header.
///
/// The result is a page: its links are those of the entries, its feeds the further pages of a
/// paged feed (RFC 5005). A picture without a title has its entry's. A broken part ends the
/// feed; what was read until then counts.
pub fn parse_feed(xml: &[u8], charset: Option<&str>, url: &Url, rules: &PageRules) -> Page {
    // XML has no encoding of queries but UTF-8.
    let (text, _) = charset::decode(xml, charset, charset::of_xml);
    let mut feed = FeedReader {
        builder: PageBuilder::new(url, rules),
        base: url,
        deadline: Instant::now() + HTML,
        title: String::new(),
        entries: 0,
        entry: None,
        field: None,
        in_image: false,
        in_group: false,
    };
    let mut reader = xml::reader(&text);
    loop {
        match reader.read_event() {
            Ok(Event::Start(start)) => {
                if is_xhtml(&start)
                    && let Some(entry) = &mut feed.entry
                {
                    // Elements, not a text: they go to the HTML parser as they are.
                    match reader.read_text(start.name()) {
                        Ok(html) => entry.html.push(html.into_inner().into_owned()),
                        Err(_) => break,
                    }
                } else {
                    feed.open(&start, false);
                }
            }
            Ok(Event::Empty(start)) => feed.open(&start, true),
            Ok(Event::End(end)) => feed.close(end.name().as_ref()),
            Ok(Event::Eof) | Err(_) => break,
            Ok(event) => {
                if let Some(field) = &mut feed.field {
                    xml::push_text(&mut field.text, &event);
                }
            }
        }
        if feed.entries > MOST {
            feed.builder.leave_out(Limit::Links, 1);
            break;
        }
    }
    feed.close_entry();
    let mut page = feed.builder.finish();
    page.title = feed.title;
    page.sheets.clear();
    page.directives.clear();
    page
}

/// The state of reading a feed. Elements are recognised by their usual prefixes, since many
/// feeds forget to declare them.
struct FeedReader<'a> {
    builder: PageBuilder,
    base: &'a Url,
    deadline: Instant,
    title: String,
    entries: usize,
    entry: Option<FeedEntry>,
    /// The open element whose text is wanted.
    field: Option<Field>,
    /// Within RSS's `<image>`.
    in_image: bool,
    /// Within `<media:group>`, which holds one picture in several sizes.
    in_group: bool,
}

struct Field {
    name: String,
    text: String,
}

/// An open `<item>` or `<entry>`.
#[derive(Default)]
struct FeedEntry {
    title: String,
    link: Option<String>,
    html: Vec<String>,
    /// Each with its versions, best first.
    pictures: Vec<Vec<String>>,
    /// Those of the open `<media:group>`.
    group: Vec<Media>,
    /// Counts if nothing else is found.
    thumbnail: Option<Media>,
}

/// A picture that may come in several sizes.
struct Media {
    reference: String,
    /// In pixels; 0 where none is declared.
    width: u32,
}

impl FeedEntry {
    /// Adds the picture of the open group, its largest version first.
    fn close_group(&mut self) {
        let mut group = std::mem::take(&mut self.group);
        group.sort_by_key(|media| std::cmp::Reverse(media.width));
        let versions: Vec<_> = group.into_iter().map(|media| media.reference).collect();
        if !versions.is_empty() && self.pictures.len() < MOST {
            self.pictures.push(versions);
        }
    }
}

impl FeedReader<'_> {
    fn open(&mut self, start: &BytesStart<'_>, is_empty: bool) {
        let name = start.name();
        let name = unprefixed(name.as_ref());
        let value = |attribute: &str| xml::attribute(start, attribute);
        match name {
            "item" | "entry" => {
                self.close_entry();
                self.entry = Some(FeedEntry::default());
            }
            "image" => self.in_image = !is_empty,
            "link" if value("href").is_some() => self.atom_link(start),
            "enclosure" => {
                let reference = value("url").filter(|url| is_picture(start, url));
                self.picture(reference);
            }
            "media:group" => self.in_group = !is_empty,
            "media:content" => self.media(start),
            "media:thumbnail" => {
                if let (Some(entry), Some(reference)) = (&mut self.entry, value("url")) {
                    let width = width(start);
                    keep_larger(&mut entry.thumbnail, Media { reference, width });
                }
            }
            // Outside entries it is the feed's logo.
            "itunes:image" | "googleplay:image"
                if self.entry.is_some() || self.builder.rules.icons =>
            {
                self.picture(value("href"));
            }
            // HTML that nobody escaped.
            "img" => self.picture(value("src")),
            "title" | "link" | "url" | "logo" | "icon" | "description" | "summary" | "content"
            | "content:encoded"
                if self.field.is_none() && !is_empty =>
            {
                self.field = Some(Field {
                    name: name.to_owned(),
                    text: String::new(),
                });
            }
            _ => {}
        }
    }

    fn close(&mut self, name: &str) {
        let name = unprefixed(name);
        match name {
            "item" | "entry" => self.close_entry(),
            "image" => {
                self.in_image = false;
                self.field = None;
            }
            "media:group" => {
                self.in_group = false;
                if let Some(entry) = &mut self.entry {
                    entry.close_group();
                }
            }
            _ => {}
        }
        if let Some(field) = self.field.take_if(|field| field.name == name) {
            self.close_field(&field);
        }
    }

    fn close_field(&mut self, field: &Field) {
        let text = field.text.trim();
        match (&*field.name, &mut self.entry) {
            ("url", entry) if self.in_image && (entry.is_some() || self.builder.rules.icons) => {
                self.picture(Some(text.to_owned()));
            }
            ("logo" | "icon", _) if self.builder.rules.icons => self.picture(Some(text.to_owned())),
            (_, _) if self.in_image => {}
            ("title", Some(entry)) if entry.title.is_empty() => entry.title = FoldedText::of(text),
            ("title", None) if self.title.is_empty() => self.title = FoldedText::of(text),
            ("link", Some(entry)) if entry.link.is_none() => entry.link = Some(text.to_owned()),
            ("link", None) => self.builder.link(text, false),
            ("description" | "summary" | "content" | "content:encoded", Some(entry))
                if text.contains('<') =>
            {
                entry.html.push(text.to_owned());
            }
            _ => {}
        }
    }

    fn atom_link(&mut self, start: &BytesStart<'_>) {
        let Some(href) = xml::attribute(start, "href") else {
            return;
        };
        let rel = xml::attribute(start, "rel");
        match (rel.as_deref().unwrap_or("alternate"), &mut self.entry) {
            ("alternate", Some(entry)) => {
                entry.link.get_or_insert(href);
            }
            ("alternate", None) => self.builder.link(&href, false),
            ("enclosure", _) if is_picture(start, &href) => self.picture(Some(href)),
            ("next" | "prev-archive", None) => self.builder.feed(&href),
            _ => {}
        }
    }

    fn media(&mut self, start: &BytesStart<'_>) {
        let is_image = xml::attribute(start, "medium").as_deref() == Some("image");
        let Some(reference) = xml::attribute(start, "url").filter(|url| {
            (is_image && LinkTarget::of_path(url) != LinkTarget::Other) || is_picture(start, url)
        }) else {
            return;
        };
        let too_small = ["width", "height"]
            .iter()
            .filter_map(|name| side(&xml::attribute(start, name)?))
            .any(|side| side < self.builder.rules.min_side);
        if too_small {
            return;
        }
        match &mut self.entry {
            Some(entry) if self.in_group => {
                let width = width(start);
                if entry.group.len() < MOST {
                    entry.group.push(Media { reference, width });
                }
            }
            _ => self.picture(Some(reference)),
        }
    }

    fn picture(&mut self, reference: Option<String>) {
        let Some(reference) = reference else {
            return;
        };
        match &mut self.entry {
            Some(entry) if entry.pictures.len() < MOST => {
                entry.pictures.push(vec![reference]);
            }
            Some(_) => {}
            None => {
                self.builder.picture(&reference, "", "");
            }
        }
    }

    fn close_entry(&mut self) {
        let Some(mut entry) = self.entry.take() else {
            return;
        };
        entry.close_group();
        self.field = None;
        (self.in_image, self.in_group) = (false, false);
        self.entries += 1;
        let builder = &mut self.builder;
        let pictures = builder.page.pictures.len();
        let inline = builder.page.inline.len();
        // The thumbnail is that of the only picture.
        let mut thumbnail = entry.thumbnail.map(|media| media.reference);
        if let [only] = &mut entry.pictures[..] {
            only.extend(thumbnail.take());
        }
        for versions in entry.pictures {
            let versions: Vec<_> = versions.into_iter().map(Version::shown).collect();
            builder.versions(&versions, "", "");
        }
        // An entry's HTML is shown at its link.
        let link = entry.link.unwrap_or_default();
        let shown_at = builder.peek(&link);
        builder.link(&link, false);
        for html in entry.html {
            let now = Instant::now();
            if now > self.deadline {
                break;
            }
            if let Some(url) = &shown_at {
                builder.base = url.as_url().clone();
            }
            read_html(&html, builder, self.deadline.min(now + PARSING));
            builder.base = self.base.clone();
        }
        if builder.page.pictures.len() == pictures
            && builder.page.inline.len() == inline
            && let Some(thumbnail) = thumbnail
        {
            builder.picture(&thumbnail, "", "");
        }
        builder.title_since(pictures, inline, &entry.title);
    }
}

/// Whether an element says that a URL is a picture's: by its media type, else by the ending.
fn is_picture(start: &BytesStart<'_>, url: &str) -> bool {
    match xml::attribute(start, "type") {
        Some(media_type) => LinkTarget::of_media_type(&media_type) == LinkTarget::Picture,
        None => LinkTarget::of_path(url) == LinkTarget::Picture,
    }
}

fn is_xhtml(start: &BytesStart<'_>) -> bool {
    matches!(unprefixed(start.name().as_ref()), "content" | "summary")
        && xml::attribute(start, "type").as_deref() == Some("xhtml")
}

fn width(start: &BytesStart<'_>) -> u32 {
    xml::attribute(start, "width")
        .and_then(|width| side(&width))
        .unwrap_or_default()
}

fn keep_larger(kept: &mut Option<Media>, media: Media) {
    if kept.as_ref().is_none_or(|kept| media.width > kept.width) {
        *kept = Some(media);
    }
}

fn unprefixed(name: &str) -> &str {
    name.strip_prefix("atom:")
        .or(name.strip_prefix("rss:"))
        .unwrap_or(name)
}

#[cfg(test)]
mod tests;
