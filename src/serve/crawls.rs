//! The crawl that runs while the store is served: one at a time, begun and stopped by requests.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use utoipa::ToSchema;

use crate::app::{Collection, CrawlJob, QueuedAgain};
use crate::crawl::{Event, Pause, Summary, with_causes};
use crate::shutdown::Shutdown;

/// How far a crawl is.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Progress {
    /// Its number, among those of this run of the server.
    pub id: u64,
    /// `running`, `paused`, `stopping`, `done`, `stopped` or `failed`.
    pub state: CrawlState,
    /// Why it failed.
    pub problem: Option<String>,
    /// Whether a seed could not be had, or something was not taken in yet: what ends the command with 3.
    pub some_failed: bool,
    /// Hosts whose turns are tracked.
    pub hosts: usize,
    /// Requests under way.
    pub under_way: usize,
    /// What was done so far: what `crawl --format json` prints.
    #[schema(value_type = Object)]
    pub summary: Summary,
}

/// What becomes of a crawl, or a training.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum CrawlState {
    /// It runs.
    Running,
    /// It rests until it is told to go on; nothing is asked for.
    Paused,
    /// It was told to stop, and finishes what is under way.
    Stopping,
    /// It has come to its end.
    Done,
    /// It was stopped; another without seeds goes on.
    Stopped,
    /// It could not go on.
    Failed,
}

impl CrawlState {
    /// Whether nothing more comes of it.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Stopped | Self::Failed)
    }
}

/// The crawl that runs, or the last one.
#[derive(Default)]
pub(super) struct Crawls(Mutex<Option<Run>>);

struct Run {
    id: u64,
    progress: Arc<watch::Sender<Progress>>,
    shutdown: Shutdown,
    pause: Pause,
    thread: Option<JoinHandle<()>>,
}

/// A crawl cannot be begun.
#[derive(Debug)]
pub(super) enum NotBegun {
    /// Another runs, of this number.
    Running(u64),
    /// There is no thread for it.
    Thread(std::io::Error),
}

impl Crawls {
    /// Begins a crawl on a thread of its own.
    pub(super) fn begin(
        &self,
        collection: &Collection,
        job: CrawlJob,
    ) -> Result<Progress, NotBegun> {
        let mut last = self.lock();
        if let Some(run) = &*last
            && !run.progress.borrow().state.is_over()
        {
            return Err(NotBegun::Running(run.id));
        }
        let id = last.as_ref().map_or(1, |run| run.id + 1);
        let first = Progress {
            id,
            state: CrawlState::Running,
            problem: None,
            some_failed: false,
            hosts: 0,
            under_way: 0,
            summary: Summary::default(),
        };
        let progress = Arc::new(watch::Sender::new(first.clone()));
        let shutdown = Shutdown::manual();
        let pause = job.pause.clone();
        let work = {
            let (collection, progress) = (collection.clone(), Arc::clone(&progress));
            let shutdown = shutdown.clone();
            move || run(&collection, job, &shutdown, &progress)
        };
        let thread = std::thread::Builder::new()
            .name("crawl".to_owned())
            .spawn(work);
        *last = Some(Run {
            id,
            progress,
            shutdown,
            pause,
            thread: Some(thread.map_err(NotBegun::Thread)?),
        });
        Ok(first)
    }

    /// How far a crawl is, as it goes; the last one without a number.
    pub(super) fn watch(&self, id: Option<u64>) -> Option<watch::Receiver<Progress>> {
        let last = self.lock();
        let run = last
            .as_ref()
            .filter(|run| id.is_none_or(|id| id == run.id))?;
        Some(run.progress.subscribe())
    }

    /// Tells a crawl to stop. What is under way is stored first; another crawl without seeds goes on.
    pub(super) fn stop(&self, id: u64) -> Option<Progress> {
        let last = self.lock();
        let run = last.as_ref().filter(|run| run.id == id)?;
        run.shutdown.request();
        run.progress.send_if_modified(|progress| {
            let runs = matches!(progress.state, CrawlState::Running | CrawlState::Paused);
            if runs {
                progress.state = CrawlState::Stopping;
            }
            runs
        });
        Some(run.progress.borrow().clone())
    }

    /// Tells a crawl to rest, or to go on. What is under way is stored first.
    pub(super) fn pause(&self, id: u64, rests: bool) -> Option<Progress> {
        let (from, to) = match rests {
            true => (CrawlState::Running, CrawlState::Paused),
            false => (CrawlState::Paused, CrawlState::Running),
        };
        let last = self.lock();
        let run = last.as_ref().filter(|run| run.id == id)?;
        run.progress.send_if_modified(|progress| {
            let changes = progress.state == from;
            if changes {
                progress.state = to;
                run.pause.set(rests);
            }
            changes
        });
        Some(run.progress.borrow().clone())
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
            tracing::error!("a crawl panicked; please report this");
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Run>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Crawls to the end, and says how it ended.
fn run(
    collection: &Collection,
    job: CrawlJob,
    shutdown: &Shutdown,
    progress: &watch::Sender<Progress>,
) {
    /// Says that a crawl failed that has not said how it ended, as one that panics.
    struct Ended<'a>(&'a watch::Sender<Progress>);

    impl Drop for Ended<'_> {
        fn drop(&mut self) {
            self.0.send_if_modified(|progress| {
                let is_over = progress.state.is_over();
                if !is_over {
                    progress.state = CrawlState::Failed;
                }
                !is_over
            });
        }
    }

    let _ended = Ended(progress);
    let mut observe = |event: Event<'_>| {
        if let Event::Progress {
            summary,
            hosts,
            under_way,
        } = event
        {
            progress.send_modify(|progress| {
                progress.summary.clone_from(summary);
                (progress.hosts, progress.under_way) = (hosts, under_way);
            });
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let end = runtime.map_err(|error| error.to_string());
    let end = end.and_then(|runtime| {
        let mut queued_again = |_: QueuedAgain<'_>| ();
        let end = collection.crawl(job, shutdown, &mut queued_again, &mut observe);
        let end = runtime.block_on(end);
        runtime.shutdown_timeout(std::time::Duration::from_secs(1));
        end.map_err(|error| with_causes(&error))
    });
    progress.send_modify(|progress| {
        (progress.hosts, progress.under_way) = (0, 0);
        match end {
            Ok(end) => {
                progress.some_failed =
                    end.seed_failed || end.summary.postponed > 0 || !end.unrecorded.is_empty();
                progress.summary = end.summary;
                progress.state = match shutdown.requested() {
                    true => CrawlState::Stopped,
                    false => CrawlState::Done,
                };
            }
            Err(problem) => {
                progress.problem = Some(problem);
                progress.state = CrawlState::Failed;
            }
        }
    });
}
