//! Builds a page's lists while the page is read.

use std::collections::HashMap;

use url::Url;

use super::data_picture::{data_picture, is_data};
use super::folded_text::FoldedText;
use super::link_target::LinkTarget;
use super::{
    InlinePicture, Link, MOST, MetaDirective, Page, PageRules, PictureLink, PicturePlacement,
    REFERENCE,
};
use crate::canonical_url::{CanonicalUrl, UrlId};

/// Most `data:` pictures of one page.
const MOST_INLINE: usize = 64;
/// Most style sheets and most feeds of one page.
const MOST_SHEETS: usize = 256;
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
    links: HashMap<UrlId, usize>,
    pictures: HashMap<UrlId, usize>,
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
            links: HashMap::new(),
            pictures: HashMap::new(),
        }
    }

    /// `None` for a reference that leads nowhere: an empty one, or one to a place on the same
    /// page.
    pub(super) fn resolve(&self, reference: &str) -> Option<CanonicalUrl> {
        let reference = reference.trim();
        if reference.is_empty() || reference.starts_with('#') || reference.len() > REFERENCE {
            return None;
        }
        CanonicalUrl::join(&self.base, reference).ok()
    }

    /// Adds a link, or the picture that it leads to.
    pub(super) fn link(&mut self, reference: &str, nofollow: bool) {
        let Some(url) = self.resolve(reference) else {
            return;
        };
        match LinkTarget::of_path(url.as_url().path()) {
            LinkTarget::Picture => {
                self.add_picture(url, "", "", placement(nofollow));
            }
            LinkTarget::Other => {}
            LinkTarget::Page => match self.links.get(&url.id()) {
                Some(at) => self.page.links[*at].nofollow &= nofollow,
                None if self.page.links.len() < MOST => {
                    self.links.insert(url.id(), self.page.links.len());
                    self.page.links.push(Link { url, nofollow });
                }
                None => {}
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
        if is_data(reference) {
            return self.inline(reference, alt, title);
        }
        let url = self.resolve(reference)?;
        (LinkTarget::of_path(url.as_url().path()) != LinkTarget::Other)
            .then(|| self.add_picture(url, alt, title, PicturePlacement::Shown))
            .flatten()
    }

    /// Adds a picture by its URL. One found again keeps its place and gains missing texts.
    pub(super) fn add_picture(
        &mut self,
        url: CanonicalUrl,
        alt: &str,
        title: &str,
        placement: PicturePlacement,
    ) -> Option<PicturePlace> {
        if let Some(at) = self.pictures.get(&url.id()) {
            let picture = &mut self.page.pictures[*at];
            fill(&mut picture.alt, alt);
            fill(&mut picture.title, title);
            picture.placement = picture.placement.min(placement);
            return Some(PicturePlace::Fetched(*at));
        }
        let at = self.page.pictures.len();
        if at >= MOST {
            return None;
        }
        self.pictures.insert(url.id(), at);
        self.page.pictures.push(PictureLink {
            url,
            alt: FoldedText::of(alt),
            title: FoldedText::of(title),
            caption: String::new(),
            placement,
            thumbnail: None,
        });
        Some(PicturePlace::Fetched(at))
    }

    /// Notes what a link to a picture shows in its place.
    pub(super) fn thumbnail(&mut self, place: Option<PicturePlace>, reference: &str) {
        if let Some(PicturePlace::Fetched(at)) = place {
            let shown = self.resolve(reference);
            let picture = &mut self.page.pictures[at];
            if shown.as_ref() == Some(&picture.url) {
                picture.placement = PicturePlacement::Shown;
            }
            picture.thumbnail = picture.thumbnail.take().or(shown);
        }
    }

    fn inline(&mut self, reference: &str, alt: &str, title: &str) -> Option<PicturePlace> {
        let at = self.page.inline.len();
        if at >= MOST_INLINE {
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
            push_new(&mut self.page.sheets, url);
        }
    }

    pub(super) fn feed(&mut self, reference: &str) {
        if let Some(url) = self.resolve(reference) {
            push_new(&mut self.page.feeds, url);
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
pub(super) fn placement(nofollow: bool) -> PicturePlacement {
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

fn push_new(urls: &mut Vec<CanonicalUrl>, url: CanonicalUrl) {
    if urls.len() < MOST_SHEETS && !urls.contains(&url) {
        urls.push(url);
    }
}
