//! The index of an open collection, which takes in what is stored while it runs.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;

use super::{Error, Observer, Step};
use crate::config::IndexConfig;
use crate::head::CollectionMean;
use crate::index::{Index, IndexWriter, Looks};
use crate::ingest::step_back;
use crate::search::{RunningMean, View};
use crate::store::Store;

/// Opened when the first search comes. From then on a thread of its own looks for changes of
/// the store, until this is dropped.
pub(super) struct LiveIndex {
    shared: Arc<Shared>,
    follower: Mutex<Option<Follower>>,
}

struct Shared {
    store: Arc<Store>,
    config: IndexConfig,
    observer: Observer,
    writer: Mutex<Option<Writer>>,
    /// What searches see; replaced as a whole.
    view: ArcSwapOption<View>,
}

struct Writer {
    index: IndexWriter,
    /// Made when the first search comes that needs it.
    mean: Option<RunningMean>,
    /// Made when the first search comes that compares looks.
    looks: Option<Arc<Looks>>,
    /// What the searches so far have needed.
    wants: Wants,
}

/// What a search needs beside the index.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Wants {
    /// The collection's mean.
    pub(super) mean: bool,
    /// How its pictures look.
    pub(super) looks: bool,
}

impl Wants {
    fn or(self, other: Self) -> Self {
        Self {
            mean: self.mean || other.mean,
            looks: self.looks || other.looks,
        }
    }

    fn has(self, view: &View) -> bool {
        (view.mean.is_some() || !self.mean) && (view.looks.is_some() || !self.looks)
    }
}

/// The thread that follows the store; it ends when this is dropped.
struct Follower {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// How often what is stored is looked for ...
const EVERY: Duration = Duration::from_millis(250);
/// ... or so many times what looking took, if that is longer,
const SHARE: u32 = 4;
/// and how long at most it waits while looking fails.
const LONGEST: Duration = Duration::from_secs(30);

impl LiveIndex {
    pub(super) fn new(store: Arc<Store>, config: IndexConfig, observer: Observer) -> Self {
        Self {
            shared: Arc::new(Shared {
                store,
                config,
                observer,
                writer: Mutex::new(None),
                view: ArcSwapOption::empty(),
            }),
            follower: Mutex::new(None),
        }
    }

    /// What a search sees now, with what else it needs. The first call opens the index, which
    /// may take a while.
    pub(super) fn view(&self, wants: Wants) -> Result<View, Error> {
        let wants = Wants {
            looks: wants.looks && self.shared.store.look_id().is_some(),
            ..wants
        };
        if let Some(view) = self.shared.view.load_full()
            && wants.has(&view)
        {
            return Ok(View::clone(&view));
        }
        let mut writer = self.shared.lock();
        let opened = self.shared.opened(&mut writer)?;
        opened.wants = opened.wants.or(wants);
        let view = self.shared.publish(opened)?;
        self.shared.save_mean(opened);
        drop(writer);
        self.follow();
        Ok(view)
    }

    /// The index alone, with everything stored so far.
    pub(super) fn index(&self) -> Result<Arc<Index>, Error> {
        let mut writer = self.shared.lock();
        let writer = self.shared.opened(&mut writer)?;
        self.shared.refresh(writer)
    }

    /// Takes in what was stored and saves it, so that the next opening is quick. A scan has
    /// nothing to save but its groups. Where it cannot be saved, there is a warning: nothing is
    /// lost but time.
    pub(super) fn save(&self) -> Result<(), Error> {
        let mut writer = self.shared.lock();
        let writer = self.shared.opened(&mut writer)?;
        let index = self.shared.refresh(writer)?;
        if index.is_graph() {
            // Of a large collection it takes long, and the first search would have to wait.
            self.shared.mean(writer, &index)?;
        }
        self.shared.save_mean(writer);
        if let Err(error) = writer.index.save() {
            tracing::warn!(%error, "the index is not saved: the next command has to make it anew");
        }
        Ok(())
    }

    /// Whether it was opened.
    pub(super) fn is_open(&self) -> bool {
        self.shared.lock().is_some()
    }

    fn follow(&self) {
        let mut follower = self.follower.lock().unwrap_or_else(PoisonError::into_inner);
        follower.get_or_insert_with(|| Follower::start(Arc::clone(&self.shared)));
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Option<Writer>> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn opened<'a>(&self, writer: &'a mut Option<Writer>) -> Result<&'a mut Writer, Error> {
        if writer.is_none() {
            let progress = |done, total| {
                self.observer.tell(Step::Indexing { done, total });
                self.observer.goes_on()
            };
            let index = IndexWriter::open(&self.store, &self.config, &progress)?;
            *writer = Some(Writer {
                index,
                mean: None,
                looks: None,
                wants: Wants::default(),
            });
        }
        Ok(writer.as_mut().expect("it was opened just above"))
    }

    /// Takes in everything stored so far; where searches have a view, they see it, too.
    fn refresh(&self, writer: &mut Writer) -> Result<Arc<Index>, Error> {
        match self.view.load().is_some() {
            true => Ok(self.publish(writer)?.index),
            false => Ok(writer.index.refresh()?),
        }
    }

    /// Makes everything stored so far what searches see.
    fn publish(&self, writer: &mut Writer) -> Result<View, Error> {
        let index = writer.index.refresh()?;
        let mean = match writer.wants.mean {
            true => Some(self.mean(writer, &index)?),
            false => None,
        };
        if writer.wants.looks {
            let before = writer.looks.take().unwrap_or_default();
            let looks = before.caught_up(&self.store, &index, writer.index.next())?;
            writer.looks = Some(Arc::new(looks));
        }
        let looks = writer.looks.clone();
        let view = View {
            index,
            mean,
            looks,
            gathered: None,
        };
        self.view.store(Some(Arc::new(view.clone())));
        Ok(view)
    }

    fn mean(&self, writer: &mut Writer, index: &Index) -> Result<Arc<CollectionMean>, Error> {
        let end = writer.index.next();
        let load = || RunningMean::load(&self.store);
        let mean = writer.mean.get_or_insert_with(load);
        if mean.is_outdated(index.stored_before(mean.next())) {
            *mean = RunningMean::default();
        }
        mean.catch_up(&self.store, &|sequence| index.contains(sequence), end)?;
        Ok(Arc::new(mean.mean()))
    }

    /// Saves the mean, if it was made. Without it the next opening reads every picture.
    fn save_mean(&self, writer: &mut Writer) {
        let saved = writer.mean.as_mut().map(|mean| mean.save(&self.store));
        if let Some(Err(error)) = saved {
            tracing::warn!(%error, "the collection's mean cannot be saved");
        }
    }

    /// What the follower does: it publishes what is new, and what an earlier failure has kept
    /// from being published. Returns whether searches see everything now.
    fn catch_up(&self) -> bool {
        let mut writer = self.lock();
        let (Some(writer), Some(view)) = (writer.as_mut(), self.view.load_full()) else {
            return true;
        };
        if !writer.index.is_behind() && Arc::ptr_eq(&view.index, &writer.index.index()) {
            return true;
        }
        self.publish(writer)
            .inspect_err(|error| tracing::warn!(%error, "the index does not follow the store"))
            .is_ok()
    }
}

impl Follower {
    fn start(shared: Arc<Shared>) -> Self {
        let (stop, stopped) = channel();
        // Searches share the threads of the common pool: none should wait there for an audit.
        let threads = rayon::ThreadPoolBuilder::new().start_handler(|_| step_back());
        let threads = threads.build();
        let thread = std::thread::spawn(move || {
            step_back();
            let catch_up = || match &threads {
                Ok(threads) => threads.install(|| shared.catch_up()),
                // Without threads of its own it is in the way, and does its work.
                Err(_) => shared.catch_up(),
            };
            let mut wait = EVERY;
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(wait) {
                let started = Instant::now();
                wait = match catch_up() {
                    // A large index takes long to follow; most of the time is for others.
                    true => EVERY.max(started.elapsed() * SHARE),
                    false => (wait * 2).min(LONGEST),
                };
            }
        });
        Self {
            stop: Some(stop),
            thread: Some(thread),
        }
    }
}

impl Drop for Follower {
    /// Waits for the thread, so that nobody holds the store after this.
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that follows the store panicked; please report this");
        }
    }
}
