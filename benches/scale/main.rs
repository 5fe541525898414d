//! `cargo bench --bench scale`: a store grows to ten thousand, a hundred thousand and a million pictures;
//! at each size how fast it takes them, how much room they need, how soon it answers when it is
//! opened, how many of the true neighbours are proposed, what a filter costs by how many pictures it lets
//! through, how long searches take alone and beside eight clients and an ingest, and how much memory it
//! takes.
//!
//! The pictures are mixes of a few hundred real ones, drawn and run through the network: descriptor and
//! embedding lie between those of two of them, the activations are one's. Most are in nobody's
//! neighbourhood by hash, so none is a near-copy.
//!
//! `SIMDEX_SCALE=10000,100000` sets other sizes, `SIMDEX_SCALE_DIR=DIR` a folder that stays: a run that
//! was stopped goes on there.
//!
//! `SIMDEX_SCALE_PHASE="peers 100000"` has hnswlib and usearch (from pip) index the same descriptors, and
//! answer the same queries, beside simdex's index.

mod filtered;
mod peers;
#[path = "../common/python.rs"]
mod python;

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use simdex::activation::Encoding;
use simdex::app::{Collection, Example, Extraction, Heads, Observer, Question};
use simdex::config::Config;
use simdex::demo::drawing::{Motif, draw};
use simdex::edit::jpeg;
use simdex::head::Ranking;
use simdex::index::IndexWriter;
use simdex::ingest::extract;
use simdex::network::{Descriptor, Embedding, Network};
use simdex::picture::{PerceptualHash, PictureId};
use simdex::search::SearchOptions;
use simdex::store::{NewPicture, PictureOutcome, Sequence, Source, Store, StoreOptions};

type Failure = Box<dyn std::error::Error>;

/// Sizes of the store.
const SIZES: &[u64] = &[10_000, 100_000, 1_000_000];
/// Pictures that all others are mixes of.
const REAL: u64 = 600;
/// Pictures that are stored at once.
const BATCH: u64 = 64;
/// Searches whose candidates are held against a scan.
const RECALLED: u64 = 100;
/// Candidates of a search.
const CANDIDATES: usize = 200;
/// Searches that are timed.
const TIMED: u64 = 300;
/// Clients that search at once, and searches a second of all of them.
const CLIENTS: u64 = 8;
const RATE: u64 = 10;
/// How long they do.
const BESIDE: Duration = Duration::from_secs(30);

fn main() -> Result<(), Failure> {
    let scratch = tempfile::tempdir()?;
    let dir = std::env::var_os("SIMDEX_SCALE_DIR").map_or(scratch.path().to_owned(), Into::into);
    if let Ok(phase) = std::env::var("SIMDEX_SCALE_PHASE") {
        let (phase, size) = phase.split_once(' ').ok_or("a phase and a size")?;
        return phase_of(phase, size.parse()?, &dir);
    }
    let sizes = match std::env::var("SIMDEX_SCALE") {
        Ok(sizes) => sizes.split(',').map(str::parse).collect::<Result<_, _>>()?,
        Err(_) => SIZES.to_vec(),
    };
    for size in sizes {
        println!("\n{size} pictures");
        // Each in a process of its own, so that its memory is its own.
        for phase in ["grow", "recall", "filter", "search", "beside"] {
            let status = Command::new(std::env::current_exe()?)
                .env("SIMDEX_SCALE_PHASE", format!("{phase} {size}"))
                .env("SIMDEX_SCALE_DIR", &dir)
                .status()?;
            if !status.success() {
                return Err(format!("{phase}: {status}").into());
            }
        }
    }
    Ok(())
}

fn phase_of(phase: &str, size: u64, dir: &Path) -> Result<(), Failure> {
    match phase {
        "grow" => grow(size, dir),
        "recall" => recall(dir),
        "filter" => filtered::compare(dir),
        "search" => search(dir),
        "peers" => peers::compare(dir),
        _ => beside(size, dir),
    }
}

fn config(dir: &Path) -> Config {
    let mut config = Config {
        data_dir: Some(dir.join("store")),
        ..Config::default()
    };
    config.store.activations = Encoding::Compact;
    config
}

fn store(network: &Network, dir: &Path) -> Result<Arc<Store>, Failure> {
    let options = StoreOptions {
        network,
        activations: Encoding::Compact,
        recent_bytes: None,
        reserve_bytes: 1 << 30,
    };
    Ok(Arc::new(Store::open(&dir.join("store"), &options)?))
}

/// Pictures that others are mixes of.
struct Mixer(Vec<NewPicture>);

impl Mixer {
    fn new(network: &Network) -> Result<Self, Failure> {
        let config = Config::default();
        let engine = simdex::network::Engine::start(&config.runtime(), &|_| ())?;
        let mut extractor = engine.extractor(network)?;
        let layout = network.layout(Encoding::Compact);
        let limits = config.picture.limits();
        let real = (0..REAL).map(|n| {
            let motif = Motif::ALL[n as usize % Motif::ALL.len()];
            let bytes = jpeg(&draw(motif, n, 480, 360), 86)?;
            Ok(extract(&bytes, &limits, &mut extractor, &layout)?)
        });
        Ok(Self(real.collect::<Result<_, Failure>>()?))
    }

    fn picture(&self, number: u64) -> NewPicture {
        let mut random = ChaCha8Rng::seed_from_u64(number);
        let [a, b] = [(); 2].map(|()| &self.0[random.random_range(0..self.0.len())]);
        let share: f32 = random.random();
        let mut mixed = |a: &[f32], b: &[f32]| -> Vec<f32> {
            let noise = 0.5 / (a.len() as f32).sqrt();
            let values = a.iter().zip(b);
            let mix = |(a, b): (&f32, &f32)| a * share + b * (1.0 - share);
            let values = values.map(mix);
            values
                .map(|v| v + random.random_range(-noise..noise))
                .collect()
        };
        NewPicture {
            id: PictureId::of(&number.to_le_bytes()),
            descriptor: Descriptor::normalized(mixed(a.descriptor.values(), b.descriptor.values())),
            embedding: Embedding::normalized(&mixed(a.embedding.values(), b.embedding.values())),
            perceptual_hash: PerceptualHash(random.random()),
            width: a.width,
            height: a.height,
            media_type: a.media_type,
            bytes: a.bytes,
            look: a.look.clone(),
            thumbnail: a.thumbnail.clone(),
            block: a.block.clone(),
        }
    }

    fn outcome(&self, number: u64) -> PictureOutcome {
        let origin = Source::File {
            path: format!("/pictures/{number}.jpg").into(),
            bytes: 1,
            modified_ns: 1,
        };
        PictureOutcome::Picture(origin, Box::new(self.picture(number)))
    }
}

/// Fills the store up, and builds the index and all else that searches need.
fn grow(size: u64, dir: &Path) -> Result<(), Failure> {
    let network = Network::builtin()?;
    let store = store(&network, dir)?;
    let mixer = Mixer::new(&network)?;
    let there = store.next_sequence();
    let started = Instant::now();
    let mut number = there;
    while number < size {
        let batch = number..(number + BATCH).min(size);
        number = batch.end;
        let outcomes = batch.into_par_iter().map(|n| mixer.outcome(n));
        store.commit(outcomes.collect())?;
    }
    let took = started.elapsed();
    let started = Instant::now();
    let mut writer = IndexWriter::open(&store, &config(dir).index, &|_, _| true)?;
    writer.save()?;
    let built = started.elapsed();
    let per_second = |count: u64, took: Duration| count as f64 / took.as_secs_f64().max(1e-9);
    println!(
        "  stored {:.0}/s, index built in {:.1} s ({:.0}/s); {:.1} KB a picture, records {:.2}; {} MB resident at most",
        per_second(size.saturating_sub(there), took),
        built.as_secs_f64(),
        per_second(size.saturating_sub(there), built),
        store.disk_bytes()? as f64 / size as f64 / 1e3,
        folder_bytes(&dir.join("store/records"))? as f64 / size as f64 / 1e3,
        status("VmHWM"),
    );
    drop((writer, store));
    // What a search needs besides is made by the first, and saved.
    let collection = collection(dir)?;
    ask(&collection, &collection.heads().named(None)?, 7)?;
    Ok(())
}

/// Bytes of the files in a folder.
fn folder_bytes(folder: &Path) -> Result<u64, Failure> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        bytes += match entry.file_type()?.is_dir() {
            true => folder_bytes(&entry.path())?,
            false => entry.metadata()?.len(),
        };
    }
    Ok(bytes)
}

/// Candidates of pictures that are not stored, against a scan of all descriptors.
fn recall(dir: &Path) -> Result<(), Failure> {
    let network = Network::builtin()?;
    let store = store(&network, dir)?;
    let mixer = Mixer::new(&network)?;
    let index = IndexWriter::open(&store, &config(dir).index, &|_, _| true)?.index();
    let queries = (0..RECALLED).map(|n| mixer.picture((1 << 60) + n).descriptor);
    let queries: Vec<Descriptor> = queries.collect();
    let nearest = nearest(&store, &queries)?;
    let (mut found, mut times) = (0, Vec::new());
    for (query, nearest) in queries.iter().zip(&nearest) {
        let started = Instant::now();
        let proposed = index.search(query, CANDIDATES, &|_| true);
        times.push(started.elapsed().as_secs_f64() * 1e3);
        let is_proposed = |near: &&Sequence| proposed.iter().any(|c| c.sequence == **near);
        found += nearest.iter().filter(is_proposed).count();
    }
    println!(
        "  candidates: recall@{CANDIDATES} {:.4}, {}",
        found as f64 / (RECALLED as usize * CANDIDATES) as f64,
        Quantiles(times),
    );
    Ok(())
}

/// The true nearest of each query, in any order.
fn nearest(store: &Store, queries: &[Descriptor]) -> Result<Vec<Vec<Sequence>>, Failure> {
    let mut found: Vec<Vec<(f32, Sequence)>> = vec![Vec::new(); queries.len()];
    let keep = |found: &mut Vec<(f32, Sequence)>| {
        found.sort_by(|a, b| b.0.total_cmp(&a.0));
        found.truncate(CANDIDATES);
    };
    for entry in store.descriptors(Sequence(0)) {
        let (sequence, descriptor) = entry?;
        for (query, found) in queries.iter().zip(&mut found) {
            found.push((query.cosine(&descriptor), sequence));
            if found.len() >= 8 * CANDIDATES {
                keep(found);
            }
        }
    }
    found.iter_mut().for_each(keep);
    let sequences = found.into_iter();
    Ok(sequences
        .map(|all| all.into_iter().map(|(_, it)| it).collect())
        .collect())
}

fn collection(dir: &Path) -> Result<Collection, Failure> {
    let config = config(dir);
    let extraction = Extraction::new(&config, Observer::silent())?;
    let heads = Heads::new(&extraction, &config.query.head);
    Ok(Collection::open(
        config,
        extraction,
        heads,
        Observer::silent(),
    )?)
}

/// A search for a stored picture, in milliseconds: without a network's pass.
fn ask(collection: &Collection, head: &Arc<Ranking>, number: u64) -> Result<f64, Failure> {
    let question = Question {
        wanted: vec![Example::Stored(PictureId::of(&number.to_le_bytes()))],
        ..Question::default()
    };
    let options = SearchOptions::new(10, CANDIDATES);
    let started = Instant::now();
    collection.search(&question, head, &options)?;
    Ok(started.elapsed().as_secs_f64() * 1e3)
}

/// From opening to the first answer, then one search after the other.
fn search(dir: &Path) -> Result<(), Failure> {
    let started = Instant::now();
    let collection = collection(dir)?;
    let opened = started.elapsed();
    let head = collection.heads().named(None)?;
    let started = Instant::now();
    ask(&collection, &head, 7)?;
    let first = started.elapsed();
    let stored = collection.store().next_sequence();
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let times = (0..TIMED).map(|_| ask(&collection, &head, random.random_range(0..stored)));
    let times = times.collect::<Result<Vec<f64>, _>>()?;
    println!(
        "  opened in {:.2} s, first answer after {:.2} s more; {}; {} MB resident",
        opened.as_secs_f64(),
        first.as_secs_f64(),
        Quantiles(times),
        status("VmRSS"),
    );
    Ok(())
}

/// Clients that ask at fixed times, beside an ingest.
fn beside(size: u64, dir: &Path) -> Result<(), Failure> {
    let mixer = Mixer::new(&Network::builtin()?)?;
    let collection = collection(dir)?;
    let head = collection.heads().named(None)?;
    ask(&collection, &head, 7)?;
    let (stop, started) = (AtomicBool::new(false), Instant::now());
    let first = collection.store().next_sequence().max(size);
    let (times, stored) = std::thread::scope(|scope| {
        let ingest = scope.spawn(|| {
            let mut number = first;
            while !stop.load(Ordering::Relaxed) {
                let batch = (number..number + BATCH).map(|n| mixer.outcome(n)).collect();
                if collection.store().commit(batch).is_err() {
                    break;
                }
                number += BATCH;
                // As fast as a network on two cores gives them.
                std::thread::sleep(Duration::from_millis(400));
            }
            number - first
        });
        let clients = (0..CLIENTS).map(|client| {
            let (collection, head) = (&collection, &head);
            scope.spawn(move || {
                let mut random = ChaCha8Rng::seed_from_u64(client);
                let mut times = Vec::new();
                for turn in (client..).step_by(CLIENTS as usize) {
                    let at = Duration::from_millis(turn * 1_000 / RATE);
                    if at > BESIDE {
                        return Ok(times);
                    }
                    std::thread::sleep(at.saturating_sub(started.elapsed()));
                    ask(collection, head, random.random_range(0..size))
                        .map_err(|e| e.to_string())?;
                    times.push((started.elapsed().saturating_sub(at)).as_secs_f64() * 1e3);
                }
                Ok(times)
            })
        });
        let clients: Vec<_> = clients.collect();
        let times = clients.into_iter().map(|client| match client.join() {
            Ok(times) => times,
            Err(_) => Err("a client panicked".to_owned()),
        });
        let times = times.collect::<Result<Vec<Vec<f64>>, String>>();
        stop.store(true, Ordering::Relaxed);
        (times, ingest.join().unwrap_or(0))
    });
    println!(
        "  {CLIENTS} clients, {RATE} searches/s, beside {:.0} pictures/s: {}; {} MB resident at most",
        stored as f64 / started.elapsed().as_secs_f64(),
        Quantiles(times?.concat()),
        status("VmHWM"),
    );
    Ok(())
}

/// Times in milliseconds.
struct Quantiles(Vec<f64>);

impl std::fmt::Display for Quantiles {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut times = self.0.clone();
        times.sort_unstable_by(f64::total_cmp);
        let at = |share: f64| times[((times.len() as f64 * share) as usize).min(times.len() - 1)];
        let [p50, p95, p99] = [0.5, 0.95, 0.99].map(at);
        write!(out, "p50 {p50:.1}, p95 {p95:.1}, p99 {p99:.1} ms")
    }
}

/// A line of this process's status, in MB; 0 where the system has none.
fn status(line: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|text| text.starts_with(line));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) / 1024
}
