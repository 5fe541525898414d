//! Hosts that leave the store, and may come back: a bit at a time, since one may have millions of URLs.

use crate::canonical_url::{HostId, UrlId};
use crate::picture::PictureId;
use crate::store::cluster::ClusterMetadata;
use crate::store::cluster::frontier::queue::AT_ONCE;
use crate::store::cluster::rows::transaction::Transaction;
use crate::store::cluster::server::connection::Reading;
use crate::store::{PageTerms, PictureHint, StoreError, UrlState};

impl ClusterMetadata {
    /// Takes a host out, with all that is known from nowhere else. Gives how many pictures went. If it
    /// ends in between, the host stays out, and the rest goes when it is told again.
    pub(in crate::store::cluster) fn remove_all_of(&self, host: HostId) -> Result<u64, StoreError> {
        // From now on nothing of it is queued.
        self.write(|transaction| transaction.change_host(host, |row| row.is_removed = true))?;
        // What is on its way from a removed URL is not stored: so pictures come after URLs.
        self.by_urls(|transaction, last| transaction.remove_urls(host, last))?;
        let mut removed = 0;
        loop {
            let step = self.write(|transaction| transaction.remove_pictures(host))?;
            match step {
                Some(gone) => removed += gone,
                None => break,
            }
        }
        self.by_urls(|transaction, last| transaction.forget_versions(host, last))?;
        while self.write(|transaction| transaction.empty_queues(host))? {}
        Ok(removed)
    }

    /// Lets a removed host be crawled again. Returns whether it was removed.
    pub(in crate::store::cluster) fn take_all_back(
        &self,
        host: HostId,
    ) -> Result<bool, StoreError> {
        self.by_urls(|transaction, last| transaction.forget_removed(host, last))?;
        self.write(|transaction| {
            let was_removed = transaction.host(host)?.is_removed;
            if was_removed {
                transaction.change_host(host, |row| row.is_removed = false)?;
            }
            Ok(was_removed)
        })
    }

    /// Does `step` with the URLs behind one, in a transaction each, until it has done the last.
    fn by_urls(
        &self,
        step: impl Fn(&mut Transaction<'_>, Option<UrlId>) -> Result<Option<UrlId>, StoreError>,
    ) -> Result<(), StoreError> {
        let mut last = None;
        loop {
            let next = self.write(|transaction| step(transaction, last))?;
            if next.is_none() {
                return Ok(());
            }
            last = next;
        }
    }
}

/// The last of so many that there may be more.
fn last_of(ids: &[UrlId]) -> Option<UrlId> {
    let last = ids.last().copied();
    last.filter(|_| ids.len() as i64 == AT_ONCE)
}

impl Transaction<'_> {
    /// Takes out what URLs of a host were; gives the last of them if there may be more.
    fn remove_urls(
        &mut self,
        host: HostId,
        last: Option<UrlId>,
    ) -> Result<Option<UrlId>, StoreError> {
        let ids = self.urls_behind(host, last)?;
        let mut pages = Vec::new();
        for &id in &ids {
            pages.extend(
                self.url(id)?
                    .and_then(|row| row.page.as_ref())
                    .map(|_| id.0),
            );
            self.change_known(id, |row| {
                row.page = None;
                row.terms = PageTerms::default();
                if let Some(record) = &mut row.record {
                    record.state = UrlState::Removed;
                    row.hint = None;
                }
            })?;
        }
        let delete = sqlx::query("DELETE FROM embeds WHERE page = ANY($1)");
        self.execute(delete.bind(pages))?;
        Ok(last_of(&ids))
    }

    /// Takes out pictures of a host that were found nowhere else, and takes the host from others. Gives
    /// how many went, and `None` if there was nothing left to do.
    fn remove_pictures(&mut self, host: HostId) -> Result<Option<u64>, StoreError> {
        let select = sqlx::query_as(
            "SELECT picture, bool_and(coalesce(host = $1, false)) FROM locations \
             WHERE picture IN (SELECT picture FROM locations WHERE host = $1 \
               ORDER BY picture LIMIT $2) \
             GROUP BY picture ORDER BY picture",
        );
        let pictures: Vec<([u8; 32], bool)> = self.rows(select.bind(host.0).bind(AT_ONCE / 2))?;
        if pictures.is_empty() {
            return Ok(None);
        }
        let mut removed = 0;
        for (picture, only_here) in pictures {
            if only_here {
                removed += u64::from(self.take_out(PictureId::from_bytes(picture), true)?);
            } else {
                let delete = sqlx::query("DELETE FROM locations WHERE picture = $1 AND host = $2");
                self.execute(delete.bind(picture).bind(host.0))?;
            }
        }
        Ok(Some(removed))
    }

    /// Forgets the URLs of a host that pages name as versions of pictures.
    fn forget_versions(
        &mut self,
        host: HostId,
        last: Option<UrlId>,
    ) -> Result<Option<UrlId>, StoreError> {
        let select = sqlx::query_as(
            // Not in the order of all URLs, of which few may be such.
            "WITH hinted AS MATERIALIZED ( \
               SELECT id FROM urls WHERE hint_hosts @> ARRAY[$1::bytea]) \
             SELECT id FROM hinted WHERE id > $2 ORDER BY id LIMIT $3",
        );
        let ids = self.some_urls(select.bind(host.0), last)?;
        for &id in &ids {
            self.change_known(id, |row| {
                let mut hint: PictureHint = row.hint();
                hint.retain(|other| other.url.host_id() != host);
                row.keep_hint(hint);
            })?;
        }
        Ok(last_of(&ids))
    }

    /// Forgets URLs of a host that were removed; gives the last of them if there may be more.
    fn forget_removed(
        &mut self,
        host: HostId,
        last: Option<UrlId>,
    ) -> Result<Option<UrlId>, StoreError> {
        let ids = self.urls_behind(host, last)?;
        let mut forgotten = Vec::new();
        for &id in &ids {
            let state = self.url(id)?.and_then(|row| row.state().cloned());
            if state == Some(UrlState::Removed) {
                self.change_known(id, |row| row.record = None)?;
                forgotten.push(id.0);
            }
        }
        self.leave_queues(host, forgotten)?;
        Ok(last_of(&ids))
    }

    /// The URLs of a host behind one, which are read.
    fn urls_behind(&mut self, host: HostId, last: Option<UrlId>) -> Result<Vec<UrlId>, StoreError> {
        let select = "SELECT id FROM urls WHERE host = $1 AND id > $2 ORDER BY id LIMIT $3";
        self.some_urls(sqlx::query_as(select).bind(host.0), last)
    }

    fn some_urls(
        &mut self,
        select: Reading<'_, ([u8; 16],)>,
        last: Option<UrlId>,
    ) -> Result<Vec<UrlId>, StoreError> {
        let after = last.map_or(Vec::new(), |last| last.0.to_vec());
        let ids = self.rows(select.bind(after).bind(AT_ONCE))?;
        let ids: Vec<UrlId> = ids.into_iter().map(|(id,)| UrlId(id)).collect();
        self.load(ids.iter().copied())?;
        Ok(ids)
    }
}
