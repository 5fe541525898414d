//! The graph on disk: hnsw_rs's two files and `snapshot.toml`, which names them, says
//! what they cover and holds their checksums. Replacing that small file is the commit.

use std::fs::File;
use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hnsw_rs::hnswio::HnswIo;
use hnsw_rs::prelude::DistL2;
use serde::{Deserialize, Serialize};

use super::graph::{Graph, GraphOptions};
use super::hnsw_dump::{self, Expected};
use crate::atomic_file::AtomicFile;
use crate::network::{Descriptor, NetworkId};
use crate::store::{Sequence, Store, now_ms};

#[derive(Serialize, Deserialize)]
struct Snapshot {
    /// Layout of this file and of the data beside it.
    version: u32,
    network: NetworkId,
    /// How the pictures are described.
    descriptor: String,
    /// The store whose sequence numbers it holds.
    store: String,
    /// Common part of the names of the files.
    name: String,
    points: usize,
    /// The last sequence number covered.
    last: u64,
    saved_at_ms: u64,
    links: usize,
    ef_construction: usize,
    /// CRC-32 of the graph, of the vectors and of the rest.
    checksums: [u32; 3],
}

/// What hnsw_rs does not keep.
#[derive(Serialize, Deserialize)]
struct Rest {
    sequences: Vec<u64>,
    strays: Vec<(u64, Vec<u8>)>,
    dimensions: usize,
}

impl Rest {
    /// Makes sure that the points are pictures of the store, in order, and that strays have
    /// their length.
    fn check(&self, of: Of) -> io::Result<()> {
        let ascend = self.sequences.is_sorted_by(|a, b| a < b);
        let last = self.sequences.last();
        if !ascend || last.is_none_or(|last| *last >= of.end) {
            return Err(invalid("its points are not pictures of the store"));
        }
        if !self.strays.is_empty() && self.dimensions != of.dimensions {
            return Err(invalid("a stray has the wrong length"));
        }
        Ok(())
    }
}

/// What is known of a snapshot without loading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapshotInfo {
    /// Points in the graph.
    pub points: usize,
    /// The last picture it covers.
    pub last: Sequence,
    /// Seconds since it was saved.
    pub age_s: u64,
}

const VERSION: u32 = 2;
const FILE: &str = "snapshot.toml";
/// How the names of the graph's files begin; a time follows, and a number if there are several.
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

/// Loads the snapshot in `dir`; `None` if there is none or it is damaged or foreign,
/// which only costs a rebuild.
pub(super) fn load(store: &Store, options: GraphOptions) -> Option<Graph> {
    let dir = &store.index_dir()?;
    let snapshot = read(dir)?;
    let shape = (options.links, options.ef_construction);
    if snapshot.network != *store.network()
        || snapshot.descriptor != store.descriptor_id()
        || snapshot.store != store.id()
        || (snapshot.links, snapshot.ef_construction) != shape
    {
        tracing::info!("the index's snapshot is of another store or shape; building it anew");
        return None;
    }
    // Without a picture nobody knows how long a descriptor is, and there is nothing to find.
    let (_, first) = store.descriptors(Sequence(0)).next()?.ok()?;
    let expected = Of {
        dimensions: first.values().len(),
        end: store.next_sequence(),
    };
    match load_checked(dir, &snapshot, options, expected) {
        Ok(graph) => Some(graph),
        Err(error) => {
            tracing::warn!(%error, "the index's snapshot is damaged; building the index anew");
            None
        }
    }
}

/// What the store says of its descriptors.
#[derive(Clone, Copy)]
struct Of {
    dimensions: usize,
    /// The sequence number that comes next.
    end: u64,
}

/// Loads a graph of which nothing is believed: whoever can write the folder can make checksums
/// fit, too, and hnsw_rs ends the process over some of what it cannot read.
fn load_checked(
    dir: &Path,
    snapshot: &Snapshot,
    options: GraphOptions,
    of: Of,
) -> io::Result<Graph> {
    let is_own = |c: char| c.is_ascii_digit() || c == '-';
    let number = snapshot.name.strip_prefix(PREFIX);
    if !number.is_some_and(|number| number.chars().all(is_own)) {
        return Err(invalid("its name is not one that simdex gives"));
    }
    let files = files(dir, &snapshot.name);
    let rest = std::fs::read(&files[2])?;
    let [graph_sum, data_sum, rest_sum] = snapshot.checksums;
    if crc32fast::hash(&rest) != rest_sum {
        return Err(mismatch(&files[2]));
    }
    let rest: Rest = postcard::from_bytes(&rest).map_err(|error| invalid(&error.to_string()))?;
    rest.check(of)?;
    let expected = Expected {
        points: rest.sequences.len(),
        dimensions: of.dimensions,
        links: options.links,
        ef_construction: options.ef_construction,
    };
    let sums = hnsw_dump::check(&files[0], &files[1], &expected)?;
    for (file, fits) in files
        .iter()
        .zip([sums[0] == graph_sum, sums[1] == data_sum])
    {
        if !fits {
            return Err(mismatch(file));
        }
    }
    // The graph borrows from its reader, which holds a path and two empty maps: a few
    // hundred bytes, once per process, so that the index owns itself.
    let reader: &'static HnswIo = Box::leak(Box::new(HnswIo::new(dir, &snapshot.name)));
    // hnsw_rs asserts on what it reads, which was looked at before.
    let hnsw = catch_unwind(AssertUnwindSafe(|| reader.load_hnsw_with_dist(DistL2)))
        .map_err(|_| invalid("hnsw_rs cannot read it"))?
        .map_err(|error| invalid(&error.to_string()))?;
    if hnsw.get_nb_point() != rest.sequences.len() {
        return Err(invalid("the graph and its sequences differ in length"));
    }
    let stray = |(sequence, bytes): &(u64, Vec<u8>)| {
        let descriptor = Descriptor::from_bytes(bytes, rest.dimensions)?;
        let is_unit = hnsw_dump::is_unit(descriptor.values());
        is_unit.then_some((Sequence(*sequence), descriptor))
    };
    let strays: Option<Vec<_>> = rest.strays.iter().map(stray).collect();
    let strays = strays.ok_or_else(|| invalid("a stray is no descriptor"))?;
    Ok(Graph {
        hnsw: Arc::new(hnsw),
        sequences: rest.sequences.into_iter().map(Sequence).collect(),
        strays,
        options,
    })
}

/// Writes the graph beside the old one, then switches over and deletes the old one. Of a
/// store in memory nothing is saved.
pub(super) fn save(graph: &Graph, store: &Store) -> io::Result<()> {
    let Some(dir) = &store.index_dir() else {
        return Ok(());
    };
    std::fs::create_dir_all(dir)?;
    let saved = save_files(graph, dir, store);
    // What a failed save has left would add up with every try.
    let keep = read(dir).map(|snapshot| snapshot.name);
    delete_others(dir, keep.as_deref())?;
    saved
}

fn save_files(graph: &Graph, dir: &Path, store: &Store) -> io::Result<()> {
    let name = format!("{PREFIX}{}", now_ms());
    // hnsw_rs panics where it cannot create its files.
    tempfile::tempfile_in(dir)?;
    let dump = catch_unwind(AssertUnwindSafe(|| {
        hnsw_dump::write(&graph.hnsw, dir, &name)
    }))
    .map_err(|_| io::Error::other("hnsw_rs could not write the graph"))?;
    let name = dump?;
    let files = files(dir, &name);
    let rest = Rest {
        sequences: graph.sequences.iter().map(|sequence| sequence.0).collect(),
        dimensions: graph.strays.first().map_or(0, |(_, e)| e.values().len()),
        strays: graph
            .strays
            .iter()
            .map(|(s, e)| (s.0, e.to_bytes()))
            .collect(),
    };
    let rest = postcard::to_stdvec(&rest).map_err(io::Error::other)?;
    std::fs::write(&files[2], rest)?;
    for file in &files {
        File::open(file)?.sync_all()?;
    }
    let snapshot = Snapshot {
        version: VERSION,
        network: store.network().clone(),
        descriptor: store.descriptor_id().to_owned(),
        store: store.id().to_owned(),
        points: graph.len(),
        last: graph.sequences.last().map_or(0, |last| last.0),
        saved_at_ms: now_ms(),
        links: graph.options.links,
        ef_construction: graph.options.ef_construction,
        checksums: [
            checksum(&files[0])?,
            checksum(&files[1])?,
            checksum(&files[2])?,
        ],
        name,
    };
    let text = toml::to_string(&snapshot).map_err(io::Error::other)?;
    AtomicFile::new(&dir.join(FILE)).write(text.as_bytes())
}

fn delete_others(dir: &Path, keep: Option<&str>) -> io::Result<()> {
    let keep = keep.map(|keep| format!("{keep}."));
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let kept = keep.as_ref().is_some_and(|keep| name.starts_with(keep));
        if name.starts_with(PREFIX) && !kept {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn files(dir: &Path, name: &str) -> [PathBuf; 3] {
    ["hnsw.graph", "hnsw.data", "rest"].map(|end| dir.join(format!("{name}.{end}")))
}

fn checksum(path: &Path) -> io::Result<u32> {
    let mut file = File::open(path)?;
    let mut hasher = crc32fast::Hasher::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hasher.finalize()),
            read => hasher.update(&buffer[..read]),
        }
    }
}

fn mismatch(file: &Path) -> io::Error {
    invalid(&format!("{} does not match its checksum", file.display()))
}

fn invalid(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message.to_owned())
}
