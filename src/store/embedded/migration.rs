//! Numbered changes of the store's format. Each is one file in `migrations/`, applied in order
//! when a store is opened; the header is rewritten after each, so an interrupted migration is
//! simply run again.

use std::path::Path;

use super::files::{Header, LATEST, Reserve};
use crate::activation::Encoding;
use crate::network::Network;
use crate::store::{StoreError, StoreOptions};

#[path = "../../../migrations/0001_initial.rs"]
mod initial;
#[path = "../../../migrations/0002_picture_texts.rs"]
mod picture_texts;
#[path = "../../../migrations/0003_summaries.rs"]
mod summaries;

/// A store while its format is changed.
struct Migrating<'a> {
    dir: &'a Path,
    db: &'a sled::Db,
    network: &'a Network,
    activations: Encoding,
    /// Bytes of the disk that are left free.
    reserve: Reserve,
}

/// One change of format. It must be safe to run again after it was interrupted.
struct Migration {
    name: &'static str,
    up: fn(&Migrating<'_>) -> Result<(), StoreError>,
}

/// All migrations; the format's version is how many of them were applied.
const MIGRATIONS: [Migration; LATEST as usize] = [
    Migration {
        name: "initial",
        up: |store| Ok(initial::up(store.db)?),
    },
    Migration {
        name: "titles and captions of pictures",
        up: |store| Ok(picture_texts::up(store.db)?),
    },
    Migration {
        name: "statistics and embeddings beside the activations",
        up: summaries::up,
    },
];

/// Brings the store in `dir` to the newest format.
pub(super) fn run(
    dir: &Path,
    db: &sled::Db,
    header: Option<Header>,
    options: &StoreOptions<'_>,
) -> Result<Header, StoreError> {
    let header = match header {
        Some(header) => header,
        // The header is written before the first tree is made.
        None if db.tree_names().len() > 1 => {
            return Err(StoreError::NoHeader {
                dir: dir.to_owned(),
            });
        }
        None => Header {
            format: 0,
            id: format!("{:032x}", rand::random::<u128>()),
            network: options.network.id().clone(),
            activations: options.activations,
            descriptor: options.network.descriptor_id().to_owned(),
        },
    };
    apply(dir, db, header, options, &MIGRATIONS)
}

fn apply(
    dir: &Path,
    db: &sled::Db,
    mut header: Header,
    options: &StoreOptions<'_>,
    migrations: &[Migration],
) -> Result<Header, StoreError> {
    let is_new = header.format == 0;
    for migration in &migrations[header.format as usize..] {
        let (from, to) = (header.format, header.format + 1);
        if !is_new {
            tracing::info!(
                from,
                to,
                name = migration.name,
                "changing the store's format"
            );
        }
        let failed = |source: StoreError| StoreError::Migration {
            from,
            to,
            source: Box::new(source),
        };
        let store = Migrating {
            dir,
            db,
            network: options.network,
            activations: header.activations,
            reserve: Reserve {
                dir: dir.to_owned(),
                bytes: options.reserve_bytes,
            },
        };
        (migration.up)(&store).map_err(failed)?;
        db.flush().map_err(|error| failed(error.into()))?;
        header.format = to;
        header.write(dir).map_err(failed)?;
    }
    Ok(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(store: &Migrating<'_>, text: &str) -> Result<(), StoreError> {
        let before = store.db.get("marks")?.unwrap_or_default();
        store
            .db
            .insert("marks", [&before, text.as_bytes()].concat())?;
        Ok(())
    }

    #[test]
    fn migrations_run_once_and_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let db = sled::open(dir.path().join("records")).unwrap();
        let network = Network::builtin().unwrap();
        let header = Header {
            format: 1,
            id: "test".to_owned(),
            network: network.id().clone(),
            activations: Default::default(),
            descriptor: String::new(),
        };
        let migrations = [
            Migration {
                name: "one",
                up: |store| mark(store, "1"),
            },
            Migration {
                name: "two",
                up: |store| mark(store, "2"),
            },
            Migration {
                name: "three",
                up: |store| mark(store, "3"),
            },
        ];
        let options = StoreOptions {
            network: &network,
            activations: Encoding::default(),
            reserve_bytes: 0,
        };
        let header = apply(dir.path(), &db, header, &options, &migrations).unwrap();
        assert_eq!(header.format, 3);
        apply(dir.path(), &db, header, &options, &migrations).unwrap();
        assert_eq!(db.get("marks").unwrap().unwrap(), b"23");
        assert!(matches!(
            Header::read(dir.path()),
            Ok(Some(Header { format: 3, .. }))
        ));
    }

    #[test]
    fn embeds_get_a_title_and_a_caption_once() {
        let dir = tempfile::tempdir().unwrap();
        let db = sled::open(dir.path()).unwrap();
        let embeds = db.open_tree("embeds").unwrap();
        let old = |alt: &str| postcard::to_stdvec(&alt).unwrap();
        embeds.insert("a", old("a cat")).unwrap();
        embeds.insert("b", old("")).unwrap();
        for _ in 0..2 {
            picture_texts::up(&db).unwrap();
            for (key, alt) in [("a", "a cat"), ("b", "")] {
                let value = embeds.get(key).unwrap().unwrap();
                let embed: crate::store::Embed = postcard::from_bytes(&value).unwrap();
                assert_eq!((embed.alt.as_str(), embed.title.as_str()), (alt, ""));
                assert_eq!(value.len(), alt.len() + 3);
            }
        }
    }
}
