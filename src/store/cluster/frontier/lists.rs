//! Lists of URLs.

use sqlx::Row;
use sqlx::postgres::PgRow;

use crate::canonical_url::UrlId;
use crate::store::cluster::ClusterMetadata;
use crate::store::cluster::rows::url_row::{self, UrlRow};
use crate::store::cluster::server::connection::Statement;
use crate::store::cluster::server::listing::{PAGE, listing, some};
use crate::store::{Again, KeptOut, KeptOutFor, Listing, StoreError, UrlState, now_ms};

impl ClusterMetadata {
    /// Reads rows of URLs, with columns that stand beside them.
    pub(in crate::store::cluster) fn url_rows<'q, T>(
        &self,
        make: impl Fn() -> Statement<'q>,
        read: impl Fn(&PgRow, UrlRow) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        self.url_rows_with_id(make, |row, _, url| read(row, url))
    }

    /// The same with the ids of the URLs.
    pub(in crate::store::cluster) fn url_rows_with_id<'q, T>(
        &self,
        make: impl Fn() -> Statement<'q>,
        read: impl Fn(&PgRow, UrlId, UrlRow) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let rows = self.database().raw_rows(make)?;
        let rows = rows.iter().map(|row| {
            let (id, url) = url_row::read(row)?;
            read(row, id, url)
        });
        rows.collect()
    }

    /// The URLs of which something holds, in the order of their ids.
    pub(in crate::store::cluster) fn urls_where<'a, T: Send + 'a>(
        &'a self,
        what: &'static str,
        read: impl Fn(UrlId, UrlRow) -> T + Send + 'a,
    ) -> Listing<'a, T> {
        let columns = url_row::COLUMNS;
        let select = format!(
            "SELECT {columns} FROM urls u WHERE {what} AND u.id > $1 ORDER BY u.id LIMIT {PAGE}"
        );
        listing(move |last: Option<&UrlId>| {
            let after = last.map_or(Vec::new(), |last| last.0.to_vec());
            let make = || sqlx::query(&select).bind(after.clone());
            self.url_rows_with_id(make, |_, id, row| Ok((id, read(id, row))))
        })
    }

    /// Refused URLs, then documents of which something was not taken.
    pub(in crate::store::cluster) fn list_kept_out(&self) -> Listing<'_, KeptOut> {
        let urls = self.urls_where("u.state = 3", |id, row| {
            let record = row.record?;
            let UrlState::Refused(reason) = &record.state else {
                return None;
            };
            let what = KeptOutFor::Url(reason.clone());
            Some(KeptOut { id, record, what })
        });
        let pages = self.urls_where("u.declined IS NOT NULL AND u.state <> 4", |id, row| {
            let what = KeptOutFor::OnPage(row.declined);
            row.record.map(|record| KeptOut { id, record, what })
        });
        Box::new(some(urls).chain(some(pages)))
    }

    /// URLs that are to be asked for again, behind one in the order of their ids, and how far that goes:
    /// `None` if to the end. However few they are, no statement looks at many.
    pub(in crate::store::cluster) fn wanted_again(
        &self,
        which: &Again,
        last: Option<UrlId>,
    ) -> Result<(Vec<UrlId>, Option<UrlId>), StoreError> {
        let now_s = crate::store::cluster::signed(now_ms() / 1000);
        let (among, wanted) = match which {
            // As `VisitRecord::due_at` has it.
            Again::Due => (
                "true",
                "is_visited AND (due_s <= $2 OR due_s > $2 + interval_s + 3600)",
            ),
            Again::Visited => ("true", "is_visited"),
            Again::Failed(None) => ("state IN (2, 3)", "state = 2"),
            Again::Failed(Some(_)) => ("state IN (2, 3)", "reason = $2"),
        };
        let select = format!(
            "SELECT id, coalesce({wanted}, false) FROM ( \
               SELECT id, state, reason, visit IS NOT NULL AS is_visited, due_s, interval_s \
               FROM urls WHERE {among} AND id > $1 ORDER BY id LIMIT {PAGE}) AS looked_at ORDER BY id"
        );
        let after = last.map_or(Vec::new(), |last| last.0.to_vec());
        let make = || {
            let select = sqlx::query(&select).bind(after.clone());
            match which {
                Again::Due => select.bind(now_s),
                Again::Failed(Some(reason)) => select.bind(reason.clone()),
                Again::Visited | Again::Failed(None) => select,
            }
        };
        let rows = self.database().raw_rows(make)?;
        let mut found = Vec::new();
        let mut next = None;
        for row in &rows {
            let id = UrlId(row.try_get(0)?);
            if row.try_get(1)? {
                found.push(id);
            }
            next = Some(id);
        }
        Ok((found, next.filter(|_| rows.len() as i64 == PAGE)))
    }
}
