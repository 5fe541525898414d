//! Where pictures were found, how pages show them, and what becomes of a picture without a place.

use std::collections::BTreeMap;

use crate::canonical_url::UrlId;
use crate::local_path::LocalPath;
use crate::picture::PictureId;
use crate::store::cluster::rows::transaction::Transaction;
use crate::store::cluster::rows::url_row::host_of;
use crate::store::cluster::{decode, encode, text};
use crate::store::{Embed, Location, LocationId, StoreError};

impl Transaction<'_> {
    /// The locations of a picture, in the order of their ids.
    pub(in crate::store::cluster) fn locations_of(
        &mut self,
        picture: PictureId,
    ) -> Result<Vec<(LocationId, Location)>, StoreError> {
        let select =
            sqlx::query_as("SELECT id, url, path FROM locations WHERE picture = $1 ORDER BY id");
        let rows = self.rows(select.bind(*picture.as_bytes()))?;
        rows.into_iter()
            .map(|(id, url, path)| Ok((LocationId(id), location(url, path)?)))
            .collect()
    }

    /// Whether a picture was found at a location.
    pub(in crate::store::cluster) fn is_at(
        &mut self,
        picture: PictureId,
        at: LocationId,
    ) -> Result<bool, StoreError> {
        let select = sqlx::query_as("SELECT 1 FROM locations WHERE picture = $1 AND id = $2");
        let row: Option<(i32,)> = self.row(select.bind(*picture.as_bytes()).bind(at.0))?;
        Ok(row.is_some())
    }

    pub(in crate::store::cluster) fn put_location(
        &mut self,
        picture: PictureId,
        at: LocationId,
        location: &Location,
    ) -> Result<(), StoreError> {
        let (url, path) = match location {
            Location::Url(url) => (Some(url.clone()), None),
            Location::Path(path) => (None, Some(encode(path))),
        };
        let host = url.as_deref().and_then(host_of).map(|host| host.0);
        let insert = sqlx::query(
            "INSERT INTO locations (picture, id, url, host, path) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (picture, id) DO UPDATE SET \
             url = excluded.url, host = excluded.host, path = excluded.path",
        );
        let insert = insert.bind(*picture.as_bytes()).bind(at.0);
        self.execute(insert.bind(url).bind(host).bind(path))
            .map(drop)
    }

    /// Returns whether it was there.
    pub(in crate::store::cluster) fn take_location(
        &mut self,
        picture: PictureId,
        at: LocationId,
    ) -> Result<bool, StoreError> {
        let delete = sqlx::query("DELETE FROM locations WHERE picture = $1 AND id = $2");
        let taken = self.execute(delete.bind(*picture.as_bytes()).bind(at.0))?;
        Ok(taken > 0)
    }

    /// Removes a URL from a picture's locations, and the picture if it was the last.
    pub(in crate::store::cluster) fn remove_location(
        &mut self,
        picture: PictureId,
        url: UrlId,
    ) -> Result<(), StoreError> {
        if self.take_location(picture, LocationId::of_url(url))?
            && self.locations_of(picture)?.is_empty()
        {
            self.take_out(picture, false)?;
        }
        Ok(())
    }

    /// Whether a URL gave a picture that is still known from it.
    pub(in crate::store::cluster) fn gave_picture(
        &mut self,
        url: UrlId,
    ) -> Result<bool, StoreError> {
        match self
            .url(url)?
            .and_then(crate::store::cluster::rows::url_row::UrlRow::gave)
        {
            Some(picture) => self.is_at(picture, LocationId::of_url(url)),
            None => Ok(false),
        }
    }

    /// The pages that show a picture's URL, in the order of their ids.
    pub(in crate::store::cluster) fn pages_showing(
        &mut self,
        picture: UrlId,
    ) -> Result<Vec<(UrlId, Embed)>, StoreError> {
        let select = sqlx::query_as(
            "SELECT page, alt, title, caption FROM embeds WHERE picture = $1 ORDER BY page",
        );
        let rows = self.rows(select.bind(picture.0))?;
        let rows = rows.into_iter().map(|(page, alt, title, caption)| {
            let embed = Embed {
                alt,
                title,
                caption,
            };
            (UrlId(page), embed)
        });
        Ok(rows.collect())
    }

    /// Notes how pages show pictures' URLs: by the picture and the page.
    pub(in crate::store::cluster) fn put_embeds(
        &mut self,
        embeds: BTreeMap<(UrlId, UrlId), Embed>,
    ) -> Result<(), StoreError> {
        if embeds.is_empty() {
            return Ok(());
        }
        let (mut pictures, mut pages) = (Vec::new(), Vec::new());
        let (mut alts, mut titles, mut captions) = (Vec::new(), Vec::new(), Vec::new());
        for ((picture, page), embed) in embeds {
            pictures.push(picture.0);
            pages.push(page.0);
            alts.push(text(embed.alt));
            titles.push(text(embed.title));
            captions.push(text(embed.caption));
        }
        let insert = sqlx::query(
            "INSERT INTO embeds (picture, page, alt, title, caption) \
             SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::text[], $4::text[], $5::text[]) \
             ON CONFLICT (picture, page) DO UPDATE SET \
             alt = excluded.alt, title = excluded.title, caption = excluded.caption",
        );
        let insert = insert.bind(pictures).bind(pages).bind(alts);
        self.execute(insert.bind(titles).bind(captions)).map(drop)
    }

    /// Forgets the pictures that `page` no longer shows, and gives them.
    pub(in crate::store::cluster) fn hide(
        &mut self,
        page: UrlId,
        before: &[UrlId],
        now: &[UrlId],
    ) -> Result<Vec<UrlId>, StoreError> {
        let hidden = before.iter().filter(|id| !now.contains(id)).copied();
        let hidden: Vec<UrlId> = hidden.collect();
        if !hidden.is_empty() {
            let ids: Vec<[u8; 16]> = hidden.iter().map(|id| id.0).collect();
            let delete = sqlx::query("DELETE FROM embeds WHERE page = $1 AND picture = ANY($2)");
            self.execute(delete.bind(page.0).bind(ids))?;
        }
        Ok(hidden)
    }
}

/// A location as it is kept.
pub(in crate::store::cluster) fn location(
    url: Option<String>,
    path: Option<Vec<u8>>,
) -> Result<Location, StoreError> {
    match (url, path) {
        (Some(url), _) => Ok(Location::Url(url)),
        (None, Some(path)) => Ok(Location::Path(decode::<LocalPath>("locations", &path)?)),
        (None, None) => Err(StoreError::Unreadable { tree: "locations" }),
    }
}
