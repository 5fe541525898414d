//! `politeness`: how politely hosts were asked.

use clap::Args;

use super::opened::answered_by;
use super::session::Session;
use super::{Format, Outcome, output};
use crate::app::politeness;
use crate::report::politeness_text;

#[derive(Debug, Args)]
pub(super) struct PolitenessArgs {
    /// Hosts and addresses listed, those with the most requests first
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
    /// How to print it
    #[arg(long, default_value = "text")]
    format: Format,
}

pub(super) fn run(session: &Session, args: PolitenessArgs) -> anyhow::Result<Outcome> {
    let report = match session.owner()? {
        Some(connection) => {
            answered_by(&connection);
            connection.politeness(args.limit)?
        }
        None => politeness(&session.config, args.limit)?,
    };
    match args.format {
        Format::Json => output::json(&report)?,
        Format::Text => output::text(&politeness_text(&report))?,
    }
    Ok(Outcome::Done)
}
