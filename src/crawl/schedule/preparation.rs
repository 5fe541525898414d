//! How a crawl gets ready: what the store is told before the first request.

use super::plan::CrawlError;
use super::run::Run;
use crate::canonical_url::{CanonicalUrl, UrlId};
use crate::crawl::policy::admission::Admission;
use crate::crawl::policy::reason::Reason;
use crate::crawl::policy::refusal::Refusal;
use crate::crawl::problem::Problem;
use crate::store::{
    Again, AsyncStore, Discovery, PictureHint, RemovalRules, Role, Store, StoreError, now_ms,
};

/// What a crawl starts with.
pub(super) struct Prepared {
    /// The run that has begun.
    pub(super) run: Run,
    /// The accepted seeds, in the form in which they are asked for.
    pub(super) seeds: Vec<CanonicalUrl>,
    /// The rejected seeds.
    pub(super) rejected: Vec<(Reason, Problem)>,
    /// The seeds that define its scope: its own, or those of all crawls if it has none.
    pub(super) scope_seeds: Vec<CanonicalUrl>,
    /// How many URLs are asked for again.
    pub(super) queued_again: u64,
}

/// How a crawl's run begins.
pub(super) enum Begin {
    /// It is a new one, which removes no more than these rules allow.
    New(RemovalRules),
    /// It has begun: this is another round of it.
    Begun(u64),
}

/// Queues the seeds and what is asked for again, and takes back what a dead crawl had
/// leased.
///
/// # Errors
/// If there is nothing to crawl, or the store fails.
pub(super) async fn prepare(
    store: &AsyncStore,
    admission: Admission,
    seeds: Vec<CanonicalUrl>,
    again: Vec<Again>,
    run: Begin,
) -> Result<Prepared, CrawlError> {
    store
        .call(move |store| prepare_in(store, &admission, seeds, &again, run))
        .await
}

fn prepare_in(
    store: &Store,
    admission: &Admission,
    given: Vec<CanonicalUrl>,
    again: &[Again],
    run: Begin,
) -> Result<Prepared, CrawlError> {
    let crawl = crawl_id(&given);
    let is_resumed = given.is_empty();
    let mut seeds = Vec::new();
    let mut rejected = Vec::new();
    for seed in given {
        match admit_seed(store, admission, &seed)? {
            Ok(url) => seeds.push(url),
            Err((reason, message)) => {
                let source = seed.to_string();
                rejected.push((reason, Problem { source, message }));
            }
        }
    }
    let found: Vec<Discovery> = seeds.iter().map(seed_discovery).collect();
    let (number, is_new) = match run {
        Begin::New(rules) => (store.begin_run(crawl, rules)?, true),
        Begin::Begun(number) => (number, false),
    };
    let recovered = store.recover_leases()?;
    if is_new {
        store.requeue_left()?;
    }
    store.requeue_due(now_ms())?;
    if recovered > 0 {
        tracing::info!(recovered, "URLs of an interrupted crawl are queued again");
    }
    if store.offer(&found)?.pages == 0 && !found.is_empty() {
        tracing::warn!("the seeds were crawled before; going on with what the frontier has left");
    }
    // Named seeds make a crawl of their own; without seeds, all earlier crawls go on.
    let scope_seeds: Vec<CanonicalUrl> = if is_resumed {
        let earlier = store.seeds()?;
        earlier
            .iter()
            .filter_map(|seed| CanonicalUrl::parse(seed).ok())
            .collect()
    } else {
        seeds.clone()
    };
    if scope_seeds.is_empty() && rejected.is_empty() {
        return Err(CrawlError::NoSeeds);
    }
    let mut queued_again = 0;
    for which in again {
        queued_again += store.queue_again(which)?;
    }
    Ok(Prepared {
        run: Run {
            number,
            crawl,
            own_hosts_only: !is_resumed || !again.is_empty(),
        },
        seeds,
        rejected,
        scope_seeds,
        queued_again,
    })
}

/// A crawl is identified by its seeds. The same command, given again, goes on.
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
        hint: PictureHint::default(),
    }
}

/// A seed in the form in which it is queued; else the reason why it is not, in short and
/// for people.
fn admit_seed(
    store: &Store,
    admission: &Admission,
    seed: &CanonicalUrl,
) -> Result<Result<CanonicalUrl, (Reason, String)>, StoreError> {
    Ok(match admission.admit(seed.clone(), Role::Page) {
        Ok(url) if store.is_removed(url.host_id())? => {
            let (refusal, host) = (Refusal::Removed, url.host());
            let advice = format!("{refusal}; `simdex remove --take-back {host}` lets it in again");
            Err((refusal.reason(), advice))
        }
        Ok(url) => Ok(url),
        Err(rejection) => Err((Reason::Admission(rejection), rejection.to_string())),
    })
}
