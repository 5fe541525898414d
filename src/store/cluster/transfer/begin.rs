//! Making a database ready to be the copy of a store.

use crate::store::cluster::blocks::ObjectBlocks;
use crate::store::cluster::identity::new_mark;
use crate::store::cluster::server::database::Database;
use crate::store::cluster::server::migrations;
use crate::store::cluster::server::session::Session;
use crate::store::cluster::transfer::COPYING;
use crate::store::cluster::{ClusterOptions, encode};
use crate::store::leases::LEASE_TIME;
use crate::store::{Identity, Store, StoreError, StoreOptions};

/// What a message calls a database, whose URL is a secret.
const PLACE: &str = "the database";

impl Store {
    /// Opens a cluster's store that may be the copy of another that has not ended. It needs no folder of
    /// this machine.
    pub(in crate::store) fn open_cluster_copy(
        cluster: &ClusterOptions,
        options: &StoreOptions<'_>,
    ) -> Result<Self, StoreError> {
        Self::connected((cluster, None), options, LEASE_TIME, Box::new(()))
    }

    /// Has the database of a cluster be the copy of a store that is about to be made.
    pub(in crate::store) fn begin_cluster_copy(
        cluster: &ClusterOptions,
        of: &Identity,
    ) -> Result<(), StoreError> {
        let database = Database::connect(cluster)?;
        migrations::check(&database)?;
        // What is under way of the same store is gone on with.
        database.persist(|| begin(&database, cluster, of))
    }

    /// Fails where a copy into this store has not ended.
    pub(in crate::store::cluster) fn check_copied(&self) -> Result<(), StoreError> {
        match self.metadata.is_being_copied()? {
            true => Err(StoreError::UnfinishedCopy {
                place: PLACE.to_owned(),
            }),
            false => Ok(()),
        }
    }
}

fn begin(database: &Database, cluster: &ClusterOptions, of: &Identity) -> Result<(), StoreError> {
    let no_place = |what| StoreError::NoPlaceForCopy {
        place: PLACE.to_owned(),
        what,
    };
    let mut session = Session::begin(database)?;
    let select = sqlx::query_as("SELECT value FROM notes WHERE name = $1");
    let under_way: Option<(Vec<u8>,)> = session.row(select.bind(COPYING))?;
    let there: Option<(String, String)> =
        session.row(sqlx::query_as("SELECT id, mark FROM store"))?;
    // Whoever has it open writes nothing more: another process that copies, or works.
    session.shut_out_workers()?;
    match (under_way, &there) {
        (Some((id,)), _) if id == of.id.as_bytes() => return session.commit(),
        (Some(_), _) => return Err(no_place("is where another store is being copied to")),
        (None, Some((id, _))) if *id == of.id => return Err(no_place("has the store already")),
        (None, Some(_)) if !is_empty(&mut session)? => return Err(no_place("has another store")),
        (None, _) => {}
    }
    // Its place in the bucket, if it has one, is the copy's from now on.
    let none = Box::new(|| Ok(0));
    let blocks = ObjectBlocks::open(&cluster.blocks, None, cluster.grace, none)?;
    if !blocks.leave(there.as_ref().map(|(_, mark)| mark.as_str()))? {
        return Err(no_place(
            "is to keep its activations where others are: name an empty place in `[store] blocks`",
        ));
    }
    let make = sqlx::query(
        "INSERT INTO store (one, id, mark, network, activations, descriptor, look) \
         VALUES (true, $1, $2, $3, $4, $5, $6) ON CONFLICT (one) DO UPDATE SET \
         id = excluded.id, mark = excluded.mark, network = excluded.network, \
         activations = excluded.activations, descriptor = excluded.descriptor, \
         look = excluded.look, has_bucket = false",
    );
    let make = make.bind(&of.id).bind(new_mark()).bind(encode(&of.network));
    let make = make.bind(encode(&of.activations)).bind(&of.descriptor);
    session.execute(make.bind(of.look.as_deref().unwrap_or_default()))?;
    // What is copied has no points until they are made.
    session.execute(sqlx::query(
        "UPDATE numbers SET value = 0 WHERE name = 'points'",
    ))?;
    let note = sqlx::query("INSERT INTO notes (name, value) VALUES ($1, $2)");
    session.execute(note.bind(COPYING).bind(of.id.as_bytes()))?;
    session.commit()
}

/// Whether nothing is known of anything. Any process that opens a new database makes it a store.
fn is_empty(session: &mut Session<'_>) -> Result<bool, StoreError> {
    let select = sqlx::query_as(
        "SELECT 1 WHERE EXISTS (SELECT 1 FROM urls) OR EXISTS (SELECT 1 FROM hosts) \
         OR EXISTS (SELECT 1 FROM rule_files) OR EXISTS (SELECT 1 FROM pictures) \
         OR EXISTS (SELECT 1 FROM waiting) OR EXISTS (SELECT 1 FROM locations) \
         OR EXISTS (SELECT 1 FROM removed_files) OR EXISTS (SELECT 1 FROM labels)",
    );
    let row: Option<(i32,)> = session.row(select)?;
    Ok(row.is_none())
}
