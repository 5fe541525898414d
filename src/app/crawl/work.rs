//! A worker: it crawls, makes features, or both, until it is stopped.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::{CrawlJob, Pictures};
use crate::app::{AddEvent, Collection, Error};
use crate::blocking::run_or_panic;
use crate::canonical_url::{CanonicalUrl, HostId};
use crate::crawl::{CrawlError, Event, Problem, Summary};
use crate::shutdown::Shutdown;
use crate::store::{AsyncStore, Store, StoreError, now_ms};

/// What a worker does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkerRole {
    /// It fetches pages and pictures, which are kept without features.
    Crawl,
    /// It makes the features of what was kept without.
    Features,
    /// It fetches, makes the features of what it has fetched, and of what was kept without.
    All,
}

/// What a worker tells.
#[derive(Debug)]
#[non_exhaustive]
pub enum WorkEvent<'a> {
    /// Something could not be used.
    Problem(&'a Problem),
    /// A round has ended in which something was done.
    Round(&'a Summary),
    /// There is nothing to do for now.
    Waits,
}

/// How often a worker that has nothing to do looks whether there is something.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How long it leaves alone what it could not do, such as hosts whose robots.txt cannot be had.
const TRY_AGAIN: Duration = Duration::from_secs(900);
/// The most hosts that it looks at.
const LOOKED_AT: usize = 200;

/// What there is for a crawl.
struct Outlook {
    /// The first hosts that have something in their queues and are no other worker's.
    hosts: BTreeSet<HostId>,
    retry_is_due: bool,
    seen: Instant,
}

impl Outlook {
    fn of(store: &Store) -> Result<Self, StoreError> {
        let mut hosts = BTreeSet::new();
        let mut last = None;
        while hosts.len() < LOOKED_AT
            && let Some(host) = store.waiting_host_after(last)?
        {
            hosts.insert(host);
            last = Some(host);
        }
        let retry_ms = store.next_retry_ms()?;
        Ok(Self {
            hosts,
            retry_is_due: retry_ms.is_some_and(|at_ms| at_ms <= now_ms()),
            seen: Instant::now(),
        })
    }

    /// Whether a crawl may find something to do: there was none, or more is there than what the last one
    /// could do nothing with, or that was long ago.
    fn is_worth_a_round(&self, left: Option<&Self>) -> bool {
        left.is_none_or(|left| {
            self.retry_is_due
                || !self.hosts.is_subset(&left.hosts)
                || left.seen.elapsed() > TRY_AGAIN
        })
    }
}

impl Collection {
    /// Works in rounds until it is asked to stop: what this machine finds to be done, then a wait where
    /// that was nothing. `seeds` are where its first crawl starts; without any it goes on with
    /// what all crawls have left.
    ///
    /// # Errors
    /// If the network cannot be run, or the store fails for longer than it is tried again.
    pub async fn work(
        &self,
        role: WorkerRole,
        mut seeds: Vec<CanonicalUrl>,
        shutdown: &Shutdown,
        observe: &mut dyn FnMut(WorkEvent<'_>),
    ) -> Result<(), Error> {
        let store = AsyncStore::new(self.store().clone());
        let mut left = None;
        let mut is_told = false;
        loop {
            let mut is_idle = true;
            if role != WorkerRole::Features {
                let outlook = store.call(Outlook::of).await?;
                if outlook.is_worth_a_round(left.as_ref()) {
                    let seeds = std::mem::take(&mut seeds);
                    is_idle = !self.crawl_round(role, seeds, shutdown, observe).await?;
                    left = is_idle.then_some(outlook);
                }
            }
            if role != WorkerRole::Crawl && !shutdown.requested() {
                is_idle &= !self.features_round(shutdown, observe).await?;
            }
            if shutdown.requested() {
                return Ok(());
            }
            if is_idle && !is_told {
                observe(WorkEvent::Waits);
            }
            is_told = is_idle;
            if is_idle {
                let mut stop = shutdown.clone();
                tokio::select! {
                    () = sleep(LOOK_EVERY) => {}
                    () = stop.wait() => return Ok(()),
                }
            }
        }
    }

    /// Crawls until this machine finds no host that is free; says whether anything was done.
    async fn crawl_round(
        &self,
        role: WorkerRole,
        seeds: Vec<CanonicalUrl>,
        shutdown: &Shutdown,
        observe: &mut dyn FnMut(WorkEvent<'_>),
    ) -> Result<bool, Error> {
        let job = CrawlJob {
            seeds,
            pictures: match role {
                WorkerRole::Crawl => Pictures::Kept,
                WorkerRole::Features | WorkerRole::All => Pictures::Indexed,
            },
            ..CrawlJob::default()
        };
        let mut tell = |event: Event<'_>| {
            if let Event::Problem(problem) = event {
                observe(WorkEvent::Problem(problem));
            }
        };
        let end = match self.crawl(job, shutdown, &mut |_| {}, &mut tell).await {
            // Nobody has begun a crawl yet.
            Err(Error::Crawl(CrawlError::NoSeeds)) => return Ok(false),
            end => end?,
        };
        Ok(told(&end.summary, observe))
    }

    /// Makes features until no picture is left that waits for them and is no other worker's; says
    /// whether there was any.
    async fn features_round(
        &self,
        shutdown: &Shutdown,
        observe: &mut dyn FnMut(WorkEvent<'_>),
    ) -> Result<bool, Error> {
        let (this, shutdown) = (self.clone(), shutdown.clone());
        let round = run_or_panic(move || {
            let mut problems = Vec::new();
            if this.store().waiting_count() == 0 {
                return Ok((Summary::default(), problems));
            }
            let end = this.add_features(&shutdown, &mut |event| {
                if let AddEvent::Problem(problem) = event {
                    problems.push(problem);
                }
            })?;
            Ok::<_, Error>((end.summary, problems))
        });
        let (summary, problems) = round.await?;
        problems
            .iter()
            .for_each(|problem| observe(WorkEvent::Problem(problem)));
        Ok(told(&summary, observe))
    }
}

/// Tells of a round in which something was done; says whether it was one.
fn told(summary: &Summary, observe: &mut dyn FnMut(WorkEvent<'_>)) -> bool {
    let done = summary.pages_fetched
        + summary.images_fetched
        + summary.images_indexed
        + summary.duplicates
        + summary.unchanged;
    let is_work = done > 0;
    if is_work {
        observe(WorkEvent::Round(summary));
    }
    is_work
}
