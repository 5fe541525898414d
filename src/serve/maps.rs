//! The map of all pictures, made in the background while somebody looks at it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;

use crate::app::{Collection, Error, PictureMap};
use crate::crawl::with_causes;
use crate::picture::PictureId;
use crate::store::Sequence;

/// The map, and the thread that works on it: one at a time, with pauses, and only when it is asked for.
#[derive(Default)]
pub(super) struct Maps {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Default)]
struct Shared {
    map: Mutex<Option<PictureMap>>,
    drawn: ArcSwap<Drawn>,
    stop: AtomicBool,
}

/// The map at one moment.
#[derive(Debug, Clone, Default)]
pub(super) struct Drawn {
    /// Rises with each change.
    pub(super) version: u32,
    /// How much of it is done, 0 to 1.
    pub(super) progress: f32,
    /// Why it cannot be made.
    pub(super) problem: Option<String>,
    pub(super) pictures: Vec<(Sequence, PictureId)>,
    pub(super) points: Vec<[f32; 2]>,
}

/// How often what was done is shown.
const SHOWN_EVERY: Duration = Duration::from_millis(500);
/// How long is rested, in parts of the time worked: a half of one core is for the map.
const REST: u32 = 1;

impl Maps {
    /// The map as far as it is made. Whoever asks has it brought up to date.
    pub(super) fn latest(&self, collection: &Collection) -> Arc<Drawn> {
        let mut thread = lock(&self.thread);
        if thread.as_ref().is_none_or(JoinHandle::is_finished) && !self.is_up_to_date() {
            let (shared, collection) = (Arc::clone(&self.shared), collection.clone());
            let made = std::thread::Builder::new()
                .name("map".to_owned())
                .spawn(move || shared.work(&collection));
            match made {
                Ok(made) => *thread = Some(made),
                Err(error) => tracing::warn!(%error, "there is no thread for the map"),
            }
        }
        self.shared.drawn.load_full()
    }

    fn is_up_to_date(&self) -> bool {
        let map = lock(&self.shared.map);
        map.as_ref().is_some_and(|map| !map.is_behind()) && self.shared.drawn.load().progress >= 1.0
    }

    /// Ends the work. Blocks.
    pub(super) fn finish(&self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        let thread = lock(&self.thread).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread of the map panicked; please report this");
        }
    }
}

impl Shared {
    /// Works until there is nothing to do.
    fn work(&self, collection: &Collection) {
        let mut map = lock(&self.map);
        let end = match &mut *map {
            Some(map) => self.bring_up_to_date(map),
            None => match collection.map() {
                Ok(made) => self.bring_up_to_date(map.insert(made)),
                Err(error) => return tracing::warn!(%error, "there is no thread for the map"),
            },
        };
        if let Err(error) = end {
            let problem = with_causes(&error);
            tracing::warn!(error = %problem, "the map cannot be made");
            let before = self.drawn.load_full();
            self.drawn.store(Arc::new(Drawn {
                version: before.version + 1,
                problem: Some(problem),
                ..Drawn::clone(&before)
            }));
        }
    }

    fn bring_up_to_date(&self, map: &mut PictureMap) -> Result<(), Error> {
        let mut shown = Instant::now();
        let mut has_changed = false;
        loop {
            let started = Instant::now();
            let is_done = !map.work()?;
            if is_done && !has_changed {
                return Ok(());
            }
            has_changed = true;
            if is_done || shown.elapsed() > SHOWN_EVERY {
                self.show(map, is_done);
                shown = Instant::now();
            }
            if is_done || self.stop.load(Ordering::Relaxed) {
                return Ok(());
            }
            std::thread::sleep(started.elapsed() * REST);
        }
    }

    fn show(&self, map: &PictureMap, is_done: bool) {
        self.drawn.store(Arc::new(Drawn {
            version: self.drawn.load().version + 1,
            progress: if is_done {
                1.0
            } else {
                map.progress().min(0.99)
            },
            problem: None,
            pictures: map.pictures().to_vec(),
            points: map.points(),
        }));
    }
}

impl Drawn {
    /// As the page's script reads it, all little-endian: version, progress (f32), count; then for each
    /// picture two f32, for each its number as u32, for each its id.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let count = self.pictures.len();
        let mut bytes = Vec::with_capacity(12 + count * (12 + PictureId::LEN));
        bytes.extend(self.version.to_le_bytes());
        bytes.extend(self.progress.to_le_bytes());
        bytes.extend((count as u32).to_le_bytes());
        bytes.extend(self.points.iter().flatten().flat_map(|at| at.to_le_bytes()));
        // A store with more pictures than u32 holds would not fit on a disk.
        bytes.extend(
            self.pictures
                .iter()
                .flat_map(|(sequence, _)| (sequence.0 as u32).to_le_bytes()),
        );
        bytes.extend(self.pictures.iter().flat_map(|(_, id)| *id.as_bytes()));
        bytes
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
