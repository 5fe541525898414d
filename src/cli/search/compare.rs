//! `compare`: two pictures.

use clap::Args;

use super::query::ModeArg;
use crate::cli::input::{PictureReader, head, name};
use crate::cli::session::Session;
use crate::cli::{Format, Outcome, output};
use crate::report::comparison_text;

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
    let head = session.head(args.head.as_deref())?;
    session.start_runtime()?;
    let mut reader = PictureReader::new(&session.config);
    let (a, b) = (reader.read(&args.a)?, reader.read(&args.b)?);
    let comparison = session
        .extraction()?
        .compare(&a, &b, &head, args.mode.into())?;
    match args.format {
        Format::Json => output::json(&comparison)?,
        Format::Text => output::text(&comparison_text(&comparison))?,
    }
    Ok(Outcome::Done)
}
