//! Keeps an index up to date with its store.

use std::collections::HashSet;
use std::sync::Arc;

use super::exact::Exact;
use super::graph::{Graph, GraphOptions};
use super::near_duplicates::NearDuplicates;
use super::view::{Index, Points, tombstones};
use super::{IndexError, LATER, Progress, Vectors, snapshot};
use crate::config::IndexConfig;
use crate::store::{Sequence, Store, StoreError};

/// The one writer of a store's index. Searches go to the [`Index`] that it gives out.
pub struct IndexWriter {
    store: Arc<Store>,
    config: IndexConfig,
    current: Arc<Index>,
    /// How far the store's pictures are taken in: the sequence number that comes next, and
    /// how many of the removals that this process has seen.
    next: Sequence,
    removals: usize,
    /// And how often it had changed which pairs are no near-copies.
    changes_of_duplicates: u64,
    /// Points and groups that are not saved yet.
    unsaved: usize,
    /// Points inserted since all of them were last asked for.
    unaudited: usize,
}

/// A graph in which more than this share of the points was removed is built anew.
const MAX_TOMBSTONES: f64 = 0.2;
/// And so is one beside which more than this many originals are scanned.
const MAX_PROMOTED: usize = 1_000;
/// Once every so-manyth of a graph's points is new, all are asked for: later inserts may have
/// cut earlier points off.
const AUDIT_SHARE: usize = 5;
/// A scan that grew to so many times `[index] exact_below` is replaced by a graph.
const EXACT_GROWTH: usize = 2;

impl IndexWriter {
    /// Loads the last snapshot and inserts what came later; builds everything where there
    /// is no usable snapshot. Saves a new snapshot when the graph has changed; where that fails
    /// there is a warning, and the index is of use all the same.
    ///
    /// # Errors
    /// If the store fails.
    pub fn open(
        store: &Arc<Store>,
        config: &IndexConfig,
        progress: Progress<'_>,
    ) -> Result<Self, IndexError> {
        let next = Sequence(store.next_sequence());
        let removals = store.removed_since(0).len();
        let changes_of_duplicates = store.changes_of_duplicates();
        Ok(Self {
            current: Arc::new(build(store, config, next, progress)?),
            store: Arc::clone(store),
            config: config.clone(),
            next,
            removals,
            changes_of_duplicates,
            unsaved: 0,
            unaudited: 0,
        })
    }

    /// The index as it is now.
    pub fn index(&self) -> Arc<Index> {
        Arc::clone(&self.current)
    }

    /// The sequence number before which everything stored is taken in.
    pub fn next(&self) -> Sequence {
        self.next
    }

    /// Whether the store has changed since the last [`Self::refresh`].
    pub fn is_behind(&self) -> bool {
        self.store.next_sequence() > self.next.0
            || !self.store.removed_since(self.removals).is_empty()
            || self.store.changes_of_duplicates() != self.changes_of_duplicates
    }

    /// Takes in what was stored, removed and told apart since, and gives the index with it.
    ///
    /// # Errors
    /// If the store fails.
    pub fn refresh(&mut self) -> Result<Arc<Index>, IndexError> {
        let removed = self.store.removed_since(self.removals);
        let changes_of_duplicates = self.store.changes_of_duplicates();
        let is_told_apart = changes_of_duplicates != self.changes_of_duplicates;
        let end = Sequence(self.store.next_sequence());
        let mut new = Vec::new();
        for entry in self.store.descriptors(self.next) {
            let (sequence, descriptor) = entry?;
            if sequence >= end {
                break;
            }
            new.push((sequence, descriptor));
        }
        if new.is_empty() && removed.is_empty() && !is_told_apart {
            self.next = end;
            return Ok(self.index());
        }
        let before = &self.current;
        let mut near_duplicates = NearDuplicates::clone(&before.near_duplicates);
        let mut live = HashSet::clone(&before.live);
        let (mut points, mut promoted_points) = (before.points.clone(), before.promoted.clone());
        near_duplicates.remove(&removed);
        let is_regrouped = is_told_apart && near_duplicates.heed(&self.store)?;
        if is_regrouped || !removed.is_empty() {
            live = near_duplicates.originals().collect();
            match &mut points {
                Points::Exact(points) => *points = exact(&self.store, &live, self.next)?,
                Points::Graph(graph) => promoted_points = promoted(&self.store, graph, &live)?,
            }
        }
        let sequences: Vec<Sequence> = new.iter().map(|(sequence, _)| *sequence).collect();
        near_duplicates.take_in(&self.store, &sequences)?;
        new.retain(|(sequence, _)| near_duplicates.is_original(*sequence));
        live.extend(new.iter().map(|(sequence, _)| *sequence));
        points.vectors_mut().insert(&new);
        if let Points::Graph(graph) = &mut points {
            self.unaudited += new.len();
            if self.unaudited * AUDIT_SHARE >= graph.len() {
                // The points are in the graph by now: an error must not have them inserted
                // again. The next refresh audits instead.
                match graph.audit(&self.store, &live) {
                    Ok(()) => self.unaudited = 0,
                    Err(error) => tracing::warn!(%error, "the graph is not audited"),
                }
            }
        }
        self.current = Arc::new(Index {
            points,
            count: near_duplicates.len(),
            live: Arc::new(live),
            near_duplicates: Arc::new(near_duplicates),
            promoted: promoted_points,
        });
        self.next = end;
        self.removals += removed.len();
        self.changes_of_duplicates = changes_of_duplicates;
        self.unsaved += sequences.len() + removed.len() + usize::from(is_regrouped);
        if !self.current.is_graph() && self.current.len() >= self.most_scanned() {
            self.replace_scan(end);
        }
        Ok(self.index())
    }

    /// Builds a graph in the place of a scan that has grown. Where that fails, the scan does
    /// its work still, only slower.
    fn replace_scan(&mut self, end: Sequence) {
        // Only so that groups need not be made anew, which the graph is built over.
        if let Err(error) = self.save() {
            tracing::warn!(%error, "{LATER}");
        }
        match build(&self.store, &self.config, end, &|_, _| ()) {
            Ok(index) => self.current = Arc::new(index),
            Err(error) => tracing::warn!(%error, "the graph cannot be built; searches scan"),
        }
    }

    /// Pictures from which on a scan that has grown is replaced by a graph.
    fn most_scanned(&self) -> usize {
        self.config.exact_below.saturating_mul(EXACT_GROWTH)
    }

    /// Saves what was taken in since the last save, so that the next opening need not do it
    /// again.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn save(&mut self) -> Result<(), IndexError> {
        if self.unsaved == 0 {
            return Ok(());
        }
        self.current.near_duplicates.save(&self.store)?;
        if let Points::Graph(graph) = &self.current.points {
            save_graph(graph, &self.store)?;
        }
        self.unsaved = 0;
        Ok(())
    }
}

impl Index {
    /// A scan over the pictures in `kept` alone, as if all others had been removed from `store`,
    /// which is the index's own.
    ///
    /// # Errors
    /// If the store fails.
    pub fn among(&self, store: &Store, kept: &HashSet<Sequence>) -> Result<Self, StoreError> {
        let mut near_duplicates = NearDuplicates::clone(&self.near_duplicates);
        let all = store.pictures().map(|entry| Ok(entry?.0));
        let mut removed = all.collect::<Result<Vec<Sequence>, StoreError>>()?;
        removed.retain(|sequence| !kept.contains(sequence));
        near_duplicates.remove(&removed);
        let live: HashSet<Sequence> = near_duplicates.originals().collect();
        let points = exact(store, &live, Sequence(store.next_sequence()))?;
        Ok(Self {
            points: Points::Exact(points),
            count: near_duplicates.len(),
            live: Arc::new(live),
            near_duplicates: Arc::new(near_duplicates),
            promoted: Exact::default(),
        })
    }
}

/// Builds the index of everything stored before `end`, with what the last snapshot has of it.
fn build(
    store: &Store,
    config: &IndexConfig,
    end: Sequence,
    progress: Progress<'_>,
) -> Result<Index, IndexError> {
    let mut live = store
        .pictures()
        .map(|entry| Ok(entry?.0))
        .take_while(|sequence| sequence.as_ref().map_or(true, |sequence| *sequence < end))
        .collect::<Result<HashSet<_>, StoreError>>()?;
    let count = live.len();
    let near_duplicates = NearDuplicates::open(store, &live, progress)?;
    live.retain(|sequence| near_duplicates.is_original(*sequence));
    let (points, promoted) = if count < config.exact_below {
        let all = exact(store, &live, end)?;
        (Points::Exact(all), Exact::default())
    } else {
        let graph = graph(store, config, &live, progress)?;
        let promoted = promoted(store, &graph, &live)?;
        (Points::Graph(Box::new(graph)), promoted)
    };
    Ok(Index {
        points,
        count,
        live: Arc::new(live),
        near_duplicates: Arc::new(near_duplicates),
        promoted,
    })
}

/// A scan of the live pictures stored before `end`.
fn exact(store: &Store, live: &HashSet<Sequence>, end: Sequence) -> Result<Exact, StoreError> {
    let mut exact = Exact::default();
    for entry in store.descriptors(Sequence(0)) {
        let point = entry?;
        if point.0 >= end {
            break;
        }
        if live.contains(&point.0) {
            exact.insert(&[point]);
        }
    }
    Ok(exact)
}

/// The graph of the last snapshot, if it is still of use, with what came later.
fn graph(
    store: &Store,
    config: &IndexConfig,
    live: &HashSet<Sequence>,
    progress: Progress<'_>,
) -> Result<Graph, IndexError> {
    let options = GraphOptions::new(config, live.len());
    let loaded = snapshot::load(store, options).filter(|loaded| is_acceptable(loaded, live));
    let mut graph = loaded.unwrap_or_else(|| Graph::new(options));
    let inserted = graph.catch_up(store, live, progress)?;
    tracing::debug!(inserted, points = graph.len(), "the graph is up to date");
    if inserted > 0 {
        if inserted * AUDIT_SHARE >= graph.len() {
            // Later inserts may have cut earlier points off.
            graph.audit(store, live)?;
        }
        if let Err(error) = save_graph(&graph, store) {
            tracing::warn!(%error, "{LATER}");
        }
    }
    Ok(graph)
}

fn is_acceptable(graph: &Graph, live: &HashSet<Sequence>) -> bool {
    let dead = tombstones(graph, live);
    // What came after the last point is yet to be inserted.
    let last = graph.sequences().last().copied();
    let promoted = missing(graph, live).filter(|sequence| Some(*sequence) <= last);
    let promoted = promoted.count();
    let acceptable = dead as f64 <= graph.len() as f64 * MAX_TOMBSTONES && promoted <= MAX_PROMOTED;
    if !acceptable {
        tracing::info!(
            dead,
            promoted,
            "too many pictures of the index were removed or are no copies any more; building it anew"
        );
    }
    acceptable
}

/// A scan of the originals that are not in the graph: they were copies when it took in the
/// others, and no point of it need have come after them.
fn promoted(store: &Store, graph: &Graph, live: &HashSet<Sequence>) -> Result<Exact, StoreError> {
    let mut promoted = Exact::default();
    let mut missing: Vec<Sequence> = missing(graph, live).collect();
    missing.sort_unstable();
    for sequence in missing {
        if let Some((found, descriptor)) = store.descriptors(sequence).next().transpose()?
            && found == sequence
        {
            promoted.insert(&[(sequence, descriptor)]);
        }
    }
    Ok(promoted)
}

fn save_graph(graph: &Graph, store: &Store) -> Result<(), IndexError> {
    snapshot::save(graph, store).map_err(|source| IndexError::Save {
        what: "graph",
        path: store.index_dir().unwrap_or_default(),
        source,
    })
}

/// Originals that are not in a graph.
fn missing(graph: &Graph, live: &HashSet<Sequence>) -> impl Iterator<Item = Sequence> {
    let points: HashSet<Sequence> = graph.sequences().iter().copied().collect();
    let originals = live.iter().copied();
    originals.filter(move |sequence| !points.contains(sequence))
}
