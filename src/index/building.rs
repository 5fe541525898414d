//! Graphs in the making, on a thread of their own: searches and new pictures go on meanwhile.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use super::IndexError;
use super::Vectors;
use super::frozen::Frozen;
use super::graph::{Graph, GraphOptions};
use super::near_duplicates::NearDuplicates;
use crate::network::Descriptor;
use crate::store::{Sequence, Store, StoreError};

/// Points inserted between two looks at whether to stop, and two steps of the progress bar.
const CHUNK: usize = 500;
/// So many graphs of one size are made one.
const MERGED: usize = 4;
/// No graph is made of more points: half an hour's work on two cores.
const MOST_MERGED: usize = 1_000_000;
/// A graph in which more than this share of the points was removed is built anew.
const MAX_TOMBSTONES: f64 = 0.2;

/// A graph that is to be built.
pub(super) struct Plan {
    /// Of these pictures, in the order of storing.
    pub(super) sequences: Vec<Sequence>,
    /// In the place of these graphs.
    pub(super) replaced: Vec<Arc<Frozen>>,
}

impl Plan {
    /// What is worth building now: `unit` pictures make a graph, and `MERGED` graphs of one size a
    /// larger one, so that few are searched and no picture is built into many.
    pub(super) fn due(
        frozen: &[Arc<Frozen>],
        scanned: &[Sequence],
        near_duplicates: &NearDuplicates,
        unit: usize,
    ) -> Option<Self> {
        if scanned.len() >= unit {
            return Some(Self {
                sequences: scanned.to_vec(),
                replaced: Vec::new(),
            });
        }
        let living = |graph: &Arc<Frozen>| {
            let points = graph.sequences();
            let points = points.filter(|point| near_duplicates.has_original(*point));
            points.collect::<Vec<_>>()
        };
        let replace = |replaced: Vec<Arc<Frozen>>| {
            let mut sequences: Vec<Sequence> = replaced.iter().flat_map(living).collect();
            sequences.sort_unstable();
            Self {
                sequences,
                replaced,
            }
        };
        let mut sizes: HashMap<u32, Vec<Arc<Frozen>>> = HashMap::new();
        for graph in frozen {
            let size = (graph.len() / unit.max(1)).max(1).ilog2() / MERGED.ilog2();
            sizes.entry(size).or_default().push(Arc::clone(graph));
        }
        let points = |graphs: &[Arc<Frozen>]| graphs.iter().map(|graph| graph.len()).sum::<usize>();
        let mergeable = sizes.into_values().filter_map(|mut graphs| {
            graphs.truncate(MERGED);
            (graphs.len() == MERGED && points(&graphs) <= MOST_MERGED).then_some(graphs)
        });
        mergeable.min_by_key(|graphs| points(graphs)).map(replace)
    }
}

/// Whether not too many of a graph's points are gone.
pub(super) fn is_acceptable(graph: &Frozen, near_duplicates: &NearDuplicates) -> bool {
    let points = graph.sequences();
    let dead = points.filter(|sequence| !near_duplicates.has_original(*sequence));
    dead.count() as f64 <= graph.len() as f64 * MAX_TOMBSTONES
}

/// A graph of some pictures of a store, given in the order of storing; `None` if there are none.
/// `progress` is told of those inserted so far, and says whether to go on.
///
/// # Errors
/// If the store fails, or it was not to go on.
pub(super) fn build(
    store: &Store,
    options: GraphOptions,
    sequences: &[Sequence],
    progress: &dyn Fn(usize) -> bool,
) -> Result<Option<Frozen>, IndexError> {
    let mut graph = Graph::new(options, sequences.len());
    let mut inserted = 0;
    for chunk in sequences.chunks(CHUNK) {
        let points = points(store, chunk)?;
        graph.insert(&points);
        inserted += points.len();
        if !progress(inserted) {
            return Err(IndexError::Interrupted);
        }
    }
    if inserted == 0 {
        return Ok(None);
    }
    let frozen = Frozen::of(graph, options);
    frozen.map(Some).map_err(IndexError::Build)
}

/// A thread that builds.
pub(super) struct Building {
    pub(super) replaced: Vec<Arc<Frozen>>,
    thread: JoinHandle<Result<Option<Frozen>, IndexError>>,
    stop: Arc<AtomicBool>,
}

impl Building {
    /// Begins. The thread has the priority of the one that calls.
    pub(super) fn start(store: &Arc<Store>, options: GraphOptions, plan: Plan) -> Self {
        let store = Arc::clone(store);
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let sequences = plan.sequences;
        let thread = std::thread::spawn(move || {
            let go_on = |_| !stopped.load(Ordering::Relaxed);
            let work = || build(&store, options, &sequences, &go_on);
            // Searches share the threads of the common pool: none should wait there.
            match rayon::ThreadPoolBuilder::new().build() {
                Ok(threads) => threads.install(work),
                Err(_) => work(),
            }
        });
        Self {
            replaced: plan.replaced,
            thread,
            stop,
        }
    }

    pub(super) fn is_finished(&self) -> bool {
        self.thread.is_finished()
    }

    /// What it has built; waits for it.
    ///
    /// # Errors
    /// If the store failed.
    pub(super) fn finish(self) -> Result<Option<Frozen>, IndexError> {
        self.thread.join().unwrap_or_else(|_| {
            let error = std::io::Error::other("the thread that builds a graph panicked");
            Err(IndexError::Build(error))
        })
    }

    /// Has it stop within a second or so, and waits for that.
    pub(super) fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        // What it says of that is of no use any more.
        let _ = self.finish();
    }
}

/// The descriptors of some pictures of a store, given in the order of storing. One that was removed
/// meanwhile is left out.
///
/// # Errors
/// If the store fails.
pub(super) fn points(
    store: &Store,
    sequences: &[Sequence],
) -> Result<Vec<(Sequence, Descriptor)>, StoreError> {
    let (Some(first), Some(last)) = (sequences.first(), sequences.last()) else {
        return Ok(Vec::new());
    };
    let mut points = Vec::with_capacity(sequences.len());
    if (last.0 - first.0) as usize / sequences.len() > SPARSE {
        for &sequence in sequences {
            match store.descriptor(sequence) {
                Ok(descriptor) => points.push((sequence, descriptor)),
                Err(_) if store.picture_at(sequence)?.is_none() => {}
                Err(error) => return Err(error),
            }
        }
        return Ok(points);
    }
    let mut wanted = sequences.iter().peekable();
    for entry in store.descriptors(*first) {
        let (sequence, descriptor) = entry?;
        while wanted.next_if(|wanted| **wanted < sequence).is_some() {}
        match wanted.peek() {
            Some(&&next) if next == sequence => points.push((sequence, descriptor)),
            Some(_) => {}
            None => break,
        }
    }
    Ok(points)
}

/// If one picture of more than so many is wanted, each is read by itself.
const SPARSE: usize = 8;
