//! `crawl --features-only`: catching up with what `crawl --fetch-only` has kept.

use super::report::{file_figures, print_file_summary};
use crate::app::AddEvent;
use crate::cli::progress::{self, Problems, Progress};
use crate::cli::session::Session;
use crate::cli::{Format, Outcome};
use crate::serve::Server;

pub(super) fn run(session: &Session, format: Format) -> anyhow::Result<Outcome> {
    session.start_runtime()?;
    let collection = session.alone(Session::existing_collection)?;
    let _server = Server::start(&collection, "crawl")?;
    let mut problems = Problems::default();
    let bar = Progress::new("features", collection.store().waiting_count());
    let mut done = 0;
    let end = collection.add_features(&session.shutdown, &mut |event| match event {
        AddEvent::Problem(problem) => problems.add(&problem.source, &problem.message),
        AddEvent::Progress(summary) => {
            done += 1;
            bar.set(done, || file_figures(summary));
        }
        _ => {}
    })?;
    drop(bar);
    problems.finish();
    print_file_summary(&end.summary, format)?;
    if session.shutdown.requested() {
        progress::note("interrupted; `simdex crawl --features-only` goes on where it stopped");
        return Ok(Outcome::Interrupted);
    }
    Ok(match end.summary.postponed {
        0 => Outcome::Done,
        _ => Outcome::SomeFailed,
    })
}
