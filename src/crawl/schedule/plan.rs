//! What a crawl is to do, and how it gets ready.

use std::collections::HashSet;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::crawl::Crawl;
use super::deferral::Origins;
use super::focus::Focus;
use super::host_window::{CAPACITY, HostWindow};
use super::queues::Steering;
use crate::canonical_url::{CanonicalUrl, HostId, UrlId};
use crate::config::Config;
use crate::crawl::ROBOTS_AGENT;
use crate::crawl::http::error::{FetchError, Refusal};
use crate::crawl::http::fetcher::{Fetcher, Recorders};
use crate::crawl::policy::admission::{Admission, PatternError};
use crate::crawl::policy::scope::ScopeRules;
use crate::crawl::summary::{Problem, Summary};
use crate::crawl::visit::visitor::Visitor;
use crate::extract::PageRules;
use crate::ingest::{Ingest, worker_count};
use crate::shutdown::Shutdown;
use crate::store::{Again, Discovery, Role, Store, StoreError};

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
    pub recorders: Arc<Recorders>,
    /// Tells which pictures are matches, if the crawl is to look for them first.
    pub matches: Option<async_channel::Receiver<(UrlId, bool)>>,
}

/// What tells a crawl from others: its seeds. The same command, given again, goes on.
fn crawl_id(seeds: &[CanonicalUrl]) -> u64 {
    let mut ids: Vec<UrlId> = seeds.iter().map(CanonicalUrl::id).collect();
    ids.sort_unstable();
    ids.dedup();
    let mut hasher = blake3::Hasher::new();
    for id in ids {
        hasher.update(&id.0);
    }
    let mut first = [0; 8];
    first.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
    u64::from_be_bytes(first)
}

fn seed_discovery(url: &CanonicalUrl) -> Discovery {
    Discovery {
        url: url.clone(),
        role: Role::Page,
        depth: 0,
        embed: None,
    }
}

/// A seed in the form in which it is queued; else the reason why it is not, in short and
/// for people.
fn admit_seed(
    store: &Store,
    admission: &Admission,
    seed: &CanonicalUrl,
) -> Result<Result<CanonicalUrl, (&'static str, String)>, StoreError> {
    Ok(match admission.admit(seed.clone(), Role::Page) {
        Ok(url) if store.is_removed(url.host_id())? => {
            let (refusal, host) = (Refusal::Removed, url.host());
            let advice = format!("{refusal}; `simdex remove --take-back {host}` lets it in again");
            Err((refusal.reason(), advice))
        }
        Ok(url) => Ok(url),
        Err(rejection) => Err((rejection.name(), rejection.to_string())),
    })
}

impl Crawl {
    /// Queues the seeds and what is asked for again, takes back what a dead crawl had
    /// leased and gets ready. Without either the crawl goes on where the last one stopped,
    /// in the scope of all its seeds.
    ///
    /// # Errors
    /// If there is nothing to crawl, or the store fails. A seed that is not let in is no
    /// error, but told when the crawl runs.
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
        let crawl_id = crawl_id(&seeds);
        let admission = Admission::new(&config.crawl.admission)?;
        let mut summary = Summary::default();
        let mut problems = Vec::new();
        let mut admitted = Vec::new();
        let is_resumed = seeds.is_empty();
        for seed in seeds {
            match admit_seed(&store, &admission, &seed)? {
                Ok(url) => admitted.push(url),
                Err((reason, message)) => {
                    summary.refuse(reason);
                    let source = seed.to_string();
                    problems.push(Problem { source, message });
                }
            }
        }
        let seeds = admitted;
        let found: Vec<Discovery> = seeds.iter().map(seed_discovery).collect();
        let run = store.begin_run(crawl_id)?;
        let recovered = store.recover_leases()?;
        store.requeue_left()?;
        if recovered > 0 {
            tracing::info!(recovered, "URLs of an interrupted crawl are queued again");
        }
        if store.offer(&found)?.pages == 0 && !found.is_empty() {
            tracing::warn!(
                "the seeds were crawled before; going on with what the frontier has left"
            );
        }
        // Named seeds are a crawl of their own; without any, all earlier crawls go on.
        let all_seeds: Vec<CanonicalUrl> = if is_resumed {
            let earlier = store.seeds()?;
            earlier
                .iter()
                .filter_map(|seed| CanonicalUrl::parse(seed).ok())
                .collect()
        } else {
            seeds.clone()
        };
        if all_seeds.is_empty() && problems.is_empty() {
            return Err(CrawlError::NoSeeds);
        }
        let mut queued_again = 0;
        for which in &again {
            queued_again += store.queue_again(which)?;
        }
        let visitor = Visitor {
            fetcher: Fetcher::new(&config.crawl, Some(Arc::clone(&store)), recorders)?,
            admission,
            page_rules: PageRules {
                agent: ROBOTS_AGENT,
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
            origins: Origins::default(),
            run,
            crawl_id,
            own_hosts_only: !is_resumed || !again.is_empty(),
            seeds,
            queued_again,
            pages_fetching: 0,
            pictures_fetching: 0,
            pictures_handed: 0,
            pages_left: false,
            steering: matches.map(|matches| Steering {
                focus: Focus::default(),
                matches,
            }),
            spent_hosts: HashSet::new(),
            summary,
            problems,
            started: Instant::now(),
            store,
        };
        let hosts: Vec<HostId> = crawl.seeds.iter().map(CanonicalUrl::host_id).collect();
        for host in hosts {
            crawl.list(host)?;
        }
        crawl.hosts.look_again();
        Ok(crawl)
    }

    /// The seeds in the form in which they are asked for.
    pub fn seeds(&self) -> &[CanonicalUrl] {
        &self.seeds
    }

    /// How many URLs are asked for again.
    pub fn queued_again(&self) -> u64 {
        self.queued_again
    }
}
