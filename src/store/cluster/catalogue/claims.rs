//! Which of the pictures without features a process makes features for.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::picture::PictureId;
use crate::store::cluster::ClusterMetadata;
use crate::store::cluster::server::listing::listing_by;
use crate::store::{Listing, StoreError};

/// Pictures that are claimed at once.
const AT_ONCE: i64 = 16;
/// How long a picture is one process's: much longer than the features of so many take.
const CLAIM: Duration = Duration::from_secs(600);

impl ClusterMetadata {
    /// Claims pictures as they are listed, a few at a time; those that others have are left out.
    pub(super) fn claim_waiting(&self) -> Listing<'_, PictureId> {
        self.has_claims.store(true, Ordering::Relaxed);
        listing_by(AT_ONCE, move |last: Option<&PictureId>| {
            let after = last.map_or(Vec::new(), |last| last.as_bytes().to_vec());
            let claim = || {
                sqlx::query_as(
                    "WITH free AS MATERIALIZED ( \
                       SELECT picture FROM waiting \
                       WHERE picture > $2 AND (worker = $1 OR until < now()) \
                       ORDER BY picture LIMIT $3 FOR UPDATE SKIP LOCKED) \
                     UPDATE waiting w SET worker = $1, until = now() + $4 * interval '1 ms' \
                     FROM free WHERE w.picture = free.picture RETURNING w.picture",
                )
                .bind(self.shared.worker)
                .bind(after.clone())
                .bind(AT_ONCE)
                .bind(CLAIM.as_millis() as f64)
            };
            let mut ids: Vec<([u8; 32],)> = self.database().rows(claim)?;
            ids.sort_unstable();
            let ids = ids.into_iter().map(|(id,)| PictureId::from_bytes(id));
            Ok(ids.map(|id| (id, id)).collect())
        })
    }

    /// Gives back what was claimed and has no features.
    pub(in crate::store::cluster) fn give_claims_back(&self) -> Result<(), StoreError> {
        if !self.has_claims.load(Ordering::Relaxed) {
            return Ok(());
        }
        let give_back = || {
            let update = "UPDATE waiting SET worker = 0, until = '-infinity' WHERE worker = $1";
            sqlx::query(update).bind(self.shared.worker)
        };
        self.database().execute(give_back).map(drop)
    }
}
