//! `doctor`: whether everything that simdex needs is there.

use clap::Args;

use super::session::{Session, observer};
use super::{Format, Outcome, output};
use crate::app::{CheckUp, check_up};

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
    let mut text = format!(
        "simdex     {}\nconfig     {}\nnetwork    {}\nruntime    {}\n",
        found.version,
        match found.config.is_empty() {
            true => "none, so the defaults".to_owned(),
            false => found.config.join(", over "),
        },
        found.network,
        found.runtime.as_deref().unwrap_or("none"),
    );
    if let Some(ms) = found.picture_ms {
        text += &format!(
            "speed      {ms:.1} ms a picture on one thread, {} workers\n",
            found.workers
        );
    }
    text += &match (&found.images, &found.index) {
        (Some(images), Some(index)) => format!(
            "store      {} with {images} pictures\nindex      {}, {} points, {} removed\n",
            found.store, index.kind, index.points, index.tombstones
        ),
        _ if found.store_ok => format!("store      none yet in {}\n", found.store),
        _ => format!("store      {} cannot be used\n", found.store),
    };
    for problem in &found.problems {
        text += &format!("problem    {problem}\n");
    }
    output::write(text.as_bytes())
}
