//! Where pictures were found: what the log says of it, and what the records do.

use crate::canonical_url::{CanonicalUrl, UrlId};
use crate::picture::PictureId;
use crate::store::embedded::EmbeddedMetadata;
use crate::store::embedded::log::Totals;
use crate::store::embedded::metadata::commit_changes::{CommitChanges, found as section_of};
use crate::store::embedded::trees::{
    Overlay, TreeBatches, Trees, decode, embed_key, encode, location_key,
};
use crate::store::entry::{Entry, Found};
use crate::store::provenance::{MOST, MOST_PLACES};
use crate::store::{
    Embed, FileRecord, Location, LocationId, PageRecord, PageTerms, Provenance, SourcePage,
    StoreError,
};

const PLACES: StoreError = StoreError::Unreadable { tree: "places" };

impl Trees {
    /// All that is known of a place, with the pages that show it.
    pub(in crate::store::embedded) fn found(
        &self,
        id: LocationId,
        location: Location,
        file: Option<(u64, u64)>,
    ) -> Result<Found, StoreError> {
        let mut pages = Vec::new();
        if matches!(location, Location::Url(_)) {
            self.pages_showing(UrlId(id.0), &mut |page, embed| {
                pages.push((page, embed));
                pages.len() < MOST
            })?;
        }
        Ok(Found {
            id: id.0,
            location,
            file,
            pages,
        })
    }

    /// Whether the records know that a picture is at a place.
    pub(in crate::store::embedded) fn is_recorded(
        &self,
        picture: PictureId,
        found: &Found,
    ) -> Result<bool, StoreError> {
        let place = self.places.get(location_key(picture, found.id()))?;
        let Some(place) = place else {
            return Ok(false);
        };
        let same_place = decode::<Location>("places", &place)? == found.location;
        let file = self.file(found.id())?;
        let same_file = match (file, found.file) {
            (Some(known), Some((bytes, modified_ns))) => {
                known.picture == picture && known.bytes == bytes && known.modified_ns == modified_ns
            }
            (_, None) => true,
            (None, Some(_)) => false,
        };
        Ok(same_place && same_file)
    }

    /// What is known of the local file of a place.
    pub(in crate::store::embedded) fn file(
        &self,
        place: LocationId,
    ) -> Result<Option<FileRecord>, StoreError> {
        let value = self.files.get(place.0)?;
        value.map(|value| decode("files", &value)).transpose()
    }

    /// All places of a picture, as the log tells them.
    pub(in crate::store::embedded) fn places_of(
        &self,
        picture: PictureId,
    ) -> Result<Vec<Found>, StoreError> {
        let mut places = Vec::new();
        for entry in self.places.scan_prefix(picture.as_bytes()) {
            let (key, value) = entry?;
            let id = place_of(&key)?;
            let file = self.file(id)?;
            let file = file.filter(|file| file.picture == picture);
            let file = file.map(|file| (file.bytes, file.modified_ns));
            places.push(self.found(id, decode("places", &value)?, file)?);
        }
        Ok(places)
    }

    pub(in crate::store::embedded) fn provenance(
        &self,
        id: PictureId,
    ) -> Result<Provenance, StoreError> {
        let mut provenance = Provenance::default();
        let mut changed = Vec::new();
        for entry in self.places.scan_prefix(id.as_bytes()).take(MOST_PLACES) {
            let (key, value) = entry?;
            match decode("places", &value)? {
                Location::Path(path) => match self.file(place_of(&key)?)? {
                    Some(file) if file.picture == id => provenance.paths.push(path),
                    // The file has other bytes by now.
                    _ => changed.push(path),
                },
                Location::Url(_) if provenance.urls.len() == MOST => {}
                Location::Url(url) => {
                    provenance.urls.push(url);
                    let url = UrlId(place_of(&key)?.0);
                    self.add_source_pages(url, &mut provenance.pages)?;
                }
            }
        }
        provenance.or_paths(changed);
        Ok(provenance)
    }

    /// The pages that show a picture's URL, as many as are listed.
    pub(in crate::store::embedded) fn source_pages(
        &self,
        picture: UrlId,
    ) -> Result<Vec<SourcePage>, StoreError> {
        let mut pages = Vec::new();
        self.add_source_pages(picture, &mut pages)?;
        Ok(pages)
    }

    fn add_source_pages(
        &self,
        picture: UrlId,
        pages: &mut Vec<SourcePage>,
    ) -> Result<(), StoreError> {
        self.pages_showing(picture, &mut |page, embed| {
            if pages.len() < MOST {
                pages.push(SourcePage {
                    url: page.url,
                    title: page.title,
                    alt: embed.alt,
                    picture_title: embed.title,
                    caption: embed.caption,
                });
            }
            pages.len() < MOST
        })
    }

    /// What a page says of the use of its pictures.
    pub(in crate::store::embedded) fn terms_of(
        &self,
        page: UrlId,
    ) -> Result<PageTerms, StoreError> {
        match self.terms.get(page.0)? {
            Some(terms) => decode("terms", &terms),
            None => Ok(PageTerms::default()),
        }
    }

    /// A page that shows a picture's URL.
    pub(in crate::store::embedded) fn page_showing(
        &self,
        picture: UrlId,
    ) -> Result<Option<String>, StoreError> {
        let mut first = None;
        self.pages_showing(picture, &mut |page, _| {
            first = Some(page.url);
            false
        })?;
        Ok(first)
    }

    /// Hands the pages that show a picture's URL to `take`, until it wants no more.
    fn pages_showing(
        &self,
        picture: UrlId,
        take: &mut dyn FnMut(PageRecord, Embed) -> bool,
    ) -> Result<(), StoreError> {
        for entry in self.embeds.scan_prefix(picture.0) {
            let (key, value) = entry?;
            let Some(page) = self.pages.get(&key[16..])? else {
                continue;
            };
            if !take(decode("pages", &page)?, decode("embeds", &value)?) {
                break;
            }
        }
        Ok(())
    }

    /// Records the pages that show a place, as the log tells them, unless newer ones are known.
    pub(in crate::store::embedded) fn recall_pages(
        &self,
        found: &Found,
        batches: &mut TreeBatches,
    ) -> Result<(), StoreError> {
        for (page, embed) in &found.pages {
            let Ok(url) = CanonicalUrl::parse(&page.url) else {
                continue;
            };
            let (page_id, key) = (url.id().0, embed_key(UrlId(found.id), url.id()));
            // The visit of a page tells what it shows.
            if !self.visits.contains_key(page_id)? {
                batches.of(&self.embeds).insert(&key, encode(embed));
                let overlay = Overlay::of(batches);
                if overlay.get(&self.pages, &page_id)?.is_none() {
                    batches.of(&self.pages).insert(&page_id, encode(page));
                }
            }
        }
        Ok(())
    }
}

impl EmbeddedMetadata {
    /// Whether a page tells something new of a picture's URL that was seen before.
    pub(in crate::store::embedded) fn is_new_embed(
        &self,
        picture: UrlId,
        page: UrlId,
        embed: &Embed,
    ) -> Result<bool, StoreError> {
        let known = self.trees.embeds.get(embed_key(picture, page))?;
        let is_known = known.is_some_and(|known| known == encode(embed));
        Ok(!is_known && self.url_record(picture)?.is_some())
    }

    /// Tells the log of a page that shows pictures which are stored already. The caller has held the totals
    /// since before the page was recorded: a picture that is on its way is stored before that, or tells of
    /// the page itself.
    pub(in crate::store::embedded) fn tell_of_page(
        &self,
        page: &PageRecord,
        embeds: &[(UrlId, &Embed)],
        totals: &mut Totals,
    ) -> Result<(), StoreError> {
        let mut entries = Vec::new();
        for (url, embed) in embeds {
            let Some(visit) = self.visit(*url)? else {
                continue;
            };
            let picture = PictureId::from_bytes(visit.content);
            let id = LocationId::of_url(*url);
            let Some(location) = self.trees.places.get(location_key(picture, id))? else {
                continue;
            };
            if self.trees.embeds.scan_prefix(url.0).nth(MOST).is_some() {
                continue;
            }
            let found = Found {
                id: id.0,
                location: decode("places", &location)?,
                file: None,
                pages: vec![(page.clone(), (*embed).clone())],
            };
            entries.push(Entry {
                picture,
                sections: vec![section_of(&found)],
            });
        }
        if entries.is_empty() {
            return Ok(());
        }
        self.log.append(&entries)?;
        let changes = CommitChanges::new(self, *totals);
        self.logged(totals, changes, |_| Ok(()))
    }
}

/// The place in a key of the places tree.
pub(in crate::store::embedded) fn place_of(key: &[u8]) -> Result<LocationId, StoreError> {
    let place = key.get(PictureId::LEN..).ok_or(PLACES)?;
    place.try_into().map(LocationId).map_err(|_| PLACES)
}
