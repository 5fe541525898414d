use clap::Args;
use serde::Serialize;

use super::session::Session;
use super::{Format, Outcome, output};
use crate::index::snapshot_info;
use crate::store::{FrontierCounts, Store};

#[derive(Debug, Args)]
pub(super) struct StatusArgs {
    /// How to print the counts
    #[arg(long, default_value = "text")]
    format: Format,
}

/// The JSON of `status`.
#[derive(Debug, Serialize)]
struct Status {
    images: u64,
    pages: u64,
    /// Pictures kept without features.
    waiting: u64,
    frontier: FrontierCounts,
    store_bytes: u64,
    index: IndexStatus,
    head: String,
    network: String,
}

#[derive(Debug, Serialize)]
pub(super) struct IndexStatus {
    pub(super) kind: &'static str,
    pub(super) points: u64,
    pub(super) tombstones: u64,
    /// Seconds; null without a snapshot.
    snapshot_age: Option<u64>,
}

pub(super) fn run(session: &Session, args: StatusArgs) -> anyhow::Result<Outcome> {
    let network = session.network()?;
    let store = session.existing_store(&network)?;
    let (images, index) = index_status(session, &store)?;
    let status = Status {
        images,
        pages: store.page_count(),
        waiting: store.waiting_count(),
        frontier: store.frontier_counts()?,
        store_bytes: store.disk_bytes(),
        index,
        head: session.config.query.head.clone(),
        network: store.network().to_string(),
    };
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
        store.dir().unwrap_or("memory".as_ref()).display(),
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

/// Pictures, and the index's state as far as it is known without loading it.
pub(super) fn index_status(session: &Session, store: &Store) -> anyhow::Result<(u64, IndexStatus)> {
    let snapshot = snapshot_info(store);
    let (mut images, mut covered) = (0, 0);
    for entry in store.pictures() {
        let (sequence, _) = entry?;
        images += 1;
        covered += u64::from(snapshot.is_some_and(|snapshot| sequence <= snapshot.last));
    }
    let is_exact = images < session.config.index.exact_below as u64;
    let index = match snapshot {
        Some(snapshot) if !is_exact => IndexStatus {
            kind: "hnsw",
            points: snapshot.points as u64,
            tombstones: (snapshot.points as u64).saturating_sub(covered),
            snapshot_age: Some(snapshot.age_s),
        },
        _ => IndexStatus {
            kind: if is_exact { "exact" } else { "hnsw" },
            points: if is_exact { images } else { 0 },
            tombstones: 0,
            snapshot_age: None,
        },
    };
    Ok((images, index))
}
