//! How much a store keeps is changed: its header says so before anything is converted, so that whoever
//! opens it reads blocks of all kinds.

use std::path::Path;

use super::Embedded;
use super::files::{Header, LATEST, Lock, Reserve};
use crate::activation::Encoding;
use crate::store::{StoreError, StoreOptions};

impl Embedded {
    /// Has the store in `dir` keep sketches from now on.
    ///
    /// # Errors
    /// If it is in use, is no store that was opened with `options`, or the disk is full or fails.
    pub(in crate::store) fn keep_compact(
        dir: &Path,
        options: &StoreOptions<'_>,
    ) -> Result<(), StoreError> {
        change(dir, options, |header| {
            if !header.activations.is_compact() {
                header.activations = header.sketch();
                (header.recent_bytes, header.sketch) = (None, None);
                header.converting = true;
            }
        })
    }

    /// Has the store in `dir` keep its newest pictures in full from now on, as many as take so many bytes,
    /// and sketches of the rest.
    ///
    /// # Errors
    /// As [`Self::keep_compact`].
    pub(in crate::store) fn keep_recent(
        dir: &Path,
        bytes: u64,
        options: &StoreOptions<'_>,
    ) -> Result<(), StoreError> {
        change(dir, options, |header| {
            // Of those that are there the sketches are missing that they are compared by.
            header.converting |= header.recent_bytes.is_none() && !header.activations.is_compact();
            header.sketch = Some(header.sketch());
            header.activations = Encoding::default();
            header.recent_bytes = Some(bytes);
            header.mixed = true;
        })
    }

    /// Notes that all blocks of the store in `dir` are in its encoding.
    pub(in crate::store) fn end_converting(dir: &Path) -> Result<(), StoreError> {
        let mut header = Header::read(dir)?.ok_or_else(|| StoreError::NoHeader {
            dir: dir.to_owned(),
        })?;
        header.converting = false;
        header.mixed = header.recent_bytes.is_some();
        header.write(dir)
    }
}

/// Changes what the header of the store in `dir` says of how much it keeps.
fn change(
    dir: &Path,
    options: &StoreOptions<'_>,
    to: impl FnOnce(&mut Header),
) -> Result<(), StoreError> {
    let _lock = Lock::take(dir)?;
    let mut header = Header::read(dir)?.ok_or_else(|| StoreError::NoHeader {
        dir: dir.to_owned(),
    })?;
    header.check(dir, options.network.id())?;
    let before = header.clone();
    to(&mut header);
    if header == before {
        return Ok(());
    }
    // Later it cannot be described any more.
    let mut look = options.network.look().into_iter();
    let is_described = header.descriptor == options.network.descriptor_id()
        && look.all(|look| header.look == look.id());
    if header.format < LATEST || !is_described {
        return Err(StoreError::Older {
            dir: dir.to_owned(),
        });
    }
    // What comes next should not fail at once.
    Reserve {
        dir: dir.to_owned(),
        bytes: 0,
        is_frozen: false,
    }
    .check_for(0)?;
    header.write(dir)
}
