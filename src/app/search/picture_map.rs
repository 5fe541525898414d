//! All pictures on a map, brought up to date with the store piece by piece.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rayon::ThreadPool;

use crate::app::{Collection, Error};
use crate::index::Index;
use crate::map::{Layout, NEIGHBOURS, Plane};
use crate::network::Descriptor;
use crate::picture::PictureId;
use crate::store::{Sequence, Store};

/// Pictures that a map shows at most: the first ones.
const MOST: usize = 50_000;
/// Pictures whose spread tells how a map begins.
const SAMPLE: usize = 2_000;
/// Pictures whose neighbours are sought in one piece of work.
const AT_ONCE: usize = 32;
/// How often it is looked for what has come and gone: that reads the list of all pictures.
const LOOKED_EVERY: Duration = Duration::from_secs(5);

/// All pictures in two dimensions: where they look alike, they lie together. It is made by pieces of work,
/// between which others have their turn, and can be looked at after each.
pub struct PictureMap {
    collection: Collection,
    pictures: Vec<(Sequence, PictureId)>,
    places: HashMap<Sequence, u32>,
    layout: Layout,
    /// Pictures whose neighbours are not known yet; of those without a place they give it.
    waiting: VecDeque<(Sequence, PictureId)>,
    index: Option<Arc<Index>>,
    /// The store's next sequence and removals when it was last looked at, and when that was.
    seen: (u64, usize),
    looked: Option<Instant>,
    /// So that seeking neighbours takes one core, not all.
    thread: ThreadPool,
}

impl Collection {
    /// A map with nothing on it yet.
    ///
    /// # Errors
    /// If there is no thread for it.
    pub fn map(&self) -> Result<PictureMap, std::io::Error> {
        let thread = rayon::ThreadPoolBuilder::new().num_threads(1).build();
        Ok(PictureMap {
            collection: self.clone(),
            pictures: Vec::new(),
            places: HashMap::new(),
            layout: Layout::new(Vec::new()),
            waiting: VecDeque::new(),
            index: None,
            seen: (0, 0),
            looked: None,
            thread: thread.map_err(std::io::Error::other)?,
        })
    }
}

impl PictureMap {
    /// Whether pictures have come or gone since it was last brought up to date.
    pub fn is_behind(&self) -> bool {
        self.seen != self.now()
    }

    /// Does a piece of what is to be done, some milliseconds long; `false` if nothing is, or not yet.
    ///
    /// # Errors
    /// If the store fails.
    pub fn work(&mut self) -> Result<bool, Error> {
        let is_time = self
            .looked
            .is_none_or(|looked| looked.elapsed() > LOOKED_EVERY);
        if is_time && self.is_behind() {
            self.take_in()?;
            return Ok(true);
        }
        if self.waiting.is_empty() {
            return Ok(self.layout.step());
        }
        for _ in 0..AT_ONCE.min(self.waiting.len()) {
            if let Some((sequence, id)) = self.waiting.pop_front() {
                self.link(sequence, id)?;
            }
        }
        Ok(true)
    }

    /// The pictures that are on it, in the order of storing.
    pub fn pictures(&self) -> &[(Sequence, PictureId)] {
        &self.pictures
    }

    /// Where they lie, in the same order, 0 to 1 in both directions.
    pub fn points(&self) -> Vec<[f32; 2]> {
        self.layout.roomy()
    }

    /// How much of it is done, 0 to 1: half of that is knowing all neighbours.
    pub fn progress(&self) -> f32 {
        let all = self.pictures.len().max(1) as f32;
        let known = 1.0 - (self.waiting.len() as f32 / all).min(1.0);
        (known + self.layout.progress()) / 2.0
    }

    fn now(&self) -> (u64, usize) {
        let store = self.collection.store();
        (store.next_sequence(), store.removed_since(0).len())
    }

    /// Looks at what the store has now. Where most of it is new, the map is begun anew.
    fn take_in(&mut self) -> Result<(), Error> {
        let seen = self.now();
        let index = self.collection.index()?;
        let store = self.collection.store();
        let mut stored = Vec::new();
        for picture in store.pictures() {
            let (sequence, id) = picture?;
            if index.contains(sequence) && stored.len() < MOST {
                stored.push((sequence, id));
            }
        }
        let is_new = |(sequence, _): &&(Sequence, PictureId)| !self.places.contains_key(sequence);
        let new: Vec<(Sequence, PictureId)> = stored.iter().filter(is_new).copied().collect();
        if new.len() > self.pictures.len() {
            self.begin(stored)?;
        } else {
            self.leave_out_removed(&index);
            self.waiting
                .retain(|(sequence, _)| index.contains(*sequence));
            let known: HashSet<Sequence> =
                self.waiting.iter().map(|(sequence, _)| *sequence).collect();
            let new = new
                .into_iter()
                .filter(|(sequence, _)| !known.contains(sequence));
            self.waiting.extend(new);
        }
        self.index = Some(index);
        (self.seen, self.looked) = (seen, Some(Instant::now()));
        Ok(())
    }

    /// Lays all pictures on the plane in which they differ most.
    fn begin(&mut self, stored: Vec<(Sequence, PictureId)>) -> Result<(), Error> {
        let store = self.collection.store();
        let each = stored.len().div_ceil(SAMPLE).max(1);
        let sample = stored.iter().step_by(each);
        let sample = sample.filter_map(|picture| descriptor(store, *picture).transpose());
        let sample = sample.collect::<Result<Vec<Descriptor>, Error>>()?;
        let points = match Plane::of(&sample) {
            Some(plane) => {
                let places = stored.iter().map(|picture| {
                    let descriptor = descriptor(store, *picture)?;
                    Ok(descriptor.map_or([0.0; 2], |it| plane.place(&it)))
                });
                places.collect::<Result<_, Error>>()?
            }
            None => vec![[0.0; 2]; stored.len()],
        };
        self.layout = Layout::new(points);
        self.waiting = stored.iter().copied().collect();
        self.pictures = stored;
        self.number();
        Ok(())
    }

    fn leave_out_removed(&mut self, index: &Index) {
        let pictures = &self.pictures;
        self.layout
            .retain(&|place| index.contains(pictures[place].0));
        self.pictures
            .retain(|(sequence, _)| index.contains(*sequence));
        self.number();
    }

    fn number(&mut self) {
        let numbered = self.pictures.iter().zip(0..);
        self.places = numbered
            .map(|((sequence, _), place)| (*sequence, place))
            .collect();
    }

    /// Draws a picture to its neighbours; one without a place gets it from them.
    fn link(&mut self, sequence: Sequence, id: PictureId) -> Result<(), Error> {
        let Some(index) = self.index.clone() else {
            return Ok(());
        };
        let store = self.collection.store();
        let Some(descriptor) = descriptor(store, (sequence, id))? else {
            return Ok(());
        };
        let places = &self.places;
        let accept = |other: Sequence| other != sequence && places.contains_key(&other);
        let found = self
            .thread
            .install(|| index.search(&descriptor, NEIGHBOURS, &accept));
        let near = found
            .iter()
            .map(|found| (places[&found.sequence], 1.0 - found.cosine));
        let near: Vec<(u32, f32)> = near.collect();
        let place = match self.places.get(&sequence) {
            Some(place) => *place,
            None => {
                let neighbours: Vec<u32> = near.iter().map(|(place, _)| *place).collect();
                self.layout.add(&neighbours);
                let place = self.pictures.len() as u32;
                self.pictures.push((sequence, id));
                self.places.insert(sequence, place);
                place
            }
        };
        self.layout.link(place, &near);
        Ok(())
    }
}
/// A picture's descriptor; `None` if it was removed a moment ago, which the next look finds out.
fn descriptor(
    store: &Store,
    (sequence, id): (Sequence, PictureId),
) -> Result<Option<Descriptor>, Error> {
    match store.descriptor(sequence) {
        Err(_) if !store.contains(id)? => Ok(None),
        descriptor => Ok(Some(descriptor?)),
    }
}
