//! `store copy`: a whole store into another.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::app::{self, CopyJob, CopyReport, StoreNamed};
use crate::cli::progress::{self, Progress};
use crate::cli::session::Session;
use crate::cli::{Format, Outcome, output};
use crate::config::Config;
use crate::plural::{counted, counted_as};

#[derive(Debug, Args)]
pub(super) struct CopyArgs {
    /// The store: its folder, or a configuration file that names it
    from: PathBuf,
    /// Where the copy is to be: an empty folder, or a configuration file that names an empty database
    to: PathBuf,
    /// Copy nothing, only compare the two
    #[arg(long)]
    verify: bool,
    /// How to print the result
    #[arg(long, default_value = "text")]
    format: Format,
}

pub(super) fn run(session: &Session, args: &CopyArgs) -> anyhow::Result<Outcome> {
    let job = CopyJob {
        from: named(&args.from)?,
        to: named(&args.to)?,
        verify: args.verify,
    };
    let extraction = session.extraction()?;
    let mut bar = None;
    let report = app::copy_store(
        &session.config,
        extraction,
        &job,
        &session.shutdown,
        &mut |step| {
            let bar = bar.get_or_insert_with(|| Progress::new("store copy", 0));
            let what = if step.compares { "compared" } else { "copied" };
            bar.set(step.done, || format!("{}: {} {what}", step.kind, step.done));
        },
    )?;
    drop(bar);
    told(session, args, &report)
}

fn told(session: &Session, args: &CopyArgs, report: &CopyReport) -> anyhow::Result<Outcome> {
    if report.stopped {
        progress::line(&match args.verify {
            true => "stopped: not all was compared".to_owned(),
            false => format!(
                "stopped: {} written; {} goes on",
                counted_as(report.written, "record was", "records were"),
                session.command(&format!(
                    "store copy {} {}",
                    args.from.display(),
                    args.to.display()
                ))
            ),
        });
        return Ok(Outcome::Interrupted);
    }
    match args.format {
        Format::Json => output::json(report)?,
        Format::Text => output::line(&text(args, report))?,
    }
    report
        .differences
        .iter()
        .for_each(|text| progress::line(text));
    if report.differing == 0 {
        return Ok(Outcome::Done);
    }
    progress::line(&format!(
        "{} in both",
        counted_as(
            report.differing,
            "record is not the same",
            "records are not the same"
        )
    ));
    Ok(Outcome::SomeFailed)
}

fn text(args: &CopyArgs, report: &CopyReport) -> String {
    let records: u64 = report.records.values().sum();
    let pictures = report.records.get("pictures").copied().unwrap_or_default();
    let of_them = format!(
        "{} ({pictures} of them pictures)",
        counted(records, "record")
    );
    match args.verify {
        true => format!("{of_them} compared"),
        false => format!(
            "{of_them} are in {}: {} and {:.1} MB of activations written now",
            args.to.display(),
            counted(report.written, "record"),
            report.bytes as f64 / 1e6
        ),
    }
}

/// A file is a configuration that names a store, all else a folder that is one. What has the name of a
/// configuration and is not there is no folder that somebody wants made.
fn named(path: &Path) -> anyhow::Result<StoreNamed> {
    let is_configuration = path.extension().is_some_and(|it| it == "toml") && !path.is_dir();
    Ok(match is_configuration || path.is_file() {
        true => StoreNamed::Configured(Box::new(Config::load(Some(path))?)),
        false => StoreNamed::Folder(path.to_owned()),
    })
}
