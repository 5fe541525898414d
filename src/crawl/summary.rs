//! What a crawl or an `add` did: its figures.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::policy::reason::Reason;
use super::problem::Problem;
use crate::extract::LeftOut;
use crate::ingest::{Receipt, ReceiptOutcome};

/// What a crawl or an `add` did; the JSON that both print.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Pages fetched and read.
    pub pages_fetched: u64,
    /// New picture URLs or files found.
    pub images_found: u64,
    /// Of these: URLs that stand in data for scripts and look like pictures'. They are asked for
    /// last.
    pub speculative: u64,
    /// New pictures stored.
    pub images_indexed: u64,
    /// New pictures fetched, with or without features.
    pub images_fetched: u64,
    /// New pictures like those that were asked for.
    pub matches: u64,
    /// Pictures whose bytes were stored before.
    pub duplicates: u64,
    /// Pages and pictures that have not changed since the last visit.
    pub unchanged: u64,
    /// Pages and pictures whose bodies ended early, and which were used as far as they came.
    pub truncated: u64,
    /// What was not allowed, by reason.
    pub refused: BTreeMap<Reason, u64>,
    /// What did not work, by reason.
    pub failed: BTreeMap<Reason, u64>,
    /// What of documents limits have left out, by limit.
    pub left_out: LeftOut,
    /// Hosts of which no more pictures were removed, because a larger share of them would have
    /// gone than one run may take; and how many were kept.
    pub removals_stopped: BTreeMap<String, u64>,
    /// Of the failed: those of which nothing came yet, through no fault of theirs. They are tried
    /// again.
    pub postponed: u64,
    /// URLs that wait in the store for a later crawl.
    pub pending: u64,
    /// Hosts whose page budget is spent, of those that have more pages waiting.
    pub spent_hosts: u64,
    /// Local pictures of formats that are not read, by the endings of their names.
    pub skipped: BTreeMap<String, u64>,
    /// Local files that are gone, or hold another picture by now, and were dropped.
    pub files_dropped: u64,
    /// Pictures that were dropped with them.
    pub images_dropped: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Seconds it took.
    pub elapsed_s: f64,
}

impl Summary {
    /// Counts a refusal.
    pub fn refuse(&mut self, reason: Reason) {
        *self.refused.entry(reason).or_default() += 1;
    }

    /// Counts a failure.
    pub fn fail(&mut self, reason: Reason) {
        *self.failed.entry(reason).or_default() += 1;
    }

    /// Counts a receipt; a problem is returned for listing.
    pub fn count(&mut self, receipt: Receipt) -> Option<Problem> {
        let message = match receipt.outcome {
            ReceiptOutcome::Stored(_) => {
                self.images_fetched += 1;
                self.images_indexed += 1;
                return None;
            }
            ReceiptOutcome::Kept(_) => {
                self.images_fetched += 1;
                return None;
            }
            ReceiptOutcome::Duplicate(_) => {
                self.duplicates += 1;
                return None;
            }
            ReceiptOutcome::Unchanged(_) => {
                self.unchanged += 1;
                return None;
            }
            ReceiptOutcome::Refused(reason, message) => {
                self.refuse(Reason::from_name(&reason));
                message
            }
            ReceiptOutcome::Failed(reason, message) => {
                self.fail(Reason::from_name(&reason));
                message
            }
            ReceiptOutcome::Postponed(reason, message) => {
                self.postponed += 1;
                self.fail(Reason::from_name(&reason));
                message
            }
        };
        Some(Problem {
            source: receipt.source,
            message,
        })
    }

    /// Everything refused or failed.
    pub fn problems(&self) -> u64 {
        self.refused.values().chain(self.failed.values()).sum()
    }
}
