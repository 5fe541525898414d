//! Links and figures that are open around the current place of a page.

use scraper::ElementRef;

use super::versions::Versions;
use crate::extract::folded_text::FoldedText;
use crate::extract::page_builder::PicturePlace;

/// An open link to a picture. The first picture in it shows the same in small.
pub(super) struct Anchor<'a> {
    pub(super) element: ElementRef<'a>,
    pub(super) versions: Versions<'a>,
    /// The best version of the first picture in it.
    pub(super) shown: Option<String>,
    pub(super) text: FoldedText,
    pub(super) alt: &'a str,
    pub(super) title: &'a str,
}

/// An open `<figure>`.
pub(super) struct Figure<'a> {
    pub(super) element: ElementRef<'a>,
    /// The open `<figcaption>`.
    pub(super) in_caption: Option<ElementRef<'a>>,
    pub(super) caption: FoldedText,
    pub(super) pictures: Vec<PicturePlace>,
    /// The licence that a link in it leads to.
    pub(super) license: Option<&'a str>,
}

impl<'a> Figure<'a> {
    pub(super) fn new(element: ElementRef<'a>) -> Self {
        Self {
            element,
            in_caption: None,
            caption: FoldedText::default(),
            pictures: Vec::new(),
            license: None,
        }
    }
}
