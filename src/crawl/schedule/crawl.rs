//! The crawl itself: visits are started and ended, within the budgets, until the frontier is
//! empty or the user stops it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Duration, Instant, sleep_until};

use super::budget::Budget;
use super::host_scheduler::{HostScheduler, LONGEST_WAIT};
use super::plan::{CrawlError, CrawlPlan};
use super::preparation::{Begin, prepare};
use super::rejudging::rejudge;
use super::report::Report;
use super::run::Rounds;
use crate::canonical_url::{CanonicalUrl, HostId};
use crate::config::Config;
use crate::crawl::ROBOTS_AGENT;
use crate::crawl::event::Event;
use crate::crawl::http::error::FetchError;
use crate::crawl::http::fetcher::Fetcher;
use crate::crawl::pause::Pause;
use crate::crawl::policy::admission::Admission;
use crate::crawl::policy::reason::Reason;
use crate::crawl::policy::refusal::Refusal;
use crate::crawl::policy::scope::ScopeRules;
use crate::crawl::policy::settings::Settings;
use crate::crawl::politeness::origin_rules::is_usual_sitemap;
use crate::crawl::summary::Summary;
use crate::crawl::visit::document_rules::DocumentRules;
use crate::crawl::visit::outcome::{VisitError, VisitOutcome, fetch_and_settle};
use crate::crawl::visit::visitor::Visitor;
use crate::extract::PageRules;
use crate::ingest::{Ingest, Receipt, WebPicture, worker_count};
use crate::shutdown::Shutdown;
use crate::store::{Again, AsyncStore, Lease, RemovalRules, Role, Store, StoreError};

/// A crawl over a store's frontier.
pub struct Crawl {
    hosts: HostScheduler,
    budget: Budget,
    report: Report,
    visits: JoinSet<FinishedVisit>,
    /// Of each visit, which host it asks and for what.
    in_flight: HashMap<Id, (HostId, Role)>,
    visitor: Arc<Visitor>,
    jobs: async_channel::Sender<WebPicture>,
    receipts: async_channel::Receiver<Receipt>,
    shutdown: Shutdown,
    pause: Pause,
    rounds: Rounds,
    seeds: Arc<[CanonicalUrl]>,
    queued_again: u64,
    let_in: u64,
}

/// How a visit ended.
struct FinishedVisit {
    host: HostId,
    role: Role,
    source: String,
    result: Result<VisitOutcome, VisitError>,
}

/// Sitemaps in memory at once, of up to 50 MiB, and as much again when they are packed.
const SITEMAPS: usize = 2;
/// How long requests under way may take after Ctrl-C.
const GRACE: Duration = Duration::from_secs(5);
/// The longest time between two words on how far the crawl is.
const TOLD_EVERY: Duration = Duration::from_secs(1);
/// So long that it never passes.
const FOREVER: Duration = Duration::from_secs(365 * 24 * 3600);

impl Crawl {
    /// Queues the seeds and what is asked for again, takes back what a dead crawl had leased
    /// and gets ready. With neither, the crawl goes on where the last one stopped, in the scope
    /// of all seeds so far.
    ///
    /// # Errors
    /// If there is nothing to crawl, or the store fails. A rejected seed is no error; it is
    /// reported when the crawl runs.
    pub async fn new(
        store: Arc<Store>,
        ingest: &Ingest<WebPicture>,
        config: &Config,
        plan: CrawlPlan,
        shutdown: Shutdown,
    ) -> Result<Self, CrawlError> {
        let store = AsyncStore::new(store);
        let admission = Admission::new(&config.crawl.admission)?;
        let asks_own = plan.seeds.is_empty() || plan.again.iter().any(is_of_failures);
        let removal = RemovalRules {
            gone_after_s: config.crawl.gone_after,
            most_share: config.crawl.max_removed_share,
            counted_for: plan.rounds.removals_counted_for(),
        };
        let begin = plan
            .rounds
            .number()
            .map_or(Begin::New(removal), Begin::Begun);
        let prepared = prepare(&store, admission.clone(), plan.seeds, plan.again, begin).await?;
        let crawl_config = Arc::new(config.crawl.clone());
        let fetcher = Fetcher::with_store(&crawl_config, store.clone(), plan.recorders).await?;
        for seed in &prepared.scope_seeds {
            fetcher.name_host(seed);
        }
        let rules = DocumentRules {
            scope: ScopeRules::new(
                crawl_config.scope,
                crawl_config.max_depth,
                &prepared.scope_seeds,
            ),
            admission,
            respect: crawl_config.respect,
            page: PageRules {
                agent: ROBOTS_AGENT,
                icons: crawl_config.icons,
                min_side: config.picture.min_side,
            },
        };
        let rules = Arc::new(rules);
        let settings = Settings::of(config);
        let let_in = rejudge(&store, settings, &crawl_config, &rules, asks_own).await?;
        let visitor = Arc::new(Visitor {
            fetcher,
            store,
            config: crawl_config,
            rules,
            max_picture_bytes: config.picture.max_bytes,
            saver: plan.saver,
            parsing: Semaphore::new(worker_count()),
            sitemaps: Arc::new(Semaphore::new(SITEMAPS)),
        });
        let seeds: Arc<[CanonicalUrl]> = prepared.seeds.into();
        let mut report = Report::new(prepared.rejected);
        let origins = plan.rounds.begin(prepared.run);
        let mut hosts = HostScheduler::new(
            &visitor,
            prepared.run,
            Arc::clone(&seeds),
            plan.matches,
            origins,
        );
        for seed in seeds.iter() {
            hosts.list(seed.host_id(), &mut report).await?;
        }
        hosts.look_again();
        Ok(Self {
            hosts,
            budget: Budget::new(&config.crawl),
            report,
            visits: JoinSet::new(),
            in_flight: HashMap::new(),
            visitor,
            jobs: ingest.jobs(),
            receipts: ingest.receipts(),
            shutdown,
            pause: plan.pause,
            rounds: plan.rounds,
            seeds,
            queued_again: prepared.queued_again,
            let_in,
        })
    }

    /// The seeds in the form in which they are asked for.
    pub fn seeds(&self) -> &[CanonicalUrl] {
        &self.seeds
    }

    /// How many URLs are asked for again.
    pub fn queued_again(&self) -> u64 {
        self.queued_again
    }

    /// How many more are asked for, because the settings have changed that kept them out.
    pub fn let_in(&self) -> u64 {
        self.let_in
    }

    /// Runs to the end and returns what was done. `observe` is called with each event.
    ///
    /// # Errors
    /// If the store fails. An interrupted crawl is no error: what was under way is
    /// finished and stored, the rest waits in the frontier.
    pub async fn run(mut self, observe: &mut dyn FnMut(Event<'_>)) -> Result<Summary, CrawlError> {
        let mut shutdown = self.shutdown.clone();
        let mut pause = self.pause.clone();
        let mut stopping = false;
        let mut grace = Instant::now() + FOREVER;
        loop {
            if self.shutdown.requested() && !stopping {
                stopping = true;
                grace = Instant::now() + GRACE;
            }
            let rests = !stopping && pause.is_asked();
            if !stopping && !rests {
                self.start_visits().await?;
            }
            self.report.tell_problems(observe);
            let waiting = rests || !stopping && self.hosts.has_hosts();
            if self.visits.is_empty() && !self.budget.awaits_receipts() && !waiting {
                match self.next_retry(stopping).await? {
                    Some(when) => tokio::select! {
                        () = sleep_until(when) => self.requeue_due().await?,
                        () = shutdown.wait() => {}
                    },
                    None => break,
                }
                continue;
            }
            let turn = match waiting && !rests && self.has_room() {
                true => self.hosts.next_turn(),
                false => None,
            };
            let wake = turn.unwrap_or(Instant::now() + LONGEST_WAIT);
            tokio::select! {
                Some(visit) = self.visits.join_next_with_id() => match visit {
                    Ok((id, visit)) => {
                        self.in_flight.remove(&id);
                        self.finish(visit).await?;
                    }
                    Err(error) => self.abandon(&error),
                },
                receipt = self.receipts.recv() => match receipt {
                    Ok(receipt) => {
                        self.budget.received();
                        let gave_none = receipt.outcome.gave_none();
                        self.report.count(receipt);
                        if gave_none {
                            self.hosts.list_new_work(&mut self.report).await?;
                        }
                    }
                    // The writer has stopped early; `Ingest::finish` returns the reason.
                    Err(_) => break,
                },
                () = sleep_until(wake) => self.requeue_due().await?,
                () = shutdown.wait(), if !stopping => {}
                () = pause.changed() => {}
                // How far it is, is told also while nothing happens.
                () = sleep_until(Instant::now() + TOLD_EVERY) => {}
                // What has not answered by now is left to the next crawl.
                () = sleep_until(grace), if !self.visits.is_empty() => {
                    self.visits.abort_all();
                    grace = Instant::now() + FOREVER;
                }
            }
            let (hosts, under_way) = (self.hosts.len(), self.visits.len());
            self.report.tell_progress(hosts, under_way, observe);
        }
        self.rounds.keep(self.hosts.take_origins());
        self.report.summary.removals_stopped = self.removals_stopped().await?;
        self.report.tell_problems(observe);
        let pending = self
            .visitor
            .store
            .call(|store| store.pending_count())
            .await?;
        Ok(self.report.finish(pending, self.hosts.spent_hosts()))
    }

    /// The hosts of which no more pictures were removed, and how many were kept.
    async fn removals_stopped(&self) -> Result<BTreeMap<String, u64>, StoreError> {
        let stopped = self.visitor.store.call(|store| {
            let stopped = store.removals_stopped().into_iter();
            let stopped = stopped.map(|(host, kept)| {
                let record = store.host(host)?.unwrap_or_default();
                Ok((record.name, kept))
            });
            stopped.collect()
        });
        stopped.await
    }

    fn has_room(&self) -> bool {
        let most = self.visitor.config.concurrency;
        self.visits.len() < most && !self.budget.images_exhausted(&self.report.summary)
    }

    async fn requeue_due(&mut self) -> Result<(), StoreError> {
        self.hosts.requeue_due(&mut self.report).await
    }

    async fn next_retry(&self, stopping: bool) -> Result<Option<Instant>, StoreError> {
        if stopping || self.budget.images_stored(&self.report.summary) {
            return Ok(None);
        }
        self.hosts.next_retry().await
    }

    /// Starts a visit for every host whose turn has come, as far as there is room.
    async fn start_visits(&mut self) -> Result<(), StoreError> {
        self.report.summary.matches += self.hosts.take_matches();
        if self.budget.images_stored(&self.report.summary) {
            self.hosts.clear();
        }
        self.hosts.read_queues(&mut self.report).await?;
        while self.has_room() {
            let with_pages = !self.budget.pages_exhausted(&self.report.summary);
            let lease = self.hosts.next_lease(with_pages, &mut self.report);
            let Some(lease) = lease.await? else {
                break;
            };
            self.start(lease);
        }
        Ok(())
    }

    fn start(&mut self, lease: Lease) {
        let role = lease.record().role;
        self.budget.started(role);
        let visitor = Arc::clone(&self.visitor);
        let jobs = self.jobs.clone();
        let host = lease.record().host;
        let task = self.visits.spawn(async move {
            let source = lease.record().url.clone();
            let result = fetch_and_settle(&visitor, &jobs, lease).await;
            FinishedVisit {
                host,
                role,
                source,
                result,
            }
        });
        self.in_flight.insert(task.id(), (host, role));
    }

    /// Ends a visit that was stopped or has panicked; its lease is the next crawl's.
    fn abandon(&mut self, error: &JoinError) {
        if !error.is_cancelled() {
            tracing::error!(%error, "a visit panicked; please report this");
        }
        if let Some((host, role)) = self.in_flight.remove(&error.id()) {
            self.budget.ended(role);
            self.hosts.ended(host);
        }
    }

    async fn finish(&mut self, visit: FinishedVisit) -> Result<(), CrawlError> {
        let FinishedVisit {
            host,
            role,
            source,
            result,
        } = visit;
        let (hosts, report) = (&mut self.hosts, &mut self.report);
        self.budget.ended(role);
        hosts.ended(host);
        if !self.budget.pages_exhausted(&report.summary) {
            hosts.pages_are_wanted();
        }
        match &result {
            Err(VisitError::Fetch {
                error: error @ FetchError::OriginClosed(_),
                ..
            }) => return Ok(hosts.defer_origin(host, &source, error, report).await?),
            Err(VisitError::Fetch {
                error: FetchError::Refused(Refusal::NotDue(when)),
                ..
            }) => return Ok(hosts.list_at(host, *when, report).await.map(drop)?),
            _ => {}
        }
        hosts.reached(&source);
        hosts.list(host, report).await?;
        if role == Role::Picture && !matches!(result, Ok(VisitOutcome::Picture { .. })) {
            hosts.list_new_work(report).await?;
        }
        match result {
            Ok(VisitOutcome::Document {
                bytes,
                left_scope,
                truncated,
                queued,
                declined,
                left_out,
                fault,
                inline,
                visit,
            }) => {
                report.left_out(&source, left_out);
                if let Some(fault) = fault {
                    report.summary.fail(Reason::BrokenSitemap);
                    report.list(source.clone(), fault);
                }
                hosts.found(&visit);
                if let Some(url) = left_scope {
                    report.could_not_fetch(source, &FetchError::LeftScope(url.to_string()));
                }
                report.summary.truncated += u64::from(truncated);
                // What looked like a picture may be a page.
                let is_page = matches!(role, Role::Page | Role::Picture);
                report.summary.pages_fetched += u64::from(is_page);
                report.summary.bytes += bytes;
                report.summary.images_found += queued.pictures + inline;
                report.summary.speculative += queued.guesses;
                self.budget.handed_in(inline);
                let removed = (Reason::RemovedHost, queued.removed);
                let declined = declined.into_iter().chain([removed]);
                for (reason, count) in declined.filter(|(_, count)| *count > 0) {
                    *report.summary.refused.entry(reason).or_default() += count;
                }
                for host in queued.hosts {
                    hosts.list(host, report).await?;
                }
            }
            Ok(VisitOutcome::Unchanged) => {
                report.summary.pages_fetched += u64::from(role == Role::Page);
                report.summary.unchanged += 1;
            }
            Ok(VisitOutcome::Picture { bytes, truncated }) => {
                report.summary.truncated += u64::from(truncated);
                report.summary.bytes += bytes;
                self.budget.handed_in(1);
            }
            Err(VisitError::Store(error)) => return Err(error.into()),
            Err(VisitError::IngestStopped) => {}
            Err(VisitError::Fetch { error, retried }) => {
                tracing::debug!(url = source, %error, retried, "not fetched");
                if is_told(role, &source, &error, retried) {
                    report.could_not_fetch(source, &error);
                }
            }
        }
        Ok(())
    }
}

fn is_of_failures(again: &Again) -> bool {
    matches!(again, Again::Failed(_))
}

/// Whether it is reported that a URL could not be fetched.
fn is_told(role: Role, source: &str, error: &FetchError, retried: bool) -> bool {
    // Most sites have no sitemap in the usual place.
    let is_usual = CanonicalUrl::parse(source).is_ok_and(|url| is_usual_sitemap(&url));
    let is_missing = matches!(error, FetchError::NoSitemap(_))
        || (role == Role::Sitemap && is_usual && error.reason().is_refusal());
    if is_missing {
        return false;
    }
    // What this crawl does not wait for is reported now.
    let is_left = matches!(
        error,
        FetchError::Refused(Refusal::RetryAfter(wait)) if *wait > LONGEST_WAIT
    );
    !retried || is_left
}
