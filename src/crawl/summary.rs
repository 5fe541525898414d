//! What a crawl or an `add` did: its figures, and what it tells while it runs.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::ingest::{Receipt, ReceiptOutcome};

/// What a crawl or an `add` did; the JSON that both print.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Summary {
    /// Pages fetched and read.
    pub pages_fetched: u64,
    /// New picture URLs or files found.
    pub images_found: u64,
    /// New pictures stored.
    pub images_indexed: u64,
    /// New pictures fetched, with or without features.
    pub images_fetched: u64,
    /// New pictures like those that were asked for.
    pub matches: u64,
    /// Pictures whose bytes were stored before.
    pub duplicates: u64,
    /// Pages and pictures that are what they were at the last visit.
    pub unchanged: u64,
    /// What was not allowed, by reason.
    pub refused: BTreeMap<String, u64>,
    /// What did not work, by reason.
    pub failed: BTreeMap<String, u64>,
    /// URLs that wait in the store for a later crawl.
    pub pending: u64,
    /// Hosts whose page budget is spent, of those that have more pages waiting.
    pub spent_hosts: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Seconds it took.
    pub elapsed_s: f64,
}

/// A URL or file that could not be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The URL or path.
    pub source: String,
    /// What is wrong, for people.
    pub message: String,
}

/// What a crawl tells while it runs.
#[derive(Debug)]
pub enum Event<'a> {
    /// The figures have changed.
    Progress {
        /// What was done so far.
        summary: &'a Summary,
        /// Hosts whose turns are kept track of.
        hosts: usize,
        /// Requests under way.
        under_way: usize,
    },
    /// Something could not be used.
    Problem(&'a Problem),
}

impl Summary {
    /// Counts a refusal.
    pub fn refuse(&mut self, reason: &str) {
        *self.refused.entry(reason.to_owned()).or_default() += 1;
    }

    /// Counts a failure.
    pub fn fail(&mut self, reason: &str) {
        *self.failed.entry(reason.to_owned()).or_default() += 1;
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
                self.refuse(&reason);
                message
            }
            ReceiptOutcome::Failed(reason, message) => {
                self.fail(&reason);
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
