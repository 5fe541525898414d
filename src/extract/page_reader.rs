//! Reading a page, element by element.

use std::collections::HashSet;

use scraper::ElementRef;

use super::data_picture::is_data;
use super::folded_text::FoldedText;
use super::img::{is_large, larger, largest_in_sets, largest_version};
use super::json_ld::json_ld_pictures;
use super::link_target::LinkTarget;
use super::meta::{self, Meta};
use super::page_builder::{PageBuilder, PicturePlace, placement};
use super::rel::{self, Rel};
use super::sheet::References;
use super::srcset::Candidate;
use super::walk::{Step, attribute, has_token, own_text};
use crate::canonical_url::{CanonicalUrl, UrlId};

/// Figures within figures that are told apart; deeper ones belong to the outer.
const FIGURES: usize = 16;

/// Where pages keep backgrounds: HTML's old attribute, and what scripts load later.
const BACKGROUNDS: [&str; 5] = [
    "background",
    "data-bg",
    "data-bg-src",
    "data-background",
    "data-background-image",
];

/// The state of reading a page: which elements are open around the current place.
pub(super) struct PageReader<'a, 'f> {
    builder: &'f mut PageBuilder,
    /// The best source of the open `<picture>`.
    sources: Option<Candidate<'a>>,
    anchor: Option<Anchor<'a>>,
    /// Where anchors led until now. A link that is never closed is repeated by the parser
    /// around all that follows, which does not show the same picture.
    anchored: HashSet<UrlId>,
    figures: Vec<Figure<'a>>,
}

/// An open link to a picture. The first picture in it shows the same in small.
struct Anchor<'a> {
    element: ElementRef<'a>,
    url: CanonicalUrl,
    nofollow: bool,
    thumbnail: Option<&'a str>,
    text: FoldedText,
    alt: &'a str,
    title: &'a str,
}

/// An open `<figure>`.
struct Figure<'a> {
    element: ElementRef<'a>,
    /// The open `<figcaption>`.
    in_caption: Option<ElementRef<'a>>,
    caption: FoldedText,
    pictures: Vec<PicturePlace>,
}

impl<'a, 'f> PageReader<'a, 'f> {
    pub(super) fn new(builder: &'f mut PageBuilder) -> Self {
        Self {
            builder,
            sources: None,
            anchor: None,
            anchored: HashSet::new(),
            figures: Vec::new(),
        }
    }

    pub(super) fn step(&mut self, step: Step<'a>) {
        match step {
            Step::Enter(element) => self.enter(element),
            Step::Text(text) => self.text(text),
            Step::Leave(element) => self.leave(element),
        }
    }

    /// Closes what a truncated page left open.
    pub(super) fn finish(mut self) {
        self.close_anchor();
        while let Some(figure) = self.figures.pop() {
            self.close_figure(figure);
        }
    }

    fn enter(&mut self, element: ElementRef<'a>) {
        let value = |name: &str| attribute(&element, name);
        match element.value().name() {
            "a" | "area" => self.open_link(element),
            "img" | "amp-img" => {
                let sources = self.sources.take();
                self.img(&element, sources);
            }
            "picture" => self.sources = None,
            "source" if is_in_picture(&element) => self.source(&element),
            "figure" if self.figures.len() < FIGURES => self.figures.push(Figure::new(element)),
            "figcaption" => {
                if let Some(figure) = self.figures.last_mut()
                    && figure.in_caption.is_none()
                    && figure.caption.is_empty()
                {
                    figure.in_caption = Some(element);
                }
            }
            // Words do not continue across these elements.
            "br" | "p" | "div" | "li" => self.text(" "),
            "title" if self.builder.page.title.is_empty() && is_html(&element) => {
                self.builder.page.title = FoldedText::of(&own_text(&element));
            }
            "meta" => self.meta(&element),
            "link" => self.link(&element),
            "iframe" | "frame" => {
                if let Some(reference) = value("src") {
                    self.builder.link(reference, false);
                }
            }
            "input" if value("type").is_some_and(|kind| kind.eq_ignore_ascii_case("image")) => {
                self.img(&element, None);
            }
            "video" | "amp-video" => {
                let poster = value("poster").or(value("data-poster"));
                self.picture(poster, "", value("title"));
            }
            "object" => self.embedded(&element, value("data")),
            "embed" => self.embedded(&element, value("src")),
            // HTML's own <image> has become an <img> by now: this is SVG's.
            "image" if is_large(&element, 1.0, &self.builder.rules) => {
                self.picture(value("href"), "", None);
            }
            "style" => self.styles(&own_text(&element)),
            "script" => {
                let is_json_ld = value("type").is_some_and(|media_type| {
                    let essence = media_type.split(';').next().unwrap_or_default();
                    essence.trim().eq_ignore_ascii_case("application/ld+json")
                });
                if is_json_ld {
                    self.json_ld(&own_text(&element));
                }
            }
            _ => {}
        }
        self.backgrounds(&element);
    }

    fn text(&mut self, text: &str) {
        if let Some(anchor) = &mut self.anchor {
            anchor.text.push(text);
        }
        if let Some(figure) = self.figures.last_mut()
            && figure.in_caption.is_some()
        {
            figure.caption.push(text);
        }
    }

    fn leave(&mut self, element: ElementRef<'a>) {
        match element.value().name() {
            "a" if self
                .anchor
                .as_ref()
                .is_some_and(|open| open.element == element) =>
            {
                self.close_anchor();
            }
            "picture" => {
                // A <picture> without its <img>: scripts add it.
                if let Some(source) = self.sources.take() {
                    self.picture(Some(source.url), "", None);
                }
            }
            "figcaption" => {
                if let Some(figure) = self.figures.last_mut()
                    && figure.in_caption == Some(element)
                {
                    figure.in_caption = None;
                }
            }
            "figure" => {
                if let Some(figure) = self.figures.pop_if(|figure| figure.element == element) {
                    self.close_figure(figure);
                }
            }
            _ => {}
        }
    }

    fn open_link(&mut self, element: ElementRef<'a>) {
        let Some(href) = attribute(&element, "href") else {
            return;
        };
        let nofollow = has_token(&element, "rel", "nofollow");
        let url = self
            .builder
            .resolve(href)
            .filter(|url| LinkTarget::of_path(url.as_url().path()) == LinkTarget::Picture);
        match url {
            Some(url)
                if self.anchor.is_none()
                    && element.value().name() == "a"
                    && self.anchored.insert(url.id()) =>
            {
                self.anchor = Some(Anchor {
                    element,
                    url,
                    nofollow,
                    thumbnail: None,
                    text: FoldedText::default(),
                    alt: "",
                    title: attribute(&element, "title").unwrap_or_default(),
                });
            }
            _ => self.builder.link(href, nofollow),
        }
    }

    fn close_anchor(&mut self) {
        let Some(anchor) = self.anchor.take() else {
            return;
        };
        let text = anchor.text.into_string();
        let alt = if anchor.alt.is_empty() {
            &text
        } else {
            anchor.alt
        };
        let placement = placement(anchor.nofollow);
        let place = self
            .builder
            .add_picture(anchor.url, alt, anchor.title, placement);
        if let Some(thumbnail) = anchor.thumbnail {
            self.builder.thumbnail(place, thumbnail);
        }
        self.placed(place);
    }

    fn close_figure(&mut self, figure: Figure<'a>) {
        let caption = figure.caption.into_string();
        if !caption.is_empty() {
            for place in figure.pictures {
                self.builder.caption(place, &caption);
            }
        } else if let Some(outer) = self.figures.last_mut() {
            outer.pictures.extend(figure.pictures);
        }
    }

    fn img(&mut self, element: &ElementRef<'a>, sources: Option<Candidate<'a>>) {
        let alt = attribute(element, "alt").unwrap_or_default();
        let title = attribute(element, "title").unwrap_or_default();
        let reference = largest_version(element, sources, &self.builder.rules);
        if let Some(anchor) = &mut self.anchor
            && reference
                .is_none_or(|reference| *anchor.thumbnail.get_or_insert(reference) == reference)
        {
            if anchor.alt.is_empty() {
                anchor.alt = alt;
            }
            if anchor.title.is_empty() {
                anchor.title = title;
            }
            return;
        }
        self.picture(reference, alt, Some(title));
    }

    fn source(&mut self, element: &ElementRef<'a>) {
        let media_type = attribute(element, "type").unwrap_or_default();
        if LinkTarget::of_media_type(media_type) != LinkTarget::Other {
            self.sources = larger(self.sources, largest_in_sets(element));
        }
    }

    fn picture(&mut self, reference: Option<&str>, alt: &str, title: Option<&str>) {
        if let Some(reference) = reference {
            let title = title.unwrap_or_default();
            let place = self.builder.picture(reference, alt, title);
            self.placed(place);
        }
    }

    fn placed(&mut self, place: Option<PicturePlace>) {
        if let (Some(figure), Some(place)) = (self.figures.last_mut(), place) {
            figure.pictures.push(place);
        }
    }

    fn embedded(&mut self, element: &ElementRef<'a>, reference: Option<&str>) {
        let is_picture = match attribute(element, "type") {
            Some(media_type) => LinkTarget::of_media_type(media_type) == LinkTarget::Picture,
            None => reference
                .is_some_and(|r| !is_data(r) && LinkTarget::of_path(r) == LinkTarget::Picture),
        };
        if is_picture && is_large(element, 1.0, &self.builder.rules) {
            self.picture(reference, "", attribute(element, "title"));
        }
    }

    fn meta(&mut self, element: &ElementRef<'a>) {
        match meta::read(element, &self.builder.rules) {
            Some(Meta::Picture(reference)) => self.picture(Some(reference), "", None),
            Some(Meta::Refresh { reference, soon }) => self.builder.refresh(reference, soon),
            Some(Meta::Named(name, content)) => self.builder.directive(name, content),
            None => {}
        }
    }

    fn link(&mut self, element: &ElementRef<'a>) {
        match rel::read(element, &self.builder.rules) {
            Some(Rel::Picture(reference)) => self.picture(Some(reference), "", None),
            Some(Rel::Sheet(reference)) => self.builder.sheet(reference),
            Some(Rel::Feed(reference)) => self.builder.feed(reference),
            Some(Rel::Page(reference)) => self.builder.link(reference, false),
            None => {}
        }
    }

    fn styles(&mut self, css: &str) {
        let references = References::read(css);
        for reference in &references.pictures {
            self.picture(Some(reference), "", None);
        }
        for reference in &references.imports {
            self.builder.sheet(reference);
        }
    }

    fn json_ld(&mut self, json: &str) {
        for named in json_ld_pictures(json, &self.builder.rules) {
            self.picture(Some(&named.reference), &named.text, None);
        }
    }

    fn backgrounds(&mut self, element: &ElementRef<'a>) {
        for (name, value) in element.value().attrs() {
            let is_style = name == "style";
            if (is_style || BACKGROUNDS.contains(&name)) && value.contains('(') {
                self.styles(value);
            } else if !is_style && BACKGROUNDS.contains(&name) && value.contains(['.', '/']) {
                self.picture(Some(value), "", None);
            }
        }
    }
}

impl<'a> Figure<'a> {
    fn new(element: ElementRef<'a>) -> Self {
        Self {
            element,
            in_caption: None,
            caption: FoldedText::default(),
            pictures: Vec::new(),
        }
    }
}

fn is_in_picture(source: &ElementRef<'_>) -> bool {
    source
        .parent()
        .and_then(ElementRef::wrap)
        .is_some_and(|parent| parent.value().name() == "picture")
}

/// SVG has titles of its own.
fn is_html(element: &ElementRef<'_>) -> bool {
    element.value().name.ns == html5ever::ns!(html)
}
