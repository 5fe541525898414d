//! Local files, for a store that another process has open: this one looks at them, reads them and
//! sends their bytes.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{JoinHandle, available_parallelism, sleep};
use std::time::Duration;

use axum::body::Body;
use axum::http::Method;

use super::{AskError, Connection, Part, form, json, request};
use crate::app::{FileStore, Intake, ListedFile, LocalFile, Receipt, read_file};
use crate::picture::{Limits, PictureId};
use crate::serve::api::{
    DropRequest, DroppedJson, FILE, FileRequest, MarkJson, MarksRequest, PlaceJson,
};
use crate::serve::problem::BUSY;
use crate::store::{FilePlace, FileSystemMark, FilesLeft};

/// Whatever was begun is answered, also after the user has asked to stop: the walk ends by itself.
impl FileStore for Connection {
    type Error = AskError;

    fn is_known(&self, path: &Path, bytes: u64, modified_ns: u64) -> Result<bool, AskError> {
        let file = LocalFile {
            path: path.to_owned(),
            bytes,
            modified_ns,
        };
        let root = path.to_owned();
        let asked = FileRequest::of(&ListedFile { file, root });
        self.ask_to_the_end(json("/files/known", &asked))
    }

    fn places(&self) -> Result<Vec<FilePlace>, AskError> {
        let request = request(Method::GET, "/files/places", Body::empty());
        let places: Vec<PlaceJson> = self.ask_to_the_end(request)?;
        Ok(places.iter().filter_map(PlaceJson::place).collect())
    }

    fn drop_places(&self, places: &[FilePlace]) -> Result<FilesLeft, AskError> {
        let mut left = FilesLeft::default();
        for some in places.chunks(AT_ONCE) {
            let places = some.iter().map(PlaceJson::from).collect();
            let request = json("/files/dropped", &DropRequest { places });
            let dropped: FilesLeft = self.ask_to_the_end::<DroppedJson>(request)?.into();
            left.files += dropped.files;
            left.pictures += dropped.pictures;
        }
        Ok(left)
    }

    fn marks(&self) -> Result<Vec<FileSystemMark>, AskError> {
        let request = request(Method::GET, "/files/systems", Body::empty());
        let marks: Vec<MarkJson> = self.ask_to_the_end(request)?;
        Ok(marks.iter().map(MarkJson::mark).collect())
    }

    fn keep_marks(&self, marks: &[FileSystemMark]) -> Result<(), AskError> {
        let marks = marks.iter().map(MarkJson::from).collect();
        self.ask_to_the_end(json("/files/systems", &MarksRequest { marks }))
    }

    fn has_urls(&self, picture: PictureId) -> Result<bool, AskError> {
        let path = format!("/files/urls?picture={picture}");
        self.ask_to_the_end(request(Method::GET, &path, Body::empty()))
    }
}

/// Places that are dropped by one request.
const AT_ONCE: usize = 1_000;
/// How often a file is sent to a process that has no time, after a pause each.
const MOST_TRIES: usize = 60;
const PAUSE: Duration = Duration::from_secs(1);
/// Files that wait to be read, for each that is sent.
const QUEUE: usize = 4;

impl Connection {
    /// What takes files in: threads that read one each and send it.
    pub fn intake(connection: &Arc<Self>, limits: Limits) -> Intake<AskError> {
        let threads = available_parallelism().map_or(1, usize::from);
        let (jobs, waiting) = async_channel::bounded::<ListedFile>(threads * QUEUE);
        let (sent, receipts) = async_channel::bounded(threads * QUEUE);
        let failed = Arc::new(Mutex::new(None));
        let threads = (0..threads).map(|_| {
            let (connection, waiting) = (Arc::clone(connection), waiting.clone());
            let (sent, failed) = (sent.clone(), Arc::clone(&failed));
            std::thread::spawn(move || {
                while let Ok(listed) = waiting.recv_blocking() {
                    match connection.take_in(&listed, &limits) {
                        Ok(receipt) => {
                            // When the command is stopping nobody counts them any more.
                            let _ = sent.send_blocking(receipt);
                        }
                        Err(error) => {
                            let mut failed = failed.lock().unwrap_or_else(PoisonError::into_inner);
                            failed.get_or_insert(error);
                            // Nothing more is handed in.
                            waiting.close();
                            return;
                        }
                    }
                }
            })
        });
        let threads: Vec<JoinHandle<()>> = threads.collect();
        Intake {
            jobs,
            receipts,
            finish: Box::new(move || {
                for thread in threads {
                    if thread.join().is_err() {
                        tracing::error!("a thread that sends files panicked; please report this");
                    }
                }
                let mut failed = failed.lock().unwrap_or_else(PoisonError::into_inner);
                failed.take().map_or(Ok(()), Err)
            }),
        }
    }

    fn take_in(&self, listed: &ListedFile, limits: &Limits) -> Result<Receipt, AskError> {
        let bytes = match read_file(&listed.file.path, limits) {
            Ok(bytes) => bytes,
            Err(error) => return Ok(Receipt::of_unread(&listed.file.path, &error)),
        };
        let part = Part {
            field: FILE,
            bytes: &bytes,
        };
        for _ in 0..MOST_TRIES {
            let part = std::iter::once(part);
            let request = form("/files", &FileRequest::of(listed), part);
            match self.ask_to_the_end(request) {
                // Searches go first.
                Err(AskError::Refused(problem)) if problem.code == BUSY => sleep(PAUSE),
                answer => return answer,
            }
        }
        Err(self.lost(&"it has had no time for a file for minutes"))
    }
}
