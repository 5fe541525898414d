//! Numbered changes of the store's format. Each is one file in `migrations/`, applied in order
//! when a store is opened; the header is rewritten after each, so an interrupted migration is
//! simply run again.

use std::path::Path;
use std::sync::Arc;

use super::disk::Disk;
use super::files::{Header, LATEST, Reserve};
use super::trees::Trees;
use crate::activation::Encoding;
use crate::network::Network;
use crate::store::{StoreError, StoreOptions};

mod old_records;
mod old_segments;

#[path = "../../../../migrations/0001_initial.rs"]
mod initial;
#[path = "../../../../migrations/0002_picture_texts.rs"]
mod picture_texts;
#[path = "../../../../migrations/0003_summaries.rs"]
mod summaries;
#[path = "../../../../migrations/0004_log.rs"]
mod to_log;
#[path = "../../../../migrations/0006_rows.rs"]
mod to_rows;

pub(super) use to_rows::drop_described;

/// A store while its format is changed.
struct Migrating<'a> {
    disk: &'a Arc<dyn Disk>,
    dir: &'a Path,
    header: &'a Header,
    db: &'a sled::Db,
    trees: &'a Trees,
    network: &'a Network,
    activations: Encoding,
    /// Bytes of the disk that are left free.
    reserve: Reserve,
}

/// One change of format. It must be safe to run again after it was interrupted.
struct Migration {
    /// The format that it brings a store to.
    to: u32,
    name: &'static str,
    up: fn(&Migrating<'_>) -> Result<(), StoreError>,
}

/// All migrations, in order; the format's version is the number of the last that was applied. The file of a store of
/// format 4 says 5 where only its newest pictures are kept in full.
const MIGRATIONS: [Migration; 5] = [
    Migration {
        to: 1,
        name: "initial",
        up: |store| Ok(initial::up(store.db)?),
    },
    Migration {
        to: 2,
        name: "titles and captions of pictures",
        up: |store| Ok(picture_texts::up(store.db)?),
    },
    Migration {
        to: 3,
        name: "statistics and embeddings beside the activations",
        up: summaries::up,
    },
    Migration {
        to: 4,
        name: "the log of entries",
        up: to_log::up,
    },
    Migration {
        to: LATEST,
        name: "descriptors and looks in files of their own",
        up: to_rows::up,
    },
];

/// The header of the store in `dir`, or of the one that is to be there. A new one is written
/// before anything else is.
pub(super) fn header(
    dir: &Path,
    db: &sled::Db,
    header: Option<Header>,
    options: &StoreOptions<'_>,
) -> Result<Header, StoreError> {
    match header {
        Some(header) => Ok(header),
        None if db.tree_names().len() > 1 => Err(StoreError::NoHeader {
            dir: dir.to_owned(),
        }),
        None => {
            let header = Header {
                format: 0,
                id: format!("{:032x}", rand::random::<u128>()),
                network: options.network.id().clone(),
                activations: match options.recent_bytes {
                    Some(_) => Encoding::default(),
                    None => options.activations,
                },
                recent_bytes: options.recent_bytes,
                sketch: options.recent_bytes.map(|_| Encoding::Compact),
                mixed: options.recent_bytes.is_some(),
                converting: false,
                descriptor: options.network.descriptor_id().to_owned(),
                look: String::new(),
            };
            header.write(dir)?;
            Ok(header)
        }
    }
}

/// Brings the store in `dir` to the newest format.
pub(super) fn run(
    disk: &Arc<dyn Disk>,
    dir: &Path,
    trees: &Trees,
    header: Header,
    options: &StoreOptions<'_>,
) -> Result<Header, StoreError> {
    apply(disk, dir, trees, header, options, &MIGRATIONS)
}

fn apply(
    disk: &Arc<dyn Disk>,
    dir: &Path,
    trees: &Trees,
    mut header: Header,
    options: &StoreOptions<'_>,
    migrations: &[Migration],
) -> Result<Header, StoreError> {
    let db = &trees.db;
    let is_new = header.format == 0;
    for migration in migrations {
        let (from, to) = (header.format, migration.to);
        if to <= from {
            continue;
        }
        if !is_new {
            tracing::info!(
                from,
                to,
                name = migration.name,
                "changing the store's format"
            );
        }
        let failed = |source: StoreError| match is_new {
            // Nobody has a format to be changed.
            true => source,
            false => StoreError::Migration {
                from,
                to,
                source: Box::new(source),
            },
        };
        let store = Migrating {
            disk,
            dir,
            header: &header,
            db,
            trees,
            network: options.network,
            activations: header.activations,
            reserve: Reserve {
                dir: dir.to_owned(),
                bytes: options.reserve_bytes,
                is_frozen: false,
            },
        };
        (migration.up)(&store).map_err(failed)?;
        sync(&store).map_err(failed)?;
        header.format = to;
        header.write(dir).map_err(failed)?;
    }
    Ok(header)
}

/// Makes the records so far survive a power failure.
fn sync(store: &Migrating<'_>) -> Result<(), StoreError> {
    store.db.flush()?;
    let path = store.dir.join(super::RECORDS).join("db");
    let synced = store.disk.sync_foreign(&path);
    synced.map_err(|error| StoreError::io(&path, error))
}

#[cfg(test)]
mod rows_tests;
#[cfg(test)]
mod tests;
