//! What is known of stored pictures.

use std::path::Path;
use std::sync::PoisonError;

use super::EmbeddedMetadata;
use super::trees::{Extent, SegmentGrowth, TreeBatches, decode, encode};
use crate::canonical_url::UrlId;
use crate::network::Descriptor;
use crate::picture::PictureId;
use crate::store::provenance::MOST;
use crate::store::{
    BlockLocation, Embed, FileRecord, Listing, Location, LocationId, PageRecord, PictureRecord,
    Provenance, Sequence, SourcePage, StoreError,
};

impl EmbeddedMetadata {
    pub(super) fn next_sequence(&self) -> u64 {
        *self.pictures.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn contains(&self, id: PictureId) -> Result<bool, StoreError> {
        Ok(self.trees.pictures.contains_key(id.as_bytes())?)
    }

    pub(super) fn picture(&self, id: PictureId) -> Result<Option<PictureRecord>, StoreError> {
        let value = self.trees.pictures.get(id.as_bytes())?;
        value.map(|value| decode("pictures", &value)).transpose()
    }

    pub(super) fn picture_at(&self, sequence: Sequence) -> Result<Option<PictureId>, StoreError> {
        let value = self.trees.sequences.get(sequence.key())?;
        value
            .map(|value| PictureId::from_slice(&value).ok_or(SEQUENCES))
            .transpose()
    }

    pub(super) fn pictures(&self) -> Listing<'_, (Sequence, PictureId)> {
        Box::new(self.trees.sequences.iter().map(|entry| {
            let (key, value) = entry?;
            let sequence = Sequence::from_key(&key).ok_or(SEQUENCES)?;
            Ok((sequence, PictureId::from_slice(&value).ok_or(SEQUENCES)?))
        }))
    }

    pub(super) fn picture_count(&self) -> usize {
        self.trees.sequences.len()
    }

    pub(super) fn descriptors(&self, first: Sequence) -> Listing<'_, (Sequence, Descriptor)> {
        let entries = self.trees.descriptors.range(first.key()..);
        Box::new(entries.map(|entry| {
            let (key, value) = entry?;
            let sequence = Sequence::from_key(&key).ok_or(DESCRIPTORS)?;
            let descriptor = Descriptor::from_bytes(&value, self.dimensions).ok_or(DESCRIPTORS)?;
            Ok((sequence, descriptor))
        }))
    }

    pub(super) fn descriptor(&self, sequence: Sequence) -> Result<Descriptor, StoreError> {
        let value = self.trees.descriptors.get(sequence.key())?;
        let value = value.ok_or(DESCRIPTORS)?;
        Descriptor::from_bytes(&value, self.dimensions).ok_or(DESCRIPTORS)
    }

    pub(super) fn block_location(
        &self,
        id: PictureId,
    ) -> Result<Option<BlockLocation>, StoreError> {
        let value = self.trees.extents.get(id.as_bytes())?;
        let extent = value.map(|value| decode::<Extent>("extents", &value));
        Ok(extent
            .transpose()?
            .map(|extent| extent.location(self.block_len)))
    }

    pub(super) fn block_locations(&self) -> Listing<'_, (PictureId, BlockLocation)> {
        Box::new(self.trees.extents.iter().map(|entry| {
            let (key, value) = entry?;
            let id = PictureId::from_slice(&key).ok_or(EXTENTS)?;
            let extent: Extent = decode("extents", &value)?;
            Ok((id, extent.location(self.block_len)))
        }))
    }

    pub(super) fn move_block(
        &self,
        id: PictureId,
        from: BlockLocation,
        to: BlockLocation,
    ) -> Result<bool, StoreError> {
        let _guard = self.pictures.lock().unwrap_or_else(PoisonError::into_inner);
        if self.block_location(id)? != Some(from) {
            return Ok(false);
        }
        let t = &self.trees;
        let mut changes = TreeBatches::default();
        let mut grown = SegmentGrowth::default();
        grown.add(&t.segments, to)?;
        grown.write(&t.segments, &mut changes);
        changes
            .of(&t.extents)
            .insert(id.as_bytes(), encode(&Extent::from(to)));
        changes.apply()?;
        Ok(true)
    }

    pub(super) fn thumbnail(&self, id: PictureId) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self
            .trees
            .thumbnails
            .get(id.as_bytes())?
            .map(|value| value.to_vec()))
    }

    pub(super) fn known_file(
        &self,
        path: &Path,
        bytes: u64,
        modified_ns: u64,
    ) -> Result<Option<PictureId>, StoreError> {
        let record = self.file(&LocationId::of_path(path).0)?;
        let same = record.filter(|file| file.bytes == bytes && file.modified_ns == modified_ns);
        Ok(same.map(|file| file.picture))
    }

    /// What is known of the local file of a location.
    pub(super) fn file(&self, location: &[u8]) -> Result<Option<FileRecord>, StoreError> {
        let value = self.trees.files.get(location)?;
        value.map(|value| decode("files", &value)).transpose()
    }

    pub(super) fn provenance(&self, id: PictureId) -> Result<Provenance, StoreError> {
        let mut provenance = Provenance::default();
        let mut changed = Vec::new();
        for entry in self.trees.places.scan_prefix(id.as_bytes()).take(MOST) {
            let (key, value) = entry?;
            match decode("places", &value)? {
                Location::Path(path) => match self.file(&key[PictureId::LEN..])? {
                    Some(file) if file.picture == id => provenance.paths.push(path),
                    _ => changed.push(path),
                },
                Location::Url(url) => {
                    provenance.urls.push(url);
                    let url = key[PictureId::LEN..].try_into();
                    let url = url.map_err(|_| StoreError::Unreadable { tree: "places" })?;
                    self.pages_showing(UrlId(url), &mut provenance.pages)?;
                }
            }
        }
        provenance.or_paths(changed);
        Ok(provenance)
    }

    fn pages_showing(&self, picture: UrlId, pages: &mut Vec<SourcePage>) -> Result<(), StoreError> {
        for entry in self.trees.embeds.scan_prefix(picture.0) {
            if pages.len() >= MOST {
                break;
            }
            let (key, value) = entry?;
            let Some(page) = self.trees.pages.get(&key[16..])? else {
                continue;
            };
            let page: PageRecord = decode("pages", &page)?;
            let embed: Embed = decode("embeds", &value)?;
            pages.push(SourcePage {
                url: page.url,
                title: page.title,
                alt: embed.alt,
                picture_title: embed.title,
                caption: embed.caption,
            });
        }
        Ok(())
    }

    pub(super) fn page_count(&self) -> u64 {
        self.trees.pages.len() as u64
    }
}

const DESCRIPTORS: StoreError = StoreError::Unreadable {
    tree: "descriptors",
};
const SEQUENCES: StoreError = StoreError::Unreadable { tree: "sequences" };
const EXTENTS: StoreError = StoreError::Unreadable { tree: "extents" };
