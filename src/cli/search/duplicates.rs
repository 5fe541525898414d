//! `duplicates`: the groups of near-copies.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::Args;

use super::export::ExportFormat;
use super::query::tell_unread;
use crate::cli::input::{head, host_argument};
use crate::cli::opened::Opened;
use crate::cli::output::{check_folder, deliver};
use crate::cli::screen::pictures::{Pictures, PicturesArgs};
use crate::cli::session::Session;
use crate::cli::{Outcome, output, progress};
use crate::plural::counted;
use crate::report::{ListFormat, ListWriter, copy_text, duplicates_text};
use crate::search::QueryResult;
use crate::serve::api::DuplicatesRequest;

#[derive(Debug, Args)]
pub(in crate::cli) struct DuplicatesArgs {
    /// Only pictures seen on this host
    #[arg(long, value_name = "H", value_parser = host_argument)]
    host: Option<String>,
    /// Ranking of the copies: fused, mse18, embedding or a file made by `simdex train`
    #[arg(long, value_name = "NAME|FILE", value_parser = head())]
    head: Option<String>,
    /// What to write, as of `export`; without it a list for people
    #[arg(long)]
    format: Option<ExportFormat>,
    /// Where to write it; - for stdout
    #[arg(
        short,
        long,
        value_name = "FILE",
        default_value = "-",
        requires = "format"
    )]
    output: PathBuf,
    #[command(flatten)]
    pictures: PicturesArgs,
}

pub(in crate::cli) fn run(session: &Session, args: DuplicatesArgs) -> anyhow::Result<Outcome> {
    let to_stdout = args.output == Path::new("-");
    if !to_stdout {
        check_folder(&args.output)?;
    }
    let name = args.head.as_deref();
    let (asked_head, head_text) = session.head_to_send(name)?;
    let opened = session.opened(Session::collection_to_read)?;
    let head_name = args.head.as_deref().unwrap_or(&session.config.query.head);
    let mut lists = args
        .format
        .map(|format| ListWriter::new(format.into(), head_name))
        .transpose()?;
    let pictures = args.pictures.shown().filter(|_| args.format.is_none());
    let (mut groups, mut members, mut files) = (0, 0, 0);
    let each = |group: QueryResult| -> anyhow::Result<()> {
        groups += 1;
        members += group.results.len();
        let of_each = group.results.iter().map(|entry| entry.paths.len().max(1));
        files += of_each.sum::<usize>();
        match &mut lists {
            Some(lists) => {
                lists.add(group)?;
                if to_stdout {
                    output::data(&lists.take())?;
                }
            }
            None => match pictures {
                Some(pictures) => print_with(pictures, &group)?,
                None => output::text(&duplicates_text(&group))?,
            },
        }
        Ok(())
    };
    let unread = match &opened {
        Opened::Here(collection) => {
            collection.duplicates(args.host.clone(), &session.head(name)?, each)?
        }
        Opened::There(connection) => {
            let asked = DuplicatesRequest {
                host: args.host.clone(),
                head: Some(asked_head),
                previews: pictures.is_some()
                    || args
                        .format
                        .is_some_and(|format| ListFormat::from(format).has_previews()),
            };
            connection.duplicates(&asked, head_text.as_deref(), each)?
        }
    };
    match lists {
        Some(lists) => deliver(&args.output, &lists.finish()?, groups)?,
        // Text goes nowhere else.
        None => {
            let files = match files > members {
                true => format!(" in {}", counted(files, "file")),
                false => String::new(),
            };
            let (said, members) = (counted(groups, "group"), counted(members, "picture"));
            output::line(&format!("{said} of near-copies, {members}{files}"))?;
            if groups > 0 {
                hint(session);
            }
        }
    }
    let unread = BTreeSet::from_iter(unread);
    tell_unread(&unread);
    Ok(match unread.is_empty() {
        true => Outcome::Done,
        false => Outcome::SomeFailed,
    })
}

/// Prints a group with small pictures beside its members.
fn print_with(pictures: Pictures, group: &QueryResult) -> anyhow::Result<()> {
    group.results.iter().try_for_each(|entry| {
        let lines = copy_text(entry);
        output::pictures(&pictures.preview_beside(&entry.thumbnail, &lines))
    })?;
    output::line("")
}

fn hint(session: &Session) {
    progress::hint(&match session.is_alone() {
        true => format!(
            "next: {} shows them side by side at /duplicates, where you choose what is kept",
            session.command("serve")
        ),
        false => format!(
            "next: {} writes them as a page of pictures",
            session.command("duplicates --format html -o FILE")
        ),
    });
}
