//! Where a picture was seen.

use serde::Serialize;

use super::record::{Embed, Location, PageRecord, decode};
use super::{Store, StoreError};
use crate::canonical_url::UrlId;
use crate::picture::PictureId;

/// Most URLs, paths and pages listed for one picture: a logo may stand on a million pages.
const MOST: usize = 100;

/// Where a picture was seen, at most 100 places and 100 pages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Provenance {
    /// URLs that served it.
    pub urls: Vec<String>,
    /// Local files that held it.
    pub paths: Vec<String>,
    /// Pages that showed it.
    pub pages: Vec<SourcePage>,
}

/// A page that shows a picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
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
    /// What the page says of the picture: its caption, title or alternative text, the first
    /// that there is.
    pub fn words(&self) -> &str {
        let texts = [&self.caption, &self.picture_title, &self.alt];
        texts
            .into_iter()
            .find(|text| !text.is_empty())
            .map_or("", String::as_str)
    }
}

impl Store {
    /// Where a picture was seen.
    ///
    /// # Errors
    /// If sled fails or a record is unreadable.
    pub fn provenance(&self, id: PictureId) -> Result<Provenance, StoreError> {
        let mut provenance = Provenance::default();
        for entry in self.trees.places.scan_prefix(id.as_bytes()).take(MOST) {
            let (key, value) = entry?;
            match decode("places", &value)? {
                Location::Path(path) => provenance.paths.push(path),
                Location::Url(url) => {
                    provenance.urls.push(url);
                    let place = key[PictureId::LEN..].try_into();
                    let place = place.map_err(|_| StoreError::Unreadable { tree: "places" })?;
                    self.pages_showing(UrlId(place), &mut provenance.pages)?;
                }
            }
        }
        Ok(provenance)
    }

    fn pages_showing(&self, picture: UrlId, pages: &mut Vec<SourcePage>) -> Result<(), StoreError> {
        for entry in self.trees.embeds.scan_prefix(picture.0) {
            if pages.len() >= MOST {
                break;
            }
            let (key, value) = entry?;
            let Some(page) = self.trees.pages.get(&key[16..])? else {
                continue;
            };
            let page: PageRecord = decode("pages", &page)?;
            let embed: Embed = decode("embeds", &value)?;
            pages.push(SourcePage {
                url: page.url,
                title: page.title,
                alt: embed.alt,
                picture_title: embed.title,
                caption: embed.caption,
            });
        }
        Ok(())
    }

    /// How many pages were fetched; reads the whole tree.
    pub fn page_count(&self) -> u64 {
        self.trees.pages.len() as u64
    }
}
