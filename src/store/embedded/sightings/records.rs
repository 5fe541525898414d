//! What the records say of where pictures were seen.

use crate::canonical_url::{CanonicalUrl, HostId, UrlId};
use crate::picture::PictureId;
use crate::store::embedded::trees::{Overlay, Trees, decode, embed_key, location_key};
use crate::store::{
    Location, LocationId, PageRecord, PictureRecord, Sequence, StoreError, VisitRecord,
};

const PLACES: StoreError = StoreError::Unreadable { tree: "places" };
const EMBEDS: StoreError = StoreError::Unreadable { tree: "embeds" };

/// Is handed something, and says whether it wants more.
pub(super) type Take<'a, T> = &'a mut dyn FnMut(T) -> bool;

/// The records, as they are or as they will be.
#[derive(Clone, Copy)]
pub(super) struct Records<'a> {
    pub(super) trees: &'a Trees,
    pub(super) overlay: Overlay<'a>,
}

impl Records<'_> {
    /// A stored picture's number.
    pub(super) fn sequence(self, picture: &[u8]) -> Result<Option<Sequence>, StoreError> {
        let value = self.overlay.get(&self.trees.pictures, picture)?;
        let record = value.map(|value| decode::<PictureRecord>("pictures", &value));
        Ok(record.transpose()?.map(|record| Sequence(record.sequence)))
    }

    /// Where a picture was found, by a place's key.
    pub(super) fn place(self, key: &[u8]) -> Result<Option<Location>, StoreError> {
        let value = self.overlay.get(&self.trees.places, key)?;
        value.map(|value| decode("places", &value)).transpose()
    }

    /// What is known of the last visit of a URL.
    pub(super) fn visit(self, url: UrlId) -> Result<Option<VisitRecord>, StoreError> {
        let value = self.overlay.get(&self.trees.visits, &url.0)?;
        value.map(|value| decode("visits", &value)).transpose()
    }

    /// The picture that was found at a URL: the one that its last visit gave.
    pub(super) fn picture_at(self, url: UrlId) -> Result<Option<PictureId>, StoreError> {
        let Some(visit) = self.visit(url)? else {
            return Ok(None);
        };
        let picture = PictureId::from_bytes(visit.content);
        let key = location_key(picture, LocationId::of_url(url));
        let place = self.overlay.get(&self.trees.places, &key)?;
        Ok(place.map(|_| picture))
    }

    /// The host of a page that is recorded.
    pub(super) fn page_host(self, page: &[u8]) -> Result<Option<HostId>, StoreError> {
        let Some(value) = self.overlay.get(&self.trees.pages, page)? else {
            return Ok(None);
        };
        let page: PageRecord = decode("pages", &value)?;
        Ok(host_of(&page.url))
    }

    /// The host of a page that is recorded and shows a URL.
    pub(super) fn shown_on(self, url: UrlId, page: UrlId) -> Result<Option<HostId>, StoreError> {
        let key = embed_key(url, page);
        match self.overlay.get(&self.trees.embeds, &key)? {
            Some(_) => self.page_host(&page.0),
            None => Ok(None),
        }
    }

    /// Hands the hosts on which a picture was seen that was found at a place to `take`, some more than
    /// once: the URL's own, and those of the pages that show it. Says whether it wants more.
    pub(super) fn hosts_at(
        self,
        place: LocationId,
        location: &Location,
        take: Take<'_, HostId>,
    ) -> Result<bool, StoreError> {
        let Location::Url(url) = location else {
            return Ok(true);
        };
        if let Some(host) = host_of(url)
            && !take(host)
        {
            return Ok(false);
        }
        let embeds = &self.trees.embeds;
        self.overlay.for_each(embeds, &place.0, &mut |key, _| {
            let page = key.get(place.0.len()..).ok_or(EMBEDS)?;
            let host = self.page_host(page)?;
            Ok(host.is_none_or(&mut *take))
        })
    }

    /// Hands the hosts on which a picture was seen to `take`, some more than once.
    pub(super) fn hosts_of(self, picture: &[u8], take: Take<'_, HostId>) -> Result<(), StoreError> {
        let places = &self.trees.places;
        self.overlay.for_each(places, picture, &mut |key, value| {
            self.hosts_at(place_of(key)?, &decode("places", value)?, take)
        })?;
        Ok(())
    }

    /// Whether a picture was seen on a host.
    pub(super) fn was_seen(self, picture: &[u8], host: HostId) -> Result<bool, StoreError> {
        let mut was_seen = false;
        self.hosts_of(picture, &mut |other| {
            was_seen |= other == host;
            !was_seen
        })?;
        Ok(was_seen)
    }
}

/// The place in a key of the places tree.
pub(super) fn place_of(key: &[u8]) -> Result<LocationId, StoreError> {
    let place = key.get(PictureId::LEN..).ok_or(PLACES)?;
    place.try_into().map(LocationId).map_err(|_| PLACES)
}

fn host_of(url: &str) -> Option<HostId> {
    Some(CanonicalUrl::parse(url).ok()?.host_id())
}
