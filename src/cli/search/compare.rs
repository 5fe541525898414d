//! `compare`: two pictures.

use clap::Args;

use super::query::ModeArg;
use crate::cli::input::{PictureReader, head, name};
use crate::cli::opened::answered_by;
use crate::cli::session::Session;
use crate::cli::{Format, Outcome, output};
use crate::report::comparison_text;
use crate::serve::api::CompareRequest;

#[derive(Debug, Args)]
pub(in crate::cli) struct CompareArgs {
    /// A picture file or URL
    #[arg(value_parser = name())]
    a: String,
    /// Another one
    #[arg(value_parser = name())]
    b: String,
    /// Head: fused, mse18, embedding or a file made by `simdex train`
    #[arg(long, value_name = "NAME|FILE", value_parser = head())]
    head: Option<String>,
    /// What "alike" means to the fused head
    #[arg(long, value_enum, default_value_t)]
    mode: ModeArg,
    /// How to print the comparison
    #[arg(long, default_value = "text")]
    format: Format,
}

pub(in crate::cli) fn run(session: &Session, args: CompareArgs) -> anyhow::Result<Outcome> {
    let name = args.head.as_deref();
    let (asked_head, head_text) = session.head_to_send(name)?;
    let mut reader = PictureReader::new(&session.config);
    // It needs no store; who has one open has the network in memory.
    let comparison = match session.owner()? {
        Some(connection) => {
            answered_by(&connection);
            let (a, b) = (reader.read(&args.a)?.into(), reader.read(&args.b)?.into());
            let asked = CompareRequest {
                head: Some(asked_head),
                mode: args.mode.into(),
                ..CompareRequest::default()
            };
            connection.compare(&asked, &a, &b, head_text.as_deref())?
        }
        None => {
            let head = session.head(name)?;
            session.start_runtime()?;
            let (a, b) = (reader.read(&args.a)?, reader.read(&args.b)?);
            let extraction = session.extraction()?;
            extraction.compare(&a, &b, &head, args.mode.into())?
        }
    };
    match args.format {
        Format::Json => output::json(&comparison)?,
        Format::Text => output::text(&comparison_text(&comparison))?,
    }
    Ok(Outcome::Done)
}
