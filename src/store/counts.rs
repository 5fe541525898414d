//! What a store counts.

use std::collections::BTreeMap;

use super::lease::FrontierCounts;
use super::record::UrlState;

/// What a store counts as it changes, so that to ask costs the same at any size.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// URLs by their state; those that are handed out count among those that wait.
    pub frontier: FrontierCounts,
    /// Pages.
    pub pages: u64,
    /// Hosts of which URLs were queued or asked for.
    pub hosts: u64,
    /// Why URLs failed or were refused, and how many.
    pub reasons: BTreeMap<String, u64>,
}

impl Counts {
    /// URLs that wait, in queues or for their time.
    pub(super) fn waiting(&self) -> u64 {
        let FrontierCounts {
            pending,
            leased,
            retry,
            ..
        } = self.frontier;
        pending + leased + retry
    }

    /// Counts a URL in, or out of what was counted in.
    pub(super) fn count_url(&mut self, state: &UrlState, is_in: bool) {
        match state {
            // Counted by where it waits.
            UrlState::Open => {}
            UrlState::Done => count(&mut self.frontier.done, is_in),
            UrlState::Failed(_) => count(&mut self.frontier.failed, is_in),
            UrlState::Refused(_) | UrlState::Removed => count(&mut self.frontier.refused, is_in),
        }
        if let Some(reason) = state.reason() {
            let known = self.reasons.entry(reason.to_owned()).or_default();
            count(known, is_in);
            if *known == 0 {
                self.reasons.remove(reason);
            }
        }
    }
}

/// Counts one in, or out.
pub(super) fn count(number: &mut u64, is_in: bool) {
    *number = match is_in {
        true => *number + 1,
        false => number.saturating_sub(1),
    };
}
