//! The user's pictures on disk, to learn from or to measure on: a folder with one folder for
//! each class, a folder of such folders, a list of pairs, or pictures without labels.

mod domains;
mod folder;
mod labelled;
mod pairs_file;
mod triplets_file;

pub use domains::{DomainClass, Domains, HeldOut};
pub use folder::pictures_below;
pub use labelled::{LabelError, Labelled, labelled_domains, labelled_files};
pub use pairs_file::{LineError, PairsFile, PairsFileError};
pub use triplets_file::{JudgedTriplet, TripletsFile, TripletsFileError};
