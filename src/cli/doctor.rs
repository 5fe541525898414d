//! `doctor`: whether everything that simdex needs is there.

use clap::Args;

use super::session::{Session, observer};
use super::{Format, Outcome, output};
use crate::app::{CheckUp, check_up};
use crate::report::TextLines;

#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    /// How to print the findings
    #[arg(long, default_value = "text")]
    format: Format,
}

pub(super) fn run(session: &Session, args: DoctorArgs) -> anyhow::Result<Outcome> {
    let found = check_up(&session.config, session.extraction()?, observer())?;
    match args.format {
        Format::Json => output::json(&found)?,
        Format::Text => print(&found)?,
    }
    anyhow::ensure!(
        found.problems.is_empty(),
        "{} problem(s) found",
        found.problems.len()
    );
    Ok(Outcome::Done)
}

fn print(found: &CheckUp) -> anyhow::Result<()> {
    let mut text = TextLines::default();
    text.push(format!("simdex     {}", found.version));
    let config = match found.config.is_empty() {
        true => "none, so the defaults".to_owned(),
        false => found.config.join(", over "),
    };
    text.push(format!("config     {config}"));
    text.push(format!("network    {}", found.network));
    let runtime = found.runtime.as_deref().unwrap_or("none");
    text.push(format!("runtime    {runtime}"));
    if let Some(ms) = found.picture_ms {
        text.push(format!(
            "speed      {ms:.1} ms a picture on one thread, {} workers",
            found.workers
        ));
    }
    let store = &found.store;
    match (&found.images, &found.index) {
        (Some(images), Some(index)) => {
            text.push(format!("store      {store} with {images} pictures"));
            text.push(format!(
                "index      {}, {} points, {} removed",
                index.kind, index.points, index.tombstones
            ));
        }
        _ if found.store_ok => text.push(format!("store      none yet in {store}")),
        _ => text.push(format!("store      {store} cannot be used")),
    }
    for problem in &found.problems {
        let mut lines = problem.lines();
        text.push(format!("problem    {}", lines.next().unwrap_or_default()));
        text.extend(lines);
    }
    output::text(&text)
}
