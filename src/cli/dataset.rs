//! The flags of commands that save pictures as files.

use std::path::Path;

use clap::{Args, ValueEnum};

use super::progress;
use crate::local_path::path_text;
use crate::plural::counted;
use crate::saving::{Layout, SaveOptions, Saver};
use crate::table::TableFormat;

/// The heading of these flags, and of those beside them.
pub(super) const FILES: &str = "Pictures as files";

/// How the files of a dataset are laid out. The flag that names its folder has the id `dataset`.
#[derive(Debug, Args)]
pub(super) struct DatasetArgs {
    /// How files are laid out [default: as those that are there, or else folders]
    #[arg(long, requires = "dataset", help_heading = FILES)]
    layout: Option<LayoutArg>,
    /// With --layout webdataset: from this size on a tar is finished, in megabytes [default: 1000]
    #[arg(long, value_name = "MB", requires = "dataset", help_heading = FILES, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    shard_mb: Option<u64>,
    /// Write the manifest as this table, too; manifest.jsonl is always written
    #[arg(long, value_name = "FORMAT", requires = "dataset", help_heading = FILES)]
    manifest: Vec<ManifestFormat>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LayoutArg {
    /// A file a picture: ab/cd/<id>.jpg
    Folders,
    /// Tars of <id>.jpg, <id>.json and <id>.txt: 00000.tar
    Webdataset,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ManifestFormat {
    /// A line of JSON a picture
    Jsonl,
    /// A row a picture
    Csv,
    /// The same for programs that read columns
    Parquet,
}

impl DatasetArgs {
    /// Opens the dataset in a folder.
    pub(super) fn open(&self, dir: &Path) -> anyhow::Result<Saver> {
        let tables = self.manifest.iter().filter_map(|format| match format {
            ManifestFormat::Jsonl => None,
            ManifestFormat::Csv => Some(TableFormat::Csv),
            ManifestFormat::Parquet => Some(TableFormat::Parquet),
        });
        let options = SaveOptions {
            layout: self.layout.map(|layout| match layout {
                LayoutArg::Folders => Layout::Folders,
                LayoutArg::Webdataset => Layout::WebDataset,
            }),
            shard_bytes: self.shard_mb.map(|megabytes| megabytes * 1_000_000),
            tables: tables.collect(),
        };
        Ok(Saver::open(dir, &options)?)
    }
}

/// Says how many pictures are saved.
pub(super) fn tell_saved(dir: &Path, (all, new): (u64, u64)) {
    let [all, new] = [all, new].map(|count| usize::try_from(count).unwrap_or(usize::MAX));
    let new = counted(new, "picture");
    progress::note(&format!(
        "{new} saved in {}, which has {all}",
        path_text(dir)
    ));
}
