//! The crawl that runs while the store is served.

use serde::{Deserialize, Serialize};
use tokio::task::block_in_place;
use utoipa::ToSchema;

use super::jobs::{Job, JobState, Progress};
use crate::app::{Collection, CrawlJob, QueuedAgain};
use crate::crawl::{Event, Summary, with_causes};

/// How far a crawl is.
pub type CrawlProgress = Progress<CrawlFigures>;

/// What a crawl has done.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
pub struct CrawlFigures {
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

/// Crawls to the end.
pub(super) fn crawl(
    collection: &Collection,
    asked: CrawlJob,
    job: &Job<CrawlFigures>,
) -> Result<JobState, String> {
    let asked = CrawlJob {
        pause: job.pause.clone(),
        ..asked
    };
    let mut observe = |event: Event<'_>| {
        if let Event::Progress {
            summary,
            hosts,
            under_way,
        } = event
        {
            job.tell(|figures| {
                figures.summary.clone_from(summary);
                // A crawl counts them only at its end.
                let waiting = block_in_place(|| collection.store().pending_count());
                if let Ok(waiting) = waiting {
                    figures.summary.pending = waiting;
                }
                (figures.hosts, figures.under_way) = (hosts, under_way);
            });
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    let mut queued_again = |_: QueuedAgain<'_>| ();
    let end = collection.crawl(asked, &job.shutdown, &mut queued_again, &mut observe);
    let end = runtime.block_on(end);
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    job.tell(|figures| (figures.hosts, figures.under_way) = (0, 0));
    let end = end.map_err(|error| with_causes(&error))?;
    job.tell(|figures| {
        figures.some_failed =
            end.seed_failed || end.summary.postponed > 0 || !end.unrecorded.is_empty();
        figures.summary = end.summary;
    });
    Ok(match job.shutdown.requested() {
        true => JobState::Stopped,
        false => JobState::Done,
    })
}
