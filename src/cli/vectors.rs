//! `vectors`: the numbers by which pictures are compared, for NumPy and its like.

use std::collections::BTreeSet;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, ValueEnum};

use super::opened::Opened;
use super::output::{check_folder, replace};
use super::search::query::tell_unread;
use super::session::Session;
use super::{Outcome, progress};
use crate::app::{PictureVector, VectorKind};
use crate::atomic_file::AtomicFile;
use crate::local_path::path_text;
use crate::plural::counted;
use crate::report::NpyWriter;

#[derive(Debug, Args)]
pub(super) struct VectorsArgs {
    /// Which numbers
    #[arg(long, value_enum, default_value_t)]
    kind: KindArg,
    /// Where to write them: a row of float32 a picture, as NumPy reads it. The pictures' ids go into a
    /// file beside it, a line each in the same order: those of vectors.npy into vectors.ids.txt
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

/// Which numbers of pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum KindArg {
    /// The network's pooled output, 1280 numbers
    #[default]
    Embedding,
    /// What the index compares, 256 numbers
    Descriptor,
}

impl From<KindArg> for VectorKind {
    fn from(kind: KindArg) -> Self {
        match kind {
            KindArg::Embedding => Self::Embedding,
            KindArg::Descriptor => Self::Descriptor,
        }
    }
}

pub(super) fn run(session: &Session, args: &VectorsArgs) -> anyhow::Result<Outcome> {
    check_folder(&args.output)?;
    let opened = session.opened(Session::collection_to_read)?;
    let (mut ids, mut unread, mut shape) = (String::new(), Vec::new(), (0, 0));
    let fill = |file: &mut std::fs::File| -> anyhow::Result<()> {
        let mut npy = NpyWriter::new(BufWriter::new(file))?;
        let each = |vector: PictureVector| -> anyhow::Result<()> {
            anyhow::ensure!(!session.shutdown.requested(), Interrupted);
            npy.add(&vector.values)?;
            ids.push_str(&format!("{}\n", vector.id));
            Ok(())
        };
        let kind = args.kind.into();
        unread = match &opened {
            Opened::Here(collection) => collection.vectors(kind, each)?,
            Opened::There(connection) => connection.vectors(kind, each)?,
        };
        shape = npy.shape();
        npy.finish()?;
        Ok(())
    };
    match AtomicFile::new(&args.output).shared().write_with(fill) {
        Err(error) if error.is::<Interrupted>() => {
            progress::note("interrupted; nothing was written");
            return Ok(Outcome::Interrupted);
        }
        written => written.with_context(|| format!("cannot write {}", args.output.display()))?,
    }
    replace(&ids_path(&args.output), ids.as_bytes())?;
    let (rows, columns) = shape;
    let rows = counted(rows, "row");
    progress::note(&format!(
        "{rows} of {columns} numbers written to {}",
        path_text(&args.output)
    ));
    let unread = BTreeSet::from_iter(unread);
    tell_unread(&unread);
    Ok(match unread.is_empty() {
        true => Outcome::Done,
        false => Outcome::SomeFailed,
    })
}

/// The user has asked to stop.
#[derive(Debug, thiserror::Error)]
#[error("interrupted")]
struct Interrupted;

/// Where the ids go that belong to a file of numbers.
fn ids_path(vectors: &Path) -> PathBuf {
    vectors.with_extension("ids.txt")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_lie_beside_their_numbers() {
        let ids = |path: &str| ids_path(Path::new(path));
        assert_eq!(ids("a/vectors.npy"), Path::new("a/vectors.ids.txt"));
        assert_eq!(ids("vectors"), Path::new("vectors.ids.txt"));
    }
}
