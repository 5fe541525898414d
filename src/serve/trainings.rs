//! The training that runs while the store is served: one at a time, from the labels of the store.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::crawls::CrawlState;
use crate::app::{Collection, JobEvent, LabelFigures, Watch};
use crate::crawl::with_causes;
use crate::shutdown::Shutdown;

/// How far a training is.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct TrainingProgress {
    /// Its number, among those of this run of the server.
    pub id: u64,
    /// `running`, `stopping`, `done`, `stopped` or `failed`.
    pub state: CrawlState,
    /// Why it failed.
    pub problem: Option<String>,
    /// Steps done of those that are to be done in its present part.
    pub done: u64,
    /// Steps to be done.
    pub total: u64,
    /// What it has learned from, and what that has brought.
    pub figures: Option<LabelFigures>,
}

/// The training that runs, or the last one.
#[derive(Default)]
pub(super) struct Trainings(Mutex<Option<Run>>);

struct Run {
    progress: Arc<Mutex<TrainingProgress>>,
    /// The head file, when it is done.
    head: Arc<Mutex<Option<String>>>,
    shutdown: Shutdown,
    thread: Option<JoinHandle<()>>,
}

/// A training cannot be begun.
#[derive(Debug)]
pub(super) enum NotTrained {
    /// Another runs, of this number.
    Running(u64),
    /// There is no thread for it.
    Thread(std::io::Error),
}

impl Trainings {
    /// Begins a training on a thread of its own.
    pub(super) fn begin(&self, collection: &Collection) -> Result<TrainingProgress, NotTrained> {
        let mut last = self.lock();
        let before = last.as_ref().map(|run| told(&run.progress));
        if let Some(before) = &before
            && !before.state.is_over()
        {
            return Err(NotTrained::Running(before.id));
        }
        let first = TrainingProgress {
            id: before.map_or(1, |before| before.id + 1),
            state: CrawlState::Running,
            problem: None,
            done: 0,
            total: 0,
            figures: None,
        };
        let run = Run {
            progress: Arc::new(Mutex::new(first.clone())),
            head: Arc::default(),
            shutdown: Shutdown::manual(),
            thread: None,
        };
        let (collection, shutdown) = (collection.clone(), run.shutdown.clone());
        let (progress, head) = (Arc::clone(&run.progress), Arc::clone(&run.head));
        let work = move || train(&collection, &shutdown, &progress, &head);
        let thread = std::thread::Builder::new().name("training".to_owned());
        *last = Some(Run {
            thread: Some(thread.spawn(work).map_err(NotTrained::Thread)?),
            ..run
        });
        Ok(first)
    }

    /// How far a training is; the last one without a number.
    pub(super) fn progress(&self, id: Option<u64>) -> Option<TrainingProgress> {
        let last = self.lock();
        let progress = last.as_ref().map(|run| told(&run.progress));
        progress.filter(|progress| id.is_none_or(|id| id == progress.id))
    }

    /// The head file of a training that is done.
    pub(super) fn head(&self, id: u64) -> Option<String> {
        let last = self.lock();
        let run = last.as_ref().filter(|run| told(&run.progress).id == id)?;
        let head = run.head.lock().unwrap_or_else(PoisonError::into_inner);
        head.clone()
    }

    /// Tells a training to stop.
    pub(super) fn stop(&self, id: u64) -> Option<TrainingProgress> {
        let last = self.lock();
        let run = last.as_ref().filter(|run| told(&run.progress).id == id)?;
        run.shutdown.request();
        change(&run.progress, |progress| {
            if progress.state == CrawlState::Running {
                progress.state = CrawlState::Stopping;
            }
        });
        Some(told(&run.progress))
    }

    /// Stops what runs, and waits for it. Blocks.
    pub(super) fn finish(&self) {
        let thread = self.lock().as_mut().and_then(|run| {
            run.shutdown.request();
            run.thread.take()
        });
        if let Some(thread) = thread
            && thread.join().is_err()
        {
            tracing::error!("a training panicked; please report this");
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Run>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn told(progress: &Mutex<TrainingProgress>) -> TrainingProgress {
    let progress = progress.lock().unwrap_or_else(PoisonError::into_inner);
    progress.clone()
}

fn change(progress: &Mutex<TrainingProgress>, change: impl FnOnce(&mut TrainingProgress)) {
    change(&mut progress.lock().unwrap_or_else(PoisonError::into_inner));
}

/// Trains to the end, keeps the head, and says how it ended.
fn train(
    collection: &Collection,
    shutdown: &Shutdown,
    progress: &Mutex<TrainingProgress>,
    head: &Mutex<Option<String>>,
) {
    /// Says that a training failed that has not said how it ended, as one that panics.
    struct Ended<'a>(&'a Mutex<TrainingProgress>);

    impl Drop for Ended<'_> {
        fn drop(&mut self) {
            change(self.0, |progress| {
                if !progress.state.is_over() {
                    progress.state = CrawlState::Failed;
                }
            });
        }
    }

    let _ended = Ended(progress);
    let observe = |event: JobEvent<'_>| {
        if let JobEvent::Progress { done, total, .. } = event {
            change(progress, |progress| {
                (progress.done, progress.total) = (done, total);
            });
        }
    };
    let watch = Watch {
        shutdown,
        observe: &observe,
    };
    let taught = collection.train_from_labels(watch);
    let taught = taught.and_then(|taught| {
        let Some(taught) = taught else {
            return Ok(None);
        };
        let text = taught.head.to_json(collection.extraction().layout());
        collection.heads().keep_trained(&text)?;
        Ok(Some((text, taught.figures)))
    });
    change(progress, |progress| match taught {
        Ok(Some((text, figures))) => {
            *head.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
            progress.figures = Some(figures);
            progress.state = CrawlState::Done;
        }
        Ok(None) => progress.state = CrawlState::Stopped,
        Err(error) => {
            progress.problem = Some(with_causes(&error));
            progress.state = CrawlState::Failed;
        }
    });
}
