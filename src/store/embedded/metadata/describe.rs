//! How pictures are described: their rows say it, and of those that have none in the way of the network the log, which
//! has descriptors and looks, or the activations that they are made of.

use std::path::Path;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rayon::prelude::*;

use crate::activation::Activations;
use crate::network::{self, Descriptor, LookDescriptor, LookProjection, Network};
use crate::picture::PictureId;
use crate::store::embedded::files::Header;
use crate::store::embedded::log::LoggedEntry;
use crate::store::embedded::rows::RowFile;
use crate::store::embedded::{Embedded, EmbeddedMetadata};
use crate::store::entry::{DescriptorSection, SectionKind, read_record};
use crate::store::keeping::Layouts;
use crate::store::{EntryLocation, Listing, Sequence, StoreError};

/// Most pictures of which a listing reads, or makes, what it tells in one step.
const AT_ONCE: usize = 512;
const NOTE_EVERY: Duration = Duration::from_secs(5);

/// Makes descriptors and looks of activations, in the way of the network.
pub(in crate::store::embedded) struct Describer {
    describer: network::Describer,
    look: Option<Arc<LookProjection>>,
    layouts: Layouts,
}

impl Describer {
    /// Of a network, and of blocks that may be of these layouts.
    pub(in crate::store::embedded) fn new(network: &Network, layouts: &Layouts) -> Self {
        Self {
            describer: network.present_describer(),
            look: network.present_look(),
            layouts: layouts.clone(),
        }
    }

    /// By a block; `None` of a sketch, which does not say it. An error if it is no whole one.
    fn describe(&self, id: PictureId, block: &[u8]) -> Result<Option<Descriptor>, StoreError> {
        let activations = self.activations(id, block)?;
        let keeps_values = activations.layout().keeps_values();
        Ok(keeps_values.then(|| self.describer.describe(activations)))
    }

    /// By a block; `None` if it has no look. An error if it is no whole one.
    pub(in crate::store::embedded) fn describe_look(
        &self,
        id: PictureId,
        block: &[u8],
    ) -> Result<Option<LookDescriptor>, StoreError> {
        let activations = self.activations(id, block)?;
        Ok(self.look.as_ref().and_then(|it| it.describe(activations)))
    }

    fn activations<'a>(
        &'a self,
        id: PictureId,
        block: &'a [u8],
    ) -> Result<Activations<'a>, StoreError> {
        let layout = self.layouts.of_block(block.len());
        let layout = layout.ok_or(StoreError::Damaged { picture: id })?;
        Ok(Activations::new(layout, block))
    }
}

impl EmbeddedMetadata {
    pub(in crate::store::embedded) fn descriptors(
        &self,
        first: Sequence,
    ) -> Listing<'_, (Sequence, Descriptor)> {
        self.listing(first, |pictures| {
            let rows = self.rows.read(pictures[0].0, numbers_to_read(pictures));
            let by_row = |sequence, id| {
                let row = self.rows.get_of(&rows, sequence);
                let row = row.or_else(|| self.rows.get(sequence))?;
                (row.id == id).then_some(row.descriptor)
            };
            told(pictures, by_row, |sequence, id| {
                self.describe_by_log(sequence, id)
            })
        })
    }

    pub(in crate::store::embedded) fn descriptor(
        &self,
        sequence: Sequence,
    ) -> Result<Descriptor, StoreError> {
        let id = self.picture_at(sequence)?.ok_or(UNKNOWN)?;
        self.described(sequence, id)?.ok_or(UNKNOWN)
    }

    /// A picture's descriptor; `None` if it has left.
    pub(in crate::store::embedded) fn described(
        &self,
        sequence: Sequence,
        id: PictureId,
    ) -> Result<Option<Descriptor>, StoreError> {
        match self.rows.get(sequence).filter(|row| row.id == id) {
            Some(row) => Ok(Some(row.descriptor)),
            None => self.describe_by_log(sequence, id),
        }
    }

    /// Describes a picture by its entry in the log, and keeps that as its row.
    fn describe_by_log(
        &self,
        sequence: Sequence,
        id: PictureId,
    ) -> Result<Option<Descriptor>, StoreError> {
        let described = self.by_entry(id, |at, entry| {
            let values = told_in(entry, SectionKind::Descriptor, Some(&self.descriptor))?;
            let parse = |values: Vec<u8>| Descriptor::from_bytes(&values, self.dimensions);
            if let Some(descriptor) = values.and_then(parse) {
                return Ok(descriptor);
            }
            let block = self.block_of(id, at)?;
            if let Some(descriptor) = self.describer.describe(id, &block)? {
                return Ok(descriptor);
            }
            // Where no more than a sketch is left, what the log says stands.
            let values = told_in(entry, SectionKind::Descriptor, None)?;
            let descriptor = values.and_then(parse);
            descriptor.ok_or(StoreError::Damaged { picture: id })
        });
        self.made(sequence, id, described, |at, descriptor| {
            self.rows.put(sequence, id, at, &descriptor.to_bytes());
        })
        .map(|made| {
            // It stays, for `verify` to name it, and nothing is near it.
            let nothing = || Descriptor::normalized(vec![0.0; self.dimensions]);
            made.map(|descriptor| descriptor.unwrap_or_else(nothing))
        })
    }

    /// What was made of a picture's entry, which `keep` makes its row; `None` if the picture has left meanwhile, and
    /// nothing in it if the entry is damaged.
    pub(in crate::store::embedded) fn made<T>(
        &self,
        sequence: Sequence,
        id: PictureId,
        made: Result<T, StoreError>,
        keep: impl FnOnce(EntryLocation, &T),
    ) -> Result<Option<Option<T>>, StoreError> {
        // Nobody removes or moves it while this is held.
        let _held = self.hold_rows();
        if self.picture_at(sequence)? != Some(id) {
            return Ok(None);
        }
        match made {
            Ok(made) => {
                if let Some(at) = self.block_location(id)? {
                    keep(at, &made);
                }
                Ok(Some(Some(made)))
            }
            Err(error @ (StoreError::Damaged { .. } | StoreError::Log { .. })) => {
                tracing::warn!(picture = %id, %error, "a picture is not described");
                Ok(Some(None))
            }
            // What cannot be read now may be whole.
            Err(error) => Err(error),
        }
    }

    /// Held while rows are written of what the records have, and while pictures leave or move.
    pub(in crate::store::embedded) fn hold_rows(&self) -> MutexGuard<'_, ()> {
        self.row_changes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads something of a picture's entry, wherever that is moved meanwhile.
    pub(in crate::store::embedded) fn by_entry<T>(
        &self,
        id: PictureId,
        read: impl Fn(EntryLocation, &LoggedEntry) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let damaged = StoreError::Damaged { picture: id };
        let Some(mut at) = self.block_location(id)? else {
            return Err(damaged);
        };
        loop {
            let entry = self.log.entry_at(at.segment, at.offset);
            let done = entry.and_then(|entry| match entry.picture == id {
                true => read(at, &entry),
                false => Err(StoreError::Damaged { picture: id }),
            });
            match self.block_location(id)? {
                Some(now) if done.is_err() && now != at => at = now,
                _ => return done,
            }
        }
    }

    /// A picture's activations, as they are in the log.
    pub(in crate::store::embedded) fn block_of(
        &self,
        id: PictureId,
        at: EntryLocation,
    ) -> Result<Vec<u8>, StoreError> {
        let span = at.payload.ok_or(StoreError::Damaged { picture: id })?;
        self.log.read_checked(id, span)
    }

    /// What `tell` tells of the pictures from `first` on. It gets few at first, as of many listings only the beginning
    /// is asked for.
    pub(in crate::store::embedded) fn listing<'a, T: Send + 'a>(
        &'a self,
        first: Sequence,
        tell: impl Fn(&[(Sequence, PictureId)]) -> Vec<Result<T, StoreError>> + Send + 'a,
    ) -> Listing<'a, T> {
        let mut pictures = self.pictures_from(first);
        let mut count = 1;
        let pieces = std::iter::from_fn(move || {
            let piece = pictures.by_ref().take(count).collect::<Result<Vec<_>, _>>();
            count = AT_ONCE.min(8 * count);
            match piece {
                Ok(piece) if piece.is_empty() => None,
                Ok(piece) => Some(tell(&piece)),
                Err(error) => Some(vec![Err(error)]),
            }
        });
        Box::new(pieces.flatten())
    }
}

/// How many numbers are read to have the rows of some pictures; none where most of them would be of others.
pub(in crate::store::embedded) fn numbers_to_read(pictures: &[(Sequence, PictureId)]) -> u64 {
    let ends = pictures.first().zip(pictures.last());
    let span = ends.map_or(0, |(first, last)| last.0.0 - first.0.0 + 1);
    let is_dense = span <= 4 * pictures.len() as u64;
    if is_dense { span } else { 0 }
}

/// What the rows of pictures say, and what is made of those that have none. Those that have left meanwhile are left out.
pub(in crate::store::embedded) fn told<T: Send>(
    pictures: &[(Sequence, PictureId)],
    by_row: impl Fn(Sequence, PictureId) -> Option<T>,
    make: impl Fn(Sequence, PictureId) -> Result<Option<T>, StoreError> + Sync,
) -> Vec<Result<(Sequence, T), StoreError>> {
    let rows = pictures.iter();
    let rows: Vec<Option<T>> = rows.map(|(sequence, id)| by_row(*sequence, *id)).collect();
    let missing = pictures.iter().zip(&rows);
    let missing: Vec<_> = missing
        .filter_map(|(picture, row)| row.is_none().then_some(*picture))
        .collect();
    let made: Vec<_> = match &missing[..] {
        [] => Vec::new(),
        [(sequence, id)] => vec![make(*sequence, *id)],
        missing => {
            let missing = missing.par_iter();
            missing.map(|(sequence, id)| make(*sequence, *id)).collect()
        }
    };
    let mut made = made.into_iter();
    let all = pictures.iter().zip(rows);
    let all = all.filter_map(|((sequence, _), row)| match row {
        Some(row) => Some(Ok((*sequence, row))),
        None => {
            let made = made.next()?.transpose()?;
            Some(made.map(|made| (*sequence, made)))
        }
    });
    all.collect()
}

/// The numbers of an entry's descriptor or look, if it says them in a way; `None`: in any.
pub(in crate::store::embedded) fn told_in(
    entry: &LoggedEntry,
    kind: SectionKind,
    way: Option<&str>,
) -> Result<Option<Vec<u8>>, StoreError> {
    let section = entry.section(kind);
    let section: Option<DescriptorSection<'_>> = section.map(read_record).transpose()?;
    let section = section.filter(|section| way.is_none_or(|way| section.id == way));
    Ok(section.map(|section| section.values))
}

impl Embedded {
    /// Has every picture described, and told how it looks, in the way of the network. What is there is not made again
    /// if this is cut short.
    ///
    /// # Errors
    /// If the rows or the header cannot be written.
    pub(in crate::store::embedded) fn ensure_described(
        &mut self,
        dir: &Path,
        header: &mut Header,
    ) -> Result<(), StoreError> {
        let metadata = &self.metadata;
        if header.descriptor != self.identity.descriptor {
            let listing = metadata.descriptors(Sequence(0));
            let what = "describing the pictures anew";
            metadata.make_all(what, listing, &metadata.rows.file)?;
            header.descriptor.clone_from(&self.identity.descriptor);
            header.write(dir)?;
        }
        let Some(id) = metadata.look_id().map(str::to_owned) else {
            return Ok(());
        };
        if header.look != id {
            let listing = metadata.told_looks(Sequence(0));
            let what = "telling how the pictures look, once";
            metadata.make_all(what, listing, &metadata.looks.file)?;
            header.look.clone_from(&id);
            header.write(dir)?;
        }
        self.identity.look = Some(id);
        Ok(())
    }
}

impl EmbeddedMetadata {
    /// Goes through a listing that makes what is missing in a file of rows, and clears what is between its
    /// pictures: those rows may be of another length. All of it is safe then.
    fn make_all<T>(
        &self,
        what: &str,
        listing: Listing<'_, (Sequence, T)>,
        rows: &RowFile,
    ) -> Result<(), StoreError> {
        let of = self.picture_count();
        if of > 0 {
            tracing::info!(pictures = of, "{what}");
        }
        let failed = |error| StoreError::io(&self.dir, error);
        let (mut next, mut noted) = (Sequence(0), Instant::now());
        for (done, entry) in listing.enumerate() {
            match entry {
                Ok((sequence, _)) => {
                    if sequence > next {
                        rows.clear_between(next, Some(sequence)).map_err(failed)?;
                    }
                    next = Sequence(sequence.0 + 1);
                }
                Err(error @ StoreError::Io { .. }) => {
                    tracing::warn!(%error, "a picture is not described");
                }
                Err(error) => return Err(error),
            }
            if noted.elapsed() > NOTE_EVERY {
                noted = Instant::now();
                tracing::info!(done, of, "{what}");
            }
        }
        rows.clear_between(next, None).map_err(failed)?;
        rows.sync().map_err(failed)
    }
}

const UNKNOWN: StoreError = StoreError::Unreadable { tree: "sequences" };
