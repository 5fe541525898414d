//! What `store.toml` must say, by all else that there is of a store: where it is damaged, lost or
//! another store's, it is made anew and never counts against everything else.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::activation::Encoding;
use crate::store::embedded::RECORDS;
use crate::store::embedded::disk::{Disk, SystemDisk, aside};
use crate::store::embedded::files::{
    HEADER_COPY, HEADER_FILE, Header, LATEST, UNKNOWN_BYTES, WITH_LOG,
};
use crate::store::embedded::log::{
    FOLDER, LIST_FILE, MARK_FILE, Mark, SegmentList, StoreId, block_lengths, mend_headers,
    old_block_length, segment_files, segment_numbers,
};
use crate::store::{StoreError, StoreOptions};

/// Whether `dir` has anything of a store.
pub(in crate::store::embedded) fn has_traces(dir: &Path) -> bool {
    let files = [HEADER_FILE, HEADER_COPY, LIST_FILE, MARK_FILE];
    let has_small = files.iter().any(|file| dir.join(file).is_file());
    // Those of earlier versions have no others.
    has_small || !segment_numbers(&SystemDisk, dir).is_ok_and(|numbers| numbers.is_empty())
}

/// Of which stores the files of a store are.
#[derive(Debug)]
struct Owners {
    /// The small files, by name.
    small: Vec<(&'static str, StoreId)>,
    /// How many segments are whose.
    segments: BTreeMap<StoreId, usize>,
}

impl Owners {
    fn of(disk: &dyn Disk, dir: &Path) -> Result<Self, StoreError> {
        let copy = Header::read_copy(dir).and_then(|copy| copy.store_id(dir).ok());
        let owners = [
            (HEADER_COPY, copy),
            (MARK_FILE, Mark::owner(disk, dir)),
            (LIST_FILE, SegmentList::owner(disk, dir)),
        ];
        let mut segments = BTreeMap::new();
        for file in segment_files(disk, dir)? {
            *segments.entry(file.store).or_default() += 1;
        }
        let owners = owners.into_iter();
        Ok(Self {
            small: owners.filter_map(|(name, id)| Some((name, id?))).collect(),
            segments,
        })
    }

    /// What of the store's files is of other stores than `id`, where that is most of them; else
    /// `None`.
    fn against(&self, id: StoreId) -> Option<String> {
        let own = self.segments.get(&id).copied().unwrap_or(0);
        let others = self.segments.iter().filter(|(of, _)| **of != id);
        let others = others.map(|(_, count)| *count).max().unwrap_or(0);
        if own > 0 && others == 0 {
            return None;
        }
        let small = self.small.iter();
        let mut against: Vec<&str> = small
            .filter(|(_, of)| *of != id)
            .map(|(name, _)| *name)
            .collect();
        // store.toml itself speaks for it.
        let mut by_files = 1 + self.small.len() - against.len();
        by_files += usize::from(own > 0 && own >= others);
        if others > own {
            against.push(FOLDER);
        }
        let is_outvoted = against.len() > by_files || (against.len() == by_files && others > own);
        is_outvoted.then(|| against.join(", "))
    }

    /// Whose most segments are; without segments, whose most of the small files are.
    fn most(&self) -> Option<StoreId> {
        let of_segments = self.segments.iter().max_by_key(|(_, count)| **count);
        let count = |id: &StoreId| self.small.iter().filter(|(_, of)| of == id).count();
        let of_small = self.small.iter().map(|(_, id)| *id).max_by_key(count);
        of_segments.map(|(id, _)| *id).or(of_small)
    }
}

/// Refuses a header that is not of the store in whose folder it is.
///
/// # Errors
/// [`StoreError::OtherHeader`] or [`StoreError::Header`].
pub(in crate::store::embedded) fn check(
    disk: &dyn Disk,
    dir: &Path,
    header: &Header,
) -> Result<(), StoreError> {
    if let Some(against) = Owners::of(disk, dir)?.against(header.store_id(dir)?) {
        let copy = Header::read_copy(dir).is_some_and(|copy| copy.id != header.id);
        return Err(other_header(dir, against, copy));
    }
    match Header::read_copy(dir) {
        Some(copy) if copy.id == header.id && !header.may_follow(&copy) => {
            Err(StoreError::Header {
                path: dir.join(HEADER_FILE),
                message: format!("it is damaged: its copy {HEADER_COPY} says otherwise"),
            })
        }
        _ => Ok(()),
    }
}

fn other_header(dir: &Path, against: String, has_copy: bool) -> StoreError {
    StoreError::OtherHeader {
        path: dir.join(HEADER_FILE),
        against,
        advice: match has_copy {
            true => "`simdex repair` makes it anew from its copy",
            false => "put back this store's own, as from a backup of it",
        },
    }
}

/// The header of a store to be repaired, written anew where it is damaged, lost or another's.
/// What was there is kept under the names that are added to `set_aside`.
///
/// # Errors
/// If it cannot be known, or is another store's and there is no copy of the right one.
pub(in crate::store::embedded) fn settle(
    disk: &dyn Disk,
    dir: &Path,
    options: &StoreOptions<'_>,
    set_aside: &mut Vec<PathBuf>,
) -> Result<Header, StoreError> {
    let found = Header::read(dir);
    let path = dir.join(HEADER_FILE);
    let problem = match found {
        Ok(Some(header)) if header.format < WITH_LOG && Header::read_copy(dir).is_none() => {
            return Ok(header);
        }
        Ok(Some(header)) => match header.store_id(dir).and_then(|_| check(disk, dir, &header)) {
            Ok(()) => return Ok(header),
            Err(error) => error,
        },
        Ok(None) => StoreError::NoHeader {
            dir: dir.to_owned(),
        },
        Err(error @ StoreError::Header { .. }) => error,
        // Of a newer simdex, or not readable now.
        Err(error) => return Err(error),
    };
    let owners = Owners::of(disk, dir)?;
    let copy = Header::read_copy(dir);
    let copy = copy.filter(|copy| {
        let id = copy.store_id(dir);
        id.is_ok_and(|id| owners.against(id).is_none())
    });
    let header = match (copy, problem) {
        (Some(copy), _) => copy,
        (None, problem @ StoreError::OtherHeader { .. }) => return Err(problem),
        (None, problem) => match owners.most() {
            Some(id) => {
                mend_headers(disk, dir, id)?;
                of_log(disk, dir, id, options)?
            }
            None => of_old_blocks(disk, dir, options, problem)?,
        },
    };
    header.check(dir, options.network.id())?;
    if path.exists() {
        set_aside.push(aside(disk, &path)?);
    }
    header.write(dir)?;
    tracing::warn!(path = %path.display(), "it was damaged or not this store's, and is made anew");
    Ok(header)
}

/// The header by the log alone: the network must be the one that is configured, if a picture's
/// activations fit it.
fn of_log(
    disk: &dyn Disk,
    dir: &Path,
    id: StoreId,
    options: &StoreOptions<'_>,
) -> Result<Header, StoreError> {
    let lengths = block_lengths(disk, dir, id)?;
    let found: BTreeSet<_> = lengths
        .iter()
        .filter_map(|length| fitting(*length, options))
        .collect();
    let compact = found.iter().find(|encoding| encoding.is_compact());
    let sketch = [Encoding::Compact, Encoding::CompactBefore]
        .into_iter()
        .find(|sketch| {
            let network = options.network;
            let with_sketch = network.layout_with_sketch(Encoding::default(), *sketch);
            lengths.contains(&(with_sketch.block_len() as u64))
        });
    let mixed = sketch.is_some();
    let activations = match (compact, found.first()) {
        _ if mixed => Encoding::default(),
        // Among those of another encoding: they are being converted.
        (Some(compact), _) => *compact,
        (None, Some(encoding)) => *encoding,
        (None, None) if lengths.is_empty() => options.activations,
        (None, None) => {
            return Err(StoreError::Header {
                path: dir.join(HEADER_FILE),
                message: "it is damaged or lost, and the store's pictures do not fit the \
                          configured network; put it back from a backup"
                    .to_owned(),
            });
        }
    };
    Ok(Header {
        format: LATEST,
        id: format!("{:032x}", u128::from_be_bytes(id)),
        network: options.network.id().clone(),
        activations,
        recent_bytes: mixed.then(|| options.recent_bytes.unwrap_or(UNKNOWN_BYTES)),
        sketch,
        mixed,
        converting: match mixed {
            // Sketches may stay as they are.
            true => found.iter().any(|encoding| !encoding.is_compact()),
            false => found.len() > 1,
        },
        // Unknown: all pictures are described anew.
        descriptor: String::new(),
        look: String::new(),
    })
}

/// The encoding whose blocks have a length, by the configured network.
fn fitting(length: u64, options: &StoreOptions<'_>) -> Option<Encoding> {
    let length = usize::try_from(length).ok()?;
    let mut encodings = Encoding::ALL.into_iter();
    encodings.find(|encoding| options.network.layout(*encoding).block_len() == length)
}

/// The header of a store of format 3, the last one without a log, whose blocks fit the configured
/// network. Blocks of earlier formats are shorter.
fn of_old_blocks(
    disk: &dyn Disk,
    dir: &Path,
    options: &StoreOptions<'_>,
    problem: StoreError,
) -> Result<Header, StoreError> {
    let numbers = segment_numbers(disk, dir)?;
    if numbers.is_empty() {
        return Err(problem);
    }
    let lost = || StoreError::OldHeader {
        path: dir.join(HEADER_FILE),
    };
    let length = old_block_length(disk, dir)?;
    let activations = length.and_then(|length| fitting(length, options));
    let activations = activations.ok_or_else(lost)?;
    if !dir.join(RECORDS).join("db").is_file() {
        return Err(lost());
    }
    Ok(Header {
        format: 3,
        id: format!("{:032x}", rand::random::<u128>()),
        network: options.network.id().clone(),
        activations,
        recent_bytes: None,
        sketch: None,
        mixed: false,
        converting: false,
        descriptor: String::new(),
        look: String::new(),
    })
}
