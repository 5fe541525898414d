//! Copying the files of stored pictures into a dataset.

use std::collections::{BTreeMap, HashSet};
use std::io::ErrorKind;

use super::{Asked, Collection, Error, Preference};
use crate::canonical_url::{CanonicalUrl, UrlId};
use crate::index::near_duplicates::NearDuplicates;
use crate::ingest::{FeatureError, read_file};
use crate::picture::PictureId;
use crate::saving::{Row, SavedPictures, Saver};
use crate::search::{SearchError, Selected};
use crate::shutdown::Shutdown;
use crate::store::ledger::rfc3339;
use crate::store::{PictureRecord, Provenance, Sequence, StoreError};

/// Which files are copied.
#[derive(Debug, Clone, Default)]
pub struct FilesAsked {
    /// Of which pictures: its filters count.
    pub asked: Asked,
    /// Of these alone.
    pub only: Option<HashSet<PictureId>>,
    /// Whether one of each group of near-copies is enough: the largest that can be had.
    pub one_of_each: bool,
}

/// Why a picture's file is not copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NoFile {
    /// It is from the web, and the store keeps no bytes of it.
    NotKept,
    /// Its local file is gone.
    Gone,
    /// Its local file has other bytes now.
    Changed,
    /// Its local file cannot be read.
    Unreadable,
}

/// What was copied.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FilesExported {
    /// Pictures that were not there before.
    pub new: u64,
    /// Pictures that were.
    pub known: u64,
    /// Near-copies for which another one stands.
    pub folded: u64,
    /// Pictures without a file, by reason.
    pub without: BTreeMap<NoFile, u64>,
}

/// What happens while files are copied.
#[derive(Debug)]
pub enum FilesEvent<'a> {
    /// So many pictures were looked at.
    Progress(u64),
    /// A picture has no file.
    Without {
        /// Where it was seen.
        place: &'a str,
        /// Why.
        why: NoFile,
    },
}

impl NoFile {
    /// The reason for people.
    pub fn message(self) -> &'static str {
        match self {
            Self::NotKept => "the bytes are not kept",
            Self::Gone => "the file is gone",
            Self::Changed => "the file has other bytes now",
            Self::Unreadable => "the file cannot be read",
        }
    }

    /// What to do about it.
    pub fn advice(self) -> &'static str {
        match self {
            Self::NotKept => {
                "`simdex crawl --refresh all --save DIR` fetches them again, and --from DIR copies from there"
            }
            Self::Gone | Self::Changed => "`simdex add` brings the store up to date with the files",
            Self::Unreadable => "see to the rights of the files",
        }
    }
}

/// After so many pictures they are made durable.
const BATCH: u64 = 64;

/// Copies files, and counts.
struct Copying<'a> {
    collection: &'a Collection,
    saver: &'a Saver,
    from: &'a mut [SavedPictures],
    done: FilesExported,
    looked_at: u64,
}

impl Collection {
    /// Copies the files of stored pictures into a dataset: local files that are still as they were,
    /// bytes that wait for features, and those of other datasets (`from`). Nothing is fetched. Ends
    /// early and cleanly when the user asks to stop.
    ///
    /// # Errors
    /// If the store fails, or the dataset cannot be written.
    pub fn export_files(
        &self,
        asked: &FilesAsked,
        saver: &Saver,
        from: &mut [SavedPictures],
        shutdown: &Shutdown,
        observe: &mut dyn FnMut(FilesEvent<'_>),
    ) -> Result<FilesExported, Error> {
        let mut copying = Copying {
            collection: self,
            saver,
            from,
            done: FilesExported::default(),
            looked_at: 0,
        };
        let ran = copying.run(asked, shutdown, observe);
        let done = copying.done;
        // What was copied counts, whatever happened then. The first reason is the saver's, if it has one.
        saver.finish()?;
        ran?;
        Ok(done)
    }
}

impl Copying<'_> {
    fn run(
        &mut self,
        asked: &FilesAsked,
        shutdown: &Shutdown,
        observe: &mut dyn FnMut(FilesEvent<'_>),
    ) -> Result<(), Error> {
        let store = self.collection.store();
        let hidden = self.collection.hidden().load();
        let filter = asked.asked.filter();
        let selected = Selected::of(store, &filter).map_err(SearchError::from)?;
        let index = match asked.one_of_each {
            true => Some(self.collection.index()?),
            false => None,
        };
        let copies = index.as_ref().map(|index| index.near_duplicates());
        let is_wanted = |sequence: Sequence, id: PictureId| {
            asked.only.as_ref().is_none_or(|only| only.contains(&id))
                && !hidden.contains(&sequence)
                && selected.accepts(sequence)
        };
        let mut stood_for = HashSet::new();
        for entry in store.pictures() {
            let (sequence, id) = entry?;
            if shutdown.requested() {
                return Ok(());
            }
            if !is_wanted(sequence, id) {
                continue;
            }
            let mut members = vec![id];
            if let Some(copies) = copies {
                if !stood_for.insert(copies.original(sequence)) {
                    continue;
                }
                members = self.members(copies, (sequence, id), &is_wanted)?;
            }
            self.one_of(&members, observe)?;
        }
        // Those without features are in no index.
        let is_open = asked.only.is_none() && filter.is_open();
        for id in store.waiting().take_while(|_| is_open) {
            if shutdown.requested() {
                return Ok(());
            }
            self.one_of(&[id?], observe)?;
        }
        Ok(())
    }

    /// The pictures of a group that are wanted, the largest first.
    fn members(
        &self,
        copies: &NearDuplicates,
        (sequence, id): (Sequence, PictureId),
        is_wanted: &dyn Fn(Sequence, PictureId) -> bool,
    ) -> Result<Vec<PictureId>, StoreError> {
        let store = self.collection.store();
        let mut members: Vec<(PictureRecord, PictureId)> = Vec::new();
        for member in copies.group(sequence) {
            if let Some(id) = store.picture_at(member)?
                && is_wanted(member, id)
                && let Some(record) = store.picture(id)?
            {
                members.push((record, id));
            }
        }
        members.sort_by(|(a, _), (b, _)| Preference::Largest.decide(a, b).0);
        Ok(match members.is_empty() {
            true => vec![id],
            false => members.into_iter().map(|(_, id)| id).collect(),
        })
    }

    /// Copies the first of these that has a file, unless one of them is there.
    fn one_of(
        &mut self,
        members: &[PictureId],
        observe: &mut dyn FnMut(FilesEvent<'_>),
    ) -> Result<(), Error> {
        self.looked_at += members.len() as u64;
        observe(FilesEvent::Progress(self.looked_at));
        let others = members.len() as u64 - 1;
        if members.iter().any(|id| self.saver.contains(*id)) {
            self.done.known += 1;
            self.done.folded += others;
            return Ok(());
        }
        let mut without = None;
        for id in members {
            let provenance = self.collection.store().provenance(*id)?;
            match self.file_of(*id, &provenance)? {
                Ok((row, bytes)) => {
                    self.saver.save(*id, row, &bytes)?;
                    self.done.new += 1;
                    self.done.folded += others;
                    if self.done.new.is_multiple_of(BATCH) {
                        self.saver.settle()?;
                    }
                    return Ok(());
                }
                Err(why) => {
                    without.get_or_insert((place(*id, &provenance), why));
                }
            }
        }
        if let Some((place, why)) = without {
            observe(FilesEvent::Without { place: &place, why });
            *self.done.without.entry(why).or_default() += 1;
        }
        Ok(())
    }

    /// A picture's bytes, and what is known of it; or why there are none.
    fn file_of(
        &mut self,
        id: PictureId,
        provenance: &Provenance,
    ) -> Result<Result<(Row, Vec<u8>), NoFile>, Error> {
        let (store, limits) = (
            self.collection.store(),
            self.collection.extraction().limits(),
        );
        let mut why = None;
        for dataset in &mut *self.from {
            match dataset.read(id) {
                Ok(Some((mut row, bytes))) => {
                    // Its own metadata are read again.
                    if row.license_from.as_deref() == Some("picture") {
                        row.license = None;
                    }
                    // It was saved before it had features.
                    if row.width.is_none()
                        && let Some(record) = store.picture(id)?
                    {
                        row.add_seen((record.width, record.height), record.perceptual_hash);
                    }
                    return Ok(Ok((row, bytes)));
                }
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(%error, "a file of another dataset is passed over");
                    why = Some(NoFile::Unreadable);
                }
            }
        }
        for path in &provenance.paths {
            match read_file(path.as_path(), limits) {
                Ok(bytes) if PictureId::of(&bytes) == id => {
                    let row = Row {
                        path: Some(path.to_string()),
                        ..self.row(id, provenance)?
                    };
                    return Ok(Ok((row, bytes)));
                }
                Ok(_) => why = why.max(Some(NoFile::Changed)),
                Err(FeatureError::Read(error)) if error.kind() == ErrorKind::NotFound => {
                    why = why.max(Some(NoFile::Gone));
                }
                Err(FeatureError::Read(_)) => why = Some(NoFile::Unreadable),
                // It is larger now than a picture may be, or no file any more.
                Err(_) => why = why.max(Some(NoFile::Changed)),
            }
        }
        if store.waits(id)? {
            match store.waiting_body(id) {
                Ok(bytes) => return Ok(Ok((self.row(id, provenance)?, bytes))),
                Err(StoreError::DamagedBody { .. }) => why = Some(NoFile::Unreadable),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Err(why.unwrap_or(NoFile::NotKept)))
    }

    /// What the store knows of a picture.
    fn row(&self, id: PictureId, provenance: &Provenance) -> Result<Row, StoreError> {
        let store = self.collection.store();
        let urls = provenance.urls.iter();
        let urls = urls.filter_map(|url| Some(CanonicalUrl::parse(url).ok()?.id()));
        let urls: Vec<UrlId> = urls.collect();
        let mut row = Row::shown_on(&provenance.pages);
        row.url = provenance.urls.first().cloned();
        row.add_terms(store, &provenance.pages, &urls)?;
        if let Some(record) = store.picture(id)? {
            row.add_seen((record.width, record.height), record.perceptual_hash);
            row.fetched_at = Some(rfc3339(record.first_seen.saturating_mul(1000)));
        }
        Ok(row)
    }
}

/// Where a picture was seen, for people.
fn place(id: PictureId, provenance: &Provenance) -> String {
    let path = provenance.paths.first().map(ToString::to_string);
    let place = path.or_else(|| provenance.urls.first().cloned());
    place.unwrap_or_else(|| id.to_string())
}
