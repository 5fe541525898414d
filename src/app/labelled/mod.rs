//! Jobs on the user's own pictures: heads learn from them, are measured on them, and pictures are
//! classified by them. Only labels of stored pictures need a store.

mod classify;
mod domains;
mod evaluate;
mod evaluate_looks;
mod from_store;
mod pictures;
mod train;
mod train_look;
mod watch;

pub use classify::{ClassBelief, Classification, LabelledNeighbour, PictureClassifier};
pub use domains::DomainsOptions;
pub use evaluate::{CopiesOptions, RetrievalOptions};
pub use evaluate_looks::LooksOptions;
pub use from_store::{LabelFigures, TaughtByLabels};
pub use train::Shipped;
pub use train_look::TaughtLook;
pub use watch::{JobEvent, Stage, Watch};
