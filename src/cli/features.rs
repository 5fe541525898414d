//! `crawl --features-only`: catching up with what `crawl --fetch-only` has kept.

use super::crawl_report::{figures, print_summary};
use super::progress::{self, Problems, Progress};
use super::session::Session;
use super::{Format, Outcome};
use crate::app::AddEvent;

pub(super) fn run(session: &Session, format: Format) -> anyhow::Result<Outcome> {
    session.engine()?;
    let collection = session.existing_collection()?;
    let mut problems = Problems::new();
    let bar = Progress::new("features", collection.store().waiting_count());
    let mut done = 0;
    let end = collection.add_features(&session.shutdown, &mut |event| match event {
        AddEvent::Problem(problem) => problems.add(&problem.source, &problem.message),
        AddEvent::Progress(summary) => {
            done += 1;
            bar.set(done, || figures(summary));
        }
    })?;
    drop(bar);
    problems.finish();
    print_summary(&end.summary, format)?;
    if session.shutdown.requested() {
        progress::note("interrupted; `simdex crawl --features-only` goes on where it stopped");
        return Ok(Outcome::Interrupted);
    }
    Ok(Outcome::Done)
}
