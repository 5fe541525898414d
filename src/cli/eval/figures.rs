//! How the figures of an evaluation are given: printed, and as a page.

use std::path::PathBuf;

use clap::Args;

use super::OUTPUT;
use crate::cli::{Format, Outcome, output};
use crate::report::{TextLines, measurements_page};

#[derive(Debug, Args)]
pub(super) struct FiguresArgs {
    /// Write a page with all tables, and drawings of them
    #[arg(long, value_name = "FILE", help_heading = OUTPUT)]
    html: Option<PathBuf>,
    /// How to print the tables
    #[arg(long, default_value = "text", help_heading = OUTPUT)]
    format: Format,
}

impl FiguresArgs {
    /// Fails before the long work, not after it, if the page cannot be written.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        self.html.as_deref().map_or(Ok(()), output::check_folder)
    }

    /// Gives what an evaluation found, unless the user stopped it.
    pub(super) fn give<E: serde::Serialize>(
        &self,
        title: &str,
        found: Option<(E, Outcome)>,
        tables: impl Fn(&E) -> TextLines,
        drawings: impl Fn(&E) -> Vec<String>,
    ) -> anyhow::Result<Outcome> {
        let Some((evaluation, outcome)) = found else {
            return Ok(Outcome::Interrupted);
        };
        if let Some(file) = &self.html {
            let page = measurements_page(title, &tables(&evaluation), &drawings(&evaluation));
            output::replace(file, page.as_bytes())?;
        }
        match self.format {
            Format::Json => output::json(&evaluation)?,
            Format::Text => output::text(&tables(&evaluation))?,
        }
        Ok(outcome)
    }
}
