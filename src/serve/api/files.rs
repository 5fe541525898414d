//! `files`: what `add` of another process asks for and brings. At the store's socket alone: whoever
//! is there may read the files himself, and only he knows whether they are gone. No path is opened
//! here.

use axum::extract::{Request, State as Shared};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

use super::extract::Query;
use super::form::Form;
use crate::app::{FileStore, ListedFile, LocalFile, Receipt};
use crate::local_path::LocalPath;
use crate::picture::PictureId;
use crate::serve::problem::Problem;
use crate::serve::state::State;
use crate::store::{FilePlace, FileSystemMark, FilesLeft, Store, StoreError};

/// A file as it was listed.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct FileRequest {
    /// Its absolute path.
    pub path: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// When it was last changed, in nanoseconds since 1970.
    pub modified_ns: u64,
    /// The file or folder that was named by which it was found; not needed to ask whether it is known.
    pub root: String,
}

/// A place of a picture.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PlaceJson {
    picture: String,
    path: String,
    is_current: bool,
}

/// A folder, and on which file system it was.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MarkJson {
    folder: String,
    file_system: String,
}

/// Places that are to be dropped.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DropRequest {
    /// The places.
    pub places: Vec<PlaceJson>,
}

/// Folders, and on which file systems they are.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct MarksRequest {
    /// All of them.
    pub marks: Vec<MarkJson>,
}

/// A picture.
#[derive(Debug, Serialize, Deserialize)]
pub struct UrlsQuery {
    /// Its id.
    pub picture: String,
}

/// What left with files.
#[derive(Debug, Serialize, Deserialize)]
pub struct DroppedJson {
    files: u64,
    pictures: u64,
}

impl FileRequest {
    /// What is sent of a file.
    pub fn of(listed: &ListedFile) -> Self {
        Self {
            path: LocalPath::new(&listed.file.path).to_string(),
            bytes: listed.file.bytes,
            modified_ns: listed.file.modified_ns,
            root: LocalPath::new(&listed.root).to_string(),
        }
    }

    fn listed(&self) -> ListedFile {
        let path = |text: &String| LocalPath::named(text.as_ref()).as_path().to_owned();
        ListedFile {
            file: LocalFile {
                path: path(&self.path),
                bytes: self.bytes,
                modified_ns: self.modified_ns,
            },
            root: path(&self.root),
        }
    }
}

impl From<&FilePlace> for PlaceJson {
    fn from(place: &FilePlace) -> Self {
        Self {
            picture: place.picture.to_string(),
            path: place.path.to_string(),
            is_current: place.is_current,
        }
    }
}

impl PlaceJson {
    /// `None` if the id is none.
    pub fn place(&self) -> Option<FilePlace> {
        Some(FilePlace {
            picture: self.picture.parse().ok()?,
            path: LocalPath::named(self.path.as_ref()),
            is_current: self.is_current,
        })
    }
}

impl From<&FileSystemMark> for MarkJson {
    fn from(mark: &FileSystemMark) -> Self {
        Self {
            folder: mark.folder.to_string(),
            file_system: mark.file_system.clone(),
        }
    }
}

impl MarkJson {
    /// The mark.
    pub fn mark(&self) -> FileSystemMark {
        FileSystemMark {
            folder: LocalPath::named(self.folder.as_ref()),
            file_system: self.file_system.clone(),
        }
    }
}

impl From<FilesLeft> for DroppedJson {
    fn from(left: FilesLeft) -> Self {
        Self {
            files: left.files,
            pictures: left.pictures,
        }
    }
}

impl From<DroppedJson> for FilesLeft {
    fn from(dropped: DroppedJson) -> Self {
        Self {
            files: dropped.files,
            pictures: dropped.pictures,
        }
    }
}

pub(in crate::serve) fn routes() -> Router<State> {
    Router::new()
        .route("/files", post(take_in))
        .route("/files/known", post(known))
        .route("/files/places", get(places))
        .route("/files/urls", get(urls))
        .route("/files/dropped", post(dropped))
        .route("/files/systems", get(marks).post(keep_marks))
}

/// Reads or changes a little of the store.
async fn at_store<T: Send + 'static>(
    state: &State,
    work: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
) -> Result<Json<T>, Problem> {
    let collection = state.collection.clone();
    let done = state.reads.run(move || work(collection.store()));
    Ok(Json(done.await??))
}

async fn known(Shared(state): Shared<State>, request: Request) -> Result<Json<bool>, Problem> {
    let mut form = Form::read(&state, request).await?;
    let listed = form.request::<FileRequest>()?.listed();
    at_store(&state, move |store| {
        let file = &listed.file;
        store.is_known(&file.path, file.bytes, file.modified_ns)
    })
    .await
}

async fn places(Shared(state): Shared<State>) -> Result<Json<Vec<PlaceJson>>, Problem> {
    at_store(&state, |store| {
        Ok(store.places()?.iter().map(PlaceJson::from).collect())
    })
    .await
}

async fn urls(
    Shared(state): Shared<State>,
    Query(asked): Query<UrlsQuery>,
) -> Result<Json<bool>, Problem> {
    let id: PictureId = asked.picture.parse().map_err(crate::app::Error::Id)?;
    at_store(&state, move |store| store.has_urls(id)).await
}

async fn dropped(
    Shared(state): Shared<State>,
    request: Request,
) -> Result<Json<DroppedJson>, Problem> {
    let mut form = Form::read(&state, request).await?;
    let asked: DropRequest = form.request()?;
    let places: Vec<FilePlace> = asked.places.iter().filter_map(PlaceJson::place).collect();
    at_store(&state, move |store| Ok(store.drop_places(&places)?.into())).await
}

async fn marks(Shared(state): Shared<State>) -> Result<Json<Vec<MarkJson>>, Problem> {
    at_store(&state, |store| {
        Ok(store.marks()?.iter().map(MarkJson::from).collect())
    })
    .await
}

async fn keep_marks(Shared(state): Shared<State>, request: Request) -> Result<Json<()>, Problem> {
    let mut form = Form::read(&state, request).await?;
    let asked: MarksRequest = form.request()?;
    let marks: Vec<FileSystemMark> = asked.marks.iter().map(MarkJson::mark).collect();
    at_store(&state, move |store| store.keep_marks(&marks)).await
}

/// The field of the file's bytes.
pub const FILE: &str = "file";

async fn take_in(Shared(state): Shared<State>, request: Request) -> Result<Json<Receipt>, Problem> {
    let mut form = Form::read(&state, request).await?;
    let listed = form.request::<FileRequest>()?.listed();
    let place = form.uploads.iter().position(|upload| upload.field == FILE);
    let place = place.ok_or_else(|| Problem::bad(format!("there is no file `{FILE}`")))?;
    let bytes = form.uploads.swap_remove(place).bytes;
    let receipt = taken_in(&state, listed, bytes).await?;
    drop(form);
    Ok(Json(receipt))
}

/// Stores a file whose bytes are given, on a core of those that searches use.
pub(in crate::serve) async fn taken_in(
    state: &State,
    listed: ListedFile,
    bytes: Vec<u8>,
) -> Result<Receipt, Problem> {
    state.takes_work()?;
    let collection = state.collection.clone();
    let receipt = state
        .searches
        .run(move || collection.take_in(listed, bytes));
    Ok(receipt.await??)
}
