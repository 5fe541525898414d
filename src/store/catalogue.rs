//! The catalogue's trait: pictures, where they were seen, and those that wait for features.

use super::block::EntryLocation;
use super::entry::AppendEntries;
use super::pictures::{Body, PictureOutcome};
use super::provenance::{Provenance, SourcePage};
use super::record::PictureRecord;
use super::sequence::Sequence;
use super::terms::PageTerms;
use super::visit::VisitRecord;
use super::{Flaw, Lease, Listing, StoreError};
use crate::canonical_url::UrlId;
use crate::network::{Descriptor, LookDescriptor};
use crate::picture::PictureId;

/// What a search reads of a picture.
#[derive(Debug, Clone, PartialEq)]
pub struct PictureRow {
    /// Which picture it is.
    pub id: PictureId,
    /// Where its entry lies; `None` if nothing says so.
    pub location: Option<EntryLocation>,
    /// What it is found by.
    pub descriptor: Descriptor,
}

/// What is known of pictures.
pub trait Catalogue: Send + Sync {
    /// Stores a batch and returns once it would survive a power failure. The result says
    /// for each entry whether a new picture was stored. All that is known of new pictures, and
    /// what is learnt of others, is appended to `log` first, so that no record names what is not
    /// there.
    ///
    /// # Errors
    /// If the disk is full or fails. Nothing of the batch counts then; its URLs are
    /// handed out again by the next crawl.
    fn commit(
        &self,
        outcomes: Vec<PictureOutcome>,
        log: &dyn AppendEntries,
    ) -> Result<Vec<bool>, StoreError>;

    /// Whether a URL may give this picture from now on, if it gave another at its last visit.
    /// It may not if the run has removed as many pictures of its host as it may; then its
    /// visit has failed. Asked before [`Self::commit`], which takes the other's location away.
    ///
    /// # Errors
    /// If the store fails or a record is unreadable.
    fn may_replace(&self, lease: &Lease, by: PictureId) -> Result<bool, StoreError>;

    /// The number after the last picture's.
    fn next_sequence(&self) -> u64;

    /// Where the entry of a picture with features lies; `None` if there is none.
    ///
    /// # Errors
    /// If the store fails or the record is unreadable.
    fn block_location(&self, id: PictureId) -> Result<Option<EntryLocation>, StoreError>;

    /// Where all entries of pictures with features lie, in the order of pictures' identities.
    fn block_locations(&self) -> Listing<'_, (PictureId, EntryLocation)>;

    /// Records that the entries of pictures have moved, each from where to where, but for those
    /// that were removed in the meantime.
    ///
    /// # Errors
    /// If the store fails or a record is unreadable.
    fn move_entries(
        &self,
        moves: &[(PictureId, EntryLocation, EntryLocation)],
    ) -> Result<(), StoreError>;

    /// Whether these bytes are stored.
    ///
    /// # Errors
    /// If the store fails.
    fn contains(&self, id: PictureId) -> Result<bool, StoreError>;

    /// A picture's metadata.
    ///
    /// # Errors
    /// If the store fails or the record is unreadable.
    fn picture(&self, id: PictureId) -> Result<Option<PictureRecord>, StoreError>;

    /// The picture stored at a place in the order.
    ///
    /// # Errors
    /// If the store fails or the record is unreadable.
    fn picture_at(&self, sequence: Sequence) -> Result<Option<PictureId>, StoreError>;

    /// What a search reads of the picture at a place in the order, in one step; `None` if there is none. Of
    /// one that was removed, or moved, a moment ago, it may say what was so before.
    ///
    /// # Errors
    /// If the store fails or a record is unreadable.
    fn row(&self, sequence: Sequence) -> Result<Option<PictureRow>, StoreError> {
        let Some(id) = self.picture_at(sequence)? else {
            return Ok(None);
        };
        Ok(Some(PictureRow {
            id,
            location: self.block_location(id)?,
            descriptor: self.descriptor(sequence)?,
        }))
    }

    /// All pictures in the order of storing.
    fn pictures(&self) -> Listing<'_, (Sequence, PictureId)>;

    /// The same from `first` on.
    fn pictures_from(&self, first: Sequence) -> Listing<'_, (Sequence, PictureId)>;

    /// How many pictures are stored.
    fn picture_count(&self) -> usize;

    /// The descriptors from `first` on, in the order of storing.
    fn descriptors(&self, first: Sequence) -> Listing<'_, (Sequence, Descriptor)>;

    /// One picture's descriptor.
    ///
    /// # Errors
    /// If the store fails or the record is missing or unreadable.
    fn descriptor(&self, sequence: Sequence) -> Result<Descriptor, StoreError>;

    /// How the pictures from `first` on look, in the order of storing. Those of which that is not
    /// known are left out.
    fn looks(&self, first: Sequence) -> Listing<'_, (Sequence, LookDescriptor)>;

    /// How one picture looks, if that is known.
    ///
    /// # Errors
    /// If the store fails.
    fn look(&self, sequence: Sequence) -> Result<Option<LookDescriptor>, StoreError>;

    /// A small JPEG of the picture: in its own shape, its longer side at most 320 pixels. Those
    /// of before are 224 pixels wide and high, whatever the shape.
    ///
    /// # Errors
    /// If the store fails, or it is damaged.
    fn thumbnail(&self, id: PictureId) -> Result<Option<Vec<u8>>, StoreError>;

    /// Where a picture was seen.
    ///
    /// # Errors
    /// If the store fails or a record is unreadable.
    fn provenance(&self, id: PictureId) -> Result<Provenance, StoreError>;

    /// The URL of a page that shows what is at this URL, if one is recorded.
    ///
    /// # Errors
    /// If the store fails or a record is unreadable.
    fn page_showing(&self, picture: UrlId) -> Result<Option<String>, StoreError>;

    /// The pages that show what is at this URL, at most 100.
    ///
    /// # Errors
    /// If the store fails or a record is unreadable.
    fn pages_showing(&self, picture: UrlId) -> Result<Vec<SourcePage>, StoreError>;

    /// What a page says of the use of its pictures; nothing of a page that is not known.
    ///
    /// # Errors
    /// If the store fails or a record is unreadable.
    fn terms(&self, page: UrlId) -> Result<PageTerms, StoreError>;

    /// How many pages were fetched; reads the whole tree.
    fn page_count(&self) -> u64;

    /// Keeps fetched pictures without features and returns once they would survive a power
    /// failure. The result says for each whether its bytes are new.
    ///
    /// # Errors
    /// If the disk is full or fails. Nothing of the batch counts then; its URLs are
    /// handed out again by the next crawl.
    fn keep_bodies(&self, bodies: Vec<Body>) -> Result<Vec<bool>, StoreError>;

    /// Whether a picture waits for its features.
    ///
    /// # Errors
    /// If the store fails.
    fn waits(&self, id: PictureId) -> Result<bool, StoreError>;

    /// The pictures that wait for their features. Those that begin to wait during the listing
    /// may be among them.
    fn waiting(&self) -> Listing<'_, PictureId>;

    /// Those of them that this process is to make features for. Where many work on one store, each
    /// has some to itself for a while.
    fn waiting_here(&self) -> Listing<'_, PictureId> {
        self.waiting()
    }

    /// How many pictures wait for their features; reads all of them.
    fn waiting_count(&self) -> u64;

    /// The bytes of a picture that waits for its features.
    ///
    /// # Errors
    /// If it does not wait, or its bytes are damaged.
    fn waiting_body(&self, id: PictureId) -> Result<Vec<u8>, StoreError>;

    /// What is known of the last visit of a URL.
    ///
    /// # Errors
    /// If the store fails or the record is unreadable.
    fn visit(&self, url: UrlId) -> Result<Option<VisitRecord>, StoreError>;

    /// Deletes a picture everywhere; its URLs stay known as removed. Returns whether it
    /// was there.
    ///
    /// # Errors
    /// If the store fails or a record is unreadable.
    fn remove_picture(&self, id: PictureId) -> Result<bool, StoreError>;

    /// Compares what the store says of its pictures with what it has of them, and reads the
    /// bodies that wait for features. Nobody may commit while it runs.
    ///
    /// # Errors
    /// If the store fails; what is not right is reported.
    fn check_log(&self, report: &mut dyn FnMut(Flaw)) -> Result<(), StoreError>;

    /// Takes a damaged picture out, so that it can be stored anew: its URLs are queued, its files
    /// count as never read. Returns how many URLs were queued.
    ///
    /// # Errors
    /// If the store fails or a record is unreadable.
    fn ask_again_for(&self, id: PictureId) -> Result<u64, StoreError>;

    /// Pictures that were removed since the store was opened, without the first `seen`, in the
    /// order of removal. With [`Self::next_sequence`] it tells an index what has changed.
    fn removed_since(&self, seen: usize) -> Vec<Sequence>;
}
