//! Which pictures may be results.

use std::collections::HashSet;
use std::sync::Arc;

use crate::canonical_url::CanonicalUrl;
use crate::picture::PictureId;
use crate::store::{Measure, Provenance, Sequence, Store, StoreError};

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
        self.host.is_none() && self.words.is_empty() && !self.is_by_measure()
    }

    /// Whether it depends on how large pictures are, or when they were stored.
    pub(super) fn is_by_measure(&self) -> bool {
        let by_size = self.min_width > 0 || self.min_height > 0;
        by_size || self.since_s.is_some() || self.until_s.is_some()
    }

    /// Whether a picture of this measure may be a result.
    pub(super) fn accepts_measure(&self, measure: Measure) -> bool {
        let at_s = measure.first_seen_s;
        measure.width >= self.min_width
            && measure.height >= self.min_height
            && self.since_s.is_none_or(|since_s| at_s >= since_s)
            && self.until_s.is_none_or(|until_s| at_s < until_s)
    }

    /// Whether a picture may be a result by what is left to be asked of it.
    pub(super) fn accepts_rest(&self, store: &Store, sequence: Sequence, rest: Rest) -> bool {
        let accepts = |id| -> Result<bool, StoreError> {
            let record = rest.measure.then(|| store.picture(id)).transpose()?;
            let is_large = record.is_none_or(|record| {
                record.is_some_and(|record| self.accepts_measure(Measure::from(&record)))
            });
            if !is_large || !(rest.host || rest.words) {
                return Ok(is_large);
            }
            let places = store.provenance(id)?;
            let is_seen = !rest.host || self.is_seen(&places);
            Ok(is_seen && (!rest.words || self.is_said(&places)))
        };
        let id: Result<Option<PictureId>, StoreError> = store.picture_at(sequence);
        id.and_then(|id| id.map(accepts).transpose())
            .is_ok_and(|accepted| accepted == Some(true))
    }

    fn is_seen(&self, places: &Provenance) -> bool {
        let is_there = |host: &String| {
            let on_host =
                |url: &String| CanonicalUrl::parse(url).is_ok_and(|url| url.host() == host);
            let mut pages = places.pages.iter();
            places.urls.iter().any(on_host) || pages.any(|page| on_host(&page.url))
        };
        self.host.iter().all(is_there)
    }

    fn is_said(&self, places: &Provenance) -> bool {
        let texts = places.pages.iter();
        let texts =
            texts.flat_map(|page| [&page.title, &page.alt, &page.picture_title, &page.caption]);
        let texts: Vec<String> = texts.map(|text| text.to_lowercase()).collect();
        let is_said = |word: &String| texts.iter().any(|text| text.contains(word));
        self.words.iter().all(is_said)
    }
}

/// What a store does not have ready, and is asked of each picture.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Rest {
    /// Whether it was seen on the host.
    pub(super) host: bool,
    /// How large it is and when it was stored.
    pub(super) measure: bool,
    /// Whether the words are said of it.
    pub(super) words: bool,
}
