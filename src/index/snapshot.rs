//! The graphs on disk: a file each, and `snapshot.toml`, which names them and says of which store they
//! are. Replacing that small file is the commit.

use std::io;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Vectors;
use super::frozen::Frozen;
use super::graph::GraphOptions;
use crate::atomic_file::AtomicFile;
use crate::network::NetworkId;
use crate::store::{Sequence, Store, now_ms};

#[derive(Serialize, Deserialize)]
struct Snapshot {
    /// Layout of this file and of the graphs.
    version: u32,
    network: NetworkId,
    /// How the pictures are described.
    descriptor: String,
    /// The store whose sequence numbers they hold.
    store: String,
    saved_at_ms: u64,
    links: usize,
    ef_construction: usize,
    /// Points of all graphs.
    points: usize,
    /// The last sequence number among them.
    last: u64,
    /// The names of the files.
    graphs: Vec<String>,
}

/// What is known of a snapshot without loading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapshotInfo {
    /// Points in the graphs.
    pub points: usize,
    /// The last picture that they cover.
    pub last: Sequence,
    /// Seconds since it was saved.
    pub age_s: u64,
}

const VERSION: u32 = 3;
const FILE: &str = "snapshot.toml";
/// How the names of the graphs' files begin; a time follows, and a number if there are several.
const PREFIX: &str = "graph-";

/// What is known of the saved index without loading it: reads the small file only.
pub fn snapshot_info(store: &Store) -> Option<SnapshotInfo> {
    let snapshot = read(&store.index_dir()?)?;
    Some(SnapshotInfo {
        points: snapshot.points,
        last: Sequence(snapshot.last),
        age_s: now_ms().saturating_sub(snapshot.saved_at_ms) / 1000,
    })
}

fn read(dir: &Path) -> Option<Snapshot> {
    let text = std::fs::read_to_string(dir.join(FILE)).ok()?;
    toml::from_str(&text)
        .inspect_err(|error| tracing::warn!(%error, "the index's snapshot is unreadable"))
        .ok()
        .filter(|snapshot: &Snapshot| snapshot.version == VERSION)
}

/// The graphs of the last snapshot that can be used. What is missing, damaged or foreign only costs
/// building it anew.
pub(super) fn load(store: &Store, options: GraphOptions) -> Vec<Arc<Frozen>> {
    let Some(dir) = store.index_dir() else {
        return Vec::new();
    };
    let Some(snapshot) = read(&dir) else {
        return Vec::new();
    };
    let shape = (options.links, options.ef_construction);
    if snapshot.network != *store.network()
        || snapshot.descriptor != store.descriptor_id()
        || snapshot.store != store.mark()
        || (snapshot.links, snapshot.ef_construction) != shape
    {
        tracing::info!("the index's snapshot is of another store or shape; building it anew");
        return Vec::new();
    }
    // Without a picture nobody knows how long a descriptor is, and there is nothing to find.
    let Some(Ok((_, first))) = store.descriptors(Sequence(0)).next() else {
        return Vec::new();
    };
    let open = |name: &String| {
        if !is_own(name) {
            return Err(io::Error::other("its name is not one that simdex gives"));
        }
        let frozen = Frozen::open(&dir, name, first.values().len(), options)?;
        let is_of_pictures = last(&frozen) < Some(Sequence(store.next_sequence()));
        match is_of_pictures && !are_others(&frozen, store) {
            true => Ok(Arc::new(frozen)),
            false => Err(io::Error::other("its points are not pictures of the store")),
        }
    };
    let usable = |name: &String| {
        let warn = "a graph of the index cannot be used; its pictures go into another";
        open(name)
            .inspect_err(|error| tracing::warn!(%error, graph = name, "{warn}"))
            .ok()
    };
    snapshot.graphs.iter().filter_map(usable).collect()
}

/// How many points are looked at for one whose picture is still there.
const NEWEST: usize = 64;

/// Whether the numbers of a graph are other pictures' by now: a store that was restored from an older
/// backup gives numbers out again, those of the newest points among them.
fn are_others(frozen: &Frozen, store: &Store) -> bool {
    let newest = frozen.sequences().rev().take(NEWEST);
    let mut there = newest.filter_map(|sequence| Some((sequence, store.row(sequence).ok()??)));
    let newest = there.next();
    newest.is_some_and(|(sequence, row)| !frozen.finds(sequence, &row.descriptor))
}

fn last(frozen: &Frozen) -> Option<Sequence> {
    frozen.sequences().next_back()
}

fn is_own(name: &str) -> bool {
    let number = name.strip_prefix(PREFIX);
    number.is_some_and(|number| number.chars().all(|c| c.is_ascii_digit() || c == '-'))
}

/// Writes a graph into a file of its own, which counts once it is named by [`save`].
///
/// # Errors
/// If the folder cannot be written.
pub(super) fn save_graph(graph: &Frozen, dir: &Path) -> io::Result<Frozen> {
    std::fs::create_dir_all(dir)?;
    let mut name = format!("{PREFIX}{}", now_ms());
    while dir.join(&name).exists() {
        name.push_str("-1");
    }
    graph.save(dir, &name)
}

/// Has the snapshot name these graphs, and deletes all others.
///
/// # Errors
/// If the folder cannot be written.
pub(super) fn save(
    graphs: &[Arc<Frozen>],
    options: GraphOptions,
    store: &Store,
    dir: &Path,
) -> io::Result<()> {
    let last = graphs.iter().filter_map(|graph| last(graph)).max();
    let snapshot = Snapshot {
        version: VERSION,
        network: store.network().clone(),
        descriptor: store.descriptor_id().to_owned(),
        store: store.mark().to_owned(),
        saved_at_ms: now_ms(),
        links: options.links,
        ef_construction: options.ef_construction,
        points: graphs.iter().map(|graph| graph.len()).sum(),
        last: last.map_or(0, |last| last.0),
        graphs: graphs.iter().map(|graph| graph.name().to_owned()).collect(),
    };
    let text = toml::to_string(&snapshot).map_err(io::Error::other)?;
    std::fs::create_dir_all(dir)?;
    AtomicFile::new(&dir.join(FILE)).write(text.as_bytes())?;
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let is_kept = snapshot.graphs.iter().any(|kept| *kept == name);
        if name.starts_with(PREFIX) && !is_kept {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
