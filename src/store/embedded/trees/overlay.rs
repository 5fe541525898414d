//! The trees as they will be with changes that are not made yet.

use sled::IVec;

use super::batches::{Table, TreeBatches};
use crate::store::StoreError;

/// The trees with some changes, or as they are.
#[derive(Clone, Copy)]
pub struct Overlay<'a>(Option<&'a TreeBatches>);

/// Is handed a key and what is under it, and says whether it wants more.
type TakeRecord<'a> = &'a mut dyn FnMut(&[u8], &[u8]) -> Result<bool, StoreError>;

impl<'a> Overlay<'a> {
    /// The trees as they are.
    pub fn none() -> Self {
        Self(None)
    }

    /// The trees with these changes.
    pub fn of(batches: &'a TreeBatches) -> Self {
        Self(Some(batches))
    }

    /// What is under a key.
    pub fn get(self, table: &impl Table, key: &[u8]) -> Result<Option<IVec>, StoreError> {
        let changes = self.0.and_then(|batches| batches.changes(table));
        match changes.and_then(|changes| changes.get(key)) {
            Some(changed) => Ok(changed.cloned()),
            None => Ok(table.tree().get(key)?),
        }
    }

    /// Hands what is under keys that begin so to `take`, in no order, until that wants no more. Says
    /// whether it wants more.
    pub fn for_each(
        self,
        table: &impl Table,
        prefix: &[u8],
        take: TakeRecord<'_>,
    ) -> Result<bool, StoreError> {
        let changes = self.0.and_then(|batches| batches.changes(table));
        let changed = changes.into_iter().flat_map(|it| it.with_prefix(prefix));
        for (key, value) in changed {
            if let Some(value) = value
                && !take(key, value)?
            {
                return Ok(false);
            }
        }
        for entry in table.tree().scan_prefix(prefix) {
            let (key, value) = entry?;
            let is_changed = changes.is_some_and(|changes| changes.get(&key).is_some());
            if !is_changed && !take(&key, &value)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_seen_before_they_are_made() {
        let db = sled::Config::new().temporary(true).open().unwrap();
        let tree = db.open_tree("tree").unwrap();
        for key in ["a1", "a2", "a3", "b1"] {
            tree.insert(key, "before").unwrap();
        }
        let mut batches = TreeBatches::default();
        batches.of(&tree).remove("a1");
        batches.of(&tree).insert("a2", "after");
        batches.of(&tree).insert("a4", "after");
        batches.of(&tree).insert("b2", "after");
        let all = |overlay: Overlay<'_>| {
            let mut all = Vec::new();
            let mut take = |key: &[u8], value: &[u8]| {
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                assert_eq!(overlay.get(&tree, key).unwrap().unwrap(), value);
                all.push(format!("{} {}", text(key), text(value)));
                Ok(true)
            };
            assert!(overlay.for_each(&tree, b"a", &mut take).unwrap());
            all.sort_unstable();
            all
        };
        let now = ["a1 before", "a2 before", "a3 before"];
        assert_eq!(all(Overlay::none()), now);
        let overlay = Overlay::of(&batches);
        assert_eq!(all(overlay), ["a2 after", "a3 before", "a4 after"]);
        assert_eq!(overlay.get(&tree, b"a1").unwrap(), None);
        let mut none = |_: &[u8], _: &[u8]| Ok(false);
        assert!(!overlay.for_each(&tree, b"a", &mut none).unwrap());
        batches.apply().unwrap();
        assert_eq!(all(Overlay::none()), ["a2 after", "a3 before", "a4 after"]);
    }
}
