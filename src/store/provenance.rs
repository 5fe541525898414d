//! Where a picture was seen.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::local_path::LocalPath;

/// Most URLs and pages listed for one picture: a logo may stand on a million pages.
pub(super) const MOST: usize = 100;
/// Most places of one picture that are looked at for its files, which are all listed.
pub(super) const MOST_PLACES: usize = 100_000;

/// Where a picture was seen, at most 100 URLs and 100 pages, but all files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Provenance {
    /// URLs that served it.
    pub urls: Vec<String>,
    /// Local files that hold it, sorted. A file that has other bytes by now is named only where
    /// the picture is known from nowhere else.
    pub paths: Vec<LocalPath>,
    /// Pages that showed it.
    pub pages: Vec<SourcePage>,
}

impl Provenance {
    /// Names files that held the picture and have other bytes by now, if nothing else is known:
    /// a picture is never without a place.
    pub(super) fn or_paths(&mut self, changed: Vec<LocalPath>) {
        if self.urls.is_empty() && self.paths.is_empty() {
            self.paths = changed;
        }
        self.paths.sort_unstable();
    }
}

/// A page that shows a picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SourcePage {
    /// The page's URL.
    pub url: String,
    /// The page's title; empty if it has none.
    pub title: String,
    /// The picture's alternative text there; empty if it has none.
    pub alt: String,
    /// The picture's own title there; empty if it has none.
    pub picture_title: String,
    /// The caption of the figure it stands in there; empty if it has none.
    pub caption: String,
}

impl SourcePage {
    /// What the page says about the picture: the first of caption, title and alternative text
    /// that is not empty.
    pub fn words(&self) -> &str {
        let texts = [&self.caption, &self.picture_title, &self.alt];
        texts
            .into_iter()
            .find(|text| !text.is_empty())
            .map_or("", String::as_str)
    }
}
