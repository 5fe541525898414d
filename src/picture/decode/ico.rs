//! Icons of Windows: the largest of those in a file.

use super::header::Opened;
use super::plain;
use crate::picture::{Format, PictureError};

/// An icon in PNG is a PNG of any kind, of which the `image` crate's reader of icons takes one only;
/// the others are its.
pub(super) fn open(bytes: &[u8]) -> Result<Opened<'_>, PictureError> {
    let png = largest(bytes).filter(|icon| icon.starts_with(b"\x89PNG"));
    match png {
        Some(png) => Ok(Opened {
            format: Format::Ico,
            ..plain::open(Format::Png, png)?
        }),
        None => plain::open(Format::Ico, bytes),
    }
}

fn largest(bytes: &[u8]) -> Option<&[u8]> {
    let count = u16::from_le_bytes(*bytes.get(4..)?.first_chunk()?);
    let entries = bytes.get(6..)?.as_chunks::<16>().0.iter();
    let entries = entries.take(usize::from(count));
    // A side of 0 is one of 256.
    let side = |side: u8| u32::from(side.wrapping_sub(1)) + 1;
    // Of those of one size the last has most colours, as a rule.
    let largest = entries.max_by_key(|entry| (side(entry[0]) * side(entry[1]), entry[6]))?;
    let number = |at: usize| {
        let bytes = largest.get(at..)?.first_chunk()?;
        usize::try_from(u32::from_le_bytes(*bytes)).ok()
    };
    let start = number(12)?;
    bytes.get(start..start.checked_add(number(8)?)?)
}
