//! `add`: local files.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::crawl::report::{file_figures, print_file_summary};
use super::opened::answered_by;
use super::progress::{self, Problems, Progress};
use super::session::Session;
use super::{Format, Outcome};
use crate::app::{self, AddEnd, AddEvent, AddOptions, Collection, Exclude, has_store};
use crate::crawl::Summary;
use crate::local_path::path_text;
use crate::plural::{counted, counted_as};
use crate::serve::{Connection, SERVE, Server};

#[derive(Debug, Args)]
pub(super) struct AddArgs {
    /// Files and folders; folders are searched for pictures recursively
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Leave out files and folders of this name, or with a slash, at this path from the folder
    /// that is added; * and ? stand for characters, ** for folders
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<Exclude>,
    /// Read hidden files and folders, too
    #[arg(long)]
    hidden: bool,
    /// Drop files that are gone also where they are more than 100 and more than a tenth of their
    /// folder
    #[arg(long)]
    drop_missing: bool,
    /// How to print the summary
    #[arg(long, default_value = "text")]
    format: Format,
}

pub(super) fn run(session: &Session, args: AddArgs) -> anyhow::Result<Outcome> {
    // A slip of the pen makes no store.
    let is_there = |path: &PathBuf| path.symlink_metadata().is_ok();
    if !has_store(&session.config)? && !args.paths.iter().any(is_there) {
        progress::line(&no_pictures(&args.paths, 0));
        return Err(app::Error::NothingAdded.into());
    }
    let store = AddTo::opened(session)?;
    let options = AddOptions {
        hidden: args.hidden,
        exclude: args.exclude,
        drop_missing: args.drop_missing,
    };
    let mut problems = Problems::default();
    let listing = Progress::new("listing files", 0);
    listing.set(0, || "listing files".to_owned());
    let mut bar = None;
    let mut listing = Some(listing);
    let mut observe = |event: AddEvent<'_>| match event {
        AddEvent::Problem(problem) => problems.add(&problem.source, &problem.message),
        AddEvent::Progress(summary) => {
            listing = None;
            let bar = bar.get_or_insert_with(|| Progress::new("adding", summary.images_found));
            bar.set(done(summary), || so_far(summary));
        }
        AddEvent::Skipped(files) => {
            progress::line(&format!("{files}: no format that simdex reads"));
        }
        AddEvent::NoPictures { folders, left_out } => {
            progress::line(&no_pictures(&folders, left_out));
        }
        AddEvent::Kept(kept) => progress::line(&kept.to_string()),
    };
    let end = store.add(session, &args.paths, &options, &mut observe);
    drop((bar, listing));
    problems.finish();
    let end = end?;
    print_file_summary(&end.summary, args.format)?;
    if session.shutdown.requested() {
        progress::note("interrupted; the same command goes on where it stopped");
        return Ok(Outcome::Interrupted);
    }
    if args.format == Format::Text && end.summary.images_indexed + end.summary.duplicates > 0 {
        progress::hint(&format!(
            "next: {} finds pictures like one of yours, {} those that are there twice",
            session.command("query FILE"),
            session.command("duplicates")
        ));
    }
    Ok(if end.some_failed {
        Outcome::SomeFailed
    } else {
        Outcome::Done
    })
}

/// The store that is filled: opened here, or by a server that fills it for others.
enum AddTo {
    Here {
        collection: Collection,
        /// Answers others until it is dropped.
        _server: Server,
    },
    There(Arc<Connection>),
}

impl AddTo {
    fn opened(session: &Session) -> anyhow::Result<Self> {
        // Whoever fills it himself has to be waited for, as the lock says.
        if let Some(connection) = session.owner()?
            && connection.owner().command == SERVE
        {
            answered_by(&connection);
            return Ok(Self::There(Arc::new(connection)));
        }
        session.start_runtime()?;
        let collection = session.alone(Session::collection)?;
        let server = Server::start(&collection, "add")?;
        Ok(Self::Here {
            collection,
            _server: server,
        })
    }

    fn add(
        &self,
        session: &Session,
        paths: &[PathBuf],
        options: &AddOptions,
        observe: &mut dyn FnMut(AddEvent<'_>),
    ) -> anyhow::Result<AddEnd> {
        let shutdown = &session.shutdown;
        match self {
            Self::Here { collection, .. } => {
                Ok(collection.add_with(paths, options, shutdown, observe)?)
            }
            Self::There(connection) => {
                let intake = Connection::intake(connection, session.config.picture.limits());
                app::add_files(paths, options, &**connection, intake, shutdown, observe)
            }
        }
    }
}

/// Files that something came of.
fn done(summary: &Summary) -> u64 {
    let done = summary.images_indexed + summary.duplicates + summary.problems();
    done.min(summary.images_found)
}

/// How far it is, how fast, and how long it takes yet.
fn so_far(summary: &Summary) -> String {
    let (done, seconds) = (done(summary), summary.elapsed_s.max(0.001));
    let rate = done as f64 / seconds;
    let left = (summary.images_found - done) as f64 / rate.max(0.001);
    let left = match done {
        0 => String::new(),
        _ => format!(", {} left", duration(left)),
    };
    format!(
        "{done} of {} ({rate:.1}/s{left}), {}",
        counted(summary.images_found, "file"),
        file_figures(summary)
    )
}

fn duration(seconds: f64) -> String {
    let seconds = seconds.round() as u64;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3_600, seconds / 60 % 60),
    }
}

fn no_pictures(paths: &[PathBuf], left_out: u64) -> String {
    let paths: Vec<String> = paths.iter().map(|path| path_text(path)).collect();
    let hidden = match left_out {
        0 => String::new(),
        _ => format!(
            "; {} left out (--hidden reads hidden ones)",
            counted_as(
                left_out,
                "hidden or excluded one was",
                "hidden or excluded ones were"
            )
        ),
    };
    format!(
        "there is no picture that simdex reads in {}{hidden}",
        paths.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_is_told_with_the_total_and_the_rate() {
        let mut summary = Summary {
            images_found: 400,
            elapsed_s: 2.0,
            ..Summary::default()
        };
        assert!(so_far(&summary).starts_with("0 of 400 files (0.0/s), "));
        summary.images_indexed = 90;
        summary.duplicates = 10;
        let text = so_far(&summary);
        assert!(
            text.starts_with("100 of 400 files (50.0/s, 6 s left), "),
            "{text}"
        );
        assert!(!text.contains("pages"), "{text}");
        assert_eq!(duration(61.2), "1 min 1 s");
        assert_eq!(duration(7_260.0), "2 h 1 min");
    }
}
