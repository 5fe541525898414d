//! `status`: what is stored.

use clap::Args;

use super::opened::Opened;
use super::session::Session;
use super::{Format, Outcome, output};
use crate::local_path::path_text;

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
        ("compact", 0) => ", compact,".to_owned(),
        ("compact", left) => format!(", compact but for {left} pictures,"),
        _ => String::new(),
    };
    let lines = [
        format!(
            "pictures   {}, {} without features",
            status.images, status.waiting
        ),
        format!("pages      {}", status.pages),
        format!(
            "frontier   {} pending, {} leased, {} to retry, {} done, {} refused, {} failed",
            frontier.pending,
            frontier.leased,
            frontier.retry,
            frontier.done,
            frontier.refused,
            frontier.failed
        ),
        format!(
            "store      {:.1} MB{kept} in {store}",
            status.store_bytes as f64 / 1e6
        ),
        format!(
            "index      {}, {} points, {} removed, {saved}",
            index.kind, index.points, index.tombstones
        ),
        format!("head       {}", status.head),
        format!("network    {network}"),
    ];
    output::text(&lines.iter().collect())?;
    Ok(Outcome::Done)
}
