//! The engine behind every door: what the command line does, and a server will.
//!
//! A [`Collection`] is an open store with its live index, heads and extractors. It is cheap
//! to clone and shared by threads. Each job is one method in a file of its own; it takes
//! plain options and an observer for progress, and gives plain results.
//!
//! What needs no store (comparing, training, evaluating) uses [`Extraction`] and [`Heads`]
//! alone.

mod add;
mod check_up;
#[cfg(feature = "cluster")]
mod cluster;
mod collection;
mod crawl;
mod error;
mod export_files;
mod extraction;
mod failures;
mod heads;
mod hidden;

mod labelled;
mod labels;
mod live_index;
mod named;
mod observer;
mod politeness;
mod remove;
mod search;
mod status;
mod upkeep;
mod verify;
mod web;

pub use crate::ingest::{
    AddOptions, Exclude, FileStore, Intake, Kept, ListedFile, LocalFile, Receipt, ReceiptOutcome,
    SkippedFiles, read_file,
};
pub use add::{AddEnd, AddEvent, add_files};
pub use check_up::{CheckUp, check_up};
pub use collection::{Collection, has_store};
pub use crawl::{
    CrawlEnd, CrawlJob, DryRun, Found, Looking, Pictures, QueuedAgain, RecordingOptions,
};
#[cfg(feature = "cluster")]
pub use crawl::{WorkEvent, WorkerRole};
pub use error::Error;
pub use export_files::{FilesAsked, FilesEvent, FilesExported, NoFile};
pub use extraction::Extraction;
pub use failures::{FailedUrl, FailureFilter, Failures};
pub use heads::{Heads, TRAINED};

pub use labelled::{
    ClassBelief, Classification, CopiesOptions, DomainsOptions, JobEvent, LabelFigures,
    LabelledNeighbour, LooksOptions, PictureClassifier, RetrievalOptions, Shipped, Stage,
    TaughtByLabels, TaughtLook, Watch,
};
pub use labels::{KeptLabel, LabelPage, Said};
pub use named::Named;
pub use observer::{Observer, Step};
pub use politeness::politeness;
pub use remove::{Hiding, NamedOrPath, Removal, RemovalAsked, Removed};
pub use search::{
    Asked, Crop, Duplicate, DuplicateGroup, Example, Moment, NamedPicture, PictureMap,
    PictureVector, Preference, Question, ScoreThreshold, VectorKind,
};
pub use status::{IndexStatus, Status};
pub use upkeep::{BackupReport, CompactReport, RepairReport, backup, compact, repair, restore};
#[cfg(feature = "cluster")]
pub use upkeep::{CopyJob, CopyReport, CopyStep, Migrated, StoreNamed, copy_store, migrate};
pub use verify::{Damage, Findings};
pub use web::Web;
