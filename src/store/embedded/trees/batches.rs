//! Changes of several trees that are made together or not at all.

use std::sync::Arc;

use sled::transaction::{
    ConflictableTransactionResult, TransactionError, Transactional, TransactionalTree,
};
use sled::{Batch, Tree};

use super::changes::Changes;
use super::counters::{Counters, Kind, difference};
use crate::store::StoreError;

/// What changes can be made of.
pub trait Table {
    /// The tree.
    fn tree(&self) -> &Tree;

    /// What is counted of it, and where.
    fn counted(&self) -> Option<(Kind, &Arc<Counters>)> {
        None
    }
}

impl Table for Tree {
    fn tree(&self) -> &Tree {
        self
    }
}

/// Each changed tree beside its changes.
#[derive(Default)]
pub struct TreeBatches {
    trees: Vec<Changed>,
    counters: Option<Arc<Counters>>,
}

struct Changed {
    tree: Tree,
    kind: Option<Kind>,
    changes: Changes,
}

impl TreeBatches {
    /// What changes in `table`.
    pub fn of(&mut self, table: &impl Table) -> &mut Changes {
        let (tree, counted) = (table.tree(), table.counted());
        if let Some((_, counters)) = counted {
            self.counters.get_or_insert_with(|| Arc::clone(counters));
        }
        let mut known = self.trees.iter();
        let known = known.position(|known| known.tree.name() == tree.name());
        let at = known.unwrap_or_else(|| {
            self.trees.push(Changed {
                tree: tree.clone(),
                kind: counted.map(|(kind, _)| kind),
                changes: Changes::default(),
            });
            self.trees.len() - 1
        });
        &mut self.trees[at].changes
    }

    /// What changes in `table` so far, if anything does.
    pub fn changes(&self, table: &impl Table) -> Option<&Changes> {
        let name = table.tree().name();
        let changed = self.trees.iter().find(|known| known.tree.name() == name);
        changed.map(|changed| &changed.changes)
    }

    /// Makes the changes, all or nothing, and those of the counts with them.
    pub fn apply(mut self) -> Result<(), StoreError> {
        let Some(counters) = self.counters.take() else {
            return self.write();
        };
        let mut counts = counters.lock();
        let mut after = counts.clone();
        for changed in &self.trees {
            if let Some(kind) = changed.kind {
                counters.after(&mut after, kind, &changed.changes)?;
            }
        }
        for (key, value) in difference(&counts, &after) {
            let kept = self.of(counters.kept_in());
            match value {
                Some(value) => kept.insert(key, value),
                None => kept.remove(key),
            }
        }
        self.write()?;
        *counts = after;
        Ok(())
    }

    fn write(mut self) -> Result<(), StoreError> {
        if self.trees.len() < 2 {
            let only = self.trees.pop();
            return only.map_or(Ok(()), |only| {
                Ok(only.tree.apply_batch(only.changes.into())?)
            });
        }
        let trees = self.trees.into_iter();
        let (trees, batches): (Vec<Tree>, Vec<Batch>) = trees
            .map(|changed| (changed.tree, Batch::from(changed.changes)))
            .unzip();
        let apply = |trees: &Vec<TransactionalTree>| -> ConflictableTransactionResult<(), ()> {
            for (tree, batch) in trees.iter().zip(&batches) {
                tree.apply_batch(batch)?;
            }
            Ok(())
        };
        trees
            .as_slice()
            .transaction(apply)
            .map_err(|error| match error {
                TransactionError::Storage(error) => error.into(),
                TransactionError::Abort(()) => unreachable!("no transaction of the store aborts"),
            })
    }
}
