//! Keeps an index up to date with its store.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::building::{Building, Plan, build, is_acceptable, points};
use super::exact::Exact;
use super::frozen::Frozen;
use super::graph::GraphOptions;
use super::near_duplicates::{Grouping, NearDuplicates};
use super::view::Index;
use super::{IndexError, LATER, Progress, Vectors, snapshot};
use crate::config::IndexConfig;
use crate::store::{Sequence, Store, StoreError};

/// The one writer of a store's index. Searches go to the [`Index`] that it gives out.
pub struct IndexWriter {
    store: Arc<Store>,
    config: IndexConfig,
    grouping: Grouping,
    current: Arc<Index>,
    /// How far the store's pictures are taken in: the sequence number that comes next, and
    /// how many of the removals that this process has seen.
    next: Sequence,
    removals: usize,
    /// And how often it had changed which pairs are no near-copies.
    changes_of_duplicates: u64,
    /// Groups that are not saved yet.
    unsaved: usize,
    /// The graph in the making.
    building: Option<Building>,
    /// When one may be tried again, after it could not be built.
    not_before: Option<Instant>,
}

/// Pictures that are built into one graph when the index is opened. A process that is stopped loses
/// no more work than that.
const MOST_BUILT: usize = 250_000;
/// A scan that grew to so many times `[index] exact_below` is replaced by the first graph.
const GROWTH: usize = 2;
/// Graphs of fewer pictures are built at once.
const SOON: usize = 2_000;
/// How long after one could not be built the next is tried.
const PATIENCE: Duration = Duration::from_secs(600);

impl IndexWriter {
    /// Loads the last snapshot and takes in what came later; builds everything where there
    /// is no usable snapshot. Saves a new snapshot when a graph was built; where that fails
    /// there is a warning, and the index is of use all the same.
    ///
    /// # Errors
    /// If the store fails, or `progress` says that it is not to go on.
    pub fn open(
        store: &Arc<Store>,
        config: &IndexConfig,
        progress: Progress<'_>,
    ) -> Result<Self, IndexError> {
        let next = Sequence(store.next_sequence());
        let removals = store.removed_since(0).len();
        let changes_of_duplicates = store.changes_of_duplicates();
        let grouping = Grouping::open(store, next, progress)?;
        let near_duplicates = grouping.now().clone();
        let mut frozen = Vec::new();
        // Below that a scan is faster.
        if near_duplicates.len() >= config.exact_below {
            frozen = snapshot::load(store, GraphOptions::new(config));
            let before = frozen.len();
            frozen.retain(|graph| is_acceptable(graph, &near_duplicates));
            if frozen.len() < before {
                tracing::info!("too many pictures of a graph were removed; building it anew");
            }
        }
        let mut writer = Self {
            current: Arc::new(Index {
                frozen,
                newest: Exact::default(),
                near_duplicates,
            }),
            store: Arc::clone(store),
            config: config.clone(),
            grouping,
            next,
            removals,
            changes_of_duplicates,
            unsaved: 0,
            building: None,
            not_before: None,
        };
        writer.complete(progress)?;
        Ok(writer)
    }

    /// The index as it is now.
    pub fn index(&self) -> Arc<Index> {
        Arc::clone(&self.current)
    }

    /// The sequence number before which everything stored is taken in.
    pub fn next(&self) -> Sequence {
        self.next
    }

    /// Whether the store has changed since the last [`Self::refresh`], or a graph is ready.
    pub fn is_behind(&self) -> bool {
        self.store.next_sequence() > self.next.0
            || !self.store.removed_since(self.removals).is_empty()
            || self.store.changes_of_duplicates() != self.changes_of_duplicates
            || self.building.as_ref().is_some_and(Building::is_finished)
    }

    /// Whether a graph is in the making, or ready to be taken over by [`Self::refresh`].
    pub fn is_building(&self) -> bool {
        self.building.is_some()
    }

    fn options(&self) -> GraphOptions {
        GraphOptions::new(&self.config)
    }

    /// Puts all originals that no graph has into new ones, which are saved, or leaves them to a scan
    /// if they are few.
    fn complete(&mut self, progress: Progress<'_>) -> Result<(), IndexError> {
        let near_duplicates = self.current.near_duplicates.clone();
        let mut frozen = self.current.frozen.clone();
        let mut missing = missing(&near_duplicates, &frozen);
        if missing.len() >= self.unit() {
            let mut done = 0;
            for part in missing.chunks(MOST_BUILT) {
                let tell = |inserted: usize| progress(done + inserted, missing.len());
                let graph = build(&self.store, self.options(), part, &tell)?;
                done += part.len();
                frozen.extend(graph.map(Arc::new));
                frozen = self.saved(frozen);
            }
            missing.clear();
        }
        let mut newest = Exact::default();
        newest.insert(&points(&self.store, &missing)?);
        self.current = Arc::new(Index {
            frozen,
            newest,
            near_duplicates,
        });
        Ok(())
    }

    /// Pictures that make a graph.
    fn unit(&self) -> usize {
        self.config.exact_below.max(1)
    }

    /// The graphs with those among them that had no file in one of their own, and a snapshot that
    /// names them all. Where that fails there is a warning, and they stay in memory.
    fn saved(&self, mut graphs: Vec<Arc<Frozen>>) -> Vec<Arc<Frozen>> {
        let Some(dir) = self.store.index_dir() else {
            return graphs;
        };
        let mut save = || {
            for graph in graphs.iter_mut().filter(|graph| graph.name().is_empty()) {
                *graph = Arc::new(snapshot::save_graph(graph, &dir)?);
            }
            snapshot::save(&graphs, self.options(), &self.store, &dir)
        };
        if let Err(error) = save() {
            tracing::warn!(%error, "{LATER}");
        }
        graphs
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
        if !new.is_empty() || !removed.is_empty() || is_told_apart {
            self.grouping.remove(&removed);
            let is_regrouped = is_told_apart && self.grouping.heed(&self.store)?;
            let sequences: Vec<Sequence> = new.iter().map(|(sequence, _)| *sequence).collect();
            self.grouping.take_in(&self.store, &sequences)?;
            let near_duplicates = self.grouping.now().clone();
            new.retain(|(sequence, _)| near_duplicates.has_original(*sequence));
            let before = self.current.near_duplicates.departures();
            let mut newest = match near_duplicates.departures() == before {
                true => self.current.newest.clone(),
                false => self.scan(&near_duplicates, &self.current.frozen)?,
            };
            newest.insert(&new);
            self.current = Arc::new(Index {
                frozen: self.current.frozen.clone(),
                newest,
                near_duplicates,
            });
            self.unsaved += sequences.len() + removed.len() + usize::from(is_regrouped);
            self.removals += removed.len();
            self.changes_of_duplicates = changes_of_duplicates;
        }
        self.next = end;
        self.grow_up();
        Ok(self.index())
    }

    /// Takes over the graph that was in the making, and begins the next one that is due. Where that
    /// fails, searches go on as they were.
    fn grow_up(&mut self) {
        if let Some(building) = self.building.take_if(|building| building.is_finished()) {
            let replaced = building.replaced.clone();
            self.take_over(building.finish(), &replaced);
        }
        if self.building.is_some() || self.not_before.is_some_and(|until| Instant::now() < until) {
            return;
        }
        let index = &self.current;
        let unit = match index.frozen.is_empty() {
            true => self.unit().saturating_mul(GROWTH),
            false => self.unit(),
        };
        let scanned: Vec<Sequence> = index.newest.sequences().collect();
        let Some(plan) = Plan::due(&index.frozen, &scanned, &index.near_duplicates, unit) else {
            return;
        };
        if plan.sequences.len() > SOON {
            self.building = Some(Building::start(&self.store, self.options(), plan));
            return;
        }
        let built = build(&self.store, self.options(), &plan.sequences, &|_| true);
        self.take_over(built, &plan.replaced);
    }

    fn take_over(&mut self, built: Result<Option<Frozen>, IndexError>, replaced: &[Arc<Frozen>]) {
        let built = match built {
            Ok(built) => built,
            Err(error) => {
                tracing::warn!(%error, "a graph cannot be built; searches go on without it");
                self.not_before = Some(Instant::now() + PATIENCE);
                return;
            }
        };
        let index = &self.current;
        let mut frozen = index.frozen.clone();
        frozen.retain(|graph| !replaced.iter().any(|other| Arc::ptr_eq(graph, other)));
        frozen.extend(built.map(Arc::new));
        let frozen = self.saved(frozen);
        let near_duplicates = index.near_duplicates.clone();
        let newest = self.scan(&near_duplicates, &frozen);
        match newest {
            Ok(newest) => {
                self.current = Arc::new(Index {
                    frozen,
                    newest,
                    near_duplicates,
                });
            }
            Err(error) => tracing::warn!(%error, "a graph is not used"),
        }
    }

    /// What was taken in and is in no graph.
    fn scan(
        &self,
        near_duplicates: &NearDuplicates,
        frozen: &[Arc<Frozen>],
    ) -> Result<Exact, StoreError> {
        let mut missing = missing(near_duplicates, frozen);
        missing.retain(|sequence| *sequence < self.next);
        let newest = &self.current.newest;
        let mut scan = newest.only(&|sequence| missing.binary_search(&sequence).is_ok());
        let known: HashSet<Sequence> = scan.sequences().collect();
        missing.retain(|sequence| !known.contains(sequence));
        scan.insert(&points(&self.store, &missing)?);
        Ok(scan)
    }

    /// Saves what was taken in since the last save, so that the next opening need not do it
    /// again.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn save(&mut self) -> Result<(), IndexError> {
        if self.unsaved > 0 {
            self.grouping.save(&self.store)?;
            self.unsaved = 0;
        }
        Ok(())
    }
}

impl Drop for IndexWriter {
    /// Nobody holds the store after this.
    fn drop(&mut self) {
        if let Some(building) = self.building.take() {
            building.stop();
        }
    }
}

impl Index {
    /// A scan over the pictures in `kept` alone, as if all others had been removed from `store`,
    /// which is the index's own.
    ///
    /// # Errors
    /// If the store fails.
    pub fn among(&self, store: &Store, kept: &HashSet<Sequence>) -> Result<Self, StoreError> {
        let mut near_duplicates = self.near_duplicates.clone();
        let all = store.pictures().map(|entry| Ok(entry?.0));
        let mut removed = all.collect::<Result<Vec<Sequence>, StoreError>>()?;
        removed.retain(|sequence| !kept.contains(sequence));
        near_duplicates.remove(&removed);
        let originals: Vec<Sequence> = near_duplicates.originals().collect();
        let mut newest = Exact::default();
        newest.insert(&points(store, &originals)?);
        Ok(Self {
            frozen: Vec::new(),
            newest,
            near_duplicates,
        })
    }
}

/// Originals that are in no graph, in the order of storing.
fn missing(near_duplicates: &NearDuplicates, frozen: &[Arc<Frozen>]) -> Vec<Sequence> {
    let points = frozen.iter().map(|graph| graph.sequences().peekable());
    let mut points: Vec<_> = points.collect();
    let is_missing = |original: &Sequence| {
        !points.iter_mut().any(|points| {
            while points.next_if(|point| point < original).is_some() {}
            points.peek() == Some(original)
        })
    };
    near_duplicates.originals().filter(is_missing).collect()
}
