//! Where results go: stdout, and files written in one step. A closed pipe
//! (`simdex query … | head`) is no error.

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};
use std::path::Path;

use anyhow::Context;
use serde::Serialize;

use super::progress;
use super::screen::screen;
use crate::atomic_file::{AtomicFile, folder_of};
use crate::local_path::path_text;
use crate::plural::counted;
use crate::report::{TextLines, write_json};

/// The reader of stdout has gone.
#[derive(Debug, thiserror::Error)]
#[error("stdout is closed")]
struct ClosedPipe;

/// Whether a command failed only because nobody reads its output any more.
pub(super) fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<ClosedPipe>().is_some()
}

/// Writes data to stdout: as it is to whoever reads it, without what steers it to a terminal.
pub(super) fn data(bytes: &[u8]) -> anyhow::Result<()> {
    write(&for_reader(bytes, io::stdout().is_terminal()))
}

fn for_reader(bytes: &[u8], is_terminal: bool) -> Cow<'_, [u8]> {
    if !is_terminal {
        return Cow::Borrowed(bytes);
    }
    let text = String::from_utf8_lossy(bytes);
    let lines: TextLines = text.lines().collect();
    Cow::Owned(lines.to_string().into_bytes())
}

/// Writes lines of text to stdout, made to fit if that is a terminal.
pub(super) fn text(lines: &TextLines) -> anyhow::Result<()> {
    let mut shown = String::new();
    for line in lines.shown_on(screen()) {
        shown.push_str(&line);
        shown.push('\n');
    }
    write(shown.as_bytes())
}

/// Writes lines that have pictures beside them.
pub(super) fn pictures(shown: &[u8]) -> anyhow::Result<()> {
    write(shown)
}

/// Writes lines of text to stdout as they are: they are read by programs, or copied by people.
pub(super) fn whole(lines: &TextLines) -> anyhow::Result<()> {
    write(lines.to_string().as_bytes())
}

fn write(bytes: &[u8]) -> anyhow::Result<()> {
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
pub(super) fn line(line: &str) -> anyhow::Result<()> {
    text(&TextLines::from_iter([line]))
}

/// Writes one line of JSON to stdout.
pub(super) fn json<T: Serialize>(value: &T) -> anyhow::Result<()> {
    whole(&json_line(value)?)
}

/// A value as one line of JSON, in which nothing steers a terminal.
pub(super) fn json_line<T: Serialize>(value: &T) -> anyhow::Result<TextLines> {
    let mut line = Vec::new();
    write_json(value, &mut line)?;
    Ok(TextLines::from_iter([String::from_utf8(line)?]))
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
        return data(bytes);
    }
    replace(path, bytes)?;
    let lists = counted(lists, "list");
    progress::note(&format!("{lists} written to {}", path_text(path)));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_terminal_gets_data_cleaned() {
        let csv = "query,path\r\na\u{1b}[2J,b\u{202e}\r\n".as_bytes();
        assert_eq!(*for_reader(csv, false), *csv);
        let shown = for_reader(csv, true);
        assert_eq!(*shown, *b"query,path\na\\u{1b}[2J,b\\u{202e}\n");
    }
}
