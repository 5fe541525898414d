//! What leaves the store.

use crate::canonical_url::UrlId;
use crate::local_path::LocalPath;
use crate::picture::PictureId;
use crate::store::cluster::encode;
use crate::store::cluster::rows::transaction::Transaction;
use crate::store::{Location, LocationId, PageTerms, StoreError, UrlState};

impl Transaction<'_> {
    pub(in crate::store::cluster) fn contains(
        &mut self,
        id: PictureId,
    ) -> Result<bool, StoreError> {
        let select = sqlx::query_as("SELECT 1 FROM pictures WHERE picture = $1");
        let row: Option<(i32,)> = self.row(select.bind(*id.as_bytes()))?;
        Ok(row.is_some())
    }

    pub(in crate::store::cluster) fn waits(&mut self, id: PictureId) -> Result<bool, StoreError> {
        let select = sqlx::query_as("SELECT 1 FROM waiting WHERE picture = $1");
        let row: Option<(i32,)> = self.row(select.bind(*id.as_bytes()))?;
        Ok(row.is_some())
    }

    /// Takes a picture out. `by_word`: somebody said so; its URLs are not to bring it back, and its
    /// labels go with it. Returns whether it was there.
    pub(in crate::store::cluster) fn take_out(
        &mut self,
        id: PictureId,
        by_word: bool,
    ) -> Result<bool, StoreError> {
        let delete = sqlx::query_as("DELETE FROM pictures WHERE picture = $1 RETURNING sequence");
        let was: Option<(i64,)> = self.row(delete.bind(*id.as_bytes()))?;
        let is_there = was.is_some() || self.waits(id)?;
        if by_word && is_there {
            self.forget_labels(id)?;
        }
        let Some((sequence,)) = was else {
            self.drop_unusable(id)?;
            return Ok(is_there);
        };
        self.tally.add("pictures", -1);
        self.take_point(id)?;
        let delete = sqlx::query("DELETE FROM thumbnails WHERE picture = $1");
        self.execute(delete.bind(*id.as_bytes()))?;
        let number = self.count_on("removals", 1)?;
        let note = sqlx::query("INSERT INTO removals (number, sequence) VALUES ($1, $2)");
        self.execute(
            note.bind(crate::store::cluster::signed(number))
                .bind(sequence),
        )?;
        for (at, location) in self.locations_of(id)? {
            self.take_location(id, at)?;
            match location {
                Location::Path(_) => {
                    // Unless the file holds another picture by now.
                    let forget = sqlx::query("DELETE FROM files WHERE id = $1 AND picture = $2");
                    self.execute(forget.bind(at.0).bind(*id.as_bytes()))?;
                    if by_word {
                        self.keep_out(id, None, &LocalPath::new(""))?;
                    }
                }
                Location::Url(_) if by_word => self.mark_removed(UrlId(at.0))?,
                Location::Url(_) => {}
            }
        }
        Ok(true)
    }

    /// Notes that a picture is not to be taken from a file, or from any.
    pub(in crate::store::cluster) fn keep_out(
        &mut self,
        picture: PictureId,
        file: Option<LocationId>,
        named: &LocalPath,
    ) -> Result<(), StoreError> {
        let insert = sqlx::query(
            "INSERT INTO removed_files (picture, file, named) VALUES ($1, $2, $3) \
             ON CONFLICT (picture, file) DO UPDATE SET named = excluded.named",
        );
        let insert = insert.bind(*picture.as_bytes()).bind(file_key(file));
        self.execute(insert.bind(encode(named))).map(drop)
    }

    /// Deletes a picture that can have no features, and its locations.
    pub(in crate::store::cluster) fn drop_unusable(
        &mut self,
        id: PictureId,
    ) -> Result<(), StoreError> {
        let delete = sqlx::query("DELETE FROM locations WHERE picture = $1");
        self.execute(delete.bind(*id.as_bytes()))?;
        self.stop_waiting(id)
    }

    pub(in crate::store::cluster) fn stop_waiting(
        &mut self,
        id: PictureId,
    ) -> Result<(), StoreError> {
        let delete = sqlx::query("DELETE FROM waiting WHERE picture = $1");
        let stopped = self.execute(delete.bind(*id.as_bytes()))?;
        self.tally.add("waiting", -(stopped as i64));
        Ok(())
    }

    fn set_state(&mut self, url: UrlId, state: UrlState) -> Result<(), StoreError> {
        self.change_known(url, |row| {
            if let Some(record) = &mut row.record {
                record.state = state;
            }
        })
    }

    fn mark_removed(&mut self, url: UrlId) -> Result<(), StoreError> {
        self.set_state(url, UrlState::Removed)
    }

    /// Takes what a URL gave out of the store.
    pub(in crate::store::cluster) fn forget(&mut self, url: UrlId) -> Result<(), StoreError> {
        let Some(visit) = self.url(url)?.and_then(|row| row.visit.clone()) else {
            return Ok(());
        };
        self.hide(url, &visit.shown, &[])?;
        self.remove_location(PictureId::from_bytes(visit.content), url)?;
        self.change_known(url, |row| {
            row.page = None;
            row.terms = PageTerms::default();
            row.visit = None;
            row.absent_s = None;
            row.declined.clear();
        })
    }

    /// Takes pictures out of the store that no page shows any more because the last one opted
    /// out.
    pub(in crate::store::cluster) fn remove_orphans(
        &mut self,
        pictures: &[UrlId],
        reason: &str,
    ) -> Result<(), StoreError> {
        for &id in pictures {
            if !self.pages_showing(id)?.is_empty() {
                continue;
            }
            let state = self.url(id)?.and_then(|row| row.state().cloned());
            if state.is_some_and(|state| state != UrlState::Removed) {
                self.set_state(id, UrlState::Refused(reason.to_owned()))?;
            }
            self.forget(id)?;
        }
        Ok(())
    }
}

/// The key of a file; empty stands for any.
pub(in crate::store::cluster) fn file_key(file: Option<LocationId>) -> Vec<u8> {
    file.map_or(Vec::new(), |file| file.0.to_vec())
}
