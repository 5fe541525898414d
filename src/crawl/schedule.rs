//! The crawl itself: which host is asked next, within the budgets, until the frontier is
//! empty or the user stops it.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::{JoinSet, block_in_place};
use tokio::time::{Duration, Instant, sleep_until};

use super::admission::{Admission, PatternError};
use super::error::{FetchError, Refusal};
use super::fetch::{Fetcher, Recorders};
use super::focus::{Focus, HOSTS_LOOKED_AT, LOOKED_AT};
use super::hosts::{CAPACITY, HostWindow};
use super::page::PageRules;
use super::scope::ScopeRules;
use super::settle::{Fetched, Trouble, fetch_and_settle};
use super::summary::{Event, Problem, Summary};
use super::visit::Visitor;
use crate::canonical_url::{CanonicalUrl, HostId, UrlId};
use crate::config::Config;
use crate::ingest::{Ingest, Job, Receipt, worker_count};
use crate::shutdown::Shutdown;
use crate::store::{Again, Discovery, Lease, Role, Store, StoreError, UrlRecord, now_ms};

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
    /// The rules for URLs cannot be used.
    #[error(transparent)]
    Pattern(#[from] PatternError),
    /// Nothing to do.
    #[error("there is nothing to crawl: name URLs, or seeds with --seeds FILE")]
    NoSeeds,
}

/// What a crawl is to do, and who is told of its fetches.
#[derive(Debug, Default)]
pub struct CrawlPlan {
    /// Pages to start from.
    pub seeds: Vec<CanonicalUrl>,
    /// URLs of earlier crawls to ask for again.
    pub again: Vec<Again>,
    /// Logs of the fetches.
    pub recorders: Recorders,
    /// Tells which pictures are matches, if the crawl is to look for them first.
    pub matches: Option<async_channel::Receiver<(UrlId, bool)>>,
}

/// A crawl over a store's frontier.
pub struct Crawl {
    store: Arc<Store>,
    visitor: Arc<Visitor>,
    jobs: async_channel::Sender<Job>,
    receipts: async_channel::Receiver<Receipt>,
    shutdown: Shutdown,
    visits: JoinSet<Visited>,
    hosts: HostWindow,
    /// This run's number, and whether it keeps to the hosts that it has queued URLs of:
    /// then those that only earlier runs have reached wait for a run without seeds.
    run: u64,
    own_hosts_only: bool,
    queued_again: u64,
    /// Pages and pictures being fetched.
    pages_fetching: u64,
    pictures_fetching: u64,
    /// Pictures handed to the workers whose receipts are awaited. A receipt may come
    /// before the end of the visit that handed its picture in, hence below 0 for a moment.
    pictures_handed: i64,
    /// Hosts may have pages that the page budget kept from being read.
    pages_left: bool,
    /// What a focused crawl goes by.
    steering: Option<Steering>,
    summary: Summary,
    started: Instant,
}

fn seed_discovery(url: &CanonicalUrl) -> Discovery {
    Discovery {
        url: url.clone(),
        role: Role::Page,
        depth: 0,
        embed: None,
    }
}

/// What a focused crawl goes by.
struct Steering {
    focus: Focus,
    matches: async_channel::Receiver<(UrlId, bool)>,
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
/// Hosts read from the store's queues before visits are started.
const READ_AT_ONCE: usize = 500;
/// Retries that are due later than this are left to the next crawl.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

impl Crawl {
    /// Queues the seeds and what is asked for again, takes back what a dead crawl had
    /// leased and gets ready. Without either the crawl goes on where the last one stopped,
    /// in the scope of all its seeds.
    ///
    /// # Errors
    /// If there is nothing to crawl, or the store fails.
    pub fn new(
        store: Arc<Store>,
        ingest: &Ingest,
        config: &Config,
        plan: CrawlPlan,
        shutdown: Shutdown,
    ) -> Result<Self, CrawlError> {
        let CrawlPlan {
            seeds,
            again,
            recorders,
            matches,
        } = plan;
        let found: Vec<Discovery> = seeds.iter().map(seed_discovery).collect();
        let run = store.begin_run()?;
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
            seeds.clone()
        };
        if all_seeds.is_empty() {
            return Err(CrawlError::NoSeeds);
        }
        let mut queued_again = 0;
        for which in &again {
            queued_again += store.queue_again(which)?;
        }
        let visitor = Visitor {
            fetcher: Fetcher::new(&config.crawl, Some(Arc::clone(&store)), recorders)?,
            admission: Admission::new(&config.crawl.admission)?,
            page_rules: PageRules {
                icons: config.crawl.icons,
                min_side: config.picture.min_side,
            },
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
            hosts: HostWindow::new(config.crawl.host_concurrency, CAPACITY),
            run,
            own_hosts_only: !seeds.is_empty() || !again.is_empty(),
            queued_again,
            pages_fetching: 0,
            pictures_fetching: 0,
            pictures_handed: 0,
            pages_left: false,
            steering: matches.map(|matches| Steering {
                focus: Focus::default(),
                matches,
            }),
            summary: Summary::default(),
            started: Instant::now(),
            store,
        };
        for seed in &seeds {
            crawl.list(seed.host_id());
        }
        if seeds.is_empty() || queued_again > 0 {
            crawl.hosts.look_again();
        }
        Ok(crawl)
    }

    /// How many URLs are asked for again.
    pub fn queued_again(&self) -> u64 {
        self.queued_again
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
            let waiting = !stopping && (!self.hosts.is_empty() || self.hosts.others_wait());
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
            let can_start = waiting && self.has_room();
            let wake = match self.hosts.next_turn() {
                _ if !can_start => Instant::now() + LONGEST_WAIT,
                // More hosts are to be read from the store.
                _ if self.hosts.reads() => Instant::now(),
                turn => turn.unwrap_or(Instant::now() + LONGEST_WAIT),
            };
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
            observe(Event::Progress {
                summary: &self.summary,
                hosts: self.hosts.len(),
                under_way: self.visits.len(),
            });
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
        most.is_some_and(|most| self.summary.images_fetched >= most)
    }

    /// Whether there would be as many, if all under way turn out to be new.
    fn images_exhausted(&self) -> bool {
        let most = self.visitor.config.max_images;
        let under_way = self
            .pictures_fetching
            .saturating_add_signed(self.pictures_handed);
        most.is_some_and(|most| self.summary.images_fetched + under_way >= most)
    }

    fn pages_exhausted(&self) -> bool {
        let most = self.visitor.config.max_pages;
        most.is_some_and(|most| self.summary.pages_fetched + self.pages_fetching >= most)
    }

    /// Starts a visit for every host whose turn has come, as far as there is room.
    fn start_visits(&mut self) -> Result<(), CrawlError> {
        if let Some(Steering { focus, matches }) = &mut self.steering {
            while let Ok((picture, is_match)) = matches.try_recv() {
                self.summary.matches += u64::from(is_match);
                focus.scored(picture, is_match);
            }
        }
        if self.images_stored() {
            self.hosts.clear();
        }
        self.read_queues()?;
        while self.has_room() {
            let now = Instant::now();
            let Some(host) = self.next_host(now) else {
                break;
            };
            let turn = self.visitor.fetcher.next_turn(host, now);
            if turn > now {
                // Another name at its address was asked meanwhile.
                self.hosts.list(host, turn);
                continue;
            }
            let pages = !self.pages_exhausted() && self.host_has_pages(host)?;
            match block_in_place(|| self.next_lease(host, pages))? {
                Some(lease) => {
                    self.start(lease);
                    if self.hosts.has_slot(host) {
                        self.list(host);
                    }
                }
                None => {
                    // Its pages may be wanted again if one under way turns out not to be one.
                    self.pages_left |= self.pages_exhausted();
                    self.hosts.exhausted(host);
                }
            }
        }
        Ok(())
    }

    fn next_host(&mut self, now: Instant) -> Option<HostId> {
        match &self.steering {
            Some(steering) => {
                let promise = |host| steering.focus.host_promise(host);
                self.hosts.take_best(now, HOSTS_LOOKED_AT, &promise)
            }
            None => self.hosts.take(now),
        }
    }

    /// The next URL of a host: what waits longest, or what promises most.
    fn next_lease(&mut self, host: HostId, pages: bool) -> Result<Option<Lease>, StoreError> {
        let Some(Steering { focus, .. }) = &mut self.steering else {
            return self.store.lease(host, pages);
        };
        let lease = if focus.explores() {
            self.store.lease(host, pages)?
        } else {
            let promise = |id, record: &UrlRecord| focus.promise(id, record);
            self.store.lease_best(host, pages, LOOKED_AT, &promise)?
        };
        if let Some(lease) = &lease {
            focus.asked(host, lease.id());
        }
        Ok(lease)
    }

    /// Brings hosts from the store's queues into the window, as far as there is room.
    fn read_queues(&mut self) -> Result<(), CrawlError> {
        for _ in 0..READ_AT_ONCE {
            let Some(behind) = self.hosts.wants() else {
                break;
            };
            let host = block_in_place(|| self.store.waiting_host_after(behind))?;
            self.hosts.scanned(host);
            if let Some(host) = host
                && self.is_ours(host)?
            {
                self.list(host);
            }
        }
        Ok(())
    }

    /// Whether this run asks a host for what waits in its queue.
    fn is_ours(&self, host: HostId) -> Result<bool, CrawlError> {
        let record = self.store.host(host)?.unwrap_or_default();
        Ok(record.left_in != self.run && (!self.own_hosts_only || record.run == self.run))
    }

    /// Whether more pages of a host may be read.
    fn host_has_pages(&self, host: HostId) -> Result<bool, CrawlError> {
        let config = &self.visitor.config;
        if config.max_host_pages.is_none() && config.host.is_empty() {
            return Ok(true);
        }
        let record = self.store.host(host)?.unwrap_or_default();
        let most = config.host_pages(&record.name);
        Ok(most.is_none_or(|most| record.pages < most))
    }

    fn start(&mut self, lease: Lease) {
        let role = lease.record().role;
        match role {
            Role::Page => self.pages_fetching += 1,
            Role::Picture => self.pictures_fetching += 1,
            Role::Sheet | Role::Feed | Role::Sitemap => {}
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
            Role::Sheet | Role::Feed | Role::Sitemap => {}
        }
        self.hosts.ended(visited.host);
        if self.pages_left && !self.pages_exhausted() {
            self.pages_left = false;
            self.hosts.look_again();
        }
        match &visited.result {
            Err(Trouble::Fetch {
                error: FetchError::HostClosed(_),
                ..
            }) => return self.rest(&visited, observe),
            Err(Trouble::Fetch {
                error: FetchError::Refused(Refusal::NotYet(when)),
                ..
            }) => {
                self.hosts.list(visited.host, *when);
                return Ok(());
            }
            _ => {}
        }
        self.hosts.reached(visited.host);
        self.list(visited.host);
        match visited.result {
            Ok(Fetched::Document {
                bytes,
                queued,
                declined,
                inline,
                visit,
            }) => {
                if let Some(steering) = &mut self.steering {
                    steering.focus.found(&visit.url, &visit.found);
                }
                self.summary.pages_fetched += u64::from(visited.role == Role::Page);
                self.summary.bytes += bytes;
                self.summary.images_found += queued.pictures + inline;
                // Their receipts may be here already, or may be still to come.
                self.pictures_handed += i64::try_from(inline).unwrap_or(i64::MAX);
                for (reason, count) in declined {
                    *self.summary.refused.entry(reason.to_owned()).or_default() += count;
                }
                for host in queued.hosts {
                    self.list(host);
                }
            }
            Ok(Fetched::Unchanged) => {
                self.summary.pages_fetched += u64::from(visited.role == Role::Page);
                self.summary.unchanged += 1;
            }
            Ok(Fetched::Picture { bytes }) => {
                self.summary.bytes += bytes;
                self.pictures_handed += 1;
            }
            Err(Trouble::Store(error)) => return Err(error.into()),
            Err(Trouble::IngestStopped) => {}
            Err(Trouble::Fetch { error, retried }) => {
                tracing::debug!(url = visited.source, %error, retried, "not fetched");
                // Most sites have no sitemap in the usual place.
                let probe = visited.role == Role::Sitemap
                    && (error.is_refusal() || matches!(error, FetchError::Status(400..500)));
                if retried || probe {
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
    fn rest(
        &mut self,
        visited: &Visited,
        observe: &mut dyn FnMut(Event<'_>),
    ) -> Result<(), CrawlError> {
        let Err(Trouble::Fetch { error, .. }) = &visited.result else {
            return Ok(());
        };
        let tries = self.hosts.unreachable(visited.host);
        if tries < self.visitor.config.max_attempts {
            let wait = self.visitor.backoff(error, tries - 1);
            self.hosts.list(visited.host, Instant::now() + wait);
            return Ok(());
        }
        self.hosts.reached(visited.host);
        block_in_place(|| self.store.leave_host(visited.host))?;
        if error.is_refusal() {
            self.summary.refuse(&error.reason());
        } else {
            self.summary.fail(&error.reason());
        }
        observe(Event::Problem(&Problem {
            source: visited.source.clone(),
            message: error.to_string(),
        }));
        Ok(())
    }

    /// Lists a host for its next turn, once. A host that asked for more patience than a
    /// crawl has is left to the next one.
    fn list(&mut self, host: HostId) {
        let when = self.visitor.fetcher.next_turn(host, Instant::now());
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
