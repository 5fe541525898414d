//! The crawl itself: which host is asked next, within the budgets, until the frontier is
//! empty or the user stops it.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::{JoinSet, block_in_place};
use tokio::time::{Duration, Instant, sleep_until};

use super::error::FetchError;
use super::fetch::Fetcher;
use super::hosts::HostQueue;
use super::scope::ScopeRules;
use super::settle::{Fetched, Trouble, fetch_and_settle};
use super::summary::{Event, Problem, Summary};
use super::visit::Visitor;
use crate::canonical_url::{CanonicalUrl, HostId};
use crate::config::Config;
use crate::ingest::{Ingest, Job, Receipt, worker_count};
use crate::shutdown::Shutdown;
use crate::store::{Discovery, Lease, Role, Store, StoreError, now_ms};

/// A crawl cannot go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CrawlError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The client cannot be set up.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// Nothing to do.
    #[error("there is nothing to crawl: name URLs, or seeds with --seeds FILE")]
    NoSeeds,
}

/// A crawl over a store's frontier.
pub struct Crawl {
    store: Arc<Store>,
    visitor: Arc<Visitor>,
    jobs: async_channel::Sender<Job>,
    receipts: async_channel::Receiver<Receipt>,
    shutdown: Shutdown,
    visits: JoinSet<Visited>,
    hosts: HostQueue,
    /// Pages and pictures being fetched.
    pages_fetching: u64,
    pictures_fetching: u64,
    /// Pictures handed to the workers whose receipts are awaited. A receipt may come
    /// before the end of the visit that handed its picture in, hence below 0 for a moment.
    pictures_handed: i64,
    summary: Summary,
    started: Instant,
}

/// What a visit came to.
struct Visited {
    host: HostId,
    role: Role,
    source: String,
    result: Result<Fetched, Trouble>,
}

/// How long requests under way may take after Ctrl-C.
const GRACE: Duration = Duration::from_secs(5);
/// Long enough never to come.
const FOREVER: Duration = Duration::from_secs(365 * 24 * 3600);
/// Retries that are due later than this are left to the next crawl.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

impl Crawl {
    /// Queues the seeds, takes back what a dead crawl had leased and gets ready. Without
    /// seeds the crawl goes on where the last one stopped, in the scope of all its seeds.
    ///
    /// # Errors
    /// If there is nothing to crawl, or the store fails.
    pub fn new(
        store: Arc<Store>,
        ingest: &Ingest,
        config: &Config,
        seeds: &[CanonicalUrl],
        shutdown: Shutdown,
    ) -> Result<Self, CrawlError> {
        let found: Vec<Discovery> = seeds
            .iter()
            .map(|url| Discovery {
                url: url.clone(),
                role: Role::Page,
                depth: 0,
                embed: None,
            })
            .collect();
        let recovered = store.recover_leases()?;
        if recovered > 0 {
            tracing::info!(recovered, "URLs of an interrupted crawl are queued again");
        }
        if store.offer(&found)?.pages == 0 && !found.is_empty() {
            tracing::warn!(
                "the seeds were crawled before; going on with what the frontier has left"
            );
        }
        // Named seeds are a crawl of their own; without any, all earlier crawls go on.
        let all_seeds: Vec<CanonicalUrl> = if seeds.is_empty() {
            let earlier = store.seeds()?;
            earlier
                .iter()
                .filter_map(|seed| CanonicalUrl::parse(seed).ok())
                .collect()
        } else {
            seeds.to_vec()
        };
        if all_seeds.is_empty() {
            return Err(CrawlError::NoSeeds);
        }
        let visitor = Visitor {
            fetcher: Arc::new(Fetcher::new(&config.crawl)?),
            scope: ScopeRules::new(config.crawl.scope, config.crawl.max_depth, &all_seeds),
            config: config.crawl.clone(),
            max_picture_bytes: config.picture.max_bytes,
            parsing: Semaphore::new(worker_count()),
        };
        let mut crawl = Self {
            visitor: Arc::new(visitor),
            jobs: ingest.jobs(),
            receipts: ingest.receipts(),
            shutdown,
            visits: JoinSet::new(),
            hosts: HostQueue::new(config.crawl.host_concurrency),
            pages_fetching: 0,
            pictures_fetching: 0,
            pictures_handed: 0,
            summary: Summary::default(),
            started: Instant::now(),
            store,
        };
        let store = Arc::clone(&crawl.store);
        if seeds.is_empty() {
            for host in store.waiting_hosts() {
                crawl.list(host?);
            }
        }
        // Hosts that only earlier crawls have reached wait for a crawl without seeds.
        for seed in seeds {
            crawl.list(seed.host_id());
        }
        Ok(crawl)
    }

    /// Runs to the end and says what was done. `observe` is told as it goes.
    ///
    /// # Errors
    /// If the store fails. An interrupted crawl is no error: what was under way is
    /// finished and stored, the rest waits in the frontier.
    pub async fn run(mut self, observe: &mut dyn FnMut(Event<'_>)) -> Result<Summary, CrawlError> {
        let mut shutdown = self.shutdown.clone();
        let mut stopping = false;
        let mut grace = Instant::now() + FOREVER;
        loop {
            if self.shutdown.requested() && !stopping {
                stopping = true;
                grace = Instant::now() + GRACE;
            }
            if !stopping {
                self.start_visits()?;
            }
            let waiting = !stopping && !self.hosts.is_empty();
            if self.visits.is_empty() && self.pictures_handed <= 0 && !waiting {
                match self.wait_for_retry(stopping)? {
                    Some(when) => tokio::select! {
                        () = sleep_until(when) => { self.requeue_due()?; }
                        () = shutdown.wait() => {}
                    },
                    None => break,
                }
                continue;
            }
            let next_turn = self.hosts.next_turn();
            let can_start = waiting && self.has_room();
            let wake = next_turn
                .filter(|_| can_start)
                .unwrap_or(Instant::now() + LONGEST_WAIT);
            tokio::select! {
                Some(visited) = self.visits.join_next() => match visited {
                    Ok(visited) => self.finish(visited, observe)?,
                    Err(error) if error.is_cancelled() => {}
                    // A panicked visit leaves its lease to the next crawl.
                    Err(error) => tracing::error!(%error, "a visit panicked; please report this"),
                },
                receipt = self.receipts.recv() => match receipt {
                    Ok(receipt) => self.count(receipt, observe),
                    // The writer has stopped early; `Ingest::finish` tells why.
                    Err(_) => break,
                },
                () = sleep_until(wake) => { self.requeue_due()?; }
                () = shutdown.wait(), if !stopping => {}
                // What has not answered by now is left to the next crawl.
                () = sleep_until(grace), if !self.visits.is_empty() => self.visits.abort_all(),
            }
            self.summary.elapsed_s = self.started.elapsed().as_secs_f64();
            observe(Event::Progress(&self.summary));
        }
        self.summary.elapsed_s = self.started.elapsed().as_secs_f64();
        Ok(self.summary)
    }

    fn has_room(&self) -> bool {
        self.visits.len() < self.visitor.config.concurrency && !self.images_exhausted()
    }

    /// Whether as many pictures are stored as were asked for.
    fn images_stored(&self) -> bool {
        let most = self.visitor.config.max_images;
        most.is_some_and(|most| self.summary.images_indexed >= most)
    }

    /// Whether there would be as many, if all under way turn out to be new.
    fn images_exhausted(&self) -> bool {
        let most = self.visitor.config.max_images;
        let under_way = self
            .pictures_fetching
            .saturating_add_signed(self.pictures_handed);
        most.is_some_and(|most| self.summary.images_indexed + under_way >= most)
    }

    fn pages_exhausted(&self) -> bool {
        let most = self.visitor.config.max_pages;
        most.is_some_and(|most| self.summary.pages_fetched + self.pages_fetching >= most)
    }

    /// Starts a visit for every host whose turn has come, as far as there is room.
    fn start_visits(&mut self) -> Result<(), CrawlError> {
        if self.images_stored() {
            self.hosts.clear();
        }
        while self.has_room() {
            let Some(host) = self.hosts.take(Instant::now()) else {
                break;
            };
            let pages = !self.pages_exhausted();
            match block_in_place(|| self.store.lease(host, pages))? {
                Some(lease) => {
                    self.start(lease);
                    if self.hosts.has_slot(host) {
                        self.list(host);
                    }
                }
                // Its pages may be wanted again if one under way turns out not to be one.
                None if !pages => self.hosts.park(host),
                None => {}
            }
        }
        Ok(())
    }

    fn start(&mut self, lease: Lease) {
        let role = lease.record().role;
        match role {
            Role::Page => self.pages_fetching += 1,
            Role::Picture => self.pictures_fetching += 1,
        }
        self.hosts.started(lease.record().host);
        let visitor = Arc::clone(&self.visitor);
        let (store, jobs) = (Arc::clone(&self.store), self.jobs.clone());
        self.visits.spawn(async move {
            let (host, source) = (lease.record().host, lease.record().url.clone());
            let result = fetch_and_settle(&visitor, &store, &jobs, lease).await;
            Visited {
                host,
                role,
                source,
                result,
            }
        });
    }

    fn finish(
        &mut self,
        visited: Visited,
        observe: &mut dyn FnMut(Event<'_>),
    ) -> Result<(), CrawlError> {
        match visited.role {
            Role::Page => self.pages_fetching -= 1,
            Role::Picture => self.pictures_fetching -= 1,
        }
        self.hosts.ended(visited.host);
        if !self.pages_exhausted() {
            for host in self.hosts.unpark() {
                self.list(host);
            }
        }
        if let Err(Trouble::Fetch {
            error: FetchError::HostClosed,
            ..
        }) = visited.result
        {
            self.rest(&visited, observe);
            return Ok(());
        }
        self.hosts.reached(visited.host);
        self.list(visited.host);
        match visited.result {
            Ok(Fetched::Page { bytes, queued }) => {
                self.summary.pages_fetched += 1;
                self.summary.bytes += bytes;
                self.summary.images_found += queued.pictures;
                for host in queued.hosts {
                    self.list(host);
                }
            }
            Ok(Fetched::Picture { bytes }) => {
                self.summary.bytes += bytes;
                self.pictures_handed += 1;
            }
            Err(Trouble::Store(error)) => return Err(error.into()),
            Err(Trouble::IngestStopped) => {}
            Err(Trouble::Fetch { error, retried }) => {
                tracing::debug!(url = visited.source, %error, retried, "not fetched");
                if retried {
                    return Ok(());
                }
                if error.is_refusal() {
                    self.summary.refuse(&error.reason());
                } else {
                    self.summary.fail(&error.reason());
                }
                observe(Event::Problem(&Problem {
                    source: visited.source,
                    message: error.to_string(),
                }));
            }
        }
        Ok(())
    }

    fn count(&mut self, receipt: Receipt, observe: &mut dyn FnMut(Event<'_>)) {
        self.pictures_handed -= 1;
        if let Some(problem) = self.summary.count(receipt) {
            observe(Event::Problem(&problem));
        }
    }

    /// Lets a host rest whose robots.txt cannot be reached; after some tries in a row its
    /// URLs are left to the next crawl.
    fn rest(&mut self, visited: &Visited, observe: &mut dyn FnMut(Event<'_>)) {
        let config = &self.visitor.config;
        let tries = self.hosts.unreachable(visited.host);
        if tries < config.max_attempts {
            let wait = self.visitor.backoff(&FetchError::HostClosed, tries - 1);
            self.hosts.list(visited.host, Instant::now() + wait);
            return;
        }
        let error = FetchError::HostClosed;
        self.summary.refuse(&error.reason());
        observe(Event::Problem(&Problem {
            source: visited.source.clone(),
            message: error.to_string(),
        }));
    }

    /// Lists a host for its next turn, once. A host that asked for more patience than a
    /// crawl has is left to the next one.
    fn list(&mut self, host: HostId) {
        let when = self.visitor.fetcher.pacer().next_turn(host);
        let config = &self.visitor.config;
        let longest = LONGEST_WAIT
            .max(config.delay())
            .max(Duration::from_secs(config.max_crawl_delay_s));
        if when <= Instant::now() + longest {
            self.hosts.list(host, when);
        } else {
            tracing::info!(
                wait_s = (when - Instant::now()).as_secs(),
                "a host asks for patience; it is left to the next crawl"
            );
        }
    }

    fn requeue_due(&mut self) -> Result<(), CrawlError> {
        for host in block_in_place(|| self.store.requeue_due(now_ms()))? {
            self.list(host);
        }
        Ok(())
    }

    /// When the next retry is due, if it is worth waiting for.
    fn wait_for_retry(&self, stopping: bool) -> Result<Option<Instant>, CrawlError> {
        if stopping || self.images_stored() {
            return Ok(None);
        }
        let Some(at_ms) = self.store.next_retry_ms()? else {
            return Ok(None);
        };
        let wait = Duration::from_millis(at_ms.saturating_sub(now_ms()));
        Ok((wait <= LONGEST_WAIT).then(|| Instant::now() + wait))
    }
}
