//! `classify`: the class of pictures by labelled ones.

use std::path::PathBuf;

use anyhow::ensure;
use clap::Args;

use super::follow::follow;
use super::input::{PictureReader, name, some};
use super::session::Session;
use super::{Format, Outcome, output, progress};
use crate::app::{Classification, PictureClassifier};
use crate::classify::ClassifyOptions;
use crate::crawl::with_causes;
use crate::report::{Line, TextLines};

#[derive(Debug, Args)]
pub(super) struct ClassifyArgs {
    /// Picture files or URLs
    #[arg(required = true, value_name = "IMAGE|URL", value_parser = name())]
    pictures: Vec<String>,
    /// Folder with one folder of labelled pictures per class
    #[arg(long, value_name = "DIR")]
    labels: PathBuf,
    /// Labelled pictures that give evidence on each picture
    #[arg(long, value_name = "K", default_value_t = ClassifyOptions::default().neighbours, value_parser = some())]
    neighbours: usize,
    /// How to print the answers; json is one object a line, one line a picture
    #[arg(long, default_value = "text")]
    format: Format,
}

pub(super) fn run(session: &Session, args: ClassifyArgs) -> anyhow::Result<Outcome> {
    let options = ClassifyOptions {
        neighbours: args.neighbours,
    };
    let extraction = session.extraction()?;
    let classifier = follow(session, |watch| {
        PictureClassifier::read(extraction, &args.labels, &options, watch)
    });
    let Some((classifier, mut outcome)) = classifier? else {
        return Ok(Outcome::Interrupted);
    };
    let mut reader = PictureReader::new(&session.config);
    let mut answered = false;
    for name in &args.pictures {
        if session.shutdown.requested() {
            return Ok(Outcome::Interrupted);
        }
        match answer(&classifier, &mut reader, name, args.format) {
            Ok(text) => {
                answered = true;
                output::text(&text)?;
            }
            Err(error) if args.pictures.len() == 1 => return Err(error),
            Err(error) => {
                outcome = Outcome::SomeFailed;
                progress::line(&with_causes(error.as_ref()));
            }
        }
    }
    ensure!(answered, "no picture could be used");
    Ok(outcome)
}

/// The answer on one picture, as it is printed.
fn answer(
    classifier: &PictureClassifier,
    reader: &mut PictureReader<'_>,
    name: &str,
    format: Format,
) -> anyhow::Result<TextLines> {
    let picture = reader.read(name)?;
    let answer = classifier.classify(&picture)?;
    Ok(match format {
        Format::Json => output::json_line(&answer)?,
        Format::Text => text(&answer),
    })
}

fn text(answer: &Classification<'_>) -> TextLines {
    let mut text = TextLines::default();
    text.push_line(
        Line::hanging(2)
            .place(answer.query)
            .plain(": ")
            .strong(answer.class.unwrap_or("unknown"))
            .plain(format!(" (left unknown {:.3})", answer.unknown)),
    );
    text.extend(answer.classes.iter().map(|class| {
        format!(
            "  belief {:.3}  plausibility {:.3}  {}",
            class.belief, class.plausibility, class.class
        )
    }));
    text
}
