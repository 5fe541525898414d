//! Which host is asked next, and for what.

use std::collections::HashSet;
use std::sync::Arc;

use tokio::time::{Duration, Instant};

use super::closed_origins::{ClosedOrigins, origin};
use super::focus::{Focus, HOSTS_LOOKED_AT};
use super::host_window::{CAPACITY, HostWindow};
use super::lease_chooser::{Choice, LeaseChooser};
use super::report::Report;
use super::run::Run;
use crate::canonical_url::{CanonicalUrl, HostId, UrlId};
use crate::config::CrawlConfig;
use crate::crawl::http::error::FetchError;
use crate::crawl::policy::reason::Reason;
use crate::crawl::policy::refusal::Refusal;
use crate::crawl::visit::retry::retry_wait;
use crate::crawl::visit::visitor::Visitor;
use crate::store::{AsyncStore, HostRecord, Lease, PageVisit, StoreError, UrlState, now_ms};

/// Keeps track of the hosts' turns and chooses the next URL: in a focused crawl the one that
/// promises most matches, else the one that has waited longest. Hosts and origins that do not
/// answer, or ask for a longer wait than a crawl accepts, are left to the next crawl.
pub(super) struct HostScheduler {
    store: AsyncStore,
    visitor: Arc<Visitor>,
    run: Run,
    seeds: Arc<[CanonicalUrl]>,
    window: HostWindow,
    chooser: LeaseChooser,
    /// Tells which pictures are matches.
    matches: Option<async_channel::Receiver<(UrlId, bool)>>,
    /// Hosts whose page budget is spent although more pages are known.
    spent_hosts: HashSet<HostId>,
    /// Hosts may have pages that the budget of pages kept from being read.
    pages_withheld: bool,
}

/// Retries and turns that come later than this are left to the next crawl.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// Hosts read from the store's queues before visits are started.
const READ_AT_ONCE: usize = 500;

impl HostScheduler {
    /// A scheduler that knows no host yet.
    pub(super) fn new(
        visitor: &Arc<Visitor>,
        run: Run,
        seeds: Arc<[CanonicalUrl]>,
        matches: Option<async_channel::Receiver<(UrlId, bool)>>,
        origins: ClosedOrigins,
    ) -> Self {
        Self {
            store: visitor.store.clone(),
            visitor: Arc::clone(visitor),
            run,
            seeds,
            window: HostWindow::new(visitor.config.host_concurrency, CAPACITY),
            chooser: LeaseChooser {
                focus: matches.is_some().then(Focus::default),
                origins,
            },
            matches,
            spent_hosts: HashSet::new(),
            pages_withheld: false,
        }
    }

    /// The next URL to ask for, of a host whose turn has come; pages only if `with_pages`.
    ///
    /// # Errors
    /// If the store fails.
    pub(super) async fn next_lease(
        &mut self,
        with_pages: bool,
        report: &mut Report,
    ) -> Result<Option<Lease>, StoreError> {
        loop {
            let now = Instant::now();
            let Some(host) = self.next_host(now) else {
                return Ok(None);
            };
            if self.visitor.fetcher.next_turn(host, now) > now {
                // Another name at its address was asked meanwhile.
                self.list(host, report).await?;
                continue;
            }
            let choice = self.choose(host, with_pages).await?;
            if choice.cut_short {
                self.window.look_again();
            }
            if choice.has_left {
                self.list_new_work(report).await?;
            }
            if choice.pages_spent {
                self.spent_hosts.insert(host);
            }
            let Some(lease) = choice.lease else {
                // Its pages may be wanted again if a visit under way turns out not to be a
                // page.
                self.pages_withheld |= !with_pages;
                self.window.exhausted(host);
                continue;
            };
            self.window.started(host);
            if self.window.has_slot(host) {
                self.list(host, report).await?;
            }
            return Ok(Some(lease));
        }
    }

    fn next_host(&mut self, now: Instant) -> Option<HostId> {
        match &self.chooser.focus {
            Some(focus) => {
                let promise = |host| focus.host_promise(host);
                self.window.take_best(now, HOSTS_LOOKED_AT, &promise)
            }
            None => self.window.take(now),
        }
    }

    async fn choose(&mut self, host: HostId, with_pages: bool) -> Result<Choice, StoreError> {
        let mut chooser = std::mem::take(&mut self.chooser);
        let config = Arc::clone(&self.visitor.config);
        let choose = self.store.call(move |store| {
            let choice = chooser.choose(store, &config, host, with_pages);
            (chooser, choice)
        });
        let (chooser, choice) = choose.await;
        self.chooser = chooser;
        choice
    }

    /// Notes that a visit to a host has ended.
    pub(super) fn ended(&mut self, host: HostId) {
        self.window.ended(host);
    }

    /// Notes that pages are wanted (again).
    pub(super) fn pages_are_wanted(&mut self) {
        if self.pages_withheld {
            self.pages_withheld = false;
            self.window.look_again();
        }
    }

    /// Notes that the origin of a URL has answered.
    pub(super) fn reached(&mut self, source: &str) {
        self.chooser.origins.reached(source);
    }

    /// Notes what was found in a document.
    pub(super) fn found(&mut self, visit: &PageVisit) {
        if let Some(focus) = &mut self.chooser.focus {
            focus.found(&visit.url, &visit.found);
        }
    }

    /// Takes note of which pictures are matches; returns how many there were.
    pub(super) fn take_matches(&mut self) -> u64 {
        let mut found = 0;
        if let (Some(focus), Some(matches)) = (&mut self.chooser.focus, &self.matches) {
            while let Ok((picture, is_match)) = matches.try_recv() {
                found += u64::from(is_match);
                focus.scored(picture, is_match);
            }
        }
        found
    }

    /// The origins that have given no answer, for another round of the run.
    pub(super) fn take_origins(&mut self) -> ClosedOrigins {
        std::mem::take(&mut self.chooser.origins)
    }

    /// Starts reading the store's queues from the beginning.
    pub(super) fn look_again(&mut self) {
        self.window.look_again();
    }

    /// Forgets all hosts, because nothing more is wanted.
    pub(super) fn clear(&mut self) {
        self.window.clear();
    }

    /// Whether some host may have something to be asked for.
    pub(super) fn has_hosts(&self) -> bool {
        !self.window.is_empty() || self.window.others_wait()
    }

    /// Hosts that wait for their turns or are being asked.
    pub(super) fn len(&self) -> usize {
        self.window.len()
    }

    /// Hosts whose page budget is spent although they have more pages.
    pub(super) fn spent_hosts(&self) -> u64 {
        self.spent_hosts.len() as u64
    }

    /// When the next turn comes: now, where more hosts are to be read from the store.
    pub(super) fn next_turn(&self) -> Option<Instant> {
        match self.window.reads() {
            true => Some(Instant::now()),
            false => self.window.next_turn(),
        }
    }

    /// Brings hosts from the store's queues into the window, as far as there is room.
    ///
    /// # Errors
    /// If the store fails.
    pub(super) async fn read_queues(&mut self, report: &mut Report) -> Result<(), StoreError> {
        let Some(behind) = self.window.wants() else {
            return Ok(());
        };
        let read = self.store.call(move |store| {
            let mut hosts: Vec<(HostId, HostRecord)> = Vec::new();
            let mut last = behind;
            while hosts.len() < READ_AT_ONCE
                && let Some(host) = store.waiting_host_after(last)?
            {
                hosts.push((host, store.host(host)?.unwrap_or_default()));
                last = Some(host);
            }
            Ok::<_, StoreError>(hosts)
        });
        let hosts = read.await?;
        let is_end = hosts.len() < READ_AT_ONCE;
        for (host, record) in hosts {
            if !self.window.reads() {
                // The window is full; hosts read beyond this are read again.
                return Ok(());
            }
            self.window.scanned(Some(host));
            if self.run.asks(&record) {
                self.list(host, report).await?;
            }
        }
        if is_end && self.window.reads() {
            self.window.scanned(None);
        }
        Ok(())
    }

    /// Lists the hosts whose retries are due.
    ///
    /// # Errors
    /// If the store fails.
    pub(super) async fn requeue_due(&mut self, report: &mut Report) -> Result<(), StoreError> {
        let due = self.store.call(|store| store.requeue_due(now_ms()));
        for host in due.await? {
            self.list(host, report).await?;
        }
        Ok(())
    }

    /// Lists the hosts that have the next versions of pictures whose URLs gave none.
    ///
    /// # Errors
    /// If the store fails.
    pub(super) async fn list_new_work(&mut self, report: &mut Report) -> Result<(), StoreError> {
        let hosts = self.store.call(|store| store.take_new_work()).await;
        for host in hosts {
            self.list(host, report).await?;
        }
        Ok(())
    }

    /// When the next retry is due, if it is worth waiting for.
    ///
    /// # Errors
    /// If the store fails.
    pub(super) async fn next_retry(&self) -> Result<Option<Instant>, StoreError> {
        let next = self.store.call(|store| store.next_retry_ms());
        let Some(at_ms) = next.await? else {
            return Ok(None);
        };
        let wait = Duration::from_millis(at_ms.saturating_sub(now_ms()));
        Ok((wait <= LONGEST_WAIT).then(|| Instant::now() + wait))
    }

    /// Lists a host for its next turn, once.
    ///
    /// # Errors
    /// If the store fails.
    pub(super) async fn list(
        &mut self,
        host: HostId,
        report: &mut Report,
    ) -> Result<(), StoreError> {
        self.list_at(host, Instant::now(), report).await.map(drop)
    }

    /// Lists a host for its next turn that does not come before `when`. A host that asks for a
    /// longer wait than a crawl accepts is left to the next crawl. Returns whether it was
    /// listed.
    ///
    /// # Errors
    /// If the store fails.
    pub(super) async fn list_at(
        &mut self,
        host: HostId,
        when: Instant,
        report: &mut Report,
    ) -> Result<bool, StoreError> {
        let now = Instant::now();
        let turn = self.visitor.fetcher.next_turn(host, now);
        let wait = turn - now;
        if wait > LONGEST_WAIT {
            let record = self.record(host).await?;
            if wait > patience(&self.visitor.config, &record.name) {
                self.leave(host, record, wait, report).await?;
                return Ok(false);
            }
        }
        self.window.list(host, turn.max(when));
        Ok(true)
    }

    async fn record(&self, host: HostId) -> Result<HostRecord, StoreError> {
        let record = self.store.call(move |store| store.host(host)).await?;
        Ok(record.unwrap_or_default())
    }

    /// Lets an origin rest whose rules could not be fetched when `source` was to be asked for.
    /// After some attempts in a row, or if the next would be far off, its URLs are left to the
    /// next crawl; the host's other origins go on.
    ///
    /// # Errors
    /// If the store fails.
    pub(super) async fn defer_origin(
        &mut self,
        host: HostId,
        source: &str,
        error: &FetchError,
        report: &mut Report,
    ) -> Result<(), StoreError> {
        let config = Arc::clone(&self.visitor.config);
        let tries = self.chooser.origins.unreachable(source);
        let wait = retry_wait(config.delay(), tries - 1, error.retry_after());
        let again = tries < config.max_attempts
            && wait <= patience(&config, &self.record(host).await?.name)
            && !matches!(error, FetchError::OriginClosed(Refusal::Certificate(_)));
        let pause = if again { wait } else { Duration::ZERO };
        let listed = self.list_at(host, Instant::now() + pause, report).await?;
        // A host that asks for a wait says itself when to ask again.
        if again || !listed {
            return Ok(());
        }
        self.chooser.origins.close(source, error.reason());
        report.could_not_fetch(source.to_owned(), error);
        let closed = origin(source);
        let is_other =
            |seed: &CanonicalUrl| seed.as_str() != source && origin(seed.as_str()) == closed;
        for seed in self.open_seeds(is_other).await? {
            report.list(seed, error.to_string());
        }
        Ok(())
    }

    /// Leaves a host to the next crawl and reports that once; for its seeds, if some could not
    /// be fetched.
    async fn leave(
        &mut self,
        host: HostId,
        record: HostRecord,
        wait: Duration,
        report: &mut Report,
    ) -> Result<(), StoreError> {
        if record.left_in == self.run.number {
            return Ok(());
        }
        self.store.call(move |store| store.leave_host(host)).await?;
        report.summary.refuse(Reason::Held);
        let mut sources = self.open_seeds(|seed| seed.host_id() == host).await?;
        if sources.is_empty() {
            sources.push(record.name);
        }
        let held = Refusal::RetryAfter(wait);
        for source in sources {
            report.list(
                source,
                format!("{held}; a crawl after that goes on with it"),
            );
        }
        Ok(())
    }

    /// The seeds of a kind that could not be fetched until now.
    async fn open_seeds(
        &self,
        of_kind: impl Fn(&CanonicalUrl) -> bool,
    ) -> Result<Vec<String>, StoreError> {
        let seeds = self.seeds.iter().filter(|seed| of_kind(seed));
        let seeds: Vec<CanonicalUrl> = seeds.cloned().collect();
        let open = self.store.call(move |store| {
            let mut open = Vec::new();
            for seed in seeds {
                let known = store.url_record(seed.id())?;
                if known.is_some_and(|known| known.state == UrlState::Open) {
                    open.push(seed.to_string());
                }
            }
            Ok(open)
        });
        open.await
    }
}

/// How long a host of this name is waited for: its usual delays in any case.
fn patience(config: &CrawlConfig, name: &str) -> Duration {
    let crawl_delay = Duration::from_secs(config.max_crawl_delay_s);
    let delay = config.host_delay(name).max(crawl_delay);
    // Delays have a random part.
    LONGEST_WAIT.max(delay.mul_f64(1.5))
}
