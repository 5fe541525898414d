//! `compare`: two pictures.

use clap::Args;

use super::query::ModeArg;
use crate::app::NamedPicture;
use crate::cli::input::{PictureReader, head, name};
use crate::cli::opened::answered_by;
use crate::cli::screen::pictures::PicturesArgs;
use crate::cli::session::Session;
use crate::cli::{Format, Outcome, output};
use crate::picture::{decode, thumbnail};
use crate::report::{Line, TextLines, comparison_text};
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
    #[command(flatten)]
    pictures: PicturesArgs,
}

pub(in crate::cli) fn run(session: &Session, args: CompareArgs) -> anyhow::Result<Outcome> {
    let name = args.head.as_deref();
    let (asked_head, head_text) = session.head_to_send(name)?;
    let mut reader = PictureReader::new(&session.config);
    let pictures = args
        .pictures
        .shown()
        .filter(|_| args.format == Format::Text);
    let mut shown = Vec::new();
    let mut read = |name: &str| -> anyhow::Result<NamedPicture> {
        let picture = reader.read(name)?;
        if let Some(pictures) = pictures {
            let decoded = decode(&picture.bytes, &session.config.picture.limits());
            let preview = decoded.map(|decoded| thumbnail(&decoded.rgb));
            let mut lines = TextLines::default();
            lines.push_line(Line::default().place(&picture.name));
            shown.extend(pictures.preview_beside(&preview.unwrap_or_default(), &lines));
        }
        Ok(picture)
    };
    // It needs no store; who has one open has the network in memory.
    let comparison = match session.owner()? {
        Some(connection) => {
            answered_by(&connection);
            let (a, b) = (read(&args.a)?.into(), read(&args.b)?.into());
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
            let (a, b) = (read(&args.a)?, read(&args.b)?);
            let extraction = session.extraction()?;
            extraction.compare(&a, &b, &head, args.mode.into())?
        }
    };
    match args.format {
        Format::Json => output::json(&comparison)?,
        Format::Text => {
            output::pictures(&shown)?;
            output::text(&comparison_text(&comparison))?;
        }
    }
    Ok(Outcome::Done)
}
