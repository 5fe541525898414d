//! What is known of a host, as a row.

use crate::canonical_url::HostId;
use crate::store::cluster::server::session::Session;
use crate::store::cluster::{signed, unsigned};
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
    SELECT * FROM unnest($1::bytea[], $2::boolean[], $3::text[], $4::bigint[], $5::bigint[], \
    $6::bigint[], $7::boolean[]) ON CONFLICT (host) DO UPDATE SET \
    is_known = excluded.is_known, name = excluded.name, crawl = excluded.crawl, \
    left_in = excluded.left_in, pages = excluded.pages, is_removed = excluded.is_removed";

/// Writes changed rows, all at once.
pub(in crate::store::cluster) fn write(
    session: &mut Session<'_>,
    changed: Vec<(HostId, HostRow)>,
) -> Result<(), StoreError> {
    if changed.is_empty() {
        return Ok(());
    }
    let (mut hosts, mut known, mut names) = (vec![], vec![], vec![]);
    let (mut crawls, mut left, mut pages, mut removed) = (vec![], vec![], vec![], vec![]);
    for (host, row) in changed {
        hosts.push(host.0);
        known.push(row.record.is_some());
        removed.push(row.is_removed);
        let record = row.record.unwrap_or_default();
        names.push(record.name);
        crawls.push(signed(record.crawl));
        left.push(signed(record.left_in));
        pages.push(signed(record.pages));
    }
    let upsert = sqlx::query(UPSERT).bind(hosts).bind(known).bind(names);
    let upsert = upsert.bind(crawls).bind(left).bind(pages).bind(removed);
    session.execute(upsert).map(drop)
}
