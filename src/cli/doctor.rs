//! `doctor`: whether everything that simdex needs is there.

use std::time::Instant;

use clap::Args;
use image::{Rgb, RgbImage};
use serde::Serialize;

use super::session::Session;
use super::{Format, Outcome, output};
use crate::app::IndexStatus;
use crate::crawl::with_causes;
use crate::ingest::worker_count;
use crate::network::{Engine, Network};
use crate::store::Store;

#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    /// How to print the findings
    #[arg(long, default_value = "text")]
    format: Format,
}

/// The JSON of `doctor`.
#[derive(Debug, Serialize)]
struct Findings {
    version: &'static str,
    runtime: Option<String>,
    /// Milliseconds for one picture on one thread, the median of 20.
    picture_ms: Option<f64>,
    workers: usize,
    network: String,
    store: String,
    store_ok: bool,
    images: Option<u64>,
    index: Option<IndexStatus>,
    problems: Vec<String>,
}

pub(super) fn run(session: &Session, args: DoctorArgs) -> anyhow::Result<Outcome> {
    let network = session.network()?;
    let mut problems = Vec::new();
    let mut note = |error: anyhow::Error| problems.push(with_causes(error.as_ref()));
    let engine = session.engine().map_err(|e| note(e.into())).ok();
    let picture_ms = engine.and_then(|engine| median_ms(engine, network).map_err(&mut note).ok());
    let dir = session.config.data_dir()?;
    let mut state = None;
    if Store::exists(&dir) {
        state = session
            .existing_collection()
            .and_then(|collection| collection.index_status())
            .map_err(|error| note(error.into()))
            .ok();
    }
    let (images, index) = state.map_or((None, None), |(images, index)| (Some(images), Some(index)));
    let findings = Findings {
        version: env!("CARGO_PKG_VERSION"),
        runtime: engine.map(Engine::description),
        picture_ms,
        workers: worker_count(),
        network: format!("{} ({})", network.manifest().name, network.id().short()),
        store: dir.display().to_string(),
        store_ok: images.is_some() || !Store::exists(&dir),
        images,
        index,
        problems,
    };
    match args.format {
        Format::Json => output::json(&findings)?,
        Format::Text => print(&findings)?,
    }
    anyhow::ensure!(
        findings.problems.is_empty(),
        "{} problem(s) found",
        findings.problems.len()
    );
    Ok(Outcome::Done)
}

fn print(findings: &Findings) -> anyhow::Result<()> {
    let mut text = format!(
        "simdex     {}\nnetwork    {}\nruntime    {}\n",
        findings.version,
        findings.network,
        findings.runtime.as_deref().unwrap_or("none"),
    );
    if let Some(ms) = findings.picture_ms {
        text += &format!(
            "speed      {ms:.1} ms a picture on one thread, {} workers\n",
            findings.workers
        );
    }
    text += &match (&findings.images, &findings.index) {
        (Some(images), Some(index)) => format!(
            "store      {} with {images} pictures\nindex      {}, {} points, {} removed\n",
            findings.store, index.kind, index.points, index.tombstones
        ),
        _ if findings.store_ok => format!("store      none yet in {}\n", findings.store),
        _ => format!("store      {} cannot be used\n", findings.store),
    };
    for problem in &findings.problems {
        text += &format!("problem    {problem}\n");
    }
    output::write(text.as_bytes())
}

/// The network's time for one picture, without decoding.
fn median_ms(engine: &Engine, network: &Network) -> anyhow::Result<f64> {
    let mut extractor = engine.extractor(network)?;
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
