//! Where results go: stdout, and files written in one step. A closed pipe
//! (`simdex query … | head`) is no error.

use std::io::{self, Write};
use std::path::Path;

use anyhow::Context;
use serde::Serialize;

use super::progress;
use crate::atomic_file::{AtomicFile, folder_of};

/// The reader of stdout has gone.
#[derive(Debug, thiserror::Error)]
#[error("stdout is closed")]
struct ClosedPipe;

/// Whether a command failed only because nobody reads its output any more.
pub(super) fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<ClosedPipe>().is_some()
}

/// Writes bytes to stdout.
pub(super) fn write(bytes: &[u8]) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout
        .write_all(bytes)
        .and_then(|()| stdout.flush())
        .map_err(|error| {
            if error.kind() == io::ErrorKind::BrokenPipe {
                ClosedPipe.into()
            } else {
                anyhow::Error::new(error).context("cannot write to stdout")
            }
        })
}

/// Writes one line of text to stdout.
pub(super) fn line(text: &str) -> anyhow::Result<()> {
    write(format!("{text}\n").as_bytes())
}

/// Writes one line of JSON to stdout.
pub(super) fn json<T: Serialize>(value: &T) -> anyhow::Result<()> {
    line(&serde_json::to_string(value)?)
}

/// Fails before the long work, not after it, if a file cannot be written.
pub(super) fn check_folder(path: &Path) -> anyhow::Result<()> {
    tempfile::tempfile_in(folder_of(path))
        .map(drop)
        .with_context(|| format!("cannot write {}", path.display()))
}

/// Writes a file in one step: a failed export leaves the old one as it was.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    AtomicFile::new(path)
        .shared()
        .write(bytes)
        .with_context(|| format!("cannot write {}", path.display()))
}

/// Writes lists to a file in one step, or to stdout.
pub(super) fn deliver(path: &Path, bytes: &[u8], lists: usize) -> anyhow::Result<()> {
    if path == Path::new("-") {
        return write(bytes);
    }
    replace(path, bytes)?;
    let lists = counted(lists, "list");
    progress::note(&format!("{lists} written to {}", path.display()));
    Ok(())
}

/// "1 group", "2 groups".
pub(super) fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}
