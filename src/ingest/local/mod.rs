//! Local files: which of them are pictures, what is handed in, and what is gone.

mod exclude;
mod file_store;
mod file_system;
mod files;
mod gone;
mod guard;
mod listing;
mod real_paths;
mod unread;

pub use exclude::{Exclude, ExcludeError};
pub use file_store::{FileStore, Intake};
pub use files::{AddOptions, FileReport, add_files, add_files_with};
pub use gone::{Gone, drop_missing};
pub use guard::{Kept, WhyKept};
pub use listing::absolute;
pub use unread::SkippedFiles;
