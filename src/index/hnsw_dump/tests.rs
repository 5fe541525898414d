//! Dumps that are damaged on purpose: what passes the check, hnsw_rs can read and search.

use std::ops::Range;

use hnsw_rs::hnswio::HnswIo;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tempfile::TempDir;

use super::*;
use crate::config::Config;
use crate::index::Vectors;
use crate::index::graph::{Graph, GraphOptions};
use crate::network::Descriptor;
use crate::store::Sequence;

const POINTS: usize = 60;
const DIMENSIONS: usize = 8;

/// A graph's dump, in memory.
struct Dumped {
    dir: TempDir,
    graph: Vec<u8>,
    data: Vec<u8>,
}

impl Dumped {
    fn new() -> Self {
        let mut graph = Graph::new(GraphOptions::new(&Config::default().index, POINTS));
        let mut random = ChaCha8Rng::seed_from_u64(3);
        let points: Vec<(Sequence, Descriptor)> = (0..POINTS as u64)
            .map(|number| {
                let values = (0..DIMENSIONS).map(|_| random.random_range(-1.0..1.0));
                (Sequence(number), Descriptor::normalized(values.collect()))
            })
            .collect();
        graph.insert(&points);
        let dir = tempfile::tempdir().unwrap();
        write(&graph.hnsw, dir.path(), "g").unwrap();
        let read = |end: &str| std::fs::read(dir.path().join(end)).unwrap();
        Self {
            graph: read("g.hnsw.graph"),
            data: read("g.hnsw.data"),
            dir,
        }
    }

    /// Writes both files and reads them through.
    fn check(&self, graph: &[u8], data: &[u8]) -> io::Result<[u32; 2]> {
        let paths = ["g.hnsw.graph", "g.hnsw.data"].map(|name| self.dir.path().join(name));
        std::fs::write(&paths[0], graph).unwrap();
        std::fs::write(&paths[1], data).unwrap();
        let config = Config::default().index;
        let expected = Expected {
            points: POINTS,
            dimensions: DIMENSIONS,
            links: config.links,
            ef_construction: config.ef_construction,
        };
        check(&paths[0], &paths[1], &expected)
    }

    fn load(&self) -> Hnsw<'static, f32, DistL2> {
        let reader: &'static HnswIo = Box::leak(Box::new(HnswIo::new(self.dir.path(), "g")));
        reader.load_hnsw_with_dist(DistL2).unwrap()
    }

    /// Has hnsw_rs load what is there, search and grow.
    fn use_it(&self) {
        let hnsw = self.load();
        let point = [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
        assert!(!hnsw.search(&point, 5, 50).is_empty());
        hnsw.insert_slice((&point, POINTS));
    }
}

/// The fields of the graph's head.
fn fields() -> Vec<(&'static str, Range<usize>)> {
    let names = [type_name::<DistL2>().len(), type_name::<f32>().len()];
    let mut at = 0;
    [
        ("magic", 4),
        ("mode", 1),
        ("links", 1),
        ("scale", 8),
        ("layers", 1),
        ("ef", 8),
        ("points", 8),
        ("dimensions", 8),
        ("length of the distance's name", 8),
        ("the distance's name", names[0]),
        ("length of the type's name", 8),
        ("the type's name", names[1]),
        ("layers again", 1),
        ("magic of a layer", 4),
        ("points of the layer", 8),
        ("magic of a point", 4),
        ("number of the point", 8),
        ("layer of the point", 1),
        ("place of the point", 4),
        ("links of the point", 8),
    ]
    .map(|(name, length)| {
        let field = at..at + length;
        at += length;
        (name, field)
    })
    .to_vec()
}

#[test]
fn a_whole_dump_passes() {
    let dumped = Dumped::new();
    let sums = dumped.check(&dumped.graph, &dumped.data).unwrap();
    assert_eq!(
        sums,
        [&dumped.graph, &dumped.data].map(|bytes| crc32fast::hash(bytes))
    );
    dumped.use_it();
}

#[test]
fn a_graph_stays_as_steep_however_often_it_is_loaded() {
    let dumped = Dumped::new();
    let scale = |hnsw: &Hnsw<'_, f32, DistL2>| hnsw.get_point_indexation().get_level_scale();
    let loaded = dumped.load();
    let first = scale(&loaded);
    assert!((first - 1.0 / (Config::default().index.links as f64).ln()).abs() < 1e-9);
    write(&loaded, dumped.dir.path(), "g").unwrap();
    assert_eq!(scale(&dumped.load()), first);
}

#[test]
fn every_field_of_the_head_is_looked_at() {
    let dumped = Dumped::new();
    for (name, field) in fields() {
        for value in [0x00, 0x7f, 0xff] {
            let mut graph = dumped.graph.clone();
            graph[field.clone()].fill(value);
            if graph == dumped.graph {
                continue;
            }
            assert!(
                dumped.check(&graph, &dumped.data).is_err(),
                "{name}: {value}"
            );
        }
    }
    for (name, field) in [
        ("magic", 0..4),
        ("dimensions", 4..12),
        ("magic of a vector", 12..16),
        ("number of the vector", 16..24),
        ("length of the vector", 24..32),
        ("a value", 32..36),
    ] {
        for value in [0x7f, 0xff] {
            let mut data = dumped.data.clone();
            data[field.clone()].fill(value);
            assert!(
                dumped.check(&dumped.graph, &data).is_err(),
                "{name}: {value}"
            );
        }
    }
}

#[test]
fn files_that_end_early_or_late_are_refused() {
    let dumped = Dumped::new();
    let mut random = ChaCha8Rng::seed_from_u64(4);
    for _ in 0..200 {
        let graph = &dumped.graph[..random.random_range(0..dumped.graph.len())];
        assert!(dumped.check(graph, &dumped.data).is_err());
        let data = &dumped.data[..random.random_range(0..dumped.data.len())];
        assert!(dumped.check(&dumped.graph, data).is_err());
    }
    let longer = |bytes: &[u8]| [bytes, &[0]].concat();
    assert!(dumped.check(&longer(&dumped.graph), &dumped.data).is_err());
    assert!(dumped.check(&dumped.graph, &longer(&dumped.data)).is_err());
}

#[test]
fn what_passes_hnsw_rs_can_use() {
    let dumped = Dumped::new();
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let mut passed = 0;
    for _ in 0..3_000 {
        let (mut graph, mut data) = (dumped.graph.clone(), dumped.data.clone());
        let file = match random.random_ratio(3, 4) {
            true => &mut graph,
            false => &mut data,
        };
        let at = random.random_range(0..file.len());
        file[at] ^= 1 << random.random_range(0..8);
        if dumped.check(&graph, &data).is_ok() {
            dumped.use_it();
            passed += 1;
        }
    }
    assert!((1..2_000).contains(&passed), "{passed}");
}
