//! The rules of the origins that were asked most recently.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use super::origin_rules::OriginRules;

/// Rules by origin. Bounded: the oldest go first, by the bytes they were parsed from.
#[derive(Debug, Default)]
pub(in crate::crawl) struct RulesCache {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    origins: HashMap<String, Arc<OriginRules>>,
    order: VecDeque<(String, usize)>,
    bytes: usize,
}

/// Bytes of files of rules remembered in all.
const CAPACITY: usize = 32 << 20;
/// What an entry is counted for besides its files.
const OVERHEAD: usize = 512;
impl RulesCache {
    /// The entry of an origin; its rules may still have to be fetched.
    pub(in crate::crawl) fn entry(&self, origin: &str) -> Arc<OriginRules> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = state.origins.get(origin)
            && !entry.expired()
        {
            return Arc::clone(entry);
        }
        let entry = Arc::new(OriginRules::new());
        state.origins.insert(origin.to_owned(), Arc::clone(&entry));
        entry
    }

    /// Accounts for the bytes of a file that was parsed into an entry.
    pub(in crate::crawl) fn account(&self, origin: &str, bytes: usize) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = bytes + OVERHEAD;
        state.bytes += bytes;
        state.order.push_back((origin.to_owned(), bytes));
        while state.bytes > CAPACITY {
            let Some((oldest, bytes)) = state.order.pop_front() else {
                break;
            };
            state.bytes -= bytes;
            state.origins.remove(&oldest);
        }
    }
}
