use clap::Args;
use serde::Serialize;

use super::input::host_argument;
use super::progress;
use super::session::Session;
use super::{Format, Outcome, output};
use crate::canonical_url::HostId;
use crate::picture::PictureId;

#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("what").required(true).args(["ids", "host", "take_back"])))]
pub(super) struct RemoveArgs {
    /// Pictures, by the ids that `query --format json` prints
    #[arg(value_name = "ID")]
    ids: Vec<PictureId>,
    /// Everything of a host: pages, URLs, and pictures seen nowhere else
    #[arg(long, value_name = "H", value_parser = host_argument)]
    host: Option<String>,
    /// Let a removed host be crawled again
    #[arg(long, value_name = "H", value_parser = host_argument)]
    take_back: Option<String>,
    /// How to print the result
    #[arg(long, default_value = "text")]
    format: Format,
}

/// The JSON of `remove`.
#[derive(Debug, Serialize)]
struct Removed {
    removed: u64,
    missing: u64,
    bytes_freed: u64,
}

pub(super) fn run(session: &Session, args: RemoveArgs) -> anyhow::Result<Outcome> {
    let network = session.network()?;
    let store = session.existing_store(&network)?;
    let (mut removed, mut missing) = (0, 0);
    for id in args.ids {
        if store.remove_picture(id)? {
            removed += 1;
        } else {
            missing += 1;
            progress::line(&format!("{id}: there is no such picture"));
        }
    }
    if let Some(host) = &args.host {
        removed += store.remove_host(host)?;
    }
    if let Some(host) = &args.take_back
        && !store.take_back_host(HostId::of(host))?
    {
        missing += 1;
        progress::line(&format!("{host}: no such host was removed"));
    }
    store.flush()?;
    let bytes_freed = store.compact()?;
    let result = Removed {
        removed,
        missing,
        bytes_freed,
    };
    if args.format == Format::Json {
        output::json(&result)?;
    } else if args.take_back.is_none() {
        output::line(&format!(
            "{removed} pictures removed, {:.1} MB given back at once",
            bytes_freed as f64 / 1e6
        ))?;
    }
    Ok(if missing > 0 {
        Outcome::SomeFailed
    } else {
        Outcome::Done
    })
}
