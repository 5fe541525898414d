//! Which pictures a filter lets through: told by what the store keeps ready, and asked of each picture only
//! where that does not say it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::filter::{Filter, Rest};
use crate::canonical_url::HostId;
use crate::store::{Measures, Sequence, SequenceSet, Store, StoreError};

/// A filter over a store's pictures, for one search: what it has asked of a picture is not asked again.
pub struct Selected<'a> {
    store: &'a Store,
    filter: &'a Filter,
    /// What was seen on the host that is asked for, if there is one and the store has it ready.
    seen_on: Option<SequenceSet>,
    /// How large pictures are and when they were stored, if that is asked for and the store has it ready.
    measures: Option<Measures>,
    /// What is left to be asked of each picture.
    rest: Rest,
    answers: Mutex<HashMap<Sequence, Arc<OnceLock<bool>>>>,
}

impl<'a> Selected<'a> {
    /// What `filter` lets through of what `store` has now.
    ///
    /// # Errors
    /// If the store fails.
    pub fn of(store: &'a Store, filter: &'a Filter) -> Result<Self, StoreError> {
        let host = filter.host.as_deref().map(HostId::of);
        let seen_on = host.map(|host| store.seen_on(host)).transpose()?.flatten();
        let measures = match filter.is_by_measure() {
            true => store.measures()?,
            false => None,
        };
        Ok(Self {
            rest: Rest {
                host: filter.host.is_some() && seen_on.is_none(),
                measure: filter.is_by_measure() && measures.is_none(),
                words: !filter.words.is_empty(),
            },
            store,
            filter,
            seen_on,
            measures,
            answers: Mutex::default(),
        })
    }

    /// Whether a picture may be a result. One whose record is unreadable may not where that is
    /// needed; `verify` names it.
    pub fn accepts(&self, sequence: Sequence) -> bool {
        self.may_accept(sequence) && (self.rest == Rest::default() || self.answer(sequence))
    }

    /// The pictures that may be results, in the order of storing, as far as the store has it ready; more
    /// may be refused by what is asked of each. `None` if there are more than `most`, or it has nothing ready.
    pub(super) fn at_most(&self, most: usize) -> Option<Vec<Sequence>> {
        let all: Box<dyn Iterator<Item = Sequence> + '_> = match (&self.seen_on, &self.measures) {
            (Some(seen_on), _) => Box::new(seen_on.iter()),
            (None, Some(measures)) => Box::new(measures.iter().map(|(sequence, _)| sequence)),
            (None, None) => return None,
        };
        let matches = all.filter(|sequence| self.may_accept(*sequence));
        let matches: Vec<Sequence> = matches.take(most.saturating_add(1)).collect();
        (matches.len() <= most).then_some(matches)
    }

    /// Whether a picture may be a result by all that the store has ready.
    fn may_accept(&self, sequence: Sequence) -> bool {
        let is_seen = self
            .seen_on
            .as_ref()
            .is_none_or(|set| set.contains(sequence));
        let is_large = self.measures.as_ref().is_none_or(|measures| {
            let measure = measures.get(sequence);
            measure.is_some_and(|measure| self.filter.accepts_measure(measure))
        });
        is_seen && is_large && !self.filter.hidden.contains(&sequence)
    }

    /// What the picture itself says, which is asked once.
    fn answer(&self, sequence: Sequence) -> bool {
        let answers = self.answers.lock();
        let mut answers = answers.unwrap_or_else(PoisonError::into_inner);
        let answer = Arc::clone(answers.entry(sequence).or_default());
        drop(answers);
        *answer.get_or_init(|| self.filter.accepts_rest(self.store, sequence, self.rest))
    }
}
