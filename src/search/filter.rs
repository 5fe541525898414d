//! Which pictures may be results.

use std::collections::HashSet;
use std::sync::Arc;

use crate::canonical_url::CanonicalUrl;
use crate::picture::PictureId;
use crate::store::{PictureRecord, Provenance, Sequence, Store, StoreError};

/// Which pictures may be results: those of which all of this holds.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// They were seen on this host.
    pub host: Option<String>,
    /// They are at least so wide, in pixels.
    pub min_width: u32,
    /// They are at least so high, in pixels.
    pub min_height: u32,
    /// They were stored from then on, in seconds since 1970.
    pub since_s: Option<u64>,
    /// They were stored before then, in seconds since 1970.
    pub until_s: Option<u64>,
    /// All of these words are in what pages say of them, or in the titles of those pages, in capitals
    /// or not; words may be parts of words there.
    pub words: Vec<String>,
    /// They are none of these, which are about to be removed.
    pub hidden: Arc<HashSet<Sequence>>,
}

impl Filter {
    /// The words of a text, as they are looked for.
    pub fn words_of(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_lowercase).collect()
    }

    /// Whether all pictures may be results but those that are hidden.
    pub fn is_open(&self) -> bool {
        let by_places = self.host.is_some() || !self.words.is_empty();
        let by_time = self.since_s.is_some() || self.until_s.is_some();
        !by_places && !by_time && self.min_width == 0 && self.min_height == 0
    }

    /// Whether a picture may be a result. One whose record is unreadable may not where that is
    /// needed; `verify` names it.
    pub fn accepts(&self, store: &Store, sequence: Sequence) -> bool {
        if self.hidden.contains(&sequence) {
            return false;
        }
        let by_record = self.min_width > 0
            || self.min_height > 0
            || self.since_s.is_some()
            || self.until_s.is_some();
        let by_places = self.host.is_some() || !self.words.is_empty();
        if !by_record && !by_places {
            return true;
        }
        let accepts = |id| -> Result<bool, StoreError> {
            let record = by_record.then(|| store.picture(id)).transpose()?;
            if !record.is_none_or(|record| record.is_some_and(|it| self.accepts_record(&it))) {
                return Ok(false);
            }
            Ok(!by_places || self.accepts_places(&store.provenance(id)?))
        };
        let id: Result<Option<PictureId>, StoreError> = store.picture_at(sequence);
        id.and_then(|id| id.map(accepts).transpose())
            .is_ok_and(|accepted| accepted == Some(true))
    }

    fn accepts_record(&self, record: &PictureRecord) -> bool {
        let at_s = record.first_seen;
        record.width >= self.min_width
            && record.height >= self.min_height
            && self.since_s.is_none_or(|since_s| at_s >= since_s)
            && self.until_s.is_none_or(|until_s| at_s < until_s)
    }

    fn accepts_places(&self, places: &Provenance) -> bool {
        let is_there = |host: &String| {
            let on_host =
                |url: &String| CanonicalUrl::parse(url).is_ok_and(|url| url.host() == host);
            let mut pages = places.pages.iter();
            places.urls.iter().any(on_host) || pages.any(|page| on_host(&page.url))
        };
        if !self.host.iter().all(is_there) {
            return false;
        }
        if self.words.is_empty() {
            return true;
        }
        let texts = places.pages.iter();
        let texts =
            texts.flat_map(|page| [&page.title, &page.alt, &page.picture_title, &page.caption]);
        let texts: Vec<String> = texts.map(|text| text.to_lowercase()).collect();
        let is_said = |word: &String| texts.iter().any(|text| text.contains(word));
        self.words.iter().all(is_said)
    }
}
