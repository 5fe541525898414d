//! The user's pictures on disk as something to learn from or to be measured on: a folder with
//! one folder a class, a list of pairs, or bare pictures.

mod folder;
mod labelled;
mod pairs_file;

pub use folder::pictures_below;
pub use labelled::{LabelError, Labelled, labelled_files};
pub use pairs_file::{LineError, PairsFile, PairsFileError};
