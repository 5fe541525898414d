//! Making a store whole again from what is left of it. Nothing is deleted: what cannot be used
//! gets another name.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::store::embedded::disk::{Disk, SystemDisk, aside};
use crate::store::embedded::files::{LATEST, Lock};
use crate::store::embedded::log::{LIST_FILE, Log, Mark, Opened, StoreId, pictures_in, take_back};
use crate::store::embedded::records::{self, Records};
use crate::store::embedded::recovery::header;
use crate::store::embedded::trees::{STORE, Trees};
use crate::store::embedded::{Embedded, Parts, RECORDS};
use crate::store::leases::LEASE_TIME;
use crate::store::{Repaired, StoreError, StoreOptions};

impl Embedded {
    /// Makes the records of pictures anew from the log, and the log's own small files from its
    /// segments where they are lost.
    ///
    /// # Errors
    /// If the store is in use, is none, or the disk fails.
    pub(in crate::store) fn repair(
        dir: &Path,
        options: &StoreOptions<'_>,
    ) -> Result<Repaired, StoreError> {
        let disk: Arc<dyn Disk> = Arc::new(SystemDisk);
        let lock = Lock::take(dir)?;
        let mut repaired = Repaired::default();
        let header = header::settle(&*disk, dir, options, &mut repaired.aside)?;
        header.check(dir, options.network.id())?;
        if header.format < LATEST {
            drop(lock);
            // Older formats have no log; to open one makes it.
            let store = Self::open(dir, options, LEASE_TIME)?;
            let totals = *store.metadata.totals();
            repaired.pictures = totals.pictures;
            repaired.waiting = totals.waiting;
            return Ok(repaired);
        }
        let store_id = header.store_id(dir)?;
        let mark = Mark::read(&*disk, dir, store_id).ok().flatten();
        repaired.committed = mark.map(|mark| mark.totals.pictures + mark.totals.waiting);
        let taken = take_back(&*disk, dir, store_id)?;
        let opened = match taken.is_listed {
            true => Log::open(Arc::clone(&disk), dir, store_id),
            false => Err(StoreError::Log {
                path: dir.join(LIST_FILE),
                message: "it does not name all segments".to_owned(),
            }),
        };
        let mut strange = taken.aside;
        let log = match opened {
            Ok(Opened { log, aside, .. }) => {
                strange.extend(aside);
                log
            }
            Err(error @ (StoreError::Log { .. } | StoreError::Truncated { .. })) => {
                tracing::warn!(%error, "the log's files are made anew");
                let (log, aside) = Log::salvage(Arc::clone(&disk), dir, store_id)?;
                strange.extend(aside);
                log
            }
            // What cannot be read now may be whole.
            Err(error) => return Err(error),
        };
        let path = dir.join(RECORDS);
        let (db, moved) = usable_records(&*disk, &path, store_id)?;
        repaired.forgot_crawl = moved.is_some() || !db.was_recovered();
        repaired.aside.extend(moved);
        let store = Self::assemble(Parts {
            dir,
            options,
            lease_time: LEASE_TIME,
            header: &header,
            store_id,
            trees: Trees::open(db.clone(), lock)?,
            records: Records::new(db, path, disk),
            log,
        })?;
        let metadata = &store.metadata;
        let counted = metadata.count().ok();
        let next_sequence = counted.map_or(0, |totals| totals.next_sequence);
        if repaired.committed.is_none() && !repaired.forgot_crawl {
            repaired.committed = counted.map(|totals| totals.pictures + totals.waiting);
        }
        let damages = metadata.rebuild(store.describer(options))?;
        let mut damaged = BTreeSet::new();
        for damage in damages {
            let error = metadata.damaged(damage);
            tracing::warn!(%error, "passed over");
            repaired.damaged_bytes += damage.to - damage.from;
            damaged.insert(damage.segment);
        }
        let disk = &SystemDisk;
        for path in &strange {
            for picture in pictures_in(disk, dir, path)? {
                let is_there = metadata.contains(picture)? || metadata.waits(picture)?;
                repaired.pictures_aside += u64::from(!is_there);
            }
        }
        repaired.aside.extend(strange);
        repaired.aside.extend(copy_past_damage(&store, &damaged)?);
        {
            let mut totals = metadata.totals();
            totals.next_sequence = totals.next_sequence.max(next_sequence);
            repaired.pictures = totals.pictures;
            repaired.waiting = totals.waiting;
        }
        metadata.set_mark()?;
        metadata.records.sync()?;
        header.keep_copy(dir)?;
        Ok(repaired)
    }
}

/// Copies what can be read of damaged segments, so that the log is whole again. Returns what the
/// damaged ones are called now.
fn copy_past_damage(store: &Embedded, damaged: &BTreeSet<u32>) -> Result<Vec<PathBuf>, StoreError> {
    let log = &store.metadata.log;
    if damaged.contains(&log.segments().1) {
        log.close_segment()?;
    }
    for segment in log.segments().0 {
        if damaged.contains(&segment.number) {
            let copied = log.rewrite(segment, true, &mut |_| Ok(true))?;
            store.metadata.move_entries(&copied.moved)?;
        }
    }
    log.set_retired_aside()
}

/// sled's records, if they can be read to the end and are of this store; else new ones, and the
/// name that the others got.
fn usable_records(
    disk: &dyn Disk,
    path: &Path,
    store_id: StoreId,
) -> Result<(sled::Db, Option<PathBuf>), StoreError> {
    let is_there = path.join("db").is_file();
    if is_there
        && let Ok(db) = records::open(path)
        && let Some(Ok(true)) = records::guarded(|| is_usable(&db, store_id))
    {
        return Ok((db, None));
    }
    let moved = match path.exists() {
        true => Some(aside(disk, path)?),
        false => None,
    };
    Ok((records::open(path)?, moved))
}

fn is_usable(db: &sled::Db, store_id: StoreId) -> sled::Result<bool> {
    // Reads everything.
    db.checksum()?;
    let store = db.open_tree("counters")?.get(STORE)?;
    Ok(store.is_some_and(|store| store == store_id))
}
