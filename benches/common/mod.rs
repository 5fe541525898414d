//! What the benchmarks share.

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use simdex::demo::drawing::{Motif, draw};
use simdex::ingest::worker_count;
use simdex::network::{Engine, Network};
use simdex::picture::looks_like_picture;

pub type Failure = Box<dyn std::error::Error>;

/// The pictures in a folder and below.
pub fn photos(dir: &Path) -> Vec<PathBuf> {
    walkdir::WalkDir::new(dir)
        .sort_by_file_name()
        .into_iter()
        .filter_map(Result::ok)
        .map(walkdir::DirEntry::into_path)
        .filter(|path| path.is_file() && looks_like_picture(path))
        .collect()
}

/// The value in the middle.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Pictures a second through one session per core, all outputs, nothing else.
pub fn bare_rate(engine: &Engine, network: &Network, count: usize) -> Result<f64, Failure> {
    let extractors = (0..worker_count())
        .map(|_| engine.extractor(network))
        .collect::<Result<Vec<_>, _>>()?;
    let picture = draw(Motif::Lake, 1, 480, 360);
    let left = AtomicUsize::new(count);
    let started = Instant::now();
    std::thread::scope(|scope| {
        for mut extractor in extractors {
            let (left, picture) = (&left, &picture);
            scope.spawn(move || {
                let tile = extractor.tile(picture);
                let take = |n: usize| n.checked_sub(1);
                while left
                    .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
                    .is_ok()
                {
                    if extractor.run(&tile, |f| black_box(f.layers.len())).is_err() {
                        break;
                    }
                }
            });
        }
    });
    Ok(count as f64 / started.elapsed().as_secs_f64())
}
