//! Whether a redirect may lead to another host now: of several workers on one store, one at a time asks
//! a host.

use crate::canonical_url::CanonicalUrl;
use crate::crawl::policy::refusal::Refusal;
use crate::store::AsyncStore;

/// Claims the host of `next`, where it is not that of `first`, which was leased.
///
/// # Errors
/// If another worker has it, or the store does not answer.
pub(super) async fn claim(
    store: Option<&AsyncStore>,
    first: &CanonicalUrl,
    next: &CanonicalUrl,
) -> Result<(), Refusal> {
    let host = next.host_id();
    let Some(store) = store.filter(|_| host != first.host_id()) else {
        return Ok(());
    };
    match store.call(move |store| store.claim_host(host)).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(Refusal::AnotherWorkers),
        Err(error) => {
            tracing::warn!(%error, host = next.host(), "nobody can say who asks it now");
            Err(Refusal::AnotherWorkers)
        }
    }
}
