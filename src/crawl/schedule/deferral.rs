//! What is left to the next crawl: origins whose robots.txt cannot be had, and hosts that ask
//! for more patience than a crawl has.

use std::collections::{HashMap, HashSet};

use tokio::task::block_in_place;
use tokio::time::{Duration, Instant};

use super::crawl::{Crawl, LONGEST_WAIT};
use super::plan::CrawlError;
use crate::canonical_url::{CanonicalUrl, HostId, UrlId};
use crate::crawl::http::error::{FetchError, Refusal};
use crate::crawl::summary::Problem;
use crate::store::UrlState;

/// Origins without answers.
#[derive(Debug, Default)]
pub(in crate::crawl) struct Origins {
    /// How often in a row their rules could not be had.
    unreachable: HashMap<UrlId, u32>,
    /// Those that are not asked any more in this run.
    closed: HashSet<UrlId>,
}

impl Origins {
    /// Whether the origin of a URL is closed for this run.
    pub(in crate::crawl) fn is_closed(&self, url: &str) -> bool {
        !self.closed.is_empty() && self.closed.contains(&origin(url))
    }

    /// Notes that the origin of a URL has answered.
    pub(in crate::crawl) fn reached(&mut self, url: &str) {
        if !self.unreachable.is_empty() {
            self.unreachable.remove(&origin(url));
        }
    }

    /// Notes that the rules of a URL's origin could not be had; how often in a row.
    fn unreachable(&mut self, url: &str) -> u32 {
        let count = self.unreachable.entry(origin(url)).or_default();
        *count += 1;
        *count
    }

    fn close(&mut self, url: &str) {
        let origin = origin(url);
        self.unreachable.remove(&origin);
        self.closed.insert(origin);
    }
}

fn origin(url: &str) -> UrlId {
    match CanonicalUrl::parse(url) {
        Ok(url) => UrlId::of(&url.origin()),
        Err(_) => UrlId::of(url),
    }
}

impl Crawl {
    /// Lets an origin rest whose rules could not be had when `source` was to be asked for.
    /// After some tries in a row, or where the next would be long in coming, its URLs are
    /// left to the next crawl; the host's other origins go on.
    pub(in crate::crawl) fn rest(
        &mut self,
        host: HostId,
        source: &str,
        error: &FetchError,
    ) -> Result<(), CrawlError> {
        let tries = self.origins.unreachable(source);
        let wait = self.visitor.backoff(error, tries - 1);
        let again = tries < self.visitor.config.max_attempts
            && wait <= self.patience(host)?
            && !matches!(error, FetchError::OriginClosed(Refusal::Certificate(_)));
        let pause = if again { wait } else { Duration::ZERO };
        // A host that asks for patience says itself when it wants to be asked.
        if self.list_at(host, Instant::now() + pause)? && !again {
            self.origins.close(source);
            self.tell(source.to_owned(), error);
            let of_origin = |seed: &CanonicalUrl| origin(seed.as_str()) == origin(source);
            let seeds = self.open_seeds(|seed| seed.as_str() != source && of_origin(seed))?;
            self.problems
                .extend(seeds.into_iter().map(|source| Problem {
                    source,
                    message: error.to_string(),
                }));
        }
        Ok(())
    }

    /// The seeds of a kind that could not be had until now.
    fn open_seeds(
        &self,
        of_kind: impl Fn(&CanonicalUrl) -> bool,
    ) -> Result<Vec<String>, CrawlError> {
        let mut open = Vec::new();
        for seed in self.seeds.iter().filter(|seed| of_kind(seed)) {
            let known = self.store.url_record(seed.id())?;
            if known.is_some_and(|known| known.state == UrlState::Open) {
                open.push(seed.to_string());
            }
        }
        Ok(open)
    }

    /// Lists a host for its next turn, once.
    pub(in crate::crawl) fn list(&mut self, host: HostId) -> Result<(), CrawlError> {
        self.list_at(host, Instant::now()).map(drop)
    }

    /// Lists a host for its next turn that does not come before `when`. One that asks for
    /// more patience than a crawl has is left to the next one; says whether it was listed.
    pub(in crate::crawl) fn list_at(
        &mut self,
        host: HostId,
        when: Instant,
    ) -> Result<bool, CrawlError> {
        let now = Instant::now();
        let turn = self.visitor.fetcher.next_turn(host, now);
        let wait = turn - now;
        if wait > LONGEST_WAIT && wait > self.patience(host)? {
            self.leave(host, wait)?;
            return Ok(false);
        }
        self.hosts.list(host, turn.max(when));
        Ok(true)
    }

    /// How long a host is waited for: its usual delays in any case.
    fn patience(&self, host: HostId) -> Result<Duration, CrawlError> {
        let config = &self.visitor.config;
        let name = self.store.host(host)?.unwrap_or_default().name;
        let crawl_delay = Duration::from_secs(config.max_crawl_delay_s);
        let delay = config.host_delay(&name).max(crawl_delay);
        // They have a random part.
        Ok(LONGEST_WAIT.max(delay.mul_f64(1.5)))
    }

    /// Leaves a host to the next crawl and says so, once; for its seeds, if some could not
    /// be had.
    fn leave(&mut self, host: HostId, wait: Duration) -> Result<(), CrawlError> {
        let record = block_in_place(|| self.store.host(host))?.unwrap_or_default();
        if record.left_in == self.run {
            return Ok(());
        }
        block_in_place(|| self.store.leave_host(host))?;
        self.summary.refuse("held");
        let mut sources = self.open_seeds(|seed| seed.host_id() == host)?;
        if sources.is_empty() {
            sources.push(record.name);
        }
        for source in sources {
            let held = Refusal::Held(wait);
            let message = format!("{held}; a crawl after that goes on with it");
            self.problems.push(Problem { source, message });
        }
        Ok(())
    }

    /// Counts what could not be had, and lists it.
    pub(in crate::crawl) fn tell(&mut self, source: String, error: &FetchError) {
        if error.is_refusal() {
            self.summary.refuse(&error.reason());
        } else {
            self.summary.fail(&error.reason());
        }
        let message = error.to_string();
        self.problems.push(Problem { source, message });
    }
}
