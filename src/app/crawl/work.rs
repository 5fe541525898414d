//! A worker: it crawls, makes features, or both, until it is stopped.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::{CrawlJob, Pictures};
use crate::app::{AddEvent, Collection, Error};
use crate::blocking::run_or_panic;
use crate::canonical_url::{CanonicalUrl, HostId};
use crate::crawl::{CrawlError, Event, Problem, Rounds, Summary};
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
/// How long a run takes at most: so long a worker leaves alone what it could not do, such as hosts that
/// ask for a long wait.
const RUN: Duration = Duration::from_secs(900);
/// Hosts that it looks at at once: nobody waits longer for it to stop.
const LOOKED_AT: usize = 200;
/// Hosts that it notes at once when a round could do nothing with them.
const NOTED: usize = 10_000;

/// What the last round could do nothing with.
#[derive(Default)]
struct Left {
    /// Hosts that have something in their queues and are no other worker's.
    hosts: HashSet<HostId>,
    /// Where the next look begins.
    behind: Option<HostId>,
}

impl Left {
    /// Whether a crawl may find something to do, as far as a look tells: all hosts come in after some.
    fn is_worth_a_round(&mut self, store: &Store) -> Result<bool, StoreError> {
        let retry_ms = store.next_retry_ms()?;
        if retry_ms.is_some_and(|at_ms| at_ms <= now_ms()) {
            return Ok(true);
        }
        for _ in 0..LOOKED_AT {
            match store.waiting_host_after(self.behind)? {
                Some(host) if !self.hosts.contains(&host) => return Ok(true),
                Some(host) => self.behind = Some(host),
                None => {
                    self.behind = None;
                    return Ok(false);
                }
            }
        }
        Ok(false)
    }

    /// Notes the hosts from the next on: a round could do nothing with them.
    fn note(&mut self, store: &Store) -> Result<(), StoreError> {
        let mut last = self.behind;
        for _ in 0..NOTED {
            let Some(host) = store.waiting_host_after(last)? else {
                break;
            };
            self.hosts.insert(host);
            last = Some(host);
        }
        Ok(())
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
        let rounds = Rounds::of_worker();
        let mut left = Left::default();
        let mut is_new = true;
        let mut begun = Instant::now();
        let mut is_told = false;
        loop {
            let mut is_idle = true;
            if role != WorkerRole::Features {
                if begun.elapsed() > RUN {
                    rounds.end_run();
                    (left, is_new, begun) = (Left::default(), true, Instant::now());
                }
                let look = move |store: &Store| {
                    let is_worth_it = left.is_worth_a_round(store);
                    (left, is_worth_it)
                };
                let is_worth_it;
                (left, is_worth_it) = store.call(look).await;
                if is_worth_it? || is_new {
                    is_new = false;
                    let seeds = std::mem::take(&mut seeds);
                    let round = self.crawl_round(role, seeds, &rounds, shutdown, observe);
                    is_idle = !round.await?;
                    let note = move |store: &Store| {
                        if !is_idle {
                            return (Left::default(), Ok(()));
                        }
                        let noted = left.note(store);
                        (left, noted)
                    };
                    let noted;
                    (left, noted) = store.call(note).await;
                    noted?;
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
        rounds: &Rounds,
        shutdown: &Shutdown,
        observe: &mut dyn FnMut(WorkEvent<'_>),
    ) -> Result<bool, Error> {
        let job = CrawlJob {
            seeds,
            rounds: rounds.clone(),
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
            // What is counted is what it was where the database does not answer; this fails there.
            this.store().last_run()?;
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
