//! Reading a page, element by element.

use std::collections::HashSet;

use scraper::ElementRef;

use super::data_attributes::{add_data_attributes, rest_of_series};
use super::guesses::Guesses;
use super::img::{add_sets, img_versions, is_large, of_some_size};
use super::json_ld::JsonLd;
use super::meta::{self, Meta};
use super::open_elements::{Anchor, Figure};
use super::rel::{self, Rel};
use super::shared::Shared;
use super::versions::{Rank, Versions, is_usable};
use super::walk::{Step, attribute, has_token, is_html, is_in_picture, own_text};
use crate::canonical_url::UrlId;
use crate::extract::data_picture::is_data;
use crate::extract::folded_text::FoldedText;
use crate::extract::link_target::LinkTarget;
use crate::extract::page_builder::{PageBuilder, PicturePlace, linked};
use crate::extract::sheet::References;
use crate::extract::version::Version;

/// Figures within figures that are told apart; deeper ones belong to the outer.
const FIGURES: usize = 16;
/// Most frames of a page whose documents it holds itself.
const FRAMES: usize = 64;

/// The state of reading a page: which elements are open around the current place.
pub(super) struct PageReader<'a, 'f> {
    builder: &'f mut PageBuilder,
    shared: Shared<'a>,
    /// The sources of the open `<picture>`.
    sources: Versions<'a>,
    anchor: Option<Anchor<'a>>,
    /// Where anchors led until now. A link that is never closed is repeated by the parser
    /// around all that follows, which does not show the same picture.
    anchored: HashSet<UrlId>,
    figures: Vec<Figure<'a>>,
    held: Held,
}

/// What a document holds that is to be read after it.
#[derive(Default)]
pub(super) struct Held {
    /// Documents of frames.
    pub(super) frames: Vec<String>,
    /// References that may be pictures'.
    pub(super) guesses: Guesses,
}

impl<'a, 'f> PageReader<'a, 'f> {
    pub(super) fn new(builder: &'f mut PageBuilder, shared: Shared<'a>) -> Self {
        Self {
            builder,
            shared,
            sources: Versions::default(),
            anchor: None,
            anchored: HashSet::new(),
            figures: Vec::new(),
            held: Held::default(),
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
    pub(super) fn finish(mut self) -> Held {
        self.close_anchor();
        while let Some(figure) = self.figures.pop() {
            self.close_figure(figure);
        }
        self.held
    }

    fn enter(&mut self, element: ElementRef<'a>) {
        let value = |name: &str| attribute(&element, name);
        match element.value().name() {
            "a" | "area" => self.open_link(element),
            "img" | "amp-img" | "amp-anim" => {
                let sources = std::mem::take(&mut self.sources);
                self.img(&element, sources);
            }
            "picture" => self.sources = Versions::default(),
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
            "iframe" | "frame" => self.frame(&element),
            "input" if value("type").is_some_and(|kind| kind.eq_ignore_ascii_case("image")) => {
                self.img(&element, Versions::default());
            }
            "object" => self.embedded(&element, value("data")),
            "embed" => self.embedded(&element, value("src")),
            // HTML's own <image> has become an <img> by now: this is SVG's, whose sides are in
            // units of the drawing.
            "image" | "feImage" => {
                let versions = value("href").filter(|it| !it.starts_with('#'));
                self.picture(versions, "", None);
            }
            "style" => self.styles(&own_text(&element)),
            "script" => self.script(&element),
            _ => {}
        }
        self.attributes(&element);
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
                let sources = std::mem::take(&mut self.sources);
                self.add(sources, "", "");
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
        let nofollow = has_token(&element, "rel", "nofollow");
        let href = attribute(&element, "href").unwrap_or_default();
        if has_token(&element, "rel", "license") {
            self.license(href);
        }
        let url = self.builder.peek(href);
        let leads_to_picture = url
            .as_ref()
            .is_some_and(|url| LinkTarget::of_url(url) == LinkTarget::Picture);
        let mut versions = Versions::default();
        if leads_to_picture {
            versions.push_linked(href, linked(nofollow));
        }
        // What scripts show when the link is clicked.
        add_data_attributes(&element, false, &mut versions);
        let opens = self.anchor.is_none()
            && element.value().name() == "a"
            && !versions.is_empty()
            && match &url {
                Some(url) => self.anchored.insert(url.id()),
                None => true,
            };
        if opens {
            self.anchor = Some(Anchor {
                element,
                versions,
                shown: None,
                text: FoldedText::default(),
                alt: "",
                title: attribute(&element, "title").unwrap_or_default(),
            });
        }
        if !opens || !leads_to_picture {
            self.builder.link(href, nofollow);
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
        self.add(anchor.versions, alt, anchor.title);
    }

    /// A licence is of the figure that it stands in, or else of the page.
    fn license(&mut self, reference: &'a str) {
        match self.figures.last_mut() {
            Some(figure) => figure.license = figure.license.or(Some(reference)),
            None => self.builder.license(reference),
        }
    }

    fn close_figure(&mut self, figure: Figure<'a>) {
        let license = figure
            .license
            .and_then(|license| self.builder.peek(license));
        if let Some(license) = license {
            for place in &figure.pictures {
                self.builder.license_of(*place, license.as_str());
            }
        }
        let caption = figure.caption.into_string();
        if !caption.is_empty() {
            for place in figure.pictures {
                self.builder.caption(place, &caption);
            }
        } else if let Some(outer) = self.figures.last_mut() {
            outer.pictures.extend(figure.pictures);
        }
    }

    fn img(&mut self, element: &ElementRef<'a>, sources: Versions<'a>) {
        let alt = attribute(element, "alt").unwrap_or_default();
        let title = attribute(element, "title").unwrap_or_default();
        let is_placeholder = |src: &str| self.shared.is_placeholder(src);
        let mut versions = img_versions(element, sources, &is_placeholder, &self.builder.rules);
        let shared = versions.take_shared(|reference| self.shared.is_shared(reference));
        let best = versions.best_reference();
        if let Some(anchor) = &mut self.anchor
            && best
                .as_ref()
                .is_none_or(|best| anchor.shown.get_or_insert_with(|| best.clone()) == best)
        {
            if anchor.alt.is_empty() {
                anchor.alt = alt;
            }
            if anchor.title.is_empty() {
                anchor.title = title;
            }
            anchor.versions.append(versions);
        } else {
            self.add(versions, alt, title);
        }
        // They are pictures as well, and asked for once.
        for version in shared {
            self.versions(&[version], "", "");
        }
    }

    /// Adds the picture of these versions.
    fn add(&mut self, versions: Versions<'a>, alt: &str, title: &str) {
        self.versions(&versions.into_list(), alt, title);
    }

    fn source(&mut self, element: &ElementRef<'a>) {
        let media_type = attribute(element, "type").unwrap_or_default();
        if LinkTarget::of_media_type(media_type) != LinkTarget::Other {
            add_sets(element, &mut self.sources);
            add_data_attributes(element, true, &mut self.sources);
        }
    }

    fn frame(&mut self, element: &ElementRef<'a>) {
        match attribute(element, "srcdoc") {
            Some(document) if self.held.frames.len() < FRAMES => {
                self.held.frames.push(document.to_owned());
            }
            Some(_) => {}
            None => {
                // Scripts load frames late, too.
                let names = ["src", "data-src", "data-lazy-src"];
                let names = names.iter().filter_map(|name| attribute(element, name));
                for reference in names.filter(|it| !it.starts_with("about:")) {
                    self.builder.link(reference, false);
                }
            }
        }
    }

    fn picture(&mut self, reference: Option<&str>, alt: &str, title: Option<&str>) {
        if let Some(reference) = reference {
            self.versions(&[Version::shown(reference)], alt, title.unwrap_or_default());
        }
    }

    fn versions(
        &mut self,
        versions: &[Version<'_>],
        alt: &str,
        title: &str,
    ) -> Option<PicturePlace> {
        let place = self.builder.versions(versions, alt, title);
        if let (Some(figure), Some(place)) = (self.figures.last_mut(), place) {
            figure.pictures.push(place);
        }
        place
    }

    fn embedded(&mut self, element: &ElementRef<'a>, reference: Option<&'a str>) {
        let Some(reference) = reference.filter(|reference| !is_data(reference)) else {
            return;
        };
        let target = match attribute(element, "type") {
            Some(media_type) if !media_type.is_empty() => LinkTarget::of_media_type(media_type),
            _ => LinkTarget::of_path(reference),
        };
        match target {
            LinkTarget::Picture if is_large(element, 1.0, &self.builder.rules) => {
                self.picture(Some(reference), "", attribute(element, "title"));
            }
            // It says neither that it is a picture nor that it is something else.
            LinkTarget::Page if attribute(element, "type").is_none_or(str::is_empty) => {
                self.builder.link(reference, false);
            }
            _ => {}
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
            Some(Rel::Preloaded(versions)) => self.add(versions, "", ""),
            Some(Rel::Sheet(reference)) => self.builder.sheet(reference),
            Some(Rel::Feed(reference)) => self.builder.feed(reference),
            Some(Rel::Page(reference)) => self.builder.link(reference, false),
            Some(Rel::License(reference)) => self.builder.license(reference),
            None => {}
        }
    }

    fn styles(&mut self, css: &str) {
        let references = References::read(css);
        for versions in references.pictures {
            let versions: Vec<_> = versions.into_iter().map(Version::shown).collect();
            self.versions(&versions, "", "");
        }
        for reference in &references.imports {
            self.builder.sheet(reference);
        }
    }

    fn script(&mut self, element: &ElementRef<'a>) {
        let media_type = attribute(element, "type").unwrap_or_default();
        let essence = media_type.split(';').next().unwrap_or_default().trim();
        let text = own_text(element);
        if essence.eq_ignore_ascii_case("application/ld+json") {
            let data = JsonLd::read(&text, &self.builder.rules);
            for named in data.pictures {
                let versions = named.references.iter();
                let versions: Vec<_> = versions.map(|it| Version::shown(it.as_str())).collect();
                let place = self.versions(&versions, &named.text, "");
                if let (Some(place), Some(license)) = (place, &named.license) {
                    self.builder.license_of(place, license);
                }
            }
            self.builder.name_license(data.license);
            return;
        }
        let is_json = essence.to_ascii_lowercase().ends_with("json");
        self.held.guesses.read(&text, !is_json);
    }

    /// What attributes name that any element may have: backgrounds, and pictures that scripts
    /// load late. Those of one element are versions of one picture.
    fn attributes(&mut self, element: &ElementRef<'a>) {
        let name = element.value().name();
        let shows_picture = matches!(name, "img" | "amp-img" | "amp-anim" | "input");
        let is_read = shows_picture || matches!(name, "a" | "source" | "iframe" | "script");
        let mut versions = Versions::default();
        if !is_read || (name == "source" && !is_in_picture(element)) {
            add_data_attributes(element, false, &mut versions);
        }
        for (name, value) in element.value().attrs() {
            match name {
                "style" if value.contains('(') => {
                    let references = References::read(value);
                    let mut pictures = references.pictures;
                    // A single one beside those of scripts is mostly their placeholder.
                    if pictures.len() == 1 && !versions.is_empty() {
                        let shown = pictures.remove(0).swap_remove(0);
                        versions.push(Rank::Plain(1.0), shown);
                    }
                    for options in pictures {
                        let options: Vec<_> = options.into_iter().map(Version::shown).collect();
                        self.versions(&options, "", "");
                    }
                }
                "background" | "poster" if is_usable(value.trim()) => {
                    versions.push(Rank::Plain(1.0), value.trim());
                }
                _ if value.trim_start().starts_with(['{', '[']) => {
                    self.held.guesses.read(value, false);
                }
                _ => {}
            }
        }
        let versions = of_some_size(element, versions, &self.builder.rules);
        let title = attribute(element, "title").unwrap_or_default();
        self.add(versions, "", title);
        for reference in rest_of_series(element) {
            self.versions(&[Version::shown(reference)], "", title);
        }
    }
}
