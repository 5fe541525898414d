//! `remove`: deleting pictures everywhere.

use std::path::PathBuf;

use clap::Args;

use super::input::{host_argument, name};
use super::progress;
use super::session::Session;
use super::{Format, Outcome, output};
use crate::app::{Collection, Named, Removal};
use crate::local_path::LocalPath;

#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("what").required(true).multiple(true).args(["names", "missing", "host", "take_back"])))]
pub(super) struct RemoveArgs {
    /// Pictures, by the ids that `query --format json` prints or their first digits; local files;
    /// folders, for all files below them
    #[arg(value_name = "ID|PATH", value_parser = name(), conflicts_with_all = ["host", "take_back"])]
    names: Vec<String>,
    /// Take out files that are not there any more: all, or those below the folders named
    #[arg(long, conflicts_with_all = ["host", "take_back"])]
    missing: bool,
    /// Everything of a host: pages, URLs, and pictures seen nowhere else
    #[arg(long, value_name = "H", value_parser = host_argument, conflicts_with = "take_back")]
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
    let what = removal(&collection, args.names, args.missing)?;
    let what = Removal {
        host: args.host,
        take_back: args.take_back,
        ..what
    };
    let result = collection.remove(&what, &mut |missing| progress::line(missing))?;
    if args.format == Format::Json {
        output::json(&result)?;
    } else if what.take_back.is_none() {
        let files = match result.files {
            0 => String::new(),
            files => format!(" with {files} files"),
        };
        output::line(&format!(
            "{} pictures removed{files}, {:.1} MB given back at once",
            result.removed,
            result.bytes_freed as f64 / 1e6
        ))?;
    }
    result.unread.iter().for_each(|text| progress::line(text));
    if what.take_back.is_none() {
        for path in &result.set_aside {
            progress::line(&format!(
                "{path}: it is not used, and what was removed may still be in it; delete it, or \
                 move it away, if nothing in it is wanted"
            ));
        }
    }
    Ok(if result.missing > 0 || !result.unread.is_empty() {
        Outcome::SomeFailed
    } else {
        Outcome::Done
    })
}

/// What the names mean.
fn removal(collection: &Collection, names: Vec<String>, missing: bool) -> anyhow::Result<Removal> {
    let mut what = Removal::default();
    if missing {
        let folders = names.iter().map(|name| LocalPath::named(name.as_ref()));
        let folders: Vec<PathBuf> = folders.map(|path| path.as_path().to_owned()).collect();
        what.gone_below = Some(folders);
        return Ok(what);
    }
    for name in names {
        match collection.named(&name)? {
            Named::Picture(id) => what.pictures.push(id),
            Named::Path(path) => what.files.push(path),
        }
    }
    Ok(what)
}
