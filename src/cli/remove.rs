//! `remove`: deleting pictures everywhere.

use clap::Args;

use super::input::{host_argument, name};
use super::opened::Opened;
use super::progress;
use super::session::Session;
use super::{Format, Outcome, output};
use crate::app::{NamedOrPath, RemovalAsked};
use crate::plural::counted;

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
    let asked = asked(&args);
    let result = match session.opened(Session::existing_collection)? {
        Opened::Here(collection) => {
            let what = collection.removal(&asked)?;
            collection.remove(&what, &mut |missing| progress::line(missing))?
        }
        Opened::There(connection) => {
            let answer = connection.remove(&asked)?;
            answer
                .not_there
                .iter()
                .for_each(|text| progress::line(text));
            answer.removed
        }
    };
    if args.format == Format::Json {
        output::json(&result)?;
    } else if asked.take_back.is_none() {
        let files = match result.files {
            0 => String::new(),
            files => format!(" with {}", counted(files, "file")),
        };
        output::line(&format!(
            "{} removed{files}, {:.1} MB given back at once",
            counted(result.removed, "picture"),
            result.bytes_freed as f64 / 1e6
        ))?;
    }
    result.unread.iter().for_each(|text| progress::line(text));
    if asked.take_back.is_none() {
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

/// What is to be removed, in words that mean the same elsewhere.
fn asked(args: &RemoveArgs) -> RemovalAsked {
    let names = args.names.iter().cloned().map(NamedOrPath::given);
    let (names, gone_below) = match args.missing {
        true => (Vec::new(), Some(names.map(|name| name.path).collect())),
        false => (names.collect(), None),
    };
    RemovalAsked {
        names,
        gone_below,
        host: args.host.clone(),
        take_back: args.take_back.clone(),
        wait_s: None,
    }
}
