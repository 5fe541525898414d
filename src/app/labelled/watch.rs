//! Who follows a long job on the user's own pictures, and may ask it to stop.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use crate::crawl::Problem;
use crate::head::Epoch;
use crate::shutdown::Shutdown;

/// Follows a job: is told how far it is, and may ask it to stop.
#[derive(Clone, Copy)]
pub struct Watch<'a> {
    /// Asks the job to stop; it then gives `None`.
    pub shutdown: &'a Shutdown,
    /// Is told what happens, from any thread.
    pub observe: &'a (dyn Fn(JobEvent<'_>) + Sync),
}

/// What happens while pictures are read, and heads trained or measured.
#[derive(Debug)]
#[non_exhaustive]
pub enum JobEvent<'a> {
    /// A stage is so far. The first of a stage has 0 done; numbers come in order.
    Progress {
        /// What is done.
        stage: Stage,
        /// Steps so far.
        done: u64,
        /// Steps in all.
        total: u64,
    },
    /// A picture cannot be used; the job goes on without it.
    Problem(Problem),
    /// A folder is no class: it has fewer than two pictures.
    Ignored {
        /// The folder.
        folder: PathBuf,
        /// Pictures in it.
        pictures: usize,
    },
    /// A folder is no domain: it has fewer than two classes with pictures.
    NoDomain(PathBuf),
    /// So many pictures are in no folder of a class, and are left out.
    Loose(usize),
    /// An epoch of training is over.
    Epoch {
        /// Its number, from 1.
        number: usize,
        /// Epochs in all.
        total: usize,
        /// How well the head does after it.
        epoch: &'a Epoch,
    },
    /// Something begins whose length is not known; the text says what.
    Begun(&'a str),
}

/// A part of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stage {
    /// Features of pictures are computed.
    Features,
    /// Features of edited copies are computed.
    Copies,
    /// Copies are compared with other pictures, to learn from.
    Learning,
    /// Pairs are scored: a step for each picture, then one for each draw.
    Pairs {
        /// Steps that are pictures.
        pictures: u64,
    },
    /// Queries are answered.
    Queries,
    /// Labelled pictures are drawn, and the others classified.
    Draws,
}

impl<'a> Watch<'a> {
    /// Whether the job is to stop.
    pub(super) fn interrupted(&self) -> bool {
        self.shutdown.requested()
    }

    /// Tells what happens.
    pub(super) fn tell(&self, event: JobEvent<'_>) {
        (self.observe)(event);
    }

    /// Begins a stage of so many steps.
    pub(super) fn begin(self, stage: Stage, total: usize) -> Steps<'a> {
        let steps = Steps {
            watch: self,
            stage,
            total: total as u64,
            done: Mutex::new(0),
        };
        steps.tell(0);
        steps
    }
}

/// Counts the steps of a stage.
pub(super) struct Steps<'a> {
    watch: Watch<'a>,
    stage: Stage,
    total: u64,
    done: Mutex<u64>,
}

impl Steps<'_> {
    /// One more is done. The lock is held while it is told, so that numbers come in order.
    pub(super) fn step(&self) {
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        *done += 1;
        self.tell(*done);
    }

    fn tell(&self, done: u64) {
        self.watch.tell(JobEvent::Progress {
            stage: self.stage,
            done,
            total: self.total,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_of_many_threads_are_told_in_order() {
        let told = Mutex::new(Vec::new());
        let watch = Watch {
            shutdown: &Shutdown::manual(),
            observe: &|event| match event {
                JobEvent::Progress { done, total, .. } => told.lock().unwrap().push((done, total)),
                other => panic!("{other:?}"),
            },
        };
        let steps = watch.begin(Stage::Queries, 400);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..100).for_each(|_| steps.step()));
            }
        });
        let expected: Vec<(u64, u64)> = (0..=400).map(|done| (done, 400)).collect();
        assert_eq!(*told.lock().unwrap(), expected);
    }
}
