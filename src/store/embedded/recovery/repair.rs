//! Making a store whole again from what is left of it. Nothing is deleted: what cannot be used
//! gets another name.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::activation::Encoding;
use crate::picture::PictureId;
use crate::store::embedded::disk::{Disk, SystemDisk, TolerantDisk};
use crate::store::embedded::files::{Header, LATEST, Lock, UNKNOWN_BYTES, WITH_LOG, check_places};
use crate::store::embedded::log::{
    FOLDER, Fate, LIST_FILE, Log, Mark, Opened, mend_headers, pictures_in, take_back,
};
use crate::store::embedded::records::Records;
use crate::store::embedded::recovery::{header, usable_records};
use crate::store::embedded::rows;
use crate::store::embedded::trees::Trees;
use crate::store::embedded::{Embedded, EmbeddedMetadata, Parts, RECORDS, migration};
use crate::store::keeping::Layouts;
use crate::store::leases::LEASE_TIME;
use crate::store::{Repaired, StoreError, StoreOptions};

/// Pictures that are left out and named one by one.
const MOST_NAMED: usize = 20;

impl Embedded {
    /// Whether the disk has room for a repair, and can be written.
    pub(in crate::store) fn has_room_to_repair(dir: &Path) -> bool {
        usable_records::check_room(dir, dir).is_ok()
    }

    /// Makes the records of pictures anew from the log, and the log's own small files from its
    /// segments where they are lost.
    ///
    /// # Errors
    /// If the store is in use, is none, or the disk fails.
    pub(in crate::store) fn repair(
        dir: &Path,
        options: &StoreOptions<'_>,
    ) -> Result<Repaired, StoreError> {
        let disk = TolerantDisk::over(Arc::new(SystemDisk), dir.join(FOLDER));
        Self::repair_on(Arc::new(disk), dir, options)
    }

    pub(in crate::store::embedded) fn repair_on(
        disk: Arc<dyn Disk>,
        dir: &Path,
        options: &StoreOptions<'_>,
    ) -> Result<Repaired, StoreError> {
        check_places(dir)?;
        let lock = Lock::take(dir)?;
        usable_records::check_room(dir, dir)?;
        // Its pictures may get other numbers.
        rows::forget(dir).map_err(|error| StoreError::io(dir, error))?;
        let mut repaired = Repaired::default();
        let mut header = header::settle(&*disk, dir, options, &mut repaired.aside)?;
        header.check(dir, options.network.id())?;
        if header.format < WITH_LOG {
            drop(lock);
            return bring_up(dir, options, header.format, repaired);
        }
        let store_id = header.store_id(dir)?;
        let mark = Mark::read(&*disk, dir, store_id).ok().flatten();
        repaired.committed = mark.map(|mark| mark.totals.pictures + mark.totals.waiting);
        mend_headers(&*disk, dir, store_id)?;
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
        let (db, path) = usable_records::find(dir, store_id)?;
        let are_new = path != dir.join(RECORDS);
        repaired.forgot_crawl = are_new || !db.was_recovered();
        let held = lock.again().map_err(|error| StoreError::io(dir, error))?;
        let store = Self::assemble(Parts {
            dir,
            options,
            lease_time: LEASE_TIME,
            header: &header,
            store_id,
            trees: Trees::open(db.clone(), lock)?,
            records: Records::new(db, path.clone(), Arc::clone(&disk)),
            log,
        })?;
        let metadata = &store.metadata;
        let counted = metadata.count().ok();
        let next_sequence = counted.map_or(0, |totals| totals.next_sequence);
        // Where the records are lost, and of a copy, only the mark knows of pictures that were removed last.
        let marked = mark.map_or(0, |mark| mark.totals.next_sequence);
        let next_sequence = next_sequence.max(marked);
        if repaired.committed.is_none() && !repaired.forgot_crawl {
            repaired.committed = counted.map(|totals| totals.pictures + totals.waiting);
        }
        let before = metadata.block_locations().filter_map(Result::ok);
        let before: Vec<PictureId> = before.map(|(id, _)| id).collect();
        let damages = metadata.rebuild()?;
        metadata.trees.recount()?;
        let mut damaged = BTreeSet::new();
        for damage in damages {
            let error = metadata.damaged(damage);
            tracing::warn!(%error, "passed over");
            repaired.damaged_bytes += damage.to - damage.from;
            damaged.insert(damage.segment);
        }
        let mut left_out = 0_usize;
        for picture in before {
            if !metadata.contains(picture)? {
                left_out += 1;
                if left_out <= MOST_NAMED {
                    tracing::warn!(%picture, "it is damaged or cannot be read now, and is left out");
                }
            }
        }
        if left_out > MOST_NAMED {
            tracing::warn!(pictures = left_out - MOST_NAMED, "and more are left out");
        }
        for path in &strange {
            for picture in pictures_in(&*disk, path)? {
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
        // They are of the numbers of before.
        migration::drop_described(&metadata.trees.db)?;
        metadata.records.sync()?;
        let before = header.clone();
        header.format = LATEST;
        mend_encoding(&mut header, options, metadata)?;
        if header != before {
            header.write(dir)?;
        }
        // sled is closed before its folder gets another name.
        drop(store);
        if are_new {
            let moved = usable_records::take_their_place(dir, &path)?;
            repaired.aside.extend(moved);
        }
        header.keep_copy(dir)?;
        drop(held);
        Ok(repaired)
    }
}

/// Has the header say what the pictures are stored in: it may be of before they were converted, as in a
/// backup that did not end, or of after.
fn mend_encoding(
    header: &mut Header,
    options: &StoreOptions<'_>,
    metadata: &EmbeddedMetadata,
) -> Result<(), StoreError> {
    let kinds = [Encoding::Compact, Encoding::CompactBefore].map(|sketch| {
        let of = |mixed| Layouts::of(options.network, sketch, mixed);
        (sketch, of(None), of(Some(sketch)))
    });
    // Those of which only a sketch is kept, those with a sketch beside all else, and the others. The sketches
    // of a store are all of one kind.
    let (mut sketches, mut with_sketch, mut without) = (0_u64, 0_u64, 0_u64);
    let mut sketch = header.sketch();
    for entry in metadata.block_locations() {
        let length = entry?.1.payload.map_or(0, |span| span.length);
        for (kind, compact, mixed) in &kinds {
            let is_sketch = length == compact.now().block_len() as u64;
            let has_sketch = length == mixed.now().block_len() as u64;
            if is_sketch || has_sketch {
                sketch = *kind;
            }
            sketches += u64::from(is_sketch);
            with_sketch += u64::from(has_sketch);
        }
        without += u64::from(kinds[0].2.is_of_before(length));
    }
    let is_compact = header.activations.is_compact();
    if header.recent_bytes.is_none() && with_sketch > 0 && !is_compact {
        header.recent_bytes = Some(options.recent_bytes.unwrap_or(UNKNOWN_BYTES));
    }
    header.mixed = with_sketch > 0 || header.recent_bytes.is_some();
    header.converting = match header.recent_bytes {
        Some(_) => {
            header.activations = Encoding::default();
            header.sketch = Some(sketch);
            without > 0
        }
        None if is_compact || sketches > 0 => {
            (header.activations, header.sketch) = (sketch, None);
            without + with_sketch > 0
        }
        None => false,
    };
    if header.recent_bytes == Some(UNKNOWN_BYTES) {
        tracing::warn!(
            "how much is kept in full is lost: all pictures are, until `simdex compact --keep \"recent \
             SIZE\"` says it anew"
        );
    }
    Ok(())
}

/// Opens a store of an older format, which gives it its log.
fn bring_up(
    dir: &Path,
    options: &StoreOptions<'_>,
    format: u32,
    mut repaired: Repaired,
) -> Result<Repaired, StoreError> {
    let store = Embedded::open(dir, options, LEASE_TIME).map_err(|error| match error {
        StoreError::Records { path, .. } => StoreError::OldRecords {
            dir: dir.to_owned(),
            format,
            records: path,
        },
        error => error,
    })?;
    let totals = *store.metadata.totals();
    repaired.pictures = totals.pictures;
    repaired.waiting = totals.waiting;
    Ok(repaired)
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
            let copied = log.rewrite(segment, true, &mut |entries| {
                Ok(entries.iter().map(|_| Fate::Stays).collect())
            })?;
            store.metadata.move_entries(&copied.moved)?;
            for picture in copied.damaged {
                tracing::warn!(%picture, "it is damaged or cannot be read now: `simdex verify` tells");
            }
        }
    }
    log.set_retired_aside()
}
