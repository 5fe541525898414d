//! `export --files`: copying the pictures themselves.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::query::{NamedQuestion, SearchArgs, for_each_result};
use crate::app::{Collection, FilesAsked, FilesEvent, FilesExported};
use crate::cli::Outcome;
use crate::cli::dataset::{DatasetArgs, tell_saved};
use crate::cli::progress::{self, Problems, Progress};
use crate::cli::session::Session;
use crate::picture::PictureId;
use crate::plural::{counted, counted_as};
use crate::saving::{SavedPictures, Saver};

/// What is copied, and where to.
pub(super) struct Files<'a> {
    pub(super) to: &'a Path,
    pub(super) dataset: &'a DatasetArgs,
    pub(super) from: &'a [PathBuf],
    pub(super) one_of_each: bool,
    /// Of results of these alone.
    pub(super) questions: Option<Vec<NamedQuestion>>,
    pub(super) search: &'a SearchArgs,
}

pub(super) fn run(session: &Session, files: Files<'_>) -> anyhow::Result<Outcome> {
    if let (None, Some(flag)) = (&files.questions, files.search.of_results()) {
        anyhow::bail!(
            "{flag} says something of results, and without --queries there are none: name queries, or \
             leave it out"
        );
    }
    if let Some(connection) = session.owner()? {
        let owner = connection.owner();
        anyhow::bail!(
            "process {} has the store open (`simdex {}`), and copies no files for others: wait for it \
             to end, or stop it, and run this again",
            owner.process,
            owner.command
        );
    }
    let mut from = Vec::new();
    for dir in files.from {
        from.push(SavedPictures::open(dir)?);
    }
    let mut outcome = Outcome::Done;
    let mut only = None;
    if let Some(questions) = &files.questions {
        let mut ids: HashSet<PictureId> = HashSet::new();
        outcome = for_each_result(session, questions, files.search, false, &mut |result| {
            ids.extend(
                result
                    .results
                    .iter()
                    .filter_map(|entry| entry.id.parse::<PictureId>().ok()),
            );
            Ok(())
        })?;
        only = Some(ids);
    }
    if outcome == Outcome::Interrupted {
        progress::note("interrupted; nothing was copied");
        return Ok(outcome);
    }
    let collection = session.collection_to_read()?;
    let asked = FilesAsked {
        asked: files.search.asked(session),
        only,
        one_of_each: files.one_of_each,
    };
    let saver = files.dataset.open(files.to)?;
    let done = copy(session, &collection, &asked, &saver, &mut from)?;
    tell(&done);
    tell_saved(files.to, saver.count());
    if session.shutdown.requested() {
        progress::note("interrupted; the same command goes on where it stopped");
        return Ok(Outcome::Interrupted);
    }
    Ok(match done.without.is_empty() {
        true => outcome,
        false => Outcome::SomeFailed,
    })
}

fn copy(
    session: &Session,
    collection: &Collection,
    asked: &FilesAsked,
    saver: &Saver,
    from: &mut [SavedPictures],
) -> anyhow::Result<FilesExported> {
    let bar = Progress::new("copying", 0);
    let mut problems = Problems::default();
    let mut observe = |event: FilesEvent<'_>| match event {
        FilesEvent::Progress(done) => {
            bar.set(done, || format!("{} looked at", counted(done, "picture")))
        }
        FilesEvent::Without { place, why } => problems.add(place, why.message()),
    };
    let done = collection.export_files(asked, saver, from, &session.shutdown, &mut observe)?;
    drop(bar);
    problems.finish();
    Ok(done)
}

/// Says what is not there, and why.
fn tell(done: &FilesExported) {
    for (why, count) in &done.without {
        let pictures = counted(*count, "picture");
        progress::line(&format!(
            "left out: {pictures}, {}; {}",
            why.message(),
            why.advice()
        ));
    }
    if done.folded > 0 {
        let copies = counted_as(done.folded, "near-copy", "near-copies");
        progress::note(&format!("folded: {copies}, for which another one stands"));
    }
}
