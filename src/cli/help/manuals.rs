//! `manuals`: manual pages, made of the same definitions as `--help`. Packages bring them.

use std::path::Path;

use anyhow::Context;

/// Writes a page for the program and one for each of its commands.
pub(in crate::cli) fn write(program: clap::Command, dir: &Path) -> anyhow::Result<()> {
    let context = || dir.display().to_string();
    std::fs::create_dir_all(dir).with_context(context)?;
    clap_mangen::generate_to(program, dir).with_context(context)
}
