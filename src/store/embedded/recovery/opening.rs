//! Comparing the records with the log when a store is opened.

use crate::plural::counted;
use crate::store::StoreError;
use crate::store::embedded::EmbeddedMetadata;
use crate::store::embedded::log::Mark;
use crate::store::embedded::trees::STORE;

impl EmbeddedMetadata {
    /// Brings the records to where the log is. They may be behind it, since sled recovers what
    /// it can of damaged files and says nothing; they can never be ahead, since the log is
    /// synced first.
    ///
    /// # Errors
    /// If the log does not have what was committed, or the records are of another store.
    pub(in crate::store::embedded) fn reconcile(&self, mark: &Mark) -> Result<(), StoreError> {
        let end = self.log.position();
        match self.trees.counters.get(STORE)? {
            Some(store) if store == self.store_id => {}
            Some(_) => return Err(self.records_lost(mark, "they are of another store")),
            None if end.next > 0 => return Err(self.records_lost(mark, "they are missing")),
            None => {
                self.trees.counters.insert(STORE, &self.store_id)?;
            }
        }
        let applied = self.trees.applied()?;
        let mut counted = self.count()?;
        // Numbers of pictures that were removed are not used again.
        let next_sequence = mark.totals.next_sequence;
        counted.next_sequence = counted.next_sequence.max(next_sequence);
        *self.totals() = counted;
        let is_prefix = applied.rewrites == end.rewrites && applied.next <= end.next;
        if is_prefix && applied.next == end.next && applied.next == mark.position.next {
            if counted.matches(mark.totals) {
                return Ok(());
            }
        } else if is_prefix && applied.next < end.next {
            if applied.next < mark.position.next {
                tracing::warn!(
                    entries = mark.position.next - applied.next,
                    "the records are behind the log: taking in what they miss. What the crawler \
                     learnt with it is asked for again"
                );
            }
            self.replay_tail()?;
            let counted = self.count()?;
            let is_as_marked = counted.matches(mark.totals) || end.next != mark.position.next;
            if counted.matches(*self.totals()) && is_as_marked {
                return self.set_mark();
            }
        }
        tracing::warn!(
            pictures = mark.totals.pictures,
            "the records are not what the log says: making those of pictures anew"
        );
        if let Some(damage) = self.rebuild()?.first() {
            return Err(self.damaged(*damage));
        }
        let mut rebuilt = *self.totals();
        rebuilt.next_sequence = rebuilt.next_sequence.max(next_sequence);
        *self.totals() = rebuilt;
        if end.next == mark.position.next && !rebuilt.matches(mark.totals) {
            return Err(StoreError::Missing {
                dir: self.dir.clone(),
                found: rebuilt.pictures + rebuilt.waiting,
                committed: mark.totals.pictures + mark.totals.waiting,
            });
        }
        self.set_mark()
    }

    /// Writes down what the catalogue comes to now.
    pub(in crate::store::embedded) fn set_mark(&self) -> Result<(), StoreError> {
        let totals = *self.totals();
        self.log.set_mark(totals)
    }

    fn records_lost(&self, mark: &Mark, message: &str) -> StoreError {
        let pictures = mark.totals.pictures + mark.totals.waiting;
        StoreError::Records {
            path: self.dir.join(crate::store::embedded::RECORDS),
            message: format!(
                "{message}, while the log has {}",
                counted(pictures, "picture")
            ),
        }
    }
}
