//! Local files: where pictures were found, what leaves with them, and what is not to come back.

use std::collections::BTreeMap;
use std::path::Path;

use crate::local_path::LocalPath;
use crate::picture::PictureId;
use crate::store::embedded::EmbeddedMetadata;
use crate::store::embedded::metadata::leaving::Leaving;
use crate::store::embedded::metadata::places::place_of;
use crate::store::embedded::trees::{FILE_SYSTEMS, decode, encode, location_key, removed_file_key};
use crate::store::{
    FilePlace, FileSystemMark, Files, FilesLeft, Listing, Location, LocationId, StoreError,
};

const PLACES: StoreError = StoreError::Unreadable { tree: "places" };
/// Pictures that files are taken from in one transaction.
const AT_ONCE: usize = 256;

impl Files for EmbeddedMetadata {
    fn known_file(
        &self,
        path: &Path,
        bytes: u64,
        modified_ns: u64,
    ) -> Result<Option<PictureId>, StoreError> {
        let place = LocationId::of_path(path);
        let record = self.trees.file(place)?;
        let same = record.filter(|file| file.bytes == bytes && file.modified_ns == modified_ns);
        let Some(file) = same else {
            return Ok(None);
        };
        let is_there = self
            .trees
            .places
            .contains_key(location_key(file.picture, place))?;
        Ok(is_there.then_some(file.picture))
    }

    fn file_places(&self) -> Listing<'_, FilePlace> {
        Box::new(self.trees.places.iter().filter_map(|entry| {
            let place = entry.map_err(StoreError::from).and_then(|(key, value)| {
                let Location::Path(path) = decode("places", &value)? else {
                    return Ok(None);
                };
                let id = key.get(..PictureId::LEN).and_then(PictureId::from_slice);
                let picture = id.ok_or(PLACES)?;
                let file = self.trees.file(place_of(&key)?)?;
                Ok(Some(FilePlace {
                    picture,
                    path,
                    is_current: file.is_some_and(|file| file.picture == picture),
                }))
            });
            place.transpose()
        }))
    }

    fn drop_files(
        &self,
        places: &[FilePlace],
        by_word: Option<&Path>,
    ) -> Result<FilesLeft, StoreError> {
        let mut by_picture: BTreeMap<PictureId, Vec<LocationId>> = BTreeMap::new();
        for place in places {
            let files = by_picture.entry(place.picture).or_default();
            files.push(LocationId::of_path(place.path.as_path()));
        }
        let by_picture: Vec<_> = by_picture.into_iter().collect();
        let named = by_word.map(LocalPath::new);
        let mut left = FilesLeft::default();
        for some in by_picture.chunks(AT_ONCE) {
            let mut totals = self.totals();
            let mut leaving = Leaving::new(self, *totals);
            for (picture, files) in some {
                let (lost, is_out) = leaving.leave_files(*picture, files, named.as_ref())?;
                left.files += lost;
                left.pictures += u64::from(is_out);
            }
            leaving.apply(&mut totals)?;
        }
        Ok(left)
    }

    fn removed_file(
        &self,
        picture: PictureId,
        path: &Path,
    ) -> Result<Option<LocalPath>, StoreError> {
        for file in [None, Some(LocationId::of_path(path))] {
            let key = removed_file_key(picture, file);
            if let Some(named) = self.trees.removed_files.get(key)? {
                return decode("removed_files", &named).map(Some);
            }
        }
        Ok(None)
    }

    fn take_back_file(&self, picture: PictureId, path: &Path) -> Result<(), StoreError> {
        let mut totals = self.totals();
        let mut leaving = Leaving::new(self, *totals);
        for file in [None, Some(LocationId::of_path(path))] {
            let key = removed_file_key(picture, file);
            if self.trees.removed_files.contains_key(key)? {
                leaving.mark_file(picture, file, None);
            }
        }
        leaving.apply(&mut totals)
    }

    fn file_systems(&self) -> Result<Vec<FileSystemMark>, StoreError> {
        let marks = self.trees.counters.get(FILE_SYSTEMS)?;
        let marks = marks.map(|marks| decode("counters", &marks)).transpose()?;
        Ok(marks.unwrap_or_default())
    }

    fn keep_file_systems(&self, marks: &[FileSystemMark]) -> Result<(), StoreError> {
        self.trees.counters.insert(FILE_SYSTEMS, encode(&marks))?;
        self.records.sync()
    }
}
