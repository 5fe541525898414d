//! `cargo bench`: each stage with its floor beside it, measured in turns in one run.
//!
//! The machine's speed drifts, so only the ratios mean something. With photographs instead
//! of drawn pictures: `SIMDEX_BENCH_PHOTOS=DIR cargo bench`.

mod common;

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::{Failure, bare_rate, median, photos};
use rayon::prelude::*;
use simdex::activation::Activations;
use simdex::config::Config;
use simdex::demo::drawing::{Motif, draw};
use simdex::edit::jpeg;
use simdex::head::{ListContext, ListRule, Mode, NeighbourGraph, Ranking};
use simdex::index::IndexWriter;
use simdex::ingest::{Ingest, add_files, extract, read_file, worker_count};
use simdex::network::{Engine, Network};
use simdex::picture::{NetworkInput, decode, thumbnail};
use simdex::search::{Query, SearchOptions, Searcher, View};
use simdex::shutdown::Shutdown;
use simdex::store::{Store, StoreOptions};

/// Rounds of each pair of measurements; medians are printed.
const ROUNDS: usize = 3;
/// Pictures drawn where no photos are given.
const DRAWN: usize = 2_000;

fn main() -> Result<(), Failure> {
    let config = Config::default();
    let network = Network::builtin()?;
    let engine = Engine::start(&config.runtime(), &|step| eprintln!("{step}"))?;
    let scratch = tempfile::tempdir()?;
    let photos = match std::env::var_os("SIMDEX_BENCH_PHOTOS") {
        Some(dir) => photos(Path::new(&dir)),
        None => drawn(&scratch.path().join("drawn"))?,
    };
    println!(
        "{} pictures, {} workers, {}",
        photos.len(),
        worker_count(),
        engine.description()
    );
    one_picture(&config, &engine, &network, &photos)?;
    let store = ingest(&config, &engine, &network, &photos, scratch.path())?;
    query(&config, &engine, &network, &photos, &store)
}

fn drawn(dir: &Path) -> Result<Vec<PathBuf>, Failure> {
    eprintln!("drawing {DRAWN} pictures ...");
    std::fs::create_dir_all(dir)?;
    (0..DRAWN)
        .into_par_iter()
        .map(|i| {
            let picture = draw(Motif::ALL[i % Motif::ALL.len()], i as u64, 480, 360);
            let path = dir.join(format!("{i:05}.jpg"));
            let bytes = jpeg(&picture, 86).map_err(std::io::Error::other)?;
            std::fs::write(&path, bytes)?;
            Ok(path)
        })
        .collect::<std::io::Result<_>>()
        .map_err(Failure::from)
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// One picture on one thread, stage by stage.
fn one_picture(
    config: &Config,
    engine: &Engine,
    network: &Network,
    photos: &[PathBuf],
) -> Result<(), Failure> {
    let limits = config.picture.limits();
    let layout = network.layout(config.store.activations);
    let mut extractor = engine.extractor(network)?;
    let mut stages: [Vec<f64>; 5] = Default::default();
    for path in photos.iter().cycle().take(60) {
        let bytes = read_file(path, &limits)?;
        let mut times = [Instant::now(); 5];
        let decoded = decode(&bytes, &limits)?;
        times[1] = Instant::now();
        let tile: NetworkInput = extractor.tile(&decoded.rgb);
        times[2] = Instant::now();
        extractor.run(&tile, |features| black_box(features.layers.len()))?;
        times[3] = Instant::now();
        black_box((tile.perceptual_hash(), thumbnail(&decoded.rgb)));
        times[4] = Instant::now();
        for (stage, pair) in stages.iter_mut().zip(times.windows(2)) {
            stage.push(milliseconds(pair[1] - pair[0]));
        }
        let started = Instant::now();
        black_box(extract(&bytes, &limits, &mut extractor, &layout)?);
        stages[4].push(milliseconds(started.elapsed()));
    }
    let [decode, resize, network, thumbnail, all] = stages.map(median);
    println!(
        "\none picture, one thread (ms): decode {decode:.2}, resize {resize:.2}, network {network:.2}, thumbnail and hash {thumbnail:.2}"
    );
    println!(
        "  file bytes to record {all:.2}, of which int8 encoding and the rest {:.2}; floor: the network, ratio {:.2}",
        all - decode - resize - network - thumbnail,
        all / network
    );
    Ok(())
}

/// `add` of all pictures against the bare network on the same cores, in turns.
fn ingest(
    config: &Config,
    engine: &Engine,
    network: &Network,
    photos: &[PathBuf],
    scratch: &Path,
) -> Result<Arc<Store>, Failure> {
    let options = StoreOptions {
        network,
        activations: config.store.activations,
        recent_bytes: None,
        reserve_bytes: 0,
    };
    let (mut bare, mut added, mut last) = (Vec::new(), Vec::new(), None);
    for round in 0..ROUNDS {
        bare.push(bare_rate(engine, network, photos.len())?);
        drop(last.take());
        let dir = scratch.join(format!("store-{round}"));
        let store = Arc::new(Store::open(&dir, &options)?);
        let ingest = Ingest::start(&store, engine, network, config.picture.limits(), None, None)?;
        let started = Instant::now();
        add_files(photos, &store, ingest, &Shutdown::manual(), &mut |_| ())?;
        added.push(photos.len() as f64 / started.elapsed().as_secs_f64());
        if round > 0 {
            std::fs::remove_dir_all(scratch.join(format!("store-{}", round - 1)))?;
        }
        last = Some(store);
    }
    let ratio = median(added.iter().zip(&bare).map(|(a, b)| a / b).collect());
    println!(
        "\nadd: {:.0} pictures/s, bare network {:.0}/s on the same cores; ratio {ratio:.2} (aim .70)",
        median(added),
        median(bare)
    );
    last.ok_or_else(|| "no round was run".into())
}

/// Queries split by stage; re-scoring against reading the same bytes once.
fn query(
    config: &Config,
    engine: &Engine,
    network: &Network,
    photos: &[PathBuf],
    store: &Arc<Store>,
) -> Result<(), Failure> {
    let limits = config.picture.limits();
    let index = IndexWriter::open(store, &config.index, &|_, _| true)?.index();
    let view = View::new(store, Arc::clone(&index))?;
    let ranking = Ranking::named("mse18", network)?;
    let options = SearchOptions::new(config.query.k, config.query.candidates);
    let searcher = |ranking| Searcher::new(Arc::clone(store), view.clone(), Arc::new(ranking));
    let fused = searcher(Ranking::named("fused", network)?);
    let searcher = searcher(ranking);
    let fused_options = Mode::ALL.map(|mode| SearchOptions {
        mode,
        ..options.clone()
    });
    let mut by_mode: [Vec<f64>; 3] = Default::default();
    let mut neighbours = Vec::new();
    let mut extractor = engine.extractor(network)?;
    let (mut candidates, mut rescore, mut copy, mut ratios) = (vec![], vec![], vec![], vec![]);
    let mut pair = Vec::new();
    let mut buffer = vec![0u8; store.layout().block_len()];
    for path in photos.iter().step_by((photos.len() / 40).max(1)) {
        let picture = extract(
            &read_file(path, &limits)?,
            &limits,
            &mut extractor,
            store.layout(),
        )?;
        // Once to bring the candidates' pages into memory.
        let wanted = [vec![picture]];
        let query = Query {
            name: "drawn",
            wanted: &wanted,
            unwanted: &[],
            features_took: Duration::ZERO,
        };
        searcher.search(&query, &options)?;
        let result = searcher.search(&query, &options)?;
        let picture = &wanted[0][0];
        candidates.push(result.timing_ms.candidates);
        rescore.push(result.timing_ms.rescore);
        for (options, ratios) in fused_options.iter().zip(&mut by_mode) {
            fused.search(&query, options)?;
            let fused = fused.search(&query, options)?;
            ratios.push(fused.timing_ms.rescore / result.timing_ms.rescore);
        }
        let around = index
            .search(&picture.descriptor, 2 * options.candidates, &|_| true)
            .into_iter()
            .map(|candidate| store.descriptor(candidate.sequence))
            .collect::<Result<Vec<_>, _>>()?;
        let started = Instant::now();
        let graph = NeighbourGraph::new(&around);
        black_box(ListContext::new(graph, index.len(), ListRule::BySize));
        neighbours.push(milliseconds(started.elapsed()));
        let blocks = index
            .search(&picture.descriptor, options.candidates, &|_| true)
            .into_iter()
            .filter_map(|candidate| store.picture_at(candidate.sequence).ok().flatten())
            .map(|id| store.block(id))
            .collect::<Result<Vec<_>, _>>()?;
        let started = Instant::now();
        for block in &blocks {
            buffer.copy_from_slice(block);
            black_box(&buffer);
        }
        let copied = milliseconds(started.elapsed());
        ratios.push(result.timing_ms.rescore / copied);
        copy.push(copied);
        let own = Activations::new(store.layout(), &picture.block);
        let started = Instant::now();
        for block in &blocks {
            black_box(own.mses(Activations::new(store.layout(), block)));
        }
        pair.push(milliseconds(started.elapsed()) / blocks.len() as f64);
    }
    println!(
        "\nquery over {} pictures (ms): candidates {:.2} ({}), re-scoring {:.1} on {} threads",
        index.len(),
        median(candidates),
        if index.is_graph() {
            "hnsw"
        } else {
            "exact scan"
        },
        median(rescore),
        worker_count(),
    );
    for (mode, ratios) in Mode::ALL.iter().zip(by_mode) {
        println!(
            "  re-scoring by fused, {}: {:.2} of mse18's{}",
            mode.name(),
            median(ratios),
            if *mode == Mode::SameSubject {
                " (aim 1.3)"
            } else {
                ""
            }
        );
    }
    println!(
        "  of which neighbourhoods among {} pictures {:.1}",
        2 * options.candidates,
        median(neighbours)
    );
    println!(
        "  floor: copying the same {:.0} MB once on one thread {:.1}; ratio {:.2} (aim 2); one pair {:.3} on one thread",
        options.candidates.min(index.len()) as f64 * buffer.len() as f64 / 1e6,
        median(copy),
        median(ratios),
        median(pair),
    );
    Ok(())
}
