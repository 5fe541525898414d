//! `status`: what is stored.

use clap::Args;

use super::session::Session;
use super::{Format, Outcome, output};

#[derive(Debug, Args)]
pub(super) struct StatusArgs {
    /// How to print the counts
    #[arg(long, default_value = "text")]
    format: Format,
}

pub(super) fn run(session: &Session, args: StatusArgs) -> anyhow::Result<Outcome> {
    let network = session.extraction()?.network();
    let collection = session.collection_to_read()?;
    let status = collection.status()?;
    if args.format == Format::Json {
        output::json(&status)?;
        return Ok(Outcome::Done);
    }
    let frontier = &status.frontier;
    let age = status.index.snapshot_age;
    output::line(&format!(
        "pictures   {}, {} without features\npages      {}\nfrontier   {} pending, {} leased, {} to retry, {} done, {} refused, {} failed\n\
         store      {:.1} MB in {}\nindex      {}, {} points, {} removed, {}\nhead       {}\nnetwork    {} ({})",
        status.images,
        status.waiting,
        status.pages,
        frontier.pending,
        frontier.leased,
        frontier.retry,
        frontier.done,
        frontier.refused,
        frontier.failed,
        status.store_bytes as f64 / 1e6,
        collection
            .store()
            .dir()
            .unwrap_or("memory".as_ref())
            .display(),
        status.index.kind,
        status.index.points,
        status.index.tombstones,
        age.map_or("no snapshot".to_owned(), |age| format!("saved {age} s ago")),
        status.head,
        network.manifest().name,
        network.id().short(),
    ))?;
    Ok(Outcome::Done)
}
