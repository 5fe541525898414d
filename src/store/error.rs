//! Why the store cannot do what was asked.

use std::path::{Path, PathBuf};

use crate::network::NetworkId;
use crate::picture::PictureId;
use crate::plural::counted;

/// Why the store cannot do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another simdex has it open.
    #[error(
        "the store {dir} is in use by another simdex{owner}; wait for it to end, or choose another store with --data-dir"
    )]
    Locked {
        /// The store.
        dir: PathBuf,
        /// `" (process N)"`, where it is known.
        owner: String,
    },
    /// It was made by a newer simdex.
    #[error(
        "the store {dir} has format {found}, this simdex knows formats up to {known}; use the newer simdex that made it"
    )]
    Newer {
        /// The store.
        dir: PathBuf,
        /// Its format.
        found: u32,
        /// The newest format known here.
        known: u32,
    },
    /// It holds another network's features.
    #[error(
        "the store {dir} holds features of network {store}, but network {configured} is configured; set `[network] manifest` to the store's network or choose another store with --data-dir"
    )]
    OtherNetwork {
        /// The store.
        dir: PathBuf,
        /// The store's network.
        store: String,
        /// The network in use.
        configured: String,
    },
    /// Its pictures cannot be described in another way.
    #[error(
        "the store {dir} was made with another projection, and keeps too little of its pictures (`[store] keep`) to describe them anew; name that projection with `[network] projection`, or gather the pictures into another store with --data-dir"
    )]
    OtherDescriptor {
        /// The store.
        dir: PathBuf,
    },
    /// A cluster's store that tells in another way how pictures look.
    #[cfg(feature = "cluster")]
    #[error(
        "the store tells in another way than this simdex how its pictures look; use the version that made it, or gather the pictures into another database"
    )]
    OtherLook,
    /// It keeps too little to become a store that keeps all.
    #[error(
        "the store {dir} keeps sketches of pictures, and what it does not keep cannot be made of them: set `[store] keep = \"full\"` and gather the pictures into another store with --data-dir"
    )]
    Irreversible {
        /// The store.
        dir: PathBuf,
    },
    /// A store on servers keeps all pictures alike.
    #[cfg(feature = "cluster")]
    #[error(
        "a store that keeps only its newest pictures in full (`keep = {{ recent = ... }}`) is one in a folder: to copy it to servers, make it compact before (`simdex compact --keep compact`)"
    )]
    NewestOnServer,
    /// Whoever asked has it stop.
    #[error("stopped")]
    Stopped,
    /// The header does not parse.
    #[error("{path}: {message}; `simdex repair` makes it anew from its copy or from the log")]
    Header {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// The header is another store's.
    #[error(
        "{path} is not of the store that its folder has: {against} are of another; {advice}. Nothing was changed"
    )]
    OtherHeader {
        /// The file.
        path: PathBuf,
        /// The files that say so.
        against: String,
        /// What to do.
        advice: &'static str,
    },
    /// It was made by an earlier simdex.
    #[error("the store {dir} has an older format: `simdex status` brings it up")]
    Older {
        /// The store.
        dir: PathBuf,
    },
    /// A copy is not what was written.
    #[error(
        "{path}: what was copied reads back as something else, while its source is whole: the disk of the copy fails; use another one"
    )]
    BadCopy {
        /// The copy.
        path: PathBuf,
    },
    /// There is no backup in a folder.
    #[error(
        "there is no whole backup in {dir}: name the folder that `simdex backup` has written, or run that to its end"
    )]
    NoBackup {
        /// The folder.
        dir: PathBuf,
    },
    /// The folder has files of a store but no header.
    #[error(
        "{dir} has no store.toml, but other files of a store: `simdex repair` makes it anew; if this is no store of simdex, choose another folder with --data-dir"
    )]
    NoHeader {
        /// The folder.
        dir: PathBuf,
    },
    /// The ledger of requests cannot be used.
    #[error("{path} is no ledger of requests: {message}")]
    Ledger {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// A migration failed.
    #[error("the store's format could not be changed from {from} to {to}: {source}")]
    Migration {
        /// Format before.
        from: u32,
        /// Format wanted.
        to: u32,
        /// What failed.
        source: Box<StoreError>,
    },
    /// A record does not decode.
    #[error("a record of `{tree}` is unreadable; `simdex verify` lists the damage")]
    Unreadable {
        /// The kind of records.
        tree: &'static str,
    },
    /// A picture's activations are not what was written.
    #[error(
        "the activations of picture {picture} are damaged; `simdex verify --repair` takes it out, then `simdex add` or `simdex crawl` stores it anew"
    )]
    Damaged {
        /// The picture.
        picture: PictureId,
    },
    /// The kept bytes of a picture without features are not what was written.
    #[error(
        "the kept bytes of picture {picture} are damaged; `simdex verify --repair` takes it out, then `simdex crawl` or `simdex add` fetches it anew"
    )]
    DamagedBody {
        /// The picture.
        picture: PictureId,
    },
    /// There is something else where a file of the store is to be.
    #[error(
        "{path} is no file, and simdex keeps one there: give it another name; if the file is lost, `simdex repair` makes it anew or counts what is lost with it"
    )]
    NoFile {
        /// The folder, or what else it is.
        path: PathBuf,
    },
    /// It is of an older format, and its records are lost.
    #[error(
        "the store {dir} has format {format}, whose pictures are not known without its records, and those in {records} are lost or damaged; put them back from a copy, or name another folder with --data-dir and store the pictures anew there. Nothing was changed"
    )]
    OldRecords {
        /// The store.
        dir: PathBuf,
        /// Its format.
        format: u32,
        /// Where its records should be.
        records: PathBuf,
    },
    /// It is of an older format, and its header is lost.
    #[error(
        "{path} is damaged or lost, and so is its copy; the store is of an older simdex, where nothing else says of which network it is: put it back from a copy. Nothing was changed"
    )]
    OldHeader {
        /// `store.toml`.
        path: PathBuf,
    },
    /// A segment file is shorter than what was committed to it.
    #[error(
        "{path} has {length} bytes of {committed} that were committed: something outside simdex cut it; `simdex repair` saves the rest and counts what is lost, or restore a backup"
    )]
    Truncated {
        /// The segment.
        path: PathBuf,
        /// Its length in bytes.
        length: u64,
        /// Bytes committed.
        committed: u64,
    },
    /// A file of the log is not what was written.
    #[error(
        "{path}: {message}; `simdex repair` makes what can be made anew and names what is lost, or restore a backup"
    )]
    Log {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// sled's records are not what the log says.
    #[error(
        "the store's records in {path} cannot be used: {message}; `simdex repair` makes those of pictures anew from the log, and the crawl begins again at its seeds"
    )]
    Records {
        /// Their folder.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// The log has fewer pictures than were committed.
    #[error(
        "the store {dir} has {} of {committed} that were committed: something outside simdex changed its files; restore a backup, or go on with those with `simdex repair`",
        counted(*found, "picture")
    )]
    Missing {
        /// The store.
        dir: PathBuf,
        /// Pictures in the log.
        found: u64,
        /// Pictures that were committed.
        committed: u64,
    },
    /// A folder that should be empty, or a backup of the same store.
    #[error("{dir} has something in it that is not a backup of this store; name an empty folder")]
    NotEmpty {
        /// The folder.
        dir: PathBuf,
    },
    /// A backup in the store, or a store in its backup.
    #[error("{dir} is in the store, or the store is in it; name a folder beside it")]
    Nested {
        /// The backup's folder.
        dir: PathBuf,
    },
    /// A backup has what the store never had.
    #[error(
        "the backup in {dir} has what the store does not have: the store was made of an older backup, and went on from there; back it up to another folder (`simdex restore` can make a store of this one)"
    )]
    BackupAhead {
        /// The backup's folder.
        dir: PathBuf,
    },
    /// It was opened to be read only.
    #[error("the store {dir} can only be read; free space, or make it writable, and try again")]
    ReadOnly {
        /// The store.
        dir: PathBuf,
    },
    /// A write or a sync has failed before.
    #[error(
        "{dir} could not be written before, so nothing more is; see to the disk and run the same command again, it goes on where it stopped"
    )]
    Failed {
        /// The store, or its records.
        dir: PathBuf,
    },
    /// Too little free space.
    #[error(
        "the disk is full: {free_mb} MiB are free, {needed_mb} MiB are needed; free some space, and simdex goes on where it stopped"
    )]
    DiskFull {
        /// Free space in MiB.
        free_mb: u64,
        /// `[store] reserve_disk_mb`.
        needed_mb: u64,
    },
    /// The file system failed.
    #[error("{path}: {source}{}", hint(source))]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// What keeps the records failed.
    #[error("the store's records cannot be used: {source}{hint}")]
    Engine {
        /// What it said.
        source: Box<dyn std::error::Error + Send + Sync>,
        /// What to do about it; may be empty.
        hint: &'static str,
    },
    /// The bucket of the activations cannot be used.
    #[cfg(feature = "cluster")]
    #[error(
        "the bucket of the store's activations cannot be used: {source}; see to it, then run the same command again: it goes on where it stopped"
    )]
    Objects {
        /// What it said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A copy of a store into it has not ended.
    #[error(
        "{place}: a copy into it has not ended; the same `simdex store copy` once more goes on with it"
    )]
    UnfinishedCopy {
        /// The folder, or that it is a database.
        place: String,
    },
    /// Another process has made something else of a cluster's store after it was opened.
    #[error(
        "another process has begun to copy into this store, or has its server search it from now on, so nothing more is written to it from here: run the same command again"
    )]
    ShutOut,
    /// Something is where a copy is to be.
    #[error("{place} {what}; a store is copied to where there is none yet")]
    NoPlaceForCopy {
        /// The folder, or that it is a database.
        place: String,
        /// What is the matter.
        what: &'static str,
    },
    /// What is to be copied would change meanwhile.
    #[error("the store cannot be copied now: {0}")]
    Changing(&'static str),
    /// The store is kept in memory alone.
    #[error("the store is kept in memory, where no log of requests can be")]
    NoFolder,
}

impl StoreError {
    /// Whether it says nothing of what is stored: something could not be read, this time.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Io { .. } => true,
            #[cfg(feature = "cluster")]
            Self::Objects { .. } => true,
            #[cfg(feature = "cluster")]
            Self::Engine { source, .. } => source.is::<sqlx::Error>(),
            _ => false,
        }
    }

    pub(super) fn io(path: &Path, source: std::io::Error) -> Self {
        Self::Io {
            path: path.to_owned(),
            source,
        }
    }

    /// Whether it says that a file is not there, or not all of it.
    pub(super) fn is_of_a_missing_file(&self) -> bool {
        match self {
            Self::Truncated { .. } => true,
            Self::Io { source, .. } => source.kind() == std::io::ErrorKind::NotFound,
            _ => false,
        }
    }

    /// Whether it says that the records are missing or damaged, which a repair mends.
    pub fn is_of_records(&self) -> bool {
        matches!(self, Self::Records { .. })
    }

    /// Whether it says that the disk cannot be written, by its state or by its rights.
    pub fn is_of_writing(&self) -> bool {
        use std::io::ErrorKind as Kind;
        let source = match self {
            Self::DiskFull { .. } => return true,
            Self::Io { source, .. } => source,
            Self::Migration { source, .. } => return source.is_of_writing(),
            _ => return false,
        };
        matches!(
            source.kind(),
            Kind::StorageFull
                | Kind::QuotaExceeded
                | Kind::ReadOnlyFilesystem
                | Kind::PermissionDenied
        )
    }

    pub(super) fn network(dir: &Path, store: &NetworkId, configured: &NetworkId) -> Self {
        Self::OtherNetwork {
            dir: dir.to_owned(),
            store: store.beside(configured),
            configured: configured.beside(store),
        }
    }
}

fn hint(error: &std::io::Error) -> &'static str {
    use std::io::ErrorKind as Kind;
    match error.kind() {
        Kind::StorageFull | Kind::QuotaExceeded | Kind::FileTooLarge => {
            "; free some space, and simdex goes on where it stopped"
        }
        Kind::PermissionDenied | Kind::ReadOnlyFilesystem => {
            "; choose a folder you may write to with --data-dir"
        }
        // EIO: no kind of its own.
        _ if error.raw_os_error() == Some(5) && cfg!(unix) => {
            "; the disk failed, which says nothing about what is on it: see to it and try again"
        }
        _ => "",
    }
}
