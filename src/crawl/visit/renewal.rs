//! A lease that is renewed for as long as the work on its URL takes.

use std::pin::pin;
use std::time::Instant;

use tokio::time::sleep_until;

use crate::store::{AsyncStore, Lease, StoreError};

/// Does `work`, and renews the lease whenever half of its time is over, so that nobody else
/// gets its URL in the meantime. If the lease is lost all the same, the work is finished but
/// its outcome does not count: such a lease settles nothing.
///
/// # Errors
/// If the store fails.
pub(super) async fn while_leased<T>(
    store: &AsyncStore,
    mut lease: Lease,
    work: impl Future<Output = T>,
) -> Result<(Lease, T), StoreError> {
    let mut work = pin!(work);
    let mut is_lost = false;
    loop {
        let now = Instant::now();
        let half = lease.deadline().saturating_duration_since(now) / 2;
        tokio::select! {
            done = &mut work => return Ok((lease, done)),
            () = sleep_until((now + half).into()), if !is_lost => {
                let renewed = store.call(move |store| {
                    let is_ours = store.renew(&mut lease)?;
                    Ok::<_, StoreError>((lease, is_ours))
                });
                let is_ours;
                (lease, is_ours) = renewed.await?;
                is_lost = !is_ours;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::canonical_url::CanonicalUrl;
    use crate::store::{Discovery, PictureHint, Role, Store, UrlOutcome};

    const LEASE_TIME: Duration = Duration::from_millis(100);

    #[tokio::test(flavor = "multi_thread")]
    async fn a_long_visit_keeps_its_url() {
        let store = Arc::new(Store::with_lease_time(LEASE_TIME));
        let url = CanonicalUrl::parse("http://a.test/").unwrap();
        let seed = Discovery {
            url: url.clone(),
            role: Role::Page,
            depth: 0,
            embed: None,
            hint: PictureHint::default(),
        };
        store.offer(&[seed]).unwrap();
        let lease = store.lease(url.host_id(), true).unwrap().unwrap();
        let work = async {
            for _ in 0..5 {
                tokio::time::sleep(LEASE_TIME).await;
                // A URL whose lease was over would be handed out again here.
                assert!(store.lease(url.host_id(), true).unwrap().is_none());
            }
        };
        let handle = AsyncStore::new(Arc::clone(&store));
        let (lease, ()) = while_leased(&handle, lease, work).await.unwrap();
        store.settle(lease, UrlOutcome::Done).unwrap();
        assert_eq!(store.frontier_counts().unwrap().done, 1);
    }
}
