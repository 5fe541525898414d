//! What all requests share.

use std::ops::Deref;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use utoipa::ToSchema;

use super::crawls::CrawlFigures;
use super::gate::{Gate, PATIENCE, Shut};
use super::held::Held;
use super::jobs::Jobs;
use super::maps::Maps;
use super::metrics::Metrics;
use super::problem::Problem;
use super::removals::Removals;
use super::trainings::TrainingFigures;
use crate::app::{Collection, Error, Web};
use crate::blocking;

/// The version of what is spoken on the socket. A change that an older client would misread makes
/// it larger.
pub(super) const PROTOCOL: u32 = 1;

/// The command that does what others ask, beside answering.
pub const SERVE: &str = "serve";

/// Who has the store open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Owner {
    /// Its version.
    pub simdex: String,
    /// The version of what it speaks.
    pub protocol: u32,
    /// Tells the store from all others.
    pub store: String,
    /// Its process.
    pub process: u32,
    /// The command that it runs, such as `crawl`.
    pub command: String,
    /// Pictures with features in the store.
    pub pictures: u64,
    /// The network's name and the beginning of its id, for people.
    pub network: String,
}

/// Where a request has come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entrance {
    /// The store's socket: another process of this user.
    Socket,
    /// TCP: whoever has shown that they may.
    Tcp,
}

/// A request that is being answered, until this is dropped.
pub(super) struct InHand(Arc<AtomicUsize>);

impl Drop for InHand {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What all requests share. Cheap to clone.
#[derive(Clone)]
pub(super) struct State(Arc<Inner>);

pub(super) struct Inner {
    pub(super) collection: Collection,
    /// The command that has the store open.
    pub(super) command: &'static str,
    /// One search a core.
    pub(super) searches: Gate,
    /// How long one may take.
    search_deadline: Duration,
    /// What reads a little of the store.
    pub(super) reads: Gate,
    /// What reads or changes much of the store: one at a time, so that cores are left for searches.
    pub(super) jobs: Gate,
    /// The crawl that runs.
    pub(super) crawls: Jobs<CrawlFigures>,
    /// The training that runs.
    pub(super) trainings: Jobs<TrainingFigures>,
    /// Removals that wait.
    pub(super) removals: Removals,
    /// The map of all pictures.
    pub(super) maps: Maps,
    /// Pictures that pages ask for.
    pub(super) held: Held,
    pub(super) metrics: Metrics,
    /// Whether searches find everything ready.
    pub(super) ready: AtomicBool,
    /// Whether the store is being asked whether it answers: one at a time, since that may take long.
    asks: Arc<Mutex<()>>,
    /// Requests that are being answered.
    pub(super) in_hand: Arc<AtomicUsize>,
    /// KiB that bodies of requests may take together.
    bodies: Arc<Semaphore>,
    /// Made when the first URL comes.
    web: OnceLock<Web>,
}

/// KiB that bodies of requests may take together.
const BODIES_KIB: u32 = 512 << 10;
/// How soon a store answers that is in order.
const ANSWER: Duration = Duration::from_secs(5);
/// Reads at once.
const READS: usize = 4;

impl Deref for State {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl State {
    pub(super) fn new(
        collection: Collection,
        command: &'static str,
        search_deadline: Duration,
    ) -> Self {
        let cores = available_parallelism().map_or(1, usize::from);
        Self(Arc::new(Inner {
            collection,
            command,
            searches: Gate::new(cores).with_deadline(search_deadline),
            search_deadline,
            reads: Gate::new(READS),
            jobs: Gate::new(1),
            crawls: Jobs::of("crawl"),
            trainings: Jobs::of("training"),
            removals: Removals::default(),
            maps: Maps::default(),
            held: Held::default(),
            metrics: Metrics::new(),
            ready: AtomicBool::new(false),
            asks: Arc::default(),
            in_hand: Arc::default(),
            bodies: Arc::new(Semaphore::new(BODIES_KIB as usize)),
            web: OnceLock::new(),
        }))
    }

    /// Whether it fills the store for others.
    ///
    /// # Errors
    /// If it has work of its own, whose end is to be waited for.
    pub(super) fn takes_work(&self) -> Result<(), Problem> {
        if self.command == SERVE {
            return Ok(());
        }
        Err(Problem::new(
            StatusCode::CONFLICT,
            "running",
            format!(
                "process {} runs `{}`; wait for its end",
                std::process::id(),
                self.command
            ),
        ))
    }

    /// Does a search when its turn has come. It is told when nobody waits for it any more.
    pub(super) async fn searched<R: Send + 'static>(
        &self,
        search: impl FnOnce(Instant) -> R + Send + 'static,
    ) -> Result<R, Shut> {
        let started = Instant::now();
        let deadline = self.search_deadline;
        let search = move || search(Instant::now() + deadline);
        let result = self.searches.run(search).await;
        self.metrics.searched(started.elapsed());
        result
    }

    /// Counts a request until what is given is dropped.
    pub(super) fn take_in_hand(&self) -> InHand {
        self.in_hand.fetch_add(1, Ordering::Relaxed);
        InHand(Arc::clone(&self.in_hand))
    }

    /// Opens the index and starts the network, so that no search is kept waiting for them. Blocks.
    pub(super) fn warm_up(&self) -> Result<(), Error> {
        self.collection.warm_up()?;
        self.ready.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Whether the store answers within a moment.
    pub(super) async fn answers(&self) -> bool {
        let state = self.clone();
        let asked = async move {
            let turn = Arc::clone(&state.asks).lock_owned().await;
            let ask = move || {
                let _turn = turn;
                state.collection.store().last_run().is_ok()
            };
            blocking::run(ask).await
        };
        matches!(timeout(ANSWER, asked).await, Ok(Ok(true)))
    }

    /// Pictures with features in the store. Waits while one is stored.
    pub(super) async fn picture_count(&self) -> Result<usize, Shut> {
        let collection = self.collection.clone();
        self.reads
            .run(move || collection.store().picture_count())
            .await
    }

    /// Room for a body of so many bytes; waits while those of others take it.
    pub(super) async fn room(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Shut> {
        let kib = u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.0.bodies).acquire_many_owned(kib.min(BODIES_KIB));
        let room = timeout(PATIENCE, room).await.map_err(|_| Shut::Busy)?;
        room.map_err(|_| Shut::Busy)
    }

    /// What fetches pictures that are named by URL, by the rules of a crawl.
    pub(super) fn web(&self) -> Result<&Web, Problem> {
        if let Some(web) = self.0.web.get() {
            return Ok(web);
        }
        let web = Web::new(self.collection.config())?;
        Ok(self.0.web.get_or_init(|| web))
    }

    pub(super) fn owner(&self) -> Owner {
        let store = self.collection.store();
        Owner {
            simdex: env!("CARGO_PKG_VERSION").to_owned(),
            protocol: PROTOCOL,
            store: store.id().to_owned(),
            process: std::process::id(),
            command: self.command.to_owned(),
            pictures: store.picture_count() as u64,
            network: self.collection.extraction().network().title(),
        }
    }
}
