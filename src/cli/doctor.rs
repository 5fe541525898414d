//! `doctor`: whether everything that simdex needs is there.

use clap::Args;

use super::session::{Session, observer};
use super::{Format, Outcome, output};
use crate::app::{CheckUp, check_up};
use crate::plural::counted;
use crate::report::{Line, TextLines};

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
        "{} found",
        counted(found.problems.len(), "problem")
    );
    Ok(Outcome::Done)
}

fn print(found: &CheckUp) -> anyhow::Result<()> {
    let mut text = TextLines::default();
    text.push_line(fact("simdex").plain(found.version));
    let config = match found.config.is_empty() {
        true => "none, so the defaults".to_owned(),
        false => found.config.join(", over "),
    };
    text.push_line(fact("config").plain(config));
    text.push_line(fact("network").plain(&found.network));
    let runtime = found.runtime.as_deref().unwrap_or("none");
    text.push_line(fact("runtime").plain(runtime));
    if let Some(ms) = found.picture_ms {
        text.push_line(fact("speed").plain(format!(
            "{ms:.1} ms a picture on one thread, {}",
            counted(found.workers, "worker")
        )));
    }
    let store = &found.store;
    match (&found.images, &found.index) {
        (Some(images), Some(index)) => {
            text.push_line(
                fact("store")
                    .place(store)
                    .plain(format!(" with {}", counted(*images, "picture"))),
            );
            text.push_line(fact("index").plain(format!(
                "{}, {}, {} removed",
                index.kind,
                counted(index.points, "point"),
                index.tombstones
            )));
        }
        _ if found.store_ok => text.push_line(fact("store").plain("none yet in ").place(store)),
        _ => text.push_line(fact("store").place(store).warning(" cannot be used")),
    }
    for problem in &found.problems {
        let mut lines = problem.lines();
        text.push_line(
            Line::hanging(FACTS)
                .warning(format!("{:<FACTS$}", "problem"))
                .plain(lines.next().unwrap_or_default()),
        );
        text.extend(lines);
    }
    output::text(&text)
}

/// Where facts stand behind their names.
const FACTS: usize = 11;

fn fact(name: &str) -> Line {
    Line::hanging(FACTS).plain(format!("{name:<FACTS$}"))
}
