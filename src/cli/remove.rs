//! `remove`: deleting pictures everywhere.

use clap::Args;

use super::input::host_argument;
use super::progress;
use super::session::Session;
use super::{Format, Outcome, output};
use crate::app::Removal;
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

pub(super) fn run(session: &Session, args: RemoveArgs) -> anyhow::Result<Outcome> {
    let collection = session.existing_collection()?;
    let what = Removal {
        pictures: args.ids,
        host: args.host,
        take_back: args.take_back,
    };
    let result = collection.remove(&what, &mut |missing| progress::line(missing))?;
    if args.format == Format::Json {
        output::json(&result)?;
    } else if what.take_back.is_none() {
        output::line(&format!(
            "{} pictures removed, {:.1} MB given back at once",
            result.removed,
            result.bytes_freed as f64 / 1e6
        ))?;
    }
    Ok(if result.missing > 0 {
        Outcome::SomeFailed
    } else {
        Outcome::Done
    })
}
