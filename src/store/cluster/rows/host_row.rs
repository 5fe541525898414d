//! What is known of a host, as a row.

use crate::store::cluster::server::session::Session;
use crate::store::cluster::{signed, unsigned};
use crate::canonical_url::HostId;
use crate::store::{HostRecord, StoreError};

/// What is known of a host, and whether it was removed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::store::cluster) struct HostRow {
    pub(in crate::store::cluster) record: Option<HostRecord>,
    pub(in crate::store::cluster) is_removed: bool,
}

pub(in crate::store::cluster) type Columns = ([u8; 8], bool, String, i64, i64, i64, bool);

pub(in crate::store::cluster) const SELECT: &str =
    "SELECT host, is_known, name, crawl, left_in, pages, is_removed FROM hosts";

pub(in crate::store::cluster) fn read(columns: Columns) -> (HostId, HostRow) {
    let (host, is_known, name, crawl, left_in, pages, is_removed) = columns;
    let record = is_known.then(|| HostRecord {
        name,
        crawl: unsigned(crawl),
        left_in: unsigned(left_in),
        pages: unsigned(pages),
    });
    (HostId(host), HostRow { record, is_removed })
}

const UPSERT: &str = "INSERT INTO hosts (host, is_known, name, crawl, left_in, pages, is_removed) \
    VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (host) DO UPDATE SET \
    is_known = excluded.is_known, name = excluded.name, crawl = excluded.crawl, \
    left_in = excluded.left_in, pages = excluded.pages, is_removed = excluded.is_removed";

pub(in crate::store::cluster) fn write(
    session: &mut Session<'_>,
    host: HostId,
    row: HostRow,
) -> Result<(), StoreError> {
    let is_known = row.record.is_some();
    let record = row.record.unwrap_or_default();
    let upsert = sqlx::query(UPSERT)
        .bind(host.0)
        .bind(is_known)
        .bind(record.name)
        .bind(signed(record.crawl))
        .bind(signed(record.left_in))
        .bind(signed(record.pages))
        .bind(row.is_removed);
    session.execute(upsert).map(drop)
}
