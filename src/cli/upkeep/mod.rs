//! `verify`, `backup`, `restore`, `repair`, `compact`, `store`: looking after a store.

#[cfg(feature = "cluster")]
mod copy;
mod verify;

use std::path::PathBuf;

use clap::Args;
#[cfg(feature = "cluster")]
use clap::Subcommand;

use super::progress::{self, Progress};
use super::session::Session;
use super::{Format, Outcome, output};
use crate::app::{self, RepairReport};
use crate::config::Keep;
use crate::plural::{counted, counted_as, noun_of};
use crate::store::BackupOptions;
#[cfg(feature = "cluster")]
use crate::store::PointsMade;
pub(super) use verify::{VerifyArgs, verify};

#[derive(Debug, Args)]
pub(super) struct BackupArgs {
    /// Folder of the backup; one that is there is brought up to date
    dir: PathBuf,
    /// Link what will not change instead of copying it, where both are on one disk
    #[arg(long)]
    link: bool,
    /// Delete from the backup what the store no longer has, as removed pictures
    #[arg(long)]
    prune: bool,
    /// Do not read what lies in the backup already, but take it for whole by its length
    #[arg(long)]
    quick: bool,
    /// How to print the result
    #[arg(long, default_value = "text")]
    format: Format,
}

#[cfg(feature = "cluster")]
#[derive(Debug, Args)]
pub(super) struct StoreArgs {
    #[command(subcommand)]
    action: StoreAction,
}

#[cfg(feature = "cluster")]
#[derive(Debug, Subcommand)]
enum StoreAction {
    /// Bring the database up to this version, or make one ready; may be run again at any time
    Migrate,
    /// Copy a store into a folder or onto servers; run again, it goes on where it was
    Copy(copy::CopyArgs),
}

#[derive(Debug, Args)]
pub(super) struct RestoreArgs {
    /// Folder of the backup
    dir: PathBuf,
    /// How to print the result
    #[arg(long, default_value = "text")]
    format: Format,
}

#[derive(Debug, Args)]
pub(super) struct RepairArgs {
    /// How to print the result
    #[arg(long, default_value = "text")]
    format: Format,
}

#[derive(Debug, Args)]
pub(super) struct CompactArgs {
    /// How much to keep of a picture: `full`, `compact`, which is a hundredth, or `"recent 20 GB"`, which
    /// is full for the newest, as many as take so much, and compact for the rest. There is no way back to
    /// full
    #[arg(long)]
    keep: Option<Keep>,
    /// How to print the result
    #[arg(long, default_value = "text")]
    format: Format,
}

#[cfg(feature = "cluster")]
pub(super) fn store(session: &Session, args: &StoreArgs) -> anyhow::Result<Outcome> {
    match &args.action {
        StoreAction::Migrate => {
            let mut bar = None;
            let progress = &mut |done: u64, total: u64| {
                let bar = bar.get_or_insert_with(|| Progress::new("preparing the search", total));
                bar.set(done, || {
                    format!(
                        "{done} of {} prepared for the search",
                        counted(total, "picture")
                    )
                });
                !session.shutdown.requested()
            };
            let migrated = app::migrate(&session.config, session.extraction()?, progress)?;
            drop(bar);
            progress::note(&format!("the database has version {}", migrated.version));
            let (text, outcome) = match migrated.points {
                PointsMade::Whole { .. } => {
                    ("it finds what is near by pgvector".to_owned(), Outcome::Done)
                }
                PointsMade::Unavailable(reason) => (
                    format!("each machine makes an index of its own: {reason}"),
                    Outcome::Done,
                ),
                PointsMade::Stopped => (
                    "stopped while the search was prepared; run it again, and it goes on from there"
                        .to_owned(),
                    Outcome::Interrupted,
                ),
            };
            progress::note(&text);
            Ok(outcome)
        }
        StoreAction::Copy(args) => copy::run(session, args),
    }
}

pub(super) fn backup(session: &Session, args: &BackupArgs) -> anyhow::Result<Outcome> {
    let options = BackupOptions {
        link: args.link,
        prune: args.prune,
        quick: args.quick,
    };
    let report = with_bar("backing up", |progress| {
        app::backup(&session.config, &args.dir, options, progress)
    })?;
    match args.format {
        Format::Json => output::json(&report)?,
        Format::Text => output::line(&format!(
            "{} and {} without features are in {}: {:.1} MB, {:.1} MB of it copied now",
            counted(report.images, "picture"),
            report.waiting,
            args.dir.display(),
            report.bytes as f64 / 1e6,
            report.copied_bytes as f64 / 1e6,
        ))?,
    }
    report.damaged.iter().for_each(|text| progress::line(text));
    if report.damaged.is_empty() {
        return Ok(Outcome::Done);
    }
    progress::line(
        "`simdex verify --repair` takes what is damaged out of the store, `simdex add` or `simdex \
         crawl` stores it anew, and the next `simdex backup` has it",
    );
    Ok(Outcome::SomeFailed)
}

pub(super) fn restore(session: &Session, args: &RestoreArgs) -> anyhow::Result<Outcome> {
    let extraction = session.extraction()?;
    let report = with_bar("restoring", |progress| {
        app::restore(&session.config, extraction, &args.dir, progress)
    })?;
    print(&report, args.format)
}

pub(super) fn repair(session: &Session, args: &RepairArgs) -> anyhow::Result<Outcome> {
    let report = app::repair(&session.config, session.extraction()?)?;
    print(&report, args.format)
}

pub(super) fn compact(session: &Session, args: &CompactArgs) -> anyhow::Result<Outcome> {
    let open = || session.alone(Session::existing_collection);
    let mut bar = None;
    let report = app::compact(&open, args.keep, &session.shutdown, &mut |done, total| {
        let bar = bar.get_or_insert_with(|| Progress::new("converting", total));
        bar.set(done, || {
            format!("{done} of {} converted", counted(total, "picture"))
        });
    })?;
    drop(bar);
    if report.stopped {
        progress::line(&format!(
            "{} converted and {} left: pictures are converted as they are read, which \
             is slow, until `simdex compact --keep {}` is run again, which goes on here",
            counted_as(report.converted, "picture was", "pictures were"),
            counted_as(report.unconverted, "is", "are"),
            argument(report.keep)
        ));
        return Ok(Outcome::Interrupted);
    }
    match args.format {
        Format::Json => output::json(&report)?,
        Format::Text => output::line(&format!(
            "the store takes {:.1} MB; it took {:.1} MB",
            report.after_bytes as f64 / 1e6,
            report.before_bytes as f64 / 1e6,
        ))?,
    }
    if let Keep::Recent(size) = report.keep {
        progress::note(&format!(
            "{} kept in full, which may take {size}, and {} as sketches, which stay so",
            counted_as(report.full, "picture is", "pictures are"),
            report.sketches
        ));
    }
    if report.unconverted > 0 {
        let it = noun_of(report.unconverted, "it", "them");
        progress::line(&format!(
            "{} left as before: `simdex verify --repair` takes {it} out, then `simdex add` or \
             `simdex crawl` stores {it} anew",
            counted_as(
                report.unconverted,
                "picture is damaged, and was",
                "pictures are damaged, and were"
            )
        ));
    }
    report.unread.iter().for_each(|text| progress::line(text));
    for path in &report.set_aside {
        progress::line(&format!(
            "{path}: it is not used, and what was removed may still be in it; delete it, or move \
             it away, if nothing in it is wanted"
        ));
    }
    Ok(match report.unread.is_empty() && report.unconverted == 0 {
        true => Outcome::Done,
        false => Outcome::SomeFailed,
    })
}

/// How it is said on a command line.
fn argument(keep: Keep) -> String {
    match keep {
        Keep::Full | Keep::Compact => keep.to_string(),
        Keep::Recent(_) => format!("\"{keep}\""),
    }
}

fn print(report: &RepairReport, format: Format) -> anyhow::Result<Outcome> {
    match format {
        Format::Json => output::json(report)?,
        Format::Text => output::line(&format!(
            "{} and {} without features are in the store",
            counted(report.images, "picture"),
            report.waiting
        ))?,
    }
    report.damaged.iter().for_each(|text| progress::line(text));
    if !report.damaged.is_empty() {
        progress::line(
            "the rest of the backup is restored: `simdex verify --repair` takes out what is \
             damaged, then `simdex add` or `simdex crawl` stores it anew",
        );
    }
    for path in &report.aside {
        progress::line(&format!("{path}: could not be used, and was left"));
    }
    if report.damaged_bytes > 0 {
        progress::line(&format!(
            "{} passed over",
            counted_as(
                report.damaged_bytes,
                "byte of the log is damaged and was",
                "bytes of the log are damaged and were"
            )
        ));
    }
    if report.forgot_crawl {
        progress::note(
            "what the crawler knew is not there any more: `simdex crawl` begins again at the seeds",
        );
    }
    if report.images_aside > 0 {
        progress::line(&format!(
            "{} in what was left under another name",
            counted_as(
                report.images_aside,
                "picture that the store does not have is",
                "pictures that the store does not have are"
            )
        ));
    }
    let lost = report.lost.unwrap_or(0);
    if lost > 0 {
        progress::line(&format!(
            "{} lost; add their files or crawl their sites again",
            counted_as(lost, "picture is", "pictures are")
        ));
    }
    Ok(match lost + report.images_aside {
        0 if report.damaged.is_empty() => Outcome::Done,
        _ => Outcome::SomeFailed,
    })
}

fn with_bar<T>(
    task: &str,
    work: impl FnOnce(&mut dyn FnMut(u64, u64)) -> Result<T, app::Error>,
) -> Result<T, app::Error> {
    let mut bar = None;
    work(&mut |done, total| {
        let bar = bar.get_or_insert_with(|| Progress::new(task, total));
        bar.set(done, || format!("{} of {} MB", done >> 20, total >> 20));
    })
}
