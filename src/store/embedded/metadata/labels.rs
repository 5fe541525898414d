//! What the user has said of pictures.

use std::collections::HashMap;
use std::ops::Bound;
use std::sync::atomic::Ordering;

use crate::picture::PictureId;
use crate::store::embedded::EmbeddedMetadata;
use crate::store::embedded::metadata::leaving::Leaving;
use crate::store::embedded::trees::decode;
use crate::store::{Label, LabelId, Labels, Listing, StoreError};

const LABELLED: StoreError = StoreError::Unreadable { tree: "labelled" };

impl Labels for EmbeddedMetadata {
    fn keep_labels(&self, labels: &[Label]) -> Result<Vec<Option<Label>>, StoreError> {
        self.reserve.check()?;
        let mut totals = self.totals();
        let mut leaving = Leaving::new(self, *totals);
        let (mut before, mut kept) = (Vec::new(), HashMap::new());
        for label in labels {
            let id = label.id();
            before.push(match kept.insert(id, label) {
                Some(label) => Some(label.clone()),
                None => self.label(id)?,
            });
            leaving.keep_label(label);
        }
        leaving.apply(&mut totals)?;
        Ok(before)
    }

    fn take_back_label(&self, id: LabelId) -> Result<Option<Label>, StoreError> {
        let mut totals = self.totals();
        let label = self.label(id)?;
        if let Some(label) = &label {
            let mut leaving = Leaving::new(self, *totals);
            leaving.take_back_label(label);
            leaving.apply(&mut totals)?;
        }
        Ok(label)
    }

    fn label(&self, id: LabelId) -> Result<Option<Label>, StoreError> {
        let value = self.trees.labels.get(id.0)?;
        value.map(|value| decode("labels", &value)).transpose()
    }

    fn labels(&self, after: Option<LabelId>) -> Listing<'_, Label> {
        let from = after.map_or(Bound::Unbounded, |id| Bound::Excluded(id.0));
        let entries = self.trees.labels.range((from, Bound::Unbounded));
        Box::new(entries.map(|entry| decode("labels", &entry?.1)))
    }

    fn labels_of(&self, picture: PictureId) -> Result<Vec<Label>, StoreError> {
        let mut labels = Vec::new();
        for key in self.trees.labelled.scan_prefix(picture.as_bytes()).keys() {
            let id = key?[PictureId::LEN..].try_into();
            labels.extend(self.label(LabelId(id.map_err(|_| LABELLED)?))?);
        }
        Ok(labels)
    }

    fn changes_of_duplicates(&self) -> u64 {
        self.changes_of_duplicates.load(Ordering::Relaxed)
    }
}
