//! `crawl --features-only`: catching up with what `crawl --fetch-only` has kept.

use std::time::Instant;

use super::crawl_report::{figures, print_summary};
use super::progress::{self, Problems, Progress};
use super::session::Session;
use super::{Format, Outcome};
use crate::crawl::Summary;
use crate::ingest::{Ingest, add_features};

pub(super) fn run(session: &Session, format: Format) -> anyhow::Result<Outcome> {
    let network = session.network()?;
    let engine = session.engine()?;
    let store = session.existing_store(&network)?;
    let limits = session.config.picture.limits();
    let ingest = Ingest::start(&store, &engine, &network, limits, None)?;
    let started = Instant::now();
    let total = store.waiting_count();
    let mut summary = Summary {
        images_found: total,
        ..Summary::default()
    };
    let mut problems = Problems::new();
    let bar = Progress::new("features", total);
    let mut done = 0;
    add_features(&store, ingest, &session.shutdown, &mut |receipt| {
        done += 1;
        if let Some(problem) = summary.count(receipt) {
            problems.add(&problem.source, &problem.message);
        }
        // They were fetched before.
        summary.images_fetched = 0;
        summary.elapsed_s = started.elapsed().as_secs_f64();
        bar.set(done, || figures(&summary));
    })?;
    drop(bar);
    problems.finish();
    if !session.shutdown.requested() {
        session.update_index(&store)?;
    }
    print_summary(&summary, format)?;
    if session.shutdown.requested() {
        progress::note("interrupted; `simdex crawl --features-only` goes on where it stopped");
        return Ok(Outcome::Interrupted);
    }
    Ok(Outcome::Done)
}
