//! Teaching heads: the shipped one from many classes and from edits; the user's from labels,
//! from pairs, or from pictures alone; the report's from labels.

mod cross_fitting;
mod example;
mod folds;
mod generic;
mod generic_set;
mod label_weights;
mod list_rows;
mod lists;
mod look;
pub mod mse18;
mod nearest;
mod own;
mod projection;
mod stores;
mod thresholds;

pub use example::{EditedExample, Example};
pub use generic::{Generic, train_generic};
pub use generic_set::{GenericError, GenericSet};
pub use look::{
    LookFigures, LookSet, Triplet, Versions, agreement, ceiling, fit_look, held_out, look_parts,
};
pub use nearest::{are_twins, nearest_to};
pub use own::{train_on_copies, train_on_labels, train_on_pairs};
pub use thresholds::thresholds;
