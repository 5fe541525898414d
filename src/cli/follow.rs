//! Following a job on the user's own pictures: how far it is, and what it cannot use.

use std::sync::{Mutex, PoisonError};

use super::Outcome;
use super::progress::{self, Problems, Progress};
use super::session::Session;
use crate::app::{Error, JobEvent, Stage, Watch};
use crate::local_path::path_text;
use crate::plural::{counted, counted_as};

/// Runs a job while saying how far it is. Gives its result and how a command ends that has
/// nothing else to do; `None` if the user asked to stop.
pub(super) fn follow<T>(
    session: &Session,
    job: impl FnOnce(Watch<'_>) -> Result<Option<T>, Error>,
) -> Result<Option<(T, Outcome)>, Error> {
    let shown = Mutex::new(Shown::default());
    let result = job(Watch {
        shutdown: &session.shutdown,
        observe: &|event| {
            let mut shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
            shown.show(event);
        },
    });
    let mut shown = shown.into_inner().unwrap_or_else(PoisonError::into_inner);
    shown.bar = None;
    shown.problems.finish();
    let outcome = match shown.some_failed {
        true => Outcome::SomeFailed,
        false => Outcome::Done,
    };
    Ok(result?.map(|result| (result, outcome)))
}

/// What is shown of a job.
#[derive(Default)]
struct Shown {
    bar: Option<Progress>,
    problems: Problems,
    some_failed: bool,
}

impl Shown {
    fn show(&mut self, event: JobEvent<'_>) {
        if !matches!(event, JobEvent::Problem(_)) {
            self.problems.finish();
        }
        match event {
            JobEvent::Progress { stage, done, total } => self.progress(stage, done, total),
            JobEvent::Problem(problem) => {
                self.some_failed = true;
                self.problems.add(&problem.source, &problem.message);
            }
            JobEvent::Epoch {
                number,
                total,
                epoch,
            } => {
                let validation = epoch
                    .validation_accuracy
                    .map_or("-".to_owned(), |accuracy| format!("{accuracy:.3}"));
                progress::note(&format!(
                    "epoch {number:>3}/{total}  loss {:.4}  train {:.3}  validation {validation}",
                    epoch.loss, epoch.train_accuracy
                ));
            }
            JobEvent::Begun(what) => progress::note(what),
            JobEvent::Ignored { folder, pictures } => progress::note(&format!(
                "{} is ignored: a class needs two pictures, and it has {pictures}",
                path_text(&folder)
            )),
            JobEvent::NoDomain(folder) => progress::note(&format!(
                "{} is ignored: a domain needs two classes, folders with pictures",
                path_text(&folder)
            )),
            JobEvent::Loose(pictures) => progress::note(&format!(
                "{} in no folder of a class {} ignored",
                counted(pictures, "picture"),
                if pictures == 1 { "is" } else { "are" }
            )),
        }
    }

    fn progress(&mut self, stage: Stage, done: u64, total: u64) {
        if done == 0 {
            self.bar = Some(Progress::new(title(stage), total));
        }
        if let Some(bar) = &self.bar {
            bar.set(done, || message(stage, done, total));
        }
        if done >= total {
            self.bar = None;
        }
    }
}

fn title(stage: Stage) -> &'static str {
    match stage {
        Stage::Features => "features",
        Stage::Copies => "copies",
        Stage::Learning => "learning",
        Stage::Pairs { .. } => "evaluating",
        Stage::Queries => "queries",
        Stage::Draws => "classifying",
    }
}

fn message(stage: Stage, done: u64, total: u64) -> String {
    match stage {
        Stage::Features => format!("features of {done}/{}", counted(total, "picture")),
        Stage::Copies => format!("features of {done}/{}", counted_as(total, "copy", "copies")),
        Stage::Learning => format!("compared {done}/{}", counted_as(total, "copy", "copies")),
        Stage::Pairs { pictures } => match done.checked_sub(pictures) {
            None | Some(0) => format!("{done}/{} compared", counted(pictures, "picture")),
            Some(draws) => format!("{draws}/{}", counted(total - pictures, "draw")),
        },
        Stage::Queries => format!("{done}/{}", counted_as(total, "query", "queries")),
        Stage::Draws => format!("{done}/{}", counted(total, "draw")),
    }
}
