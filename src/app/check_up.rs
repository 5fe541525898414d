//! Whether everything that simdex needs is there.

use std::time::Instant;

use image::{Rgb, RgbImage};
use serde::Serialize;

use super::{Collection, Error, Extraction, Heads, IndexStatus, Observer, has_store};
use crate::config::Config;
use crate::crawl::with_causes;
use crate::ingest::worker_count;
use crate::local_path::path_text;
use crate::network::Engine;

/// The JSON of `doctor`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CheckUp {
    /// The program's version.
    pub version: &'static str,
    /// The files of the configuration; what the first says goes before.
    pub config: Vec<String>,
    /// The network's runtime; null without one.
    pub runtime: Option<String>,
    /// Milliseconds for one picture on one thread, the median of 20.
    pub picture_ms: Option<f64>,
    /// Threads that run the network.
    pub workers: usize,
    /// The network's name and the start of its id.
    pub network: String,
    /// The store's folder.
    pub store: String,
    /// Whether the store can be used, or none is there yet.
    pub store_ok: bool,
    /// Pictures; null without a store.
    pub images: Option<u64>,
    /// The saved index; null without a store.
    pub index: Option<IndexStatus>,
    /// What is wrong, for people.
    pub problems: Vec<String>,
}

/// Runs the network once or more, and looks into the store, if one is there. What does not
/// work is among the problems.
///
/// # Errors
/// If there is no place for a store.
pub fn check_up(
    config: &Config,
    extraction: &Extraction,
    observer: Observer,
) -> Result<CheckUp, Error> {
    let mut problems = Vec::new();
    let mut note = |error: Error| problems.push(with_causes(&error));
    let engine = extraction.engine().map_err(&mut note).ok();
    let picture_ms =
        engine.and_then(|engine| median_ms(engine, extraction).map_err(&mut note).ok());
    let dir = config.data_dir()?;
    let mut state = None;
    let is_there = has_store(config).map_err(&mut note).unwrap_or(false);
    if is_there {
        let heads = Heads::new(extraction, &config.query.head);
        let opened = Collection::open_to_read(config.clone(), extraction.clone(), heads, observer);
        let status = opened.and_then(|collection| collection.index_status());
        state = status.map_err(&mut note).ok();
    }
    let (images, index) = state.map_or((None, None), |(images, index)| (Some(images), Some(index)));
    let network = extraction.network();
    Ok(CheckUp {
        version: env!("CARGO_PKG_VERSION"),
        config: config
            .files
            .iter()
            .map(|path| path.display().to_string())
            .collect(),
        runtime: engine.map(Engine::description),
        picture_ms,
        workers: worker_count(),
        network: format!("{} ({})", network.manifest().name, network.id().short()),
        store: path_text(&dir),
        store_ok: images.is_some() || !is_there,
        images,
        index,
        problems,
    })
}

/// The network's time for one picture, without decoding.
fn median_ms(engine: &Engine, extraction: &Extraction) -> Result<f64, Error> {
    let mut extractor = engine.extractor(extraction.network())?;
    let picture = RgbImage::from_fn(320, 240, |x, y| {
        Rgb([(x % 256) as u8, (y % 256) as u8, (x * y % 256) as u8])
    });
    let tile = extractor.tile(&picture);
    let mut times = Vec::new();
    // The first runs warm up memory and caches.
    for i in 0..25 {
        let started = Instant::now();
        extractor.run(&tile, |_| ())?;
        if i >= 5 {
            times.push(started.elapsed().as_secs_f64() * 1e3);
        }
    }
    times.sort_unstable_by(f64::total_cmp);
    Ok(times[times.len() / 2])
}
