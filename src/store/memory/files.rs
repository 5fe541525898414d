//! Local files, in memory.

use std::path::Path;

use super::catalogue::list;
use super::{MemoryMetadata, State};
use crate::local_path::LocalPath;
use crate::picture::PictureId;
use crate::store::{
    FilePlace, FileSystemMark, Files, FilesLeft, Listing, Location, LocationId, StoreError,
};

impl Files for MemoryMetadata {
    fn known_file(
        &self,
        path: &Path,
        bytes: u64,
        modified_ns: u64,
    ) -> Result<Option<PictureId>, StoreError> {
        let state = self.lock();
        let place = LocationId::of_path(path);
        let record = state.files.get(&place);
        let same = record.filter(|file| file.bytes == bytes && file.modified_ns == modified_ns);
        let is_there = |file: &PictureId| state.locations.contains_key(&(*file, place));
        Ok(same.map(|file| file.picture).filter(is_there))
    }

    fn file_places(&self) -> Listing<'_, FilePlace> {
        let state = self.lock();
        let places = state.locations.iter();
        list(
            places.filter_map(|((picture, at), location)| match location {
                Location::Path(path) => Some(FilePlace {
                    picture: *picture,
                    path: path.clone(),
                    is_current: state.files.get(at).is_some_and(|f| f.picture == *picture),
                }),
                Location::Url(_) => None,
            }),
        )
    }

    fn drop_files(
        &self,
        places: &[FilePlace],
        by_word: Option<&Path>,
    ) -> Result<FilesLeft, StoreError> {
        let mut state = self.lock();
        let mut left = FilesLeft::default();
        let mut places = places.to_vec();
        places.sort_unstable();
        places.dedup_by(|a, b| (a.picture, &a.path) == (b.picture, &b.path));
        for files in places.chunk_by(|a, b| a.picture == b.picture) {
            let paths = files.iter().map(|file| file.path.as_path());
            let files_left = state.leave_files(files[0].picture, paths, by_word);
            left.files += files_left.files;
            left.pictures += files_left.pictures;
        }
        Ok(left)
    }

    fn removed_file(
        &self,
        picture: PictureId,
        path: &Path,
    ) -> Result<Option<LocalPath>, StoreError> {
        let state = self.lock();
        let keys = [None, Some(LocationId::of_path(path))];
        let mut named = keys.iter().map(|file| (picture, *file));
        Ok(named.find_map(|key| state.removed_files.get(&key).cloned()))
    }

    fn take_back_file(&self, picture: PictureId, path: &Path) -> Result<(), StoreError> {
        let mut state = self.lock();
        for file in [None, Some(LocationId::of_path(path))] {
            state.removed_files.remove(&(picture, file));
        }
        Ok(())
    }

    fn file_systems(&self) -> Result<Vec<FileSystemMark>, StoreError> {
        Ok(self.lock().file_systems.clone())
    }

    fn keep_file_systems(&self, marks: &[FileSystemMark]) -> Result<(), StoreError> {
        self.lock().file_systems = marks.to_vec();
        Ok(())
    }
}

impl State {
    fn leave_files<'a>(
        &mut self,
        picture: PictureId,
        paths: impl Iterator<Item = &'a Path>,
        by_word: Option<&Path>,
    ) -> FilesLeft {
        let places = paths.map(|path| (picture, LocationId::of_path(path)));
        let lost: Vec<_> = places
            .filter(|key| self.locations.contains_key(key))
            .collect();
        let mut left = FilesLeft {
            files: lost.len() as u64,
            pictures: 0,
        };
        if lost.is_empty() {
            return left;
        }
        let named = by_word.map(LocalPath::new);
        let elsewhere = self.locations_of(picture).len() > lost.len();
        if !elsewhere {
            self.take_out(picture, false);
            left.pictures = 1;
            if let Some(named) = named {
                self.forget_labels(picture);
                self.removed_files.insert((picture, None), named);
            }
            return left;
        }
        for key in lost {
            self.locations.remove(&key);
            if let Some(named) = &named {
                self.removed_files
                    .insert((picture, Some(key.1)), named.clone());
            }
        }
        left
    }
}
