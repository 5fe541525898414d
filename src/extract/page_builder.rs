//! Builds a page's lists while the page is read.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::HashMap;

use encoding_rs::{Encoding, UTF_8};
use url::Url;

use super::charset::encode_query;
use super::data_picture::{data_picture, is_data};
use super::folded_text::FoldedText;
use super::limit::{Limit, leave_out};
use super::link_target::LinkTarget;
use super::version::Version;
use super::{
    InlinePicture, Link, MOST, MOST_VERSIONS, MetaDirective, Page, PageRules, PictureLink,
    PicturePlacement, PictureVersion, REFERENCE,
};
use crate::canonical_url::{CanonicalUrl, UrlError, UrlId};

/// Most `data:` pictures of one page.
const MOST_INLINE: usize = 64;
/// Most style sheets and most feeds of one page.
const MOST_SHEETS: usize = 256;
/// Longest licence in words, in bytes.
const LONGEST_LICENSE: usize = 512;
/// Most directives of one page.
const MOST_DIRECTIVES: usize = 64;

/// Builds a [`Page`]: resolves references, leaves out what cannot be a picture, and lists each
/// URL once.
#[derive(Debug)]
pub(super) struct PageBuilder {
    pub(super) page: Page,
    pub(super) rules: PageRules,
    /// What references are resolved against.
    pub(super) base: Url,
    /// What the queries of references are encoded in.
    pub(super) encoding: &'static Encoding,
    links: HashMap<UrlId, usize>,
    /// Where in the list the picture stands of which a URL is the best version.
    pictures: HashMap<UrlId, usize>,
    /// The same for URLs that are other versions.
    others: HashMap<UrlId, usize>,
    /// References that are too long.
    too_long: Cell<u64>,
    /// The licences that links name of the page, each once.
    pub(super) licenses: Vec<String>,
    /// The one that its data names of it.
    pub(super) data_license: Option<String>,
}

/// Where a found picture stands in the page's lists.
#[derive(Debug, Clone, Copy)]
pub(super) enum PicturePlace {
    Fetched(usize),
    Inline(usize),
}

impl PageBuilder {
    pub(super) fn new(base: &Url, rules: &PageRules) -> Self {
        Self {
            page: Page::default(),
            rules: *rules,
            base: base.clone(),
            encoding: UTF_8,
            links: HashMap::new(),
            pictures: HashMap::new(),
            others: HashMap::new(),
            too_long: Cell::new(0),
            licenses: Vec::new(),
            data_license: None,
        }
    }

    /// The page, when all was added.
    pub(super) fn finish(mut self) -> Page {
        self.leave_out(Limit::UrlLength, self.too_long.get());
        self.page.license = match &mut self.licenses[..] {
            [only] => std::mem::take(only),
            [] => self.data_license.take().unwrap_or_default(),
            // Nobody knows which of them is of what.
            _ => String::new(),
        };
        self.page
    }

    pub(super) fn leave_out(&mut self, limit: Limit, count: u64) {
        leave_out(&mut self.page.left_out, limit, count);
    }

    /// Where a reference leads, without counting one that is too long. `None` for one that leads
    /// nowhere: an empty one, or one to a place on the same page.
    fn join(&self, reference: &str) -> Option<Result<CanonicalUrl, UrlError>> {
        let reference = reference.trim();
        if reference.is_empty() || reference.starts_with('#') {
            return None;
        }
        if reference.len() > REFERENCE {
            // A program or a file in the page is no address of anything else.
            let is_address = !reference.starts_with("javascript:") && !is_data(reference);
            return is_address.then_some(Err(UrlError::TooLong));
        }
        if self.encoding == UTF_8 || reference.is_ascii() {
            return Some(CanonicalUrl::join(&self.base, reference));
        }
        Some(CanonicalUrl::join_encoded(&self.base, reference, &|text| {
            Cow::Owned(encode_query(text, self.encoding))
        }))
    }

    /// Where a reference leads that is added elsewhere.
    pub(super) fn peek(&self, reference: &str) -> Option<CanonicalUrl> {
        self.join(reference)?.ok()
    }

    /// Where a reference leads that is to be added.
    pub(super) fn resolve(&self, reference: &str) -> Option<CanonicalUrl> {
        let url = self.join(reference)?;
        if url == Err(UrlError::TooLong) {
            self.too_long.set(self.too_long.get() + 1);
        }
        url.ok()
    }

    /// Adds a link, or the picture that it leads to.
    pub(super) fn link(&mut self, reference: &str, nofollow: bool) {
        let Some(url) = self.resolve(reference) else {
            return;
        };
        match LinkTarget::of_url(&url) {
            LinkTarget::Picture => {
                let placement = linked(nofollow);
                self.add(vec![PictureVersion { url, placement }], "", "");
            }
            LinkTarget::Other | LinkTarget::Unread => {}
            LinkTarget::Page => match self.links.get(&url.id()) {
                Some(at) => self.page.links[*at].nofollow &= nofollow,
                None if self.page.links.len() < MOST => {
                    self.links.insert(url.id(), self.page.links.len());
                    self.page.links.push(Link { url, nofollow });
                }
                None => self.leave_out(Limit::Links, 1),
            },
        }
    }

    /// Adds the link that readers are sent to after a while.
    pub(super) fn refresh(&mut self, reference: &str, soon: bool) {
        if soon && self.page.refresh.is_none() {
            self.page.refresh = self.resolve(reference);
        }
        self.link(reference, false);
    }

    /// Adds the picture that a reference names or holds.
    pub(super) fn picture(
        &mut self,
        reference: &str,
        alt: &str,
        title: &str,
    ) -> Option<PicturePlace> {
        self.versions(&[Version::shown(reference)], alt, title)
    }

    /// Adds a picture that references name or hold, best first.
    pub(super) fn versions(
        &mut self,
        versions: &[Version<'_>],
        alt: &str,
        title: &str,
    ) -> Option<PicturePlace> {
        if let Some(held) = versions.first().filter(|best| is_data(&best.reference)) {
            return self.inline(&held.reference, alt, title);
        }
        let named = versions.iter().filter_map(|version| {
            // A held one among others is mostly a placeholder.
            let is_named = !is_data(&version.reference);
            let url = is_named.then(|| self.resolve(&version.reference))??;
            let placement = version.placement;
            (LinkTarget::of_url(&url) != LinkTarget::Other)
                .then_some(PictureVersion { url, placement })
        });
        let named: Vec<PictureVersion> = named.take(MOST_VERSIONS).collect();
        self.add(named, alt, title)
    }

    /// Adds a picture by its URLs, best first. One found again keeps its place and gains missing
    /// texts and versions.
    fn add(
        &mut self,
        versions: Vec<PictureVersion>,
        alt: &str,
        title: &str,
    ) -> Option<PicturePlace> {
        let best = versions.first()?;
        let known = |id: UrlId| self.pictures.get(&id).or(self.others.get(&id)).copied();
        // What stands beside many pictures, such as a placeholder, makes them no picture.
        let (at, is_better) = match known(best.url.id()) {
            Some(at) => (at, false),
            None => {
                let mut others = versions[1..].iter();
                let found = others.find_map(|other| self.pictures.get(&other.url.id()));
                match found.copied() {
                    Some(at) => (at, true),
                    None => (self.push(best.clone())?, false),
                }
            }
        };
        let picture = &mut self.page.pictures[at];
        let before = std::iter::once(PictureVersion {
            url: picture.url.clone(),
            placement: picture.placement,
        });
        let before = before.chain(std::mem::take(&mut picture.others));
        let all: Vec<PictureVersion> = match is_better {
            true => versions.into_iter().chain(before).collect(),
            false => before.chain(versions).collect(),
        };
        let mut merged: Vec<PictureVersion> = Vec::with_capacity(all.len());
        for version in all {
            let has_room = merged.len() < MOST_VERSIONS;
            match merged.iter_mut().find(|known| known.url == version.url) {
                Some(known) => known.placement = known.placement.min(version.placement),
                None if has_room => merged.push(version),
                None => {}
            }
        }
        let first = merged.remove(0);
        if first.url != picture.url {
            self.pictures.remove(&picture.url.id());
            self.pictures.insert(first.url.id(), at);
        }
        for other in &merged {
            self.others.entry(other.url.id()).or_insert(at);
        }
        (picture.url, picture.placement) = (first.url, first.placement);
        picture.others = merged;
        fill(&mut picture.alt, alt);
        fill(&mut picture.title, title);
        Some(PicturePlace::Fetched(at))
    }

    fn push(&mut self, best: PictureVersion) -> Option<usize> {
        let at = self.page.pictures.len();
        if at >= MOST {
            self.leave_out(Limit::Pictures, 1);
            return None;
        }
        self.pictures.insert(best.url.id(), at);
        self.page.pictures.push(PictureLink {
            url: best.url,
            placement: best.placement,
            others: Vec::new(),
            alt: String::new(),
            title: String::new(),
            caption: String::new(),
            license: String::new(),
        });
        Some(at)
    }

    /// Adds a URL that may be a picture's, unless the page says where it belongs.
    pub(super) fn guess(&mut self, reference: &str) {
        let Some(url) = self.resolve(reference) else {
            return;
        };
        let id = url.id();
        let is_known = self.pictures.contains_key(&id)
            || self.others.contains_key(&id)
            || self.links.contains_key(&id);
        if !is_known && LinkTarget::of_url(&url) == LinkTarget::Picture {
            let placement = PicturePlacement::Guessed;
            self.add(vec![PictureVersion { url, placement }], "", "");
        }
    }

    fn inline(&mut self, reference: &str, alt: &str, title: &str) -> Option<PicturePlace> {
        let at = self.page.inline.len();
        if at >= MOST_INLINE {
            self.leave_out(Limit::HeldPictures, 1);
            return None;
        }
        let bytes = data_picture(reference)?;
        if let Some(at) = self
            .page
            .inline
            .iter()
            .position(|known| known.bytes == bytes)
        {
            return Some(PicturePlace::Inline(at));
        }
        self.page.inline.push(InlinePicture {
            bytes,
            alt: FoldedText::of(alt),
            title: FoldedText::of(title),
            caption: String::new(),
            license: String::new(),
        });
        Some(PicturePlace::Inline(at))
    }

    /// Gives a picture a caption, unless it has one.
    pub(super) fn caption(&mut self, place: PicturePlace, caption: &str) {
        match place {
            PicturePlace::Fetched(at) => fill(&mut self.page.pictures[at].caption, caption),
            PicturePlace::Inline(at) => fill(&mut self.page.inline[at].caption, caption),
        }
    }

    /// Adds the licence of all that the page shows.
    pub(super) fn license(&mut self, reference: &str) {
        let Some(license) = self.peek(reference).map(|url| url.to_string()) else {
            return;
        };
        // More than two are as many as two.
        if self.licenses.len() < 2 && !self.licenses.contains(&license) {
            self.licenses.push(license);
        }
    }

    /// Takes the licence that data of the page names of it; the first one counts.
    pub(super) fn name_license(&mut self, license: Option<String>) {
        let license = license.map(|license| self.named_license(&license));
        let known = self.data_license.take();
        self.data_license = known.or(license.filter(|license| !license.is_empty()));
    }

    /// Gives a picture a licence of its own, unless it has one.
    pub(super) fn license_of(&mut self, place: PicturePlace, license: &str) {
        let license = self.named_license(license);
        let of = match place {
            PicturePlace::Fetched(at) => &mut self.page.pictures[at].license,
            PicturePlace::Inline(at) => &mut self.page.inline[at].license,
        };
        if of.is_empty() {
            *of = license;
        }
    }

    /// A licence as data name it: by its URL, or by words.
    fn named_license(&self, text: &str) -> String {
        let is_url = !text.contains(' ') && text.contains('/');
        let url = is_url.then(|| self.peek(text)).flatten();
        match url {
            Some(url) => url.to_string(),
            None => {
                let words = FoldedText::of(text);
                words[..words.floor_char_boundary(LONGEST_LICENSE)].to_owned()
            }
        }
    }

    /// Gives a title to the pictures that were added since the lists had these lengths.
    pub(super) fn title_since(&mut self, pictures: usize, inline: usize, title: &str) {
        for picture in &mut self.page.pictures[pictures..] {
            fill(&mut picture.title, title);
        }
        for picture in &mut self.page.inline[inline..] {
            fill(&mut picture.title, title);
        }
    }

    pub(super) fn sheet(&mut self, reference: &str) {
        if let Some(url) = self.resolve(reference) {
            let left_out = push_new(&mut self.page.sheets, url);
            self.leave_out(Limit::Sheets, left_out);
        }
    }

    pub(super) fn feed(&mut self, reference: &str) {
        if let Some(url) = self.resolve(reference) {
            let left_out = push_new(&mut self.page.feeds, url);
            self.leave_out(Limit::Sheets, left_out);
        }
    }

    pub(super) fn directive(&mut self, name: &str, content: &str) {
        if self.page.directives.len() < MOST_DIRECTIVES {
            self.page
                .directives
                .extend(MetaDirective::new(name, content, self.rules.agent));
        }
    }
}

/// The placement of what a link leads to.
pub(super) fn linked(nofollow: bool) -> PicturePlacement {
    if nofollow {
        PicturePlacement::LinkedNofollow
    } else {
        PicturePlacement::Linked
    }
}

fn fill(text: &mut String, with: &str) {
    if text.is_empty() {
        *text = FoldedText::of(with);
    }
}

/// Adds a URL that is not in the list, and tells how many were left out: none or one.
fn push_new(urls: &mut Vec<CanonicalUrl>, url: CanonicalUrl) -> u64 {
    if urls.contains(&url) {
        return 0;
    }
    let has_room = urls.len() < MOST_SHEETS;
    if has_room {
        urls.push(url);
    }
    (!has_room).into()
}
