//! One long job of a kind at a time, on a thread of its own: begun, followed and stopped by requests.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use utoipa::ToSchema;

use super::problem::Problem;
use crate::crawl::Pause;
use crate::shutdown::Shutdown;

/// How far a job is.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Progress<F> {
    /// Its number, among those of its kind in this run of the server.
    pub id: u64,
    /// `running`, `paused`, `stopping`, `done`, `stopped` or `failed`.
    pub state: JobState,
    /// Why it failed.
    pub problem: Option<String>,
    /// What it has done.
    #[serde(flatten)]
    pub figures: F,
}

/// What becomes of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// It runs.
    Running,
    /// It rests until it is told to go on; nothing is asked for.
    Paused,
    /// It was told to stop, and finishes what is under way.
    Stopping,
    /// It has come to its end.
    Done,
    /// It was stopped.
    Stopped,
    /// It could not go on.
    Failed,
}

impl JobState {
    /// Whether nothing more comes of it.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Stopped | Self::Failed)
    }
}

/// Jobs of one kind: the one that runs, or the last one.
pub(super) struct Jobs<F> {
    /// What one of them is called.
    kind: &'static str,
    last: Mutex<Option<Run<F>>>,
}

struct Run<F> {
    job: Job<F>,
    thread: JoinHandle<()>,
}

/// A job, as its thread and requests see it. Cheap to clone.
pub(super) struct Job<F> {
    id: u64,
    progress: Arc<watch::Sender<Progress<F>>>,
    /// Whether it is to stop.
    pub(super) shutdown: Shutdown,
    /// Whether it is to rest; not every kind heeds it.
    pub(super) pause: Pause,
}

impl<F> Clone for Job<F> {
    fn clone(&self) -> Self {
        Self {
            id: self.id,
            progress: Arc::clone(&self.progress),
            shutdown: self.shutdown.clone(),
            pause: self.pause.clone(),
        }
    }
}

impl<F: Clone + Default + Send + Sync + 'static> Job<F> {
    fn new(id: u64) -> Self {
        let first = Progress {
            id,
            state: JobState::Running,
            problem: None,
            figures: F::default(),
        };
        Self {
            id,
            progress: Arc::new(watch::Sender::new(first)),
            shutdown: Shutdown::manual(),
            pause: Pause::default(),
        }
    }

    /// Tells what it has done.
    pub(super) fn tell(&self, change: impl FnOnce(&mut F)) {
        self.progress
            .send_modify(|progress| change(&mut progress.figures));
    }

    fn progress(&self) -> Progress<F> {
        self.progress.borrow().clone()
    }

    fn is_over(&self) -> bool {
        self.progress.borrow().state.is_over()
    }

    /// Another state, if it is in one of those.
    fn turn(&self, from: &[JobState], to: JobState) -> bool {
        self.progress.send_if_modified(|progress| {
            let turns = from.contains(&progress.state);
            if turns {
                progress.state = to;
            }
            turns
        })
    }

    /// Does its work to the end, and says how it ended.
    fn run(&self, work: impl FnOnce(&Self) -> Result<JobState, String>) {
        /// Says that a job failed that has not said how it ended, as one that panics.
        struct Ended<'a, F>(&'a watch::Sender<Progress<F>>);

        impl<F> Drop for Ended<'_, F> {
            fn drop(&mut self) {
                self.0.send_if_modified(|progress| {
                    let is_over = progress.state.is_over();
                    if !is_over {
                        progress.state = JobState::Failed;
                    }
                    !is_over
                });
            }
        }

        let _ended = Ended(&self.progress);
        let end = work(self);
        self.progress.send_modify(|progress| {
            (progress.state, progress.problem) = match end {
                Ok(state) => (state, None),
                Err(problem) => (JobState::Failed, Some(problem)),
            };
        });
    }
}

impl<F: Clone + Default + Send + Sync + 'static> Jobs<F> {
    pub(super) fn of(kind: &'static str) -> Self {
        Self {
            kind,
            last: Mutex::new(None),
        }
    }

    /// Begins a job. The work says how it has ended, or why it could not go on.
    ///
    /// # Errors
    /// If another runs, or there is no thread for it.
    pub(super) fn begin(
        &self,
        work: impl FnOnce(&Job<F>) -> Result<JobState, String> + Send + 'static,
    ) -> Result<Progress<F>, Problem> {
        let mut last = self.lock();
        let before = last.as_ref().map(|run| &run.job);
        if let Some(job) = before
            && !job.is_over()
        {
            return Err(Problem::new(
                StatusCode::CONFLICT,
                "running",
                format!(
                    "{} {} runs; stop it first, or wait for its end",
                    self.kind, job.id
                ),
            ));
        }
        let job = Job::new(before.map_or(1, |job| job.id + 1));
        let first = job.progress();
        let thread = std::thread::Builder::new()
            .name(self.kind.to_owned())
            .spawn({
                let job = job.clone();
                move || job.run(work)
            });
        let thread = thread.map_err(|error| {
            Problem::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "failed",
                format!("there is no thread for a {}: {error}", self.kind),
            )
        })?;
        *last = Some(Run { job, thread });
        Ok(first)
    }

    /// How far the one that runs is, or the last one.
    pub(super) fn latest(&self) -> Option<Progress<F>> {
        self.lock().as_ref().map(|run| run.job.progress())
    }

    /// How far a job is.
    pub(super) fn progress(&self, id: u64) -> Result<Progress<F>, Problem> {
        Ok(self.job(id)?.progress())
    }

    /// How far a job is, as it goes.
    pub(super) fn watch(&self, id: u64) -> Result<watch::Receiver<Progress<F>>, Problem> {
        Ok(self.job(id)?.progress.subscribe())
    }

    /// Tells a job to stop. What is under way is finished first.
    pub(super) fn stop(&self, id: u64) -> Result<Progress<F>, Problem> {
        let job = self.job(id)?;
        job.shutdown.request();
        job.turn(&[JobState::Running, JobState::Paused], JobState::Stopping);
        Ok(job.progress())
    }

    /// Tells a job to rest, or to go on. What is under way is finished first.
    pub(super) fn pause(&self, id: u64, rests: bool) -> Result<Progress<F>, Problem> {
        let (from, to) = match rests {
            true => (JobState::Running, JobState::Paused),
            false => (JobState::Paused, JobState::Running),
        };
        let job = self.job(id)?;
        if job.turn(&[from], to) {
            job.pause.set(rests);
        }
        Ok(job.progress())
    }

    /// Stops what runs, and waits for it. Blocks.
    pub(super) fn finish(&self) {
        let Some(run) = self.lock().take() else {
            return;
        };
        run.job.shutdown.request();
        if run.thread.join().is_err() {
            tracing::error!("a {} panicked; please report this", self.kind);
        }
    }

    fn job(&self, id: u64) -> Result<Job<F>, Problem> {
        let last = self.lock();
        let job = last.as_ref().map(|run| &run.job);
        let job = job.filter(|job| job.id == id).cloned();
        job.ok_or_else(|| {
            Problem::not_found(format!(
                "there is no {} {id} of this run of the server",
                self.kind
            ))
        })
    }

    fn lock(&self) -> MutexGuard<'_, Option<Run<F>>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    fn end(jobs: &Jobs<u32>, id: u64) -> Progress<u32> {
        loop {
            match jobs.progress(id).unwrap() {
                progress if progress.state.is_over() => return progress,
                _ => std::thread::yield_now(),
            }
        }
    }

    #[test]
    fn one_runs_at_a_time_and_the_last_one_is_known() {
        let jobs = Jobs::<u32>::of("test");
        let (release, held) = channel::<()>();
        let first = jobs.begin(move |job| {
            job.tell(|figure| *figure = 7);
            // It fails when `release` is dropped.
            let _ = held.recv();
            Ok(JobState::Done)
        });
        assert_eq!(first.unwrap().id, 1);
        let other = jobs.begin(|_| Ok(JobState::Done)).unwrap_err();
        assert_eq!(
            (other.status, other.code),
            (StatusCode::CONFLICT, "running")
        );
        assert_eq!(jobs.pause(1, true).unwrap().state, JobState::Paused);
        assert_eq!(jobs.stop(1).unwrap().state, JobState::Stopping);
        assert_eq!(jobs.pause(1, false).unwrap().state, JobState::Stopping);
        drop(release);
        let ended = end(&jobs, 1);
        assert_eq!((ended.state, ended.figures), (JobState::Done, 7));
        assert_eq!(jobs.begin(|_| Ok(JobState::Done)).unwrap().id, 2);
        assert!(jobs.progress(1).is_err());
        assert_eq!(jobs.latest().unwrap().id, 2);
    }

    #[test]
    fn one_that_fails_or_panics_says_so() {
        let jobs = Jobs::<u32>::of("test");
        jobs.begin(|_| Err("it is dark".to_owned())).unwrap();
        let failed = end(&jobs, 1);
        assert_eq!(failed.state, JobState::Failed);
        assert_eq!(failed.problem.as_deref(), Some("it is dark"));
        jobs.begin(|_| panic!("on purpose")).unwrap();
        assert_eq!(end(&jobs, 2).state, JobState::Failed);
        jobs.finish();
        assert!(jobs.latest().is_none());
    }
}
