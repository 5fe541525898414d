//! Jobs on the user's own pictures, which need no store: heads learn from them, are measured
//! on them, and pictures are classified by them.

mod classify;
mod domains;
mod evaluate;
mod evaluate_looks;
mod pictures;
mod train;
mod train_look;
mod watch;

pub use classify::{ClassBelief, Classification, LabelledNeighbour, PictureClassifier};
pub use domains::DomainsOptions;
pub use evaluate::{CopiesOptions, RetrievalOptions};
pub use evaluate_looks::LooksOptions;
pub use train::Shipped;
pub use train_look::TaughtLook;
pub use watch::{JobEvent, Stage, Watch};
