//! Why a job could not be done.

use std::path::PathBuf;

use crate::canonical_url::UrlError;
use crate::config::ConfigError;
use crate::crawl::{CrawlError, FetchError, FetchLogError, WarcError};
use crate::dataset::{LabelError, PairsFileError, TripletsFileError};
use crate::evaluation::{ClassifyEvaluationError, EvaluationError};
use crate::head::HeadError;
use crate::index::IndexError;
use crate::ingest::FeatureError;
use crate::network::{EngineError, ExtractError, NetworkError};
use crate::picture::PictureId;
use crate::plural::{counted, counted_as};
use crate::saving::SaveError;
use crate::search::SearchError;
use crate::store::StoreError;
use crate::training::GenericError;
use crate::training::mse18::TrainError;

/// A job failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no store where one must be.
    #[error(
        "there is no store in {dir}; index something first with `simdex crawl URL` or `simdex add FOLDER`, or name the store with --data-dir",
        dir = .0.display()
    )]
    NoStore(PathBuf),
    /// There is no store on a server where one must be.
    #[cfg(feature = "cluster")]
    #[error("the database that `[store] url` names has no store yet")]
    NoStoreOnServer,
    /// A cluster's store without a place for activations.
    #[cfg(feature = "cluster")]
    #[error(
        "`[store] url` names a server, and nothing says where activations are: set `[store] blocks`"
    )]
    NoBlocks,
    /// A store on servers keeps all pictures alike.
    #[cfg(feature = "cluster")]
    #[error(
        "`[store] keep = {{ recent = ... }}` is for stores in folders, and this one is on servers: set `keep` to \"full\" or \"compact\""
    )]
    NewestOnServer,
    /// A job for stores in folders.
    #[cfg(feature = "cluster")]
    #[error(
        "that is for a store in a folder, and this one is on a server: use the tools of the server and of the bucket (docs/cluster.md)"
    )]
    OnServer,
    /// No cluster is configured.
    #[cfg(feature = "cluster")]
    #[error("the store is in a folder: set `[store] url` or SIMDEX_STORE_URL for one on a server")]
    NoServer,
    /// Nothing to preview or crawl.
    #[error("there is nothing to crawl: name URLs, or seeds with --seeds FILE")]
    NoSeeds,
    /// A stored picture was named that is not there.
    #[error("there is no picture {0} in the store")]
    NoPicture(PictureId),
    /// A picture was named by something that is no id.
    #[error(transparent)]
    Id(crate::picture::ParsePictureIdError),
    /// Something was said of two pictures, and they are one.
    #[error("that is said of two pictures, and both are the same one")]
    OnePicture,
    /// A part of several pictures was asked for.
    #[error("a box is a part of one picture; ask for each of several by itself")]
    PartOfSeveral,
    /// Nobody waits for the answer any more.
    #[error("that takes too long: the pictures are too many, or too large to be decoded in time")]
    Late,
    /// A removal is to wait that cannot.
    #[error(
        "only the removal of pictures, by their ids, and of a host can wait; leave out `wait_s`"
    )]
    CannotWait,
    /// A class has no name, or one of more bytes than this.
    #[error("a class has a name of 1 to {0} bytes")]
    ClassName(usize),
    /// A picture was named by something that is no id of one, nor its beginning.
    #[error("there is no picture with an id that begins like {0}")]
    NoSuchId(String),
    /// A path would have to be looked at to be understood.
    #[error("a path in a request must be absolute, and without `..`")]
    RelativePath,
    /// A head has no scores from which on so many results are right.
    #[error("this head has no such threshold; give a number instead of p90 or p99")]
    NoThreshold,
    /// None of the files that were named could be indexed.
    #[error("nothing could be indexed")]
    NothingAdded,
    /// Several pictures have ids that begin like this.
    #[error(
        "{beginning} is the beginning of several ids; write more digits: {}",
        candidates.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    )]
    AmbiguousId {
        /// The first digits.
        beginning: String,
        /// The ids, or some of them.
        candidates: Vec<PictureId>,
    },
    /// A name is the beginning of an id and the name of a file.
    #[error(
        "{0} is both the beginning of an id and a file or folder; write ./{0} for that, or more digits for the id"
    )]
    IdOrPath(String),
    /// There is no store whose crawls could be looked at.
    #[error(
        "there is no store in {dir}; crawl something first with `simdex crawl URL`, or name the store with --data-dir",
        dir = .0.display()
    )]
    NothingCrawled(PathBuf),
    /// There is no log of requests to look at.
    #[error("nobody was asked for anything from here yet: no crawl has run with this folder")]
    NothingAsked,
    /// A picture given to a job cannot be used.
    #[error("{name}")]
    Picture {
        /// The picture's name: a path or a URL.
        name: String,
        /// Why.
        source: FeatureError,
    },
    /// A picture given by URL cannot be had.
    #[error("{name}")]
    Fetch {
        /// The URL.
        name: String,
        /// Why.
        source: FetchError,
    },
    /// A picture was given by something that is no URL.
    #[error("{name}")]
    Url {
        /// What was given.
        name: String,
        /// What is wrong with it.
        source: UrlError,
    },
    /// Too few labelled pictures can be used.
    #[error(
        "of {} {} a usable picture; {needed} must. Give each folder pictures that can be read",
        counted_as(*classes, "class", "classes"),
        counted_as(*usable, "has", "have")
    )]
    TooFewClasses {
        /// Classes in all.
        classes: usize,
        /// Those with a usable picture.
        usable: usize,
        /// How many must have one.
        needed: usize,
    },
    /// No head was trained.
    #[error(
        "there is no head `trained` yet; label pictures on the page of `simdex serve`, and train there"
    )]
    NotTrained,
    /// No class of a stored picture was said.
    #[error("no stored picture has a class; label some, two classes at least")]
    NoClasses,
    /// Too little was said of stored pictures to learn from it.
    #[error(
        "there is too little to learn from: label pictures of two classes, two of each at least (20 are better), or say of one pair that it is alike and of another that it is not"
    )]
    FewLabels,
    /// A folder has too few pictures.
    #[error("there are fewer than two pictures below {}", .0.display())]
    TooFewFiles(PathBuf),
    /// Too few of a folder's pictures can be used.
    #[error("fewer than two pictures below {} can be used", .0.display())]
    TooFewUsable(PathBuf),
    /// Too few pairs can be used.
    #[error(
        "{} needs pairs that are the same and pairs that are not, of pictures that can be used; usable pairs: {usable}",
        csv.display()
    )]
    OneKindOfPairs {
        /// The file with the pairs.
        csv: PathBuf,
        /// Pairs that can be used.
        usable: usize,
    },
    /// A folder has no two pictures that differ.
    #[error(
        "{} below {} can be used; there must be two that are not copies of each other",
        counted(*usable, "picture"),
        dir.display()
    )]
    OnlyCopies {
        /// The folder.
        dir: PathBuf,
        /// Its pictures that can be used.
        usable: usize,
    },
    /// All classes were among those that heads were trained on.
    #[error(
        "the heads were trained on classes of these names; `--trained-classes` measures them all the same"
    )]
    TrainedClasses,
    /// No picture has another one of its class.
    #[error("there is nothing to find: no class has two usable pictures")]
    NothingToFind,
    /// There are no pictures to ask for that have no answer.
    #[error("there are no pictures below {}, the --background", .0.display())]
    NoBackground(PathBuf),
    /// There is no place for a store that is only needed for a while.
    #[error(
        "no folder for a temporary store can be made; set TMPDIR to a folder with about 1 MB of room a picture"
    )]
    TemporaryStore(#[source] std::io::Error),
    /// No edited copy of a picture can be used.
    #[error("no edited copy can be used")]
    NoUsableCopy,
    /// A folder of labelled pictures cannot be used.
    #[error(transparent)]
    Labels(#[from] LabelError),
    /// A list of pairs cannot be used.
    #[error(transparent)]
    PairsFile(#[from] PairsFileError),
    /// A list of judgements cannot be used.
    #[error(transparent)]
    TripletsFile(#[from] TripletsFileError),
    /// The network's layers or the codec tell no looks.
    #[error(
        "looks cannot be told: `[store] activations` keeps no statistics of layers, or the network has no way of telling them"
    )]
    NoLooks,
    /// Training failed.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// What is shipped cannot be learned.
    #[error(transparent)]
    Generic(#[from] GenericError),
    /// Pairs cannot be evaluated.
    #[error(transparent)]
    Evaluation(#[from] EvaluationError),
    /// Classifying cannot be evaluated.
    #[error(transparent)]
    ClassifyEvaluation(#[from] ClassifyEvaluationError),
    /// The log of fetches cannot be opened.
    #[error(transparent)]
    FetchLog(#[from] FetchLogError),
    /// The archive of fetches cannot be made.
    #[error(transparent)]
    Warc(#[from] WarcError),
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The index cannot be used.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// A search failed.
    #[error(transparent)]
    Search(#[from] SearchError),
    /// The network's files cannot be used.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The network cannot be run.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The network does not fit the runtime.
    #[error(transparent)]
    Extract(#[from] ExtractError),
    /// A head cannot be used.
    #[error(transparent)]
    Head(#[from] HeadError),
    /// Pictures cannot be saved.
    #[error(transparent)]
    Save(#[from] SaveError),
    /// A crawl failed.
    #[error(transparent)]
    Crawl(#[from] CrawlError),
}

impl Error {
    /// Whether it was the user who ended what took long.
    pub fn is_interrupted(&self) -> bool {
        matches!(self, Self::Index(IndexError::Interrupted))
    }
}
