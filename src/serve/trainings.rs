//! The training that runs while the store is served, from the labels of the store.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::jobs::{Job, JobState, Progress};
use crate::app::{Collection, JobEvent, LabelFigures, Watch};
use crate::crawl::with_causes;

/// How far a training is.
pub type TrainingProgress = Progress<TrainingFigures>;

/// What a training has done.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
pub struct TrainingFigures {
    /// Steps done of those that are to be done in its present part.
    pub done: u64,
    /// Steps to be done.
    pub total: u64,
    /// What it has learned from, and what that has brought.
    #[serde(rename = "figures")]
    pub brought: Option<LabelFigures>,
    /// The head file, when it is done.
    #[serde(skip)]
    pub(super) head: Option<Arc<str>>,
}

/// Trains to the end, and keeps the head.
pub(super) fn train(
    collection: &Collection,
    job: &Job<TrainingFigures>,
) -> Result<JobState, String> {
    let observe = |event: JobEvent<'_>| {
        if let JobEvent::Progress { done, total, .. } = event {
            job.tell(|figures| (figures.done, figures.total) = (done, total));
        }
    };
    let watch = Watch {
        shutdown: &job.shutdown,
        observe: &observe,
    };
    let taught = collection.train_from_labels(watch);
    let Some(taught) = taught.map_err(|error| with_causes(&error))? else {
        return Ok(JobState::Stopped);
    };
    let text = taught.head.to_json(collection.extraction().layout());
    let kept = collection.heads().keep_trained(&text);
    kept.map_err(|error| with_causes(&error))?;
    job.tell(|figures| {
        figures.brought = Some(taught.figures);
        figures.head = Some(text.into());
    });
    Ok(JobState::Done)
}
