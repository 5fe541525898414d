//! `status`: what is stored.

use clap::Args;

use super::opened::Opened;
use super::session::Session;
use super::{Format, Outcome, output, progress};
use crate::app::Status;
use crate::local_path::path_text;
use crate::plural::counted;
use crate::report::{Line, TextLines};

#[derive(Debug, Args)]
pub(super) struct StatusArgs {
    /// How to print the counts
    #[arg(long, default_value = "text")]
    format: Format,
}

pub(super) fn run(session: &Session, args: StatusArgs) -> anyhow::Result<Outcome> {
    let (status, network) = match session.opened(Session::collection_to_read)? {
        Opened::Here(collection) => {
            let network = collection.extraction().network().title();
            (collection.status()?, network)
        }
        Opened::There(connection) => (connection.status()?, connection.owner().network.clone()),
    };
    if args.format == Format::Json {
        output::json(&status)?;
        return Ok(Outcome::Done);
    }
    let frontier = &status.frontier;
    let age = status.index.snapshot_age;
    let store = path_text(&session.config.data_dir()?);
    let saved = age.map_or("no snapshot".to_owned(), |age| format!("saved {age} s ago"));
    let index = &status.index;
    let kept = match (&*status.keep, status.unconverted) {
        ("full", _) => String::new(),
        (keep, 0) => format!(", {keep},"),
        (keep, left) => format!(", {keep} but for {},", counted(left, "picture")),
    };
    let mut text = TextLines::default();
    let mut fact = |name: &str, what: String| text.push_line(named(name).plain(what));
    fact(
        "pictures",
        format!("{}, {} without features", status.images, status.waiting),
    );
    fact("pages", status.pages.to_string());
    fact(
        "frontier",
        format!(
            "{} pending, {} leased, {} to retry, {} done, {} refused, {} failed",
            frontier.pending,
            frontier.leased,
            frontier.retry,
            frontier.done,
            frontier.refused,
            frontier.failed
        ),
    );
    let bytes = format!("{:.1} MB{kept} in ", status.store_bytes as f64 / 1e6);
    text.push_line(named("store").plain(bytes).place(store));
    let mut fact = |name: &str, what: String| text.push_line(named(name).plain(what));
    fact(
        "index",
        format!(
            "{}, {}, {} removed, {saved}",
            index.kind,
            counted(index.points, "point"),
            index.tombstones
        ),
    );
    fact("head", status.head.clone());
    fact("network", network);
    output::text(&text)?;
    hint(session, &status);
    Ok(Outcome::Done)
}

/// Where facts stand behind their names.
const FACTS: usize = 11;

fn named(name: &str) -> Line {
    Line::hanging(FACTS).plain(format!("{name:<FACTS$}"))
}

fn hint(session: &Session, status: &Status) {
    let next = match (status.images, status.waiting) {
        (_, 1..) if session.is_alone() => format!(
            "next: {} makes the rest ready to be found",
            session.command("crawl --features-only")
        ),
        (0, _) => format!(
            "next: {} or {} fills the store",
            session.command("add FOLDER"),
            session.command("crawl URL")
        ),
        _ => format!(
            "next: {} finds pictures like one of yours",
            session.command("query FILE")
        ),
    };
    progress::hint(&next);
}
