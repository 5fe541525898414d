//! The crawl itself: which host is asked next, within the budgets, until the frontier is
//! empty or the user stops it.

use std::collections::HashSet;
use std::sync::Arc;

use tokio::task::{JoinSet, block_in_place};
use tokio::time::{Duration, Instant, sleep_until};

use super::deferral::Origins;
use super::host_window::HostWindow;
use super::plan::CrawlError;
use super::queues::Steering;
use crate::canonical_url::{CanonicalUrl, HostId};
use crate::crawl::http::error::{FetchError, Refusal};
use crate::crawl::summary::{Event, Problem, Summary};
use crate::crawl::visit::settle::{Fetched, Trouble, fetch_and_settle};
use crate::crawl::visit::visitor::Visitor;
use crate::ingest::{Job, Receipt};
use crate::shutdown::Shutdown;
use crate::store::{Lease, Role, Store};

/// A crawl over a store's frontier.
pub struct Crawl {
    pub(in crate::crawl) store: Arc<Store>,
    pub(in crate::crawl) visitor: Arc<Visitor>,
    pub(in crate::crawl) jobs: async_channel::Sender<Job>,
    pub(in crate::crawl) receipts: async_channel::Receiver<Receipt>,
    pub(in crate::crawl) shutdown: Shutdown,
    pub(in crate::crawl) visits: JoinSet<Visited>,
    pub(in crate::crawl) hosts: HostWindow,
    pub(in crate::crawl) origins: Origins,
    pub(in crate::crawl) seeds: Vec<CanonicalUrl>,
    /// This run's number, the crawl that it belongs to, and whether it keeps to the hosts
    /// of that crawl: then those of others wait for a run without seeds.
    pub(in crate::crawl) run: u64,
    pub(in crate::crawl) crawl_id: u64,
    pub(in crate::crawl) own_hosts_only: bool,
    pub(in crate::crawl) queued_again: u64,
    /// Pages and pictures being fetched.
    pub(in crate::crawl) pages_fetching: u64,
    pub(in crate::crawl) pictures_fetching: u64,
    /// Pictures handed to the workers whose receipts are awaited. A receipt may come
    /// before the end of the visit that handed its picture in, hence below 0 for a moment.
    pub(in crate::crawl) pictures_handed: i64,
    /// Hosts may have pages that the page budget kept from being read.
    pub(in crate::crawl) pages_left: bool,
    /// What a focused crawl goes by.
    pub(in crate::crawl) steering: Option<Steering>,
    /// Hosts of which as many pages were read as may be, and more are known.
    pub(in crate::crawl) spent_hosts: HashSet<HostId>,
    pub(in crate::crawl) summary: Summary,
    /// What is to be told.
    pub(in crate::crawl) problems: Vec<Problem>,
    pub(in crate::crawl) started: Instant,
}

/// What a visit came to.
pub(in crate::crawl) struct Visited {
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
pub(in crate::crawl) const LONGEST_WAIT: Duration = Duration::from_secs(60);

impl Crawl {
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
            self.tell_problems(observe);
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
                    Ok(visited) => self.finish(visited)?,
                    Err(error) if error.is_cancelled() => {}
                    // A panicked visit leaves its lease to the next crawl.
                    Err(error) => tracing::error!(%error, "a visit panicked; please report this"),
                },
                receipt = self.receipts.recv() => match receipt {
                    Ok(receipt) => self.count(receipt),
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
        self.tell_problems(observe);
        self.summary.pending = block_in_place(|| self.store.pending_count())?;
        self.summary.spent_hosts = self.spent_hosts.len() as u64;
        self.summary.elapsed_s = self.started.elapsed().as_secs_f64();
        Ok(self.summary)
    }

    fn tell_problems(&mut self, observe: &mut dyn FnMut(Event<'_>)) {
        for problem in self.problems.drain(..) {
            observe(Event::Problem(&problem));
        }
    }

    fn has_room(&self) -> bool {
        self.visits.len() < self.visitor.config.concurrency && !self.images_exhausted()
    }

    /// Whether as many pictures are stored as were asked for.
    pub(in crate::crawl) fn images_stored(&self) -> bool {
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

    pub(in crate::crawl) fn pages_exhausted(&self) -> bool {
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
                self.list(host)?;
                continue;
            }
            let host_has_pages = self.host_has_pages(host)?;
            let pages = !self.pages_exhausted() && host_has_pages;
            match block_in_place(|| self.next_open_lease(host, pages))? {
                Some(lease) => {
                    self.start(lease);
                    if self.hosts.has_slot(host) {
                        self.list(host)?;
                    }
                }
                None => {
                    // Its pages may be wanted again if one under way turns out not to be one.
                    self.pages_left |= self.pages_exhausted();
                    if !host_has_pages && self.store.has_queued(host)? {
                        self.spent_hosts.insert(host);
                    }
                    self.hosts.exhausted(host);
                }
            }
        }
        Ok(())
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

    fn finish(&mut self, visited: Visited) -> Result<(), CrawlError> {
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
                error: error @ FetchError::OriginClosed(_),
                ..
            }) => return self.rest(visited.host, &visited.source, error),
            Err(Trouble::Fetch {
                error: FetchError::Refused(Refusal::NotYet(when)),
                ..
            }) => {
                return self.list_at(visited.host, *when).map(drop);
            }
            _ => {}
        }
        self.origins.reached(&visited.source);
        self.list(visited.host)?;
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
                let removed = (Refusal::Removed.reason(), queued.removed);
                let declined = declined.into_iter().chain([removed]);
                for (reason, count) in declined.filter(|(_, count)| *count > 0) {
                    *self.summary.refused.entry(reason.to_owned()).or_default() += count;
                }
                for host in queued.hosts {
                    self.list(host)?;
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
                // What this crawl does not wait for is told now.
                let held = matches!(
                    error,
                    FetchError::Refused(Refusal::Held(wait)) if wait > LONGEST_WAIT
                );
                if !probe && (!retried || held) {
                    self.tell(visited.source, &error);
                }
            }
        }
        Ok(())
    }

    fn count(&mut self, receipt: Receipt) {
        self.pictures_handed -= 1;
        self.problems.extend(self.summary.count(receipt));
    }
}
