//! A crawl from its start to its end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::looking::{Looking, Matches};
use crate::app::{Collection, Error};
use crate::blocking::run_or_panic;
use crate::canonical_url::CanonicalUrl;
use crate::crawl::{Crawl, CrawlError, CrawlPlan, Event, Pause, Recorders, Rounds, Summary};
use crate::ingest::{Ingest, WebPicture};
use crate::saving::Saver;
use crate::shutdown::Shutdown;
use crate::store::{Again, AsyncStore, StoreError};

/// What a crawl is to do.
#[derive(Debug, Default)]
pub struct CrawlJob {
    /// Pages to start from; without any the crawl goes on where the last one stopped.
    pub seeds: Vec<CanonicalUrl>,
    /// URLs of earlier crawls to ask for again.
    pub again: Vec<Again>,
    /// Logs of the fetches.
    pub recorders: Recorders,
    /// What happens to the pictures.
    pub pictures: Pictures,
    /// Pictures at most, where that is less than the configuration says.
    pub max_images: Option<u64>,
    /// Whether it is to rest.
    pub pause: Pause,
    /// The rounds of which it is one; by default it is a run of its own.
    pub rounds: Rounds,
    /// Where the bytes of pictures are saved, if they are.
    pub saver: Option<Saver>,
}

/// What happens to the pictures that a crawl fetches.
#[derive(Debug, Default)]
pub enum Pictures {
    /// They get their features and are stored.
    #[default]
    Indexed,
    /// They are kept without features.
    Kept,
    /// They are compared with some.
    Compared(Looking),
}

/// How many URLs are asked for again, and what may be said where there are none.
#[derive(Debug)]
pub struct QueuedAgain<'a> {
    /// What was asked for.
    pub which: &'a [Again],
    /// URLs queued.
    pub queued: u64,
    /// URLs queued besides, because the settings have changed that kept them out.
    pub let_in: u64,
    /// Why URLs have failed, and how many; read only if nothing is queued.
    pub reasons: BTreeMap<String, u64>,
    /// When the next visit is due, in seconds since 1970; read only if nothing is queued.
    pub next_due_s: Option<u64>,
}

/// How a crawl ended.
#[derive(Debug)]
pub struct CrawlEnd {
    /// The figures.
    pub summary: Summary,
    /// Whether a seed could not be had.
    pub seed_failed: bool,
    /// What could not be logged or archived.
    pub unrecorded: Vec<String>,
    /// How many pictures are saved, and how many of them are new; if any were to be.
    pub saved: Option<(u64, u64)>,
}

/// How long those that a crawl has left behind may take to let go of its logs.
const LETTING_GO: Duration = Duration::from_secs(1);

impl Collection {
    /// Crawls, and indexes what it finds; returns when the frontier is empty or the user asks
    /// to stop. `queued_again` is told once, if URLs are asked for again or were to be; `observe` as
    /// the crawl goes.
    ///
    /// # Errors
    /// If there is nothing to crawl, the network cannot be run, or the store fails.
    pub async fn crawl(
        &self,
        job: CrawlJob,
        shutdown: &Shutdown,
        queued_again: &mut dyn FnMut(QueuedAgain<'_>),
        observe: &mut dyn FnMut(Event<'_>),
    ) -> Result<CrawlEnd, Error> {
        let recorders = Arc::new(job.recorders);
        let given = job.seeds.clone();
        let saver = job.saver.map(Arc::new);
        let (ingest, matches) = self.start(job.pictures, saver.clone())?;
        let plan = CrawlPlan {
            seeds: job.seeds,
            again: job.again.clone(),
            recorders: Arc::clone(&recorders),
            pause: job.pause,
            rounds: job.rounds,
            matches,
            saver: saver.clone(),
        };
        let mut config = self.config().clone();
        let limits = [config.crawl.max_images, job.max_images];
        config.crawl.max_images = limits.into_iter().flatten().min();
        let mut seed_failed = false;
        let crawl = async {
            let store = Arc::clone(self.store());
            let crawl = Crawl::new(store, &ingest, &config, plan, shutdown.clone()).await?;
            if !job.again.is_empty() || crawl.let_in() > 0 {
                queued_again(self.queued_again(&job.again, &crawl).await?);
            }
            let seeds = crawl.seeds().iter().chain(&given);
            let asked: Vec<CanonicalUrl> = seeds.cloned().collect();
            let mut observe = |event: Event<'_>| {
                if let Event::Problem(problem) = &event {
                    seed_failed |= asked.iter().any(|seed| seed.as_str() == problem.source);
                }
                observe(event);
            };
            crawl.run(&mut observe).await
        };
        let summary: Result<Summary, CrawlError> = crawl.await;
        // The store's own error says more than the crawl's end.
        run_or_panic(move || ingest.finish()).await?;
        let saved = saver.as_ref().map(|saver| saver.count());
        if let Some(saver) = saver {
            // What could not be saved has ended the crawl.
            run_or_panic(move || saver.finish()).await?;
        }
        let summary = summary?;
        let unrecorded = close(recorders).await;
        let (this, shutdown) = (self.clone(), shutdown.clone());
        run_or_panic(move || this.tidy_up(&shutdown)).await?;
        Ok(CrawlEnd {
            summary,
            seed_failed,
            unrecorded,
            saved,
        })
    }

    /// Starts what takes the pictures in.
    fn start(
        &self,
        pictures: Pictures,
        saver: Option<Arc<Saver>>,
    ) -> Result<(Ingest<WebPicture>, Option<Matches>), Error> {
        let extraction = self.extraction();
        let limits = *extraction.limits();
        let (filter, found) = match pictures {
            Pictures::Kept => return Ok((Ingest::keep_only(self.store(), limits, saver), None)),
            Pictures::Indexed => (None, None),
            Pictures::Compared(looking) => {
                let (filter, found) = looking.filter(self)?;
                (Some(filter), Some(found))
            }
        };
        let (engine, network) = (extraction.engine()?, extraction.network());
        let ingest = Ingest::start(self.store(), engine, network, limits, filter, saver)?;
        Ok((ingest, found))
    }

    async fn queued_again<'a>(
        &self,
        which: &'a [Again],
        crawl: &Crawl,
    ) -> Result<QueuedAgain<'a>, StoreError> {
        let (queued, let_in) = (crawl.queued_again(), crawl.let_in());
        let (mut reasons, mut next_due_s) = (BTreeMap::new(), None);
        if queued + let_in == 0 {
            let store = AsyncStore::new(Arc::clone(self.store()));
            match which {
                [Again::Failed(_)] => reasons = store.call(|store| store.reasons()).await?,
                _ => next_due_s = store.call(|store| store.next_due_s()).await?,
            }
        }
        Ok(QueuedAgain {
            which,
            queued,
            let_in,
            reasons,
            next_due_s,
        })
    }
}

/// Closes the logs once nobody writes any more. Whoever is not stopped by then, such as a
/// page's parser after Ctrl-C, keeps them: they end with what was written.
async fn close(mut recorders: Arc<Recorders>) -> Vec<String> {
    let until = Instant::now() + LETTING_GO;
    loop {
        match Arc::try_unwrap(recorders) {
            Ok(recorders) => return run_or_panic(move || recorders.close()).await,
            Err(_) if Instant::now() >= until => return Vec::new(),
            Err(shared) => recorders = shared,
        }
        sleep(Duration::from_millis(10)).await;
    }
}
