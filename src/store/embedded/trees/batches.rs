//! Changes of several trees that are made together or not at all.

use sled::transaction::{
    ConflictableTransactionResult, TransactionError, Transactional, TransactionalTree,
};
use sled::{Batch, Tree};

use crate::store::StoreError;

/// Each changed tree beside its batch.
#[derive(Default)]
pub struct TreeBatches(Vec<(Tree, Batch)>);

impl TreeBatches {
    /// What changes in `tree`.
    pub fn of(&mut self, tree: &Tree) -> &mut Batch {
        let known = self
            .0
            .iter()
            .position(|(known, _)| known.name() == tree.name());
        let at = known.unwrap_or_else(|| {
            self.0.push((tree.clone(), Batch::default()));
            self.0.len() - 1
        });
        &mut self.0[at].1
    }

    /// Makes the changes, all or nothing.
    pub fn apply(mut self) -> Result<(), StoreError> {
        if self.0.len() < 2 {
            let only = self.0.pop();
            return only.map_or(Ok(()), |(tree, batch)| Ok(tree.apply_batch(batch)?));
        }
        let (trees, batches): (Vec<Tree>, Vec<Batch>) = self.0.into_iter().unzip();
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
