//! `train --from-labels`: what was said of pictures of the store.

use std::time::Duration;

use anyhow::Context;

use super::TrainArgs;
use crate::app::LabelFigures;
use crate::cli::follow::follow;
use crate::cli::opened::Opened;
use crate::cli::output::{self, replace};
use crate::cli::session::Session;
use crate::cli::{Format, Outcome};
use crate::local_path::path_text;
use crate::plural::{counted, counted_as};
use crate::serve::{AskError, Connection, JobState};

pub(super) fn run(session: &Session, args: &TrainArgs) -> anyhow::Result<Outcome> {
    let (head, figures, outcome) = match session.opened(Session::collection_to_read)? {
        Opened::Here(collection) => {
            let taught = follow(session, |watch| collection.train_from_labels(watch));
            let Some((taught, outcome)) = taught? else {
                return Ok(Outcome::Interrupted);
            };
            let text = taught.head.to_json(collection.extraction().layout());
            (text.into_bytes(), taught.figures, outcome)
        }
        Opened::There(connection) => match asked(session, &connection)? {
            Some((head, figures)) => (head, figures, Outcome::Done),
            None => return Ok(Outcome::Interrupted),
        },
    };
    replace(&args.output, &head)?;
    match args.format {
        Format::Json => output::json(&serde_json::json!({
            "head": path_text(&args.output),
            "figures": figures,
        }))?,
        Format::Text => output::line(&words(&path_text(&args.output), &figures))?,
    }
    Ok(outcome)
}

/// How often it is asked how far a training is.
const EVERY: Duration = Duration::from_millis(200);

/// Has the process train that has the store open. `None` if the user asked to stop.
fn asked(
    session: &Session,
    connection: &Connection,
) -> anyhow::Result<Option<(Vec<u8>, LabelFigures)>> {
    let mut so_far = connection.begin_training()?;
    while !so_far.state.is_over() {
        if session.shutdown.requested() {
            connection.stop_training(so_far.id)?;
            return Ok(None);
        }
        std::thread::sleep(EVERY);
        so_far = match connection.training(so_far.id) {
            // The user has asked to stop just then.
            Err(AskError::Interrupted) => continue,
            so_far => so_far?,
        };
    }
    match (so_far.state, so_far.figures.brought) {
        (JobState::Done, Some(figures)) => {
            let head = connection.training_head(so_far.id)?;
            Ok(Some((head, figures)))
        }
        (JobState::Stopped, _) => anyhow::bail!("the training was stopped"),
        _ => Err(anyhow::anyhow!(
            so_far.problem.context("the training failed")?
        )),
    }
}

fn words(file: &str, figures: &LabelFigures) -> String {
    let measured = match (figures.before, figures.after) {
        (Some(before), Some(after)) => format!(
            "; of {} that were held out, the alike ones come before others in {before:.3} of cases without \
             it and {after:.3} with it",
            counted(figures.measured, "pair")
        ),
        _ => "; too little was said to measure what that brings".to_owned(),
    };
    format!(
        "{file}: learned from {} and {} of {}{measured}",
        counted(figures.pairs, "pair"),
        counted_as(figures.classes, "class", "classes"),
        counted(figures.pictures, "picture")
    )
}
