//! Computes the features of the pictures that the store has kept without.

use std::sync::Arc;

use super::{Ingest, Receipt};
use crate::picture::PictureId;
use crate::shutdown::Shutdown;
use crate::store::{Store, StoreError};

/// Computes the features of all pictures that were kept without, and reports each; returns
/// when all are stored, or early and cleanly when asked to stop.
///
/// # Errors
/// If the store fails.
pub fn add_features(
    store: &Arc<Store>,
    ingest: Ingest<PictureId>,
    shutdown: &Shutdown,
    report: &mut dyn FnMut(Receipt),
) -> Result<(), StoreError> {
    let (jobs, receipts) = (ingest.jobs(), ingest.receipts());
    std::thread::scope(|scope| {
        let feeder = scope.spawn(move || {
            for id in store.waiting_here() {
                // A closed queue: the writer has failed, and its error is the one to show.
                if shutdown.requested() || jobs.send_blocking(id?).is_err() {
                    break;
                }
            }
            Ok(())
        });
        let finisher = scope.spawn(move || ingest.finish());
        while let Ok(receipt) = receipts.recv_blocking() {
            report(receipt);
        }
        let join = |result: std::thread::Result<Result<(), StoreError>>| {
            result.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        join(finisher.join()).and(join(feeder.join()))
    })
}
