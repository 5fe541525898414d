//! Places in queues, as rows.

use crate::canonical_url::{HostId, UrlId};
use crate::store::StoreError;
use crate::store::cluster::server::session::Session;
use crate::store::cluster::sorted;
use crate::store::order::Order;

/// Adds places to queues.
pub(in crate::store::cluster) fn write(
    session: &mut Session<'_>,
    queued: Vec<(HostId, Order, UrlId)>,
) -> Result<(), StoreError> {
    if queued.is_empty() {
        return Ok(());
    }
    let hosts: Vec<[u8; 8]> = queued.iter().map(|(host, ..)| host.0).collect();
    let orders: Vec<i64> = queued.iter().map(|(_, order, _)| sorted(order.0)).collect();
    let ids: Vec<[u8; 16]> = queued.iter().map(|(_, _, id)| id.0).collect();
    let insert = sqlx::query(
        "INSERT INTO queue (host, ord, id) \
         SELECT host, ord, id FROM unnest($1::bytea[], $2::bigint[], $3::bytea[]) \
         AS new (host, ord, id)",
    );
    session
        .execute(insert.bind(hosts).bind(orders).bind(ids))
        .map(drop)
}
