//! An entry of the log: what is known of a picture when it is stored, or a fact that is learnt
//! later. Entries are made of typed sections, each with a version of its own, so that what is
//! added one day is another section and not another format.

use std::borrow::Cow;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::record::{Embed, PageRecord};
use super::{EntryLocation, Label, Location, LocationId, PictureRecord, StoreError};
use crate::local_path::LocalPath;
use crate::network::LookDescriptor;
use crate::picture::PictureId;

/// What entries can be appended to: all that a commit needs of [`Blocks`](super::Blocks).
pub trait AppendEntries: Send + Sync {
    /// Appends entries and returns where they lie, once they would survive a power failure.
    /// They count when the catalogue has taken their locations.
    ///
    /// # Errors
    /// If the disk is full or fails.
    fn append(&self, entries: &[Entry<'_>]) -> Result<Vec<EntryLocation>, StoreError>;
}

/// An entry on its way into the log.
#[derive(Debug, Clone)]
pub struct Entry<'a> {
    /// The picture that it is of; all zeros if it is of none.
    pub picture: PictureId,
    /// What it says, the large part last.
    pub sections: Vec<Section<'a>>,
}

/// What a section is of. The numbers are on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SectionKind {
    /// A [`PictureRecord`].
    Record = 1,
    /// A `DescriptorSection`.
    Descriptor = 2,
    /// A small JPEG.
    Thumbnail = 3,
    /// A `Found`.
    Found = 4,
    /// A `Lost`.
    Lost = 5,
    /// A `Removed`: the picture was taken out of the store.
    Removed = 6,
    /// A `RemovedHost`.
    RemovedHost = 7,
    /// A `Seed`.
    Seed = 8,
    /// A `RemovedFile`.
    RemovedFile = 9,
    /// How the picture looks, a `DescriptorSection`.
    Look = 10,
    /// A `LabelFact`.
    Label = 11,
    /// The activations.
    Block = 16,
    /// Where the activations lie in another file, an `Elsewhere`.
    BlockElsewhere = 17,
    /// A fetched picture that waits for its features.
    Body = 18,
}

impl SectionKind {
    const ALL: [Self; 14] = [
        Self::Record,
        Self::Descriptor,
        Self::Thumbnail,
        Self::Found,
        Self::Lost,
        Self::Removed,
        Self::RemovedHost,
        Self::Seed,
        Self::RemovedFile,
        Self::Look,
        Self::Label,
        Self::Block,
        Self::BlockElsewhere,
        Self::Body,
    ];

    /// The kind of a number; `None` if it is one of a later version.
    pub(super) fn of(number: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u16 == number)
    }

    /// Whether it is the large part of an entry, which is read on its own.
    pub(super) fn is_payload(self) -> bool {
        matches!(self, Self::Block | Self::Body)
    }

    /// Whether it is read together with the entry. The others are read when they are asked for.
    pub(super) fn is_read_with_entry(self) -> bool {
        !self.is_payload() && self != Self::Thumbnail
    }
}

/// A part of an entry.
#[derive(Debug, Clone)]
pub struct Section<'a> {
    /// What it is of.
    pub kind: SectionKind,
    /// Its bytes.
    pub bytes: Cow<'a, [u8]>,
    /// Of damaged bytes that are carried along, the checksum of what they were: it is kept, so
    /// that they stay damaged.
    pub damaged: Option<u32>,
}

impl<'a> Section<'a> {
    /// A section of bytes as they are.
    pub(super) fn of_bytes(kind: SectionKind, bytes: &'a [u8]) -> Self {
        Self {
            kind,
            bytes: Cow::Borrowed(bytes),
            damaged: None,
        }
    }

    /// The same of bytes of its own.
    pub(super) fn of_owned(kind: SectionKind, bytes: Vec<u8>) -> Self {
        Self {
            kind,
            bytes: Cow::Owned(bytes),
            damaged: None,
        }
    }

    /// A section of a record.
    pub(super) fn of_record<T: Serialize>(kind: SectionKind, record: &T) -> Self {
        let bytes = postcard::to_stdvec(record)
            .expect("plain records of strings and integers always encode");
        Self::of_owned(kind, bytes)
    }
}

/// Reads a section's record.
pub(super) fn read_record<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, StoreError> {
    postcard::from_bytes(bytes).map_err(|_| StoreError::Unreadable { tree: "log" })
}

/// How a picture is described, or how it looks.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct DescriptorSection<'a> {
    /// The way of describing ([`Network::descriptor_id`](crate::network::Network::descriptor_id)),
    /// or of telling looks ([`LookProjection::id`](crate::network::LookProjection::id)).
    pub(super) id: Cow<'a, str>,
    /// The numbers, f32 little-endian; of a look signed bytes.
    pub(super) values: Vec<u8>,
}

/// A place where a picture was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Found {
    /// The place's identity.
    pub(super) id: [u8; 16],
    /// The place.
    pub(super) location: Location,
    /// Size in bytes and time of the last change (nanoseconds since 1970) of a local file.
    pub(super) file: Option<(u64, u64)>,
    /// The pages that show it, as far as they were known.
    pub(super) pages: Vec<(PageRecord, Embed)>,
}

impl Found {
    pub(super) fn id(&self) -> LocationId {
        LocationId(self.id)
    }
}

/// A place that a picture is no longer at.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Lost {
    /// The place's identity.
    pub(super) id: [u8; 16],
}

/// A picture, or URLs without one, that were removed.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Removed {
    /// URLs that no crawl is to bring back.
    pub(super) urls: Vec<String>,
}

/// A host that was removed, or may be crawled again.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct RemovedHost {
    /// Its identity.
    pub(super) host: [u8; 8],
    /// When, in milliseconds since 1970; `None` if it was taken back.
    pub(super) at_ms: Option<u64>,
}

/// A picture that is not to be taken from local files, or may be again.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct RemovedFile {
    /// The file's identity; `None`: no file with these bytes.
    pub(super) file: Option<[u8; 16]>,
    /// The file or folder that was named, empty if it was the picture; `None` if it may be taken
    /// again.
    pub(super) named: Option<LocalPath>,
}

/// What the user has said of pictures, or has taken back.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct LabelFact {
    /// The label's identity.
    pub(super) id: [u8; 16],
    /// What was said; `None` if it was taken back.
    pub(super) label: Option<Label>,
}

/// Where a crawl begins, so that it can begin there again.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Seed {
    /// The URL, in canonical form.
    pub(super) url: String,
}

/// Where bytes lie in a segment of format 3 or older.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Elsewhere {
    pub(super) segment: u32,
    pub(super) offset: u64,
    pub(super) length: u64,
    pub(super) checksum: u32,
}

/// Most places that one entry tells of; more are told by entries behind it.
pub(super) const MOST_PLACES: usize = 1000;

/// Takes the places that do not fit out of an entry: entries of their own.
pub(super) fn overflow<'a>(picture: PictureId, places: &mut Vec<Section<'a>>) -> Vec<Entry<'a>> {
    let rest = places.split_off(places.len().min(MOST_PLACES));
    let chunks = rest.chunks(MOST_PLACES).map(|places| Entry {
        picture,
        sections: places.to_vec(),
    });
    chunks.collect()
}

/// What a picture is known by when it is stored.
pub(super) fn record_sections<'a>(
    record: &PictureRecord,
    descriptor_id: &'a str,
    descriptor: Vec<u8>,
) -> [Section<'a>; 2] {
    let descriptor = DescriptorSection {
        id: Cow::Borrowed(descriptor_id),
        values: descriptor,
    };
    [
        Section::of_record(SectionKind::Record, record),
        Section::of_record(SectionKind::Descriptor, &descriptor),
    ]
}

/// How a picture looks, as it is when the picture is stored.
pub(super) fn look_section<'a>(id: &'a str, look: &LookDescriptor) -> Section<'a> {
    let look = DescriptorSection {
        id: Cow::Borrowed(id),
        values: look.bytes().to_vec(),
    };
    Section::of_record(SectionKind::Look, &look)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_numbers_of_their_own() {
        for kind in SectionKind::ALL {
            assert_eq!(SectionKind::of(kind as u16), Some(kind));
        }
        assert_eq!(SectionKind::of(0), None);
        assert_eq!(SectionKind::of(999), None);
    }
}
