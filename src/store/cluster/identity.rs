//! What tells a cluster's store from others: its row.

use super::server::database::Database;
use super::{decode, encode};
use crate::activation::Encoding;
use crate::network::NetworkId;
use crate::store::{StoreError, StoreOptions};

/// Which store it is, and what is in it.
#[derive(Debug, Clone)]
pub(in crate::store) struct StoreRow {
    pub(in crate::store) id: String,
    /// Which of its copies it is.
    pub(in crate::store) mark: String,
    pub(in crate::store) network: NetworkId,
    pub(in crate::store) activations: Encoding,
    pub(in crate::store) descriptor: String,
    pub(in crate::store) look: Option<String>,
    /// Whether its bucket has its mark.
    pub(in crate::store) has_bucket: bool,
}

type Columns = (String, String, Vec<u8>, Vec<u8>, String, String, bool);

/// The store's row, which is made in a database that has none.
///
/// # Errors
/// If it is of another network, or describes pictures in another way.
pub(super) fn found_or_made(
    database: &Database,
    options: &StoreOptions<'_>,
) -> Result<StoreRow, StoreError> {
    let (id, mark) = (new_mark(), new_mark());
    let told = options.network.look().map_or("", |look| look.id());
    let make = || {
        // Of several processes that begin at once, one makes it.
        sqlx::query(
            "INSERT INTO store (one, id, mark, network, activations, descriptor, look) \
             VALUES (true, $1, $2, $3, $4, $5, $6) ON CONFLICT (one) DO NOTHING",
        )
        .bind(id.clone())
        .bind(mark.clone())
        .bind(encode(options.network.id()))
        .bind(encode(&options.activations))
        .bind(options.network.descriptor_id().to_owned())
        .bind(told.to_owned())
    };
    database.execute(make)?;
    let read = || {
        sqlx::query_as(
            "SELECT id, mark, network, activations, descriptor, look, has_bucket FROM store",
        )
    };
    let row: Option<Columns> = database.row(read)?;
    let (id, mark, network, activations, descriptor, look, has_bucket) =
        row.ok_or(StoreError::Unreadable { tree: "store" })?;
    let row = StoreRow {
        id,
        mark,
        network: decode("store", &network)?,
        activations: decode("store", &activations)?,
        descriptor,
        look: (!look.is_empty()).then_some(look),
        has_bucket,
    };
    let name = std::path::Path::new("on PostgreSQL");
    if row.network != *options.network.id() {
        return Err(StoreError::network(
            name,
            &row.network,
            options.network.id(),
        ));
    }
    if row.look.as_deref().unwrap_or_default() != told {
        return Err(StoreError::OtherLook);
    }
    if row.descriptor != options.network.descriptor_id() {
        return Err(StoreError::OtherDescriptor {
            dir: name.to_owned(),
        });
    }
    Ok(row)
}

/// Whether a database has a store.
pub(super) fn is_there(database: &Database) -> Result<bool, StoreError> {
    let row: Option<(i32,)> = database.row(|| sqlx::query_as("SELECT 1 FROM store"))?;
    Ok(row.is_some())
}

/// Tells one thing from all others of its kind.
pub(super) fn new_mark() -> String {
    format!("{:032x}", rand::random::<u128>())
}

/// Notes that the store's bucket has its mark.
pub(super) fn has_bucket(database: &Database) -> Result<(), StoreError> {
    let note = || sqlx::query("UPDATE store SET has_bucket = true");
    database.execute(note).map(drop)
}
