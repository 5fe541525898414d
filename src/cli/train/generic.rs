//! `train --generic`: the projection and the head that simdex ships.

use std::path::PathBuf;

use anyhow::Context;

use super::TrainArgs;
use crate::cli::Outcome;
use crate::cli::follow::follow;
use crate::cli::output::{self, check_folder, replace};
use crate::cli::session::Session;
use crate::plural::{counted, counted_as};

pub(super) fn run(
    session: &Session,
    args: &TrainArgs,
    dirs: &[PathBuf],
) -> anyhow::Result<Outcome> {
    let projection_file = args.projection.as_deref().context("clap asks for it")?;
    check_folder(projection_file)?;
    let extraction = session.extraction()?;
    let shipped = follow(session, |watch| {
        extraction.train_shipped(dirs, args.seed, watch)
    });
    let Some((shipped, outcome)) = shipped? else {
        return Ok(Outcome::Interrupted);
    };
    let head = &shipped.head;
    replace(projection_file, &shipped.projection.to_bytes())?;
    replace(&args.output, head.to_json(extraction.layout()).as_bytes())?;
    output::line(&format!(
        "{} and {}: {}, {}, {}",
        projection_file.display(),
        args.output.display(),
        counted(shipped.pictures, "picture"),
        counted_as(shipped.copies, "copy", "copies"),
        counted(head.training().pairs, "pair")
    ))?;
    Ok(outcome)
}
