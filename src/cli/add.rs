//! `add`: local files.

use std::path::PathBuf;

use clap::Args;

use super::crawl::report::{figures, print_summary};
use super::progress::{self, Problems, Progress};
use super::session::Session;
use super::{Format, Outcome};
use crate::app::AddEvent;

#[derive(Debug, Args)]
pub(super) struct AddArgs {
    /// Files and folders; folders are searched for pictures recursively
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// How to print the summary
    #[arg(long, default_value = "text")]
    format: Format,
}

pub(super) fn run(session: &Session, args: AddArgs) -> anyhow::Result<Outcome> {
    session.start_runtime()?;
    let collection = session.collection()?;
    let mut problems = Problems::default();
    let bar = Progress::new("adding", 0);
    let end = collection.add(&args.paths, &session.shutdown, &mut |event| match event {
        AddEvent::Problem(problem) => problems.add(&problem.source, &problem.message),
        AddEvent::Progress(summary) => bar.set(0, || figures(summary)),
    });
    drop(bar);
    problems.finish();
    let end = end?;
    print_summary(&end.summary, args.format)?;
    if session.shutdown.requested() {
        progress::note("interrupted; the same command goes on where it stopped");
        return Ok(Outcome::Interrupted);
    }
    Ok(if end.some_failed {
        Outcome::SomeFailed
    } else {
        Outcome::Done
    })
}
