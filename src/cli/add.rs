use std::path::PathBuf;
use std::time::Instant;

use clap::Args;

use super::crawl_report::{figures, print_summary};
use super::progress::{self, Problems, Progress};
use super::session::Session;
use super::{Format, Outcome};
use crate::crawl::{Reason, Summary};
use crate::ingest::{FileReport, Ingest, add_files};

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
    let network = session.network()?;
    let engine = session.engine()?;
    let store = session.store(&network)?;
    let limits = session.config.picture.limits();
    let ingest = Ingest::start(&store, &engine, &network, limits, None)?;
    let started = Instant::now();
    let mut summary = Summary::default();
    let mut problems = Problems::new();
    let mut failed = false;
    let bar = Progress::new("adding", 0);
    add_files(
        &args.paths,
        &store,
        ingest,
        &session.shutdown,
        &mut |report| {
            match report {
                FileReport::Found { bytes } => {
                    summary.images_found += 1;
                    summary.bytes += bytes;
                }
                FileReport::Unchanged => {
                    summary.images_found += 1;
                    summary.duplicates += 1;
                }
                FileReport::Unreadable { path, message } => {
                    failed = true;
                    summary.fail(Reason::Unreadable);
                    problems.add(&path.display().to_string(), &message);
                }
                FileReport::PictureOutcome(receipt) => {
                    if let Some(problem) = summary.count(receipt) {
                        failed = true;
                        problems.add(&problem.source, &problem.message);
                    }
                }
            }
            summary.elapsed_s = started.elapsed().as_secs_f64();
            bar.set(0, || figures(&summary));
        },
    )?;
    drop(bar);
    problems.finish();
    let used = summary.images_indexed + summary.duplicates;
    anyhow::ensure!(
        !failed || used > 0 || session.shutdown.requested(),
        "nothing could be indexed"
    );
    if !session.shutdown.requested() {
        session.update_index(&store)?;
    }
    summary.elapsed_s = started.elapsed().as_secs_f64();
    print_summary(&summary, args.format)?;
    if session.shutdown.requested() {
        progress::note("interrupted; the same command goes on where it stopped");
        return Ok(Outcome::Interrupted);
    }
    Ok(if failed {
        Outcome::SomeFailed
    } else {
        Outcome::Done
    })
}
