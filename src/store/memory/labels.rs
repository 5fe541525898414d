//! Labels, in memory.

use std::ops::Bound;

use super::catalogue::list;
use super::{MemoryMetadata, State};
use crate::picture::PictureId;
use crate::store::{Label, LabelId, Labels, Listing, StoreError};

impl Labels for MemoryMetadata {
    fn keep_labels(&self, labels: &[Label]) -> Result<Vec<Option<Label>>, StoreError> {
        let mut state = self.lock();
        let before = labels.iter().map(|label| {
            state.changes_of_duplicates += u64::from(label.sets_apart());
            state.labels.insert(label.id(), label.clone())
        });
        Ok(before.collect())
    }

    fn take_back_label(&self, id: LabelId) -> Result<Option<Label>, StoreError> {
        Ok(self.lock().take_back_label(id))
    }

    fn label(&self, id: LabelId) -> Result<Option<Label>, StoreError> {
        Ok(self.lock().labels.get(&id).cloned())
    }

    fn labels(&self, after: Option<LabelId>) -> Listing<'_, Label> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let state = self.lock();
        let labels = state.labels.range((from, Bound::Unbounded));
        list(labels.map(|(_, label)| label.clone()))
    }

    fn labels_of(&self, picture: PictureId) -> Result<Vec<Label>, StoreError> {
        let state = self.lock();
        let labels = state.labels.values();
        let labels = labels.filter(|label| label.verdict.pictures().contains(&picture));
        Ok(labels.cloned().collect())
    }

    fn changes_of_duplicates(&self) -> u64 {
        self.lock().changes_of_duplicates
    }
}

impl State {
    fn take_back_label(&mut self, id: LabelId) -> Option<Label> {
        let label = self.labels.remove(&id)?;
        self.changes_of_duplicates += u64::from(label.sets_apart());
        Some(label)
    }

    /// Takes back what was said of a picture that somebody removes.
    pub(super) fn forget_labels(&mut self, picture: PictureId) {
        let labels = self.labels.iter();
        let labels = labels.filter(|(_, label)| label.verdict.pictures().contains(&picture));
        let ids: Vec<LabelId> = labels.map(|(id, _)| *id).collect();
        for id in ids {
            self.take_back_label(id);
        }
    }
}
