//! From bytes to stored pictures: workers (decode, network) and one writer (store).
//!
//! ```text
//! jobs ─(bounded)─> worker per core ─(bounded)─> writer ─> store, flushed ─> receipts
//! ```
//!
//! Threads of their own, never the async ones. A full queue makes the sender wait, so a
//! fast crawl cannot fill the memory. A receipt means the picture survives a power failure.

mod batching;
mod body_writer;
mod features;
mod job;
mod local;
mod match_filter;
mod priority;
mod saving;
#[cfg(test)]
mod tests;
mod waiting;
mod worker;
mod writer;

use std::sync::Arc;
use std::thread::JoinHandle;

pub use features::{FeatureError, extract, extract_each, extract_views, read_file};
pub use job::{Job, ListedFile, LocalFile, Terms, WebPicture};
pub use local::{
    AddOptions, Exclude, ExcludeError, FileReport, FileStore, Gone, Intake, Kept, SkippedFiles,
    WhyKept, absolute, add_files, add_files_with, drop_missing,
};
pub use match_filter::MatchFilter;
pub use priority::step_back;
use saving::Saving;
pub use waiting::add_features;
use worker::{Featurize, Maker};
pub use writer::{Receipt, ReceiptOutcome};

use crate::network::{Engine, ExtractError, Extractor, Network};
use crate::picture::Limits;
use crate::saving::Saver;
use crate::store::{Store, StoreError};

/// Threads that run the network: one per core, each with a session of its own.
pub fn worker_count() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// A running pipeline that takes in one kind of job, so that none can be handed to a pipeline
/// that has no use for it. Dropping it without [`Self::finish`] detaches the threads.
pub struct Ingest<J = Job> {
    jobs: async_channel::Sender<J>,
    receipts: async_channel::Receiver<Receipt>,
    workers: Vec<JoinHandle<()>>,
    writer: JoinHandle<Result<(), StoreError>>,
}

/// Jobs waiting for a worker, per worker.
const QUEUE_PER_WORKER: usize = 4;
/// Pictures waiting to be kept without features.
const KEPT_QUEUE: usize = 64;

impl<J: Into<Job> + Send + 'static> Ingest<J> {
    /// Starts the workers and the writer. With a filter each new picture is scored, with a saver the
    /// bytes of what comes from the web are saved before it is stored. If they cannot be, the pipeline
    /// ends, and the saver gives the reason.
    ///
    /// # Errors
    /// If the network cannot be opened.
    pub fn start(
        store: &Arc<Store>,
        engine: &Engine,
        network: &Network,
        limits: Limits,
        screen: Option<MatchFilter>,
        saver: Option<Arc<Saver>>,
    ) -> Result<Self, ExtractError> {
        let extractor = || engine.extractor(network);
        Self::start_with(store, &extractor, limits, screen, saver)
    }

    fn start_with<F: Featurize + 'static>(
        store: &Arc<Store>,
        extractor: &dyn Fn() -> Result<F, ExtractError>,
        limits: Limits,
        screen: Option<MatchFilter>,
        saver: Option<Arc<Saver>>,
    ) -> Result<Self, ExtractError> {
        let screen = screen.map(Arc::new);
        let saving = Saving(saver);
        let count = worker_count();
        let (jobs, job_queue) = async_channel::bounded(count * QUEUE_PER_WORKER);
        let (finished, finished_queue) = async_channel::bounded(writer::BATCH);
        // Large enough that the writer seldom waits for the reader of receipts.
        let (receipt, receipts) = async_channel::bounded(writer::BATCH * 4);
        let workers = (0..count)
            .map(|_| {
                let worker = worker::Worker {
                    maker: Maker {
                        extractor: extractor()?,
                        store: Arc::clone(store),
                        limits,
                        screen: screen.clone(),
                        saving: saving.clone(),
                    },
                    jobs: job_queue.clone(),
                    finished: finished.clone(),
                };
                Ok(std::thread::spawn(move || worker.run()))
            })
            .collect::<Result<_, ExtractError>>()?;
        let store = Arc::clone(store);
        let writer = std::thread::spawn(move || {
            step_back();
            writer::run(&store, &saving, &finished_queue, &receipt)
        });
        Ok(Self {
            jobs,
            receipts,
            workers,
            writer,
        })
    }
}

impl Ingest<WebPicture> {
    /// Starts a pipeline that keeps pictures without features, for [`add_features`] to
    /// catch up later; with a saver it saves their bytes, too.
    pub fn keep_only(store: &Arc<Store>, limits: Limits, saver: Option<Arc<Saver>>) -> Self {
        let (jobs, job_queue) = async_channel::bounded(KEPT_QUEUE);
        let (receipt, receipts) = async_channel::bounded(KEPT_QUEUE * 4);
        let (store, saving) = (Arc::clone(store), Saving(saver));
        let writer = std::thread::spawn(move || {
            body_writer::run(&store, &saving, &limits, &job_queue, &receipt)
        });
        Self {
            jobs,
            receipts,
            workers: Vec::new(),
            writer,
        }
    }
}

impl<J> Ingest<J> {
    /// Where jobs are handed in; sending waits while the queue is full and fails once the
    /// writer has failed.
    pub fn jobs(&self) -> async_channel::Sender<J> {
        self.jobs.clone()
    }

    /// What became of the jobs, in the order of storing. It must be drained.
    pub fn receipts(&self) -> async_channel::Receiver<Receipt> {
        self.receipts.clone()
    }

    /// Lets the workers finish what was handed in and waits for the last flush. The
    /// caller has dropped its senders and keeps draining the receipts on another thread,
    /// or has drained them to the end.
    ///
    /// # Errors
    /// The store's error that stopped the writer.
    pub fn finish(self) -> Result<(), StoreError> {
        drop(self.jobs);
        drop(self.receipts);
        for worker in self.workers {
            if worker.join().is_err() {
                tracing::error!("a feature worker panicked; please report this");
            }
        }
        self.writer
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

/// Takes in one file whose bytes are given, as a pipeline does that reads it itself, and returns
/// once it would survive a power failure.
///
/// # Errors
/// If the store fails.
pub fn take_in(
    store: &Arc<Store>,
    limits: Limits,
    extractor: &mut Extractor,
    file: ListedFile,
    bytes: Vec<u8>,
) -> Result<Receipt, StoreError> {
    let mut maker = Maker {
        extractor,
        store: Arc::clone(store),
        limits,
        screen: None,
        saving: Saving::default(),
    };
    let finished = maker.finish_listed(file, Ok(bytes))?;
    writer::commit_one(store, finished)
}
