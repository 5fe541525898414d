//! Objects in a bucket, or in a folder. Everything here blocks.

use std::future::Future;
use std::ops::Range;
use std::time::Instant;

pub(super) use object_store::PutPayload;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode};
use tokio::runtime::{Builder, Runtime};

use super::place::{self, LONGEST_PAUSE, PATIENCE};
use super::segment::SegmentName;
use crate::store::StoreError;

/// What stands before the names of segments.
const FOLDER: &str = "segments";
/// The object that says whose segments these are: it has the mark of a store.
const OWNER: &str = "store.id";

/// A bucket or a folder, and a runtime of its own that calls wait on.
pub(super) struct Bucket {
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
    store: Box<dyn ObjectStore>,
    folder: Path,
    owner: Path,
}

/// An object, as it is listed.
#[derive(Debug, Clone)]
pub(super) struct Listed {
    /// `None` if its name is no segment's.
    pub(super) segment: Option<u32>,
    pub(super) name: String,
    pub(super) bytes: u64,
    /// When it was written, in milliseconds since 1970.
    pub(super) written_ms: i64,
}

impl From<object_store::Error> for StoreError {
    fn from(error: object_store::Error) -> Self {
        Self::Objects {
            source: Box::new(error),
        }
    }
}

impl Bucket {
    /// Opens `s3://BUCKET/FOLDER`, `gs://BUCKET/FOLDER`, `az://CONTAINER/FOLDER` or `file:///FOLDER`, with
    /// `settings` laid over those of the environment.
    pub(super) fn open(url: &str, settings: &[(&str, &str)]) -> Result<Self, StoreError> {
        let (store, root) = place::open(url, settings)?;
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("simdex-objects")
            .enable_all()
            .build();
        let runtime = runtime.map_err(|error| place::wrong(error.to_string()))?;
        Ok(Self {
            runtime: Some(runtime),
            store,
            folder: Path::from(format!("{root}/{FOLDER}")),
            owner: Path::from(format!("{root}/{OWNER}")),
        })
    }

    /// Waits for an answer. Must not be called from async code, and panics there.
    fn wait<T>(&self, answer: impl Future<Output = T>) -> T {
        let runtime = self.runtime.as_ref();
        runtime
            .expect("it is there until the drop")
            .block_on(answer)
    }

    fn path(&self, segment: u32) -> Path {
        Path::from(format!("{}/{}", self.folder, SegmentName(segment)))
    }

    /// Writes a whole segment that is not there yet. When it returns, the object would survive a
    /// power failure. `false` if there is another of that number.
    pub(super) fn create(&self, segment: u32, bytes: &PutPayload) -> Result<bool, StoreError> {
        self.create_at(&self.path(segment), bytes)
    }

    /// Whether there is a segment of that number.
    pub(super) fn has(&self, segment: u32) -> Result<bool, StoreError> {
        match self.wait(self.store.head(&self.path(segment))) {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// The mark of the store whose bucket this is, if it says so.
    pub(super) fn owner(&self) -> Result<Option<String>, StoreError> {
        let mark = self.whole(&self.owner)?;
        Ok(mark.map(|mark| String::from_utf8_lossy(&mark).trim().to_owned()))
    }

    /// Says whose bucket this is; `false` if it says that another's it is.
    pub(super) fn set_owner(&self, mark: &str) -> Result<bool, StoreError> {
        let line = format!("{mark}\n").into_bytes();
        self.create_at(&self.owner, &PutPayload::from(line))
    }

    /// Says no more whose bucket this is.
    pub(super) fn clear_owner(&self) -> Result<(), StoreError> {
        self.delete_at(&self.owner)
    }

    fn create_at(&self, path: &Path, bytes: &PutPayload) -> Result<bool, StoreError> {
        let begun = Instant::now();
        loop {
            let put = self
                .store
                .put_opts(path, bytes.clone(), PutMode::Create.into());
            match self.wait(put) {
                Ok(_) => return Ok(true),
                // A try before may have arrived, of which no answer came.
                Err(object_store::Error::AlreadyExists { .. }) => {
                    let there = self.whole(path)?;
                    return Ok(there.is_some_and(|it| it.iter().eq(bytes.iter().flatten())));
                }
                // The client tries no such request again, which may have arrived all the same.
                Err(error) if place::may_have_arrived(&error) && begun.elapsed() < PATIENCE => {
                    tracing::debug!(%error, "an object could not be written");
                    std::thread::sleep(LONGEST_PAUSE);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// All bytes of an object; `None` if there is no such object.
    fn whole(&self, path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
        let read = self.wait(async { self.store.get(path).await?.bytes().await });
        match read {
            Ok(bytes) => Ok(Some(bytes.to_vec())),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Some of the bytes of an object; `None` if there is no such object, or it is shorter.
    pub(super) fn read(
        &self,
        segment: u32,
        range: Range<u64>,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let length = range.end - range.start;
        let path = self.path(segment);
        match self.wait(self.store.get_range(&path, range)) {
            Ok(bytes) if bytes.len() as u64 == length => Ok(Some(bytes.to_vec())),
            Ok(_) | Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Deletes an object. One that is not there any more was deleted by another.
    pub(super) fn delete(&self, segment: u32) -> Result<(), StoreError> {
        self.delete_at(&self.path(segment))
    }

    fn delete_at(&self, path: &Path) -> Result<(), StoreError> {
        match self.wait(self.store.delete(path)) {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// All objects.
    pub(super) fn list(&self) -> Result<Vec<Listed>, StoreError> {
        let listed = self.wait(self.store.list_with_delimiter(Some(&self.folder)))?;
        let objects = listed.objects.into_iter().map(|object| {
            let name = object.location.filename().unwrap_or_default().to_owned();
            Listed {
                segment: SegmentName::number_of(&name),
                name: object.location.to_string(),
                bytes: object.size,
                written_ms: object.last_modified.timestamp_millis(),
            }
        });
        Ok(objects.collect())
    }
}

impl Drop for Bucket {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // The last owner may be async code, which may not wait.
            runtime.shutdown_background();
        }
    }
}
