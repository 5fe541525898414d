//! `verify`: reading everything back.

use clap::Args;

use super::progress::Progress;
use super::session::Session;
use super::{Format, Outcome, output};
use crate::report::TextLines;

#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    /// How to print the findings
    #[arg(long, default_value = "text")]
    format: Format,
}

pub(super) fn run(session: &Session, args: VerifyArgs) -> anyhow::Result<Outcome> {
    let collection = session.existing_collection()?;
    let mut bar = None;
    let findings = collection.verify(&session.shutdown, &mut |done, total| {
        let bar = bar.get_or_insert_with(|| Progress::new("verifying", total));
        bar.set(done, || format!("{done} pictures verified"));
    })?;
    drop(bar);
    let Some(findings) = findings else {
        return Ok(Outcome::Interrupted);
    };
    if args.format == Format::Json {
        output::json(&findings)?;
    } else {
        let mut text = TextLines::default();
        for damage in &findings.damaged {
            text.push(format!("{}: {}", damage.id, damage.problem));
        }
        text.push(format!(
            "{} pictures verified, {} damaged",
            findings.pictures,
            findings.damaged.len()
        ));
        output::text(&text)?;
    }
    anyhow::ensure!(
        findings.damaged.is_empty(),
        "{} pictures are damaged or not found",
        findings.damaged.len()
    );
    Ok(Outcome::Done)
}
