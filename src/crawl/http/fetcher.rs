//! Fetching URLs: each is judged, paced and asked for, hop by hop.

use std::sync::Arc;

use tokio::time::Instant;

use super::body::{Body, Longer, Overlong};
use super::error::FetchError;
use super::fetch_options::FetchOptions;
use super::other_host;
use super::response::Response;
use super::rule_files::RuleFiles;
use super::transport::{Permit, Transport};
use super::wait_policy::WaitPolicy;
use crate::canonical_url::{CanonicalUrl, HostId};
use crate::config::{Config, CrawlConfig};
use crate::crawl::archive::recorders::Recorders;
use crate::crawl::policy::judge::{Facts, Judge, Judgement};
use crate::crawl::policy::refusal::Refusal;
use crate::store::AsyncStore;
use crate::store::ledger::Purpose;

/// Fetches URLs by the rules of hosts and of the user.
pub struct Fetcher {
    transport: Arc<Transport>,
    rule_files: RuleFiles,
    store: Option<AsyncStore>,
    config: Arc<CrawlConfig>,
}

impl Fetcher {
    /// A fetcher with the deadlines, user agent and address rules of a configuration.
    ///
    /// # Errors
    /// If TLS or the proxy cannot be set up.
    pub fn new(config: &CrawlConfig, recorders: Arc<Recorders>) -> Result<Self, FetchError> {
        let config = Arc::new(config.clone());
        let transport = Transport::new(&config, recorders)?;
        Ok(Self::over(transport, None, config))
    }

    /// The same with a store: requests are written down there, pacing goes on where the last
    /// process stopped, and hosts' rules are remembered.
    ///
    /// # Errors
    /// As [`Self::new`], and if the store's ledger cannot be read.
    pub async fn with_store(
        config: &Arc<CrawlConfig>,
        store: AsyncStore,
        recorders: Arc<Recorders>,
    ) -> Result<Self, FetchError> {
        let mut transport = Transport::new(config, recorders)?;
        transport.open_ledger(&store).await?;
        Ok(Self::over(transport, Some(store), Arc::clone(config)))
    }

    fn over(transport: Transport, store: Option<AsyncStore>, config: Arc<CrawlConfig>) -> Self {
        let transport = Arc::new(transport);
        Self {
            rule_files: RuleFiles::new(&transport, store.clone(), &config),
            transport,
            store,
            config,
        }
    }

    /// The user has named a URL: credentials that are meant for all hosts may be sent to its host.
    /// They are kept from hosts that only pages name.
    pub(in crate::crawl) fn name_host(&self, url: &CanonicalUrl) {
        self.transport.name_host(url);
    }

    /// When a host's next turn may come; not before `now`.
    pub(in crate::crawl) fn next_turn(&self, host: HostId, now: Instant) -> Instant {
        self.transport.next_turn(host, now)
    }

    /// Has the URL judged, asks robots.txt, checks the address and waits for a turn.
    ///
    /// # Errors
    /// If the URL may not be fetched, or not yet.
    async fn permit(
        &self,
        url: &CanonicalUrl,
        judge: Judge<'_>,
        purpose: Purpose,
        wait: WaitPolicy,
    ) -> Result<Permit, Refusal> {
        let mut facts = Facts {
            host_removed: self.is_removed(url.host_id()).await,
            robots: None,
            // Pages of a host whose page budget is spent are not leased.
            pages_left: true,
        };
        judge.judge(url, &facts)?;
        let rules = self.rule_files.rules(url, wait).await?;
        facts.robots = Some(rules.decide(url));
        let Judgement::Fetch(robots) = judge.judge(url, &facts)? else {
            unreachable!("what robots.txt says is known")
        };
        if self.config.respect.tdm && matches!(purpose, Purpose::Page | Purpose::Picture) {
            self.rule_files.fetch_tdmrep(&rules, url, wait).await?;
        }
        let delay = self.rule_files.delay(url, &rules);
        self.transport.permit(url, robots, rules, delay, wait).await
    }

    /// Whether a host was removed from the store. A store that cannot be read stops the
    /// crawl when the answer is to be stored.
    async fn is_removed(&self, host: HostId) -> bool {
        match &self.store {
            Some(store) => {
                let removed = store.call(move |store| store.is_removed(host)).await;
                removed.unwrap_or_default()
            }
            None => false,
        }
    }

    /// Asks for a URL, following redirects; each hop needs its own permit. Gives the last
    /// response and the URL it came from.
    ///
    /// # Errors
    /// If a hop may not or cannot be fetched, or there are too many.
    pub(in crate::crawl) async fn follow(
        &self,
        first: &CanonicalUrl,
        mut judge: Judge<'_>,
        options: &FetchOptions,
    ) -> Result<(Response, CanonicalUrl), FetchError> {
        let mut url = first.clone();
        let mut wait = options.wait;
        let mut with_cookies = false;
        for hop in 0..=self.config.max_redirects {
            let permit = self.permit(&url, judge, options.purpose, wait).await;
            let permit = permit.map_err(|refusal| match refusal {
                Refusal::RobotsUnreachable(_)
                | Refusal::Certificate(_)
                | Refusal::Unresolved { .. }
                    if hop == 0 =>
                {
                    FetchError::OriginClosed(refusal)
                }
                // Its rules are on the host of another worker: so much is waited for its turn.
                Refusal::NotDue(_) if hop > 0 => Refusal::AnotherWorkers.into(),
                refusal => refusal.into(),
            })?;
            // The turn may have been waited for so long that another worker has the host.
            other_host::claim(self.store.as_ref(), first, &url).await?;
            let response = match self.transport.send(permit, options).await {
                Err(FetchError::OddHead) => {
                    let wait = WaitPolicy::ForTurn;
                    let again = self.permit(&url, judge, options.purpose, wait).await?;
                    self.transport.send(again, options).await?
                }
                sent => sent?,
            };
            with_cookies |= response.header("set-cookie").is_some();
            match response.redirect(&url) {
                Ok(None) => return Ok((response, url)),
                Ok(Some(next)) => url = next,
                Err(error) => return Err(FetchError::BadRedirect(error.to_string())),
            }
            // The scheduler may wait for the first turn; the turn for a redirect is waited for
            // here.
            wait = WaitPolicy::ForTurn;
            judge = judge.of_redirect();
            // Also of the last redirect that may be followed.
            if judge.check_scope(&url).is_err() {
                return Err(FetchError::LeftScope(url.to_string()));
            }
            other_host::claim(self.store.as_ref(), first, &url).await?;
        }
        Err(FetchError::TooManyRedirects {
            most: self.config.max_redirects,
            with_cookies: with_cookies && !self.config.cookies,
        })
    }

    /// Reads a body of at most `cap` bytes within the deadlines.
    ///
    /// # Errors
    /// If it is too large, too slow or breaks off.
    pub(in crate::crawl) async fn body(
        &self,
        response: Response,
        cap: u64,
    ) -> Result<Body, FetchError> {
        let refused = Overlong::Refused;
        self.transport.read(response, cap, None, refused).await
    }

    /// Reads a body up to `cap` bytes within the deadlines; the rest of a longer one is left.
    ///
    /// # Errors
    /// If it is too slow or breaks off.
    pub(in crate::crawl) async fn beginning(
        &self,
        response: Response,
        cap: u64,
    ) -> Result<Body, FetchError> {
        let cut = Overlong::Cut;
        self.transport.read(response, cap, None, cut).await
    }

    /// The same where some bodies may be longer.
    ///
    /// # Errors
    /// As [`Self::beginning`].
    pub(in crate::crawl) async fn longer_beginning(
        &self,
        response: Response,
        cap: u64,
        longer: Longer<'_>,
    ) -> Result<Body, FetchError> {
        let cut = Overlong::Cut;
        self.transport.read(response, cap, Some(longer), cut).await
    }
}

/// Fetches a single picture for a query, by the same rules as a crawl.
///
/// # Errors
/// If it may not or cannot be fetched.
pub async fn fetch_picture(
    fetcher: &Fetcher,
    url: &CanonicalUrl,
    config: &Config,
) -> Result<Vec<u8>, FetchError> {
    let judge = Judge::of_query(&config.crawl);
    let options = FetchOptions::first(Purpose::Query);
    fetcher.name_host(url);
    let (response, _) = fetcher.follow(url, judge, &options).await?;
    if !response.has_content() && !response.begins_content() {
        return Err(FetchError::Status(response.status()));
    }
    let body = fetcher.body(response, config.picture.max_bytes).await?;
    Ok(body.bytes)
}
