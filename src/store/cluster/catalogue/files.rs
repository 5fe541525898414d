//! Local files, on PostgreSQL. Paths are those of the machine that added them.

use std::path::Path;

use crate::local_path::LocalPath;
use crate::picture::PictureId;
use crate::store::cluster::catalogue::removal::file_key;
use crate::store::cluster::rows::transaction::Transaction;
use crate::store::cluster::server::listing::{PAGE, listing};
use crate::store::cluster::{ClusterMetadata, decode, encode, signed};
use crate::store::{
    FilePlace, FileRecord, FileSystemMark, Files, FilesLeft, Listing, LocationId, StoreError,
};

/// The note of the file systems that folders were on.
pub(in crate::store::cluster) const FILE_SYSTEMS: &str = "file_systems";

impl Files for ClusterMetadata {
    fn known_file(
        &self,
        path: &Path,
        bytes: u64,
        modified_ns: u64,
    ) -> Result<Option<PictureId>, StoreError> {
        let place = LocationId::of_path(path);
        let select = || {
            sqlx::query_as(
                "SELECT f.picture FROM files f \
                 JOIN locations l ON l.picture = f.picture AND l.id = f.id \
                 WHERE f.id = $1 AND f.bytes = $2 AND f.modified_ns = $3",
            )
            .bind(place.0)
            .bind(signed(bytes))
            .bind(signed(modified_ns))
        };
        let row: Option<([u8; 32],)> = self.database().row(select)?;
        Ok(row.map(|(picture,)| PictureId::from_bytes(picture)))
    }

    fn file_places(&self) -> Listing<'_, FilePlace> {
        listing(move |last: Option<&([u8; 32], [u8; 16])>| {
            let (picture, id) = last.map_or((Vec::new(), Vec::new()), |(picture, id)| {
                (picture.to_vec(), id.to_vec())
            });
            type Row = ([u8; 32], [u8; 16], Vec<u8>, bool);
            let select = || {
                sqlx::query_as(
                    "SELECT l.picture, l.id, l.path, f.id IS NOT NULL FROM locations l \
                     LEFT JOIN files f ON f.id = l.id AND f.picture = l.picture \
                     WHERE l.path IS NOT NULL AND (l.picture, l.id) > ($1, $2) \
                     ORDER BY l.picture, l.id LIMIT $3",
                )
                .bind(picture.clone())
                .bind(id.clone())
                .bind(PAGE)
            };
            let rows: Vec<Row> = self.database().rows(select)?;
            let rows = rows.into_iter().map(|(picture, id, path, is_current)| {
                let place = FilePlace {
                    picture: PictureId::from_bytes(picture),
                    path: decode("locations", &path)?,
                    is_current,
                };
                Ok(((picture, id), place))
            });
            rows.collect()
        })
    }

    fn drop_files(
        &self,
        places: &[FilePlace],
        by_word: Option<&Path>,
    ) -> Result<FilesLeft, StoreError> {
        let mut places = places.to_vec();
        places.sort_unstable();
        places.dedup_by(|a, b| (a.picture, &a.path) == (b.picture, &b.path));
        self.write(|transaction| {
            let mut left = FilesLeft::default();
            for files in places.chunk_by(|a, b| a.picture == b.picture) {
                let files_left = transaction.leave_files(files[0].picture, files, by_word)?;
                left.files += files_left.files;
                left.pictures += files_left.pictures;
            }
            Ok(left)
        })
    }

    fn removed_file(
        &self,
        picture: PictureId,
        path: &Path,
    ) -> Result<Option<LocalPath>, StoreError> {
        let file = file_key(Some(LocationId::of_path(path)));
        let select = || {
            // What was said of the picture comes first.
            sqlx::query_as(
                "SELECT named FROM removed_files \
                 WHERE picture = $1 AND (file = '' OR file = $2) ORDER BY file LIMIT 1",
            )
            .bind(*picture.as_bytes())
            .bind(file.clone())
        };
        let row: Option<(Vec<u8>,)> = self.database().row(select)?;
        row.map(|(named,)| decode("removed_files", &named))
            .transpose()
    }

    fn take_back_file(&self, picture: PictureId, path: &Path) -> Result<(), StoreError> {
        let file = file_key(Some(LocationId::of_path(path)));
        let delete = || {
            sqlx::query("DELETE FROM removed_files WHERE picture = $1 AND (file = '' OR file = $2)")
                .bind(*picture.as_bytes())
                .bind(file.clone())
        };
        self.database().execute(delete).map(drop)
    }

    fn file_systems(&self) -> Result<Vec<FileSystemMark>, StoreError> {
        let note = self.note(FILE_SYSTEMS)?;
        let marks = note.map(|note| decode("file_systems", &note));
        Ok(marks.transpose()?.unwrap_or_default())
    }

    fn keep_file_systems(&self, marks: &[FileSystemMark]) -> Result<(), StoreError> {
        self.keep_note(FILE_SYSTEMS, &encode(&marks))
    }
}

impl Transaction<'_> {
    /// Takes files from a picture, and the picture out if it is known from nowhere else.
    fn leave_files(
        &mut self,
        picture: PictureId,
        files: &[FilePlace],
        by_word: Option<&Path>,
    ) -> Result<FilesLeft, StoreError> {
        let all = self.locations_of(picture)?;
        let places = files
            .iter()
            .map(|file| LocationId::of_path(file.path.as_path()));
        let lost: Vec<LocationId> = places
            .filter(|place| all.iter().any(|(id, _)| id == place))
            .collect();
        let mut left = FilesLeft {
            files: lost.len() as u64,
            pictures: 0,
        };
        if lost.is_empty() {
            return Ok(left);
        }
        let named = by_word.map(LocalPath::new);
        if all.len() == lost.len() {
            self.take_out(picture, false)?;
            left.pictures = 1;
            if let Some(named) = named {
                self.forget_labels(picture)?;
                self.keep_out(picture, None, &named)?;
            }
            return Ok(left);
        }
        for place in lost {
            self.take_location(picture, place)?;
            if let Some(named) = &named {
                self.keep_out(picture, Some(place), named)?;
            }
        }
        Ok(left)
    }

    /// Notes what a local file is.
    pub(in crate::store::cluster) fn put_file(
        &mut self,
        id: LocationId,
        file: &FileRecord,
    ) -> Result<(), StoreError> {
        let keep = sqlx::query(
            "INSERT INTO files (id, picture, bytes, modified_ns) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (id) DO UPDATE SET picture = excluded.picture, \
             bytes = excluded.bytes, modified_ns = excluded.modified_ns",
        );
        let keep = keep.bind(id.0).bind(*file.picture.as_bytes());
        let keep = keep.bind(signed(file.bytes)).bind(signed(file.modified_ns));
        self.execute(keep).map(drop)
    }
}
