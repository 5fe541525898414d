//! `verify`: reading everything back.

use clap::Args;

use super::progress::{self, Progress};
use super::session::Session;
use super::{Format, Outcome, output};
use crate::report::TextLines;

#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    /// Take damaged pictures out, so that the next crawl or `add` stores them anew, and rebuild
    /// the index where it is wrong
    #[arg(long)]
    repair: bool,
    /// How to print the findings
    #[arg(long, default_value = "text")]
    format: Format,
}

pub(super) fn run(session: &Session, args: VerifyArgs) -> anyhow::Result<Outcome> {
    let collection = match args.repair {
        true => session.existing_collection()?,
        false => session.collection_to_read()?,
    };
    let mut bar = None;
    let findings = collection.verify(args.repair, &session.shutdown, &mut |done, total| {
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
        for damage in findings.damaged.iter().chain(&findings.unreadable) {
            text.push(format!("{}: {}", damage.id, damage.problem));
        }
        text.extend(findings.log.iter().map(String::as_str));
        text.push(format!(
            "{} pictures verified, {} damaged, {} not readable now",
            findings.pictures,
            findings.damaged.len(),
            findings.unreadable.len()
        ));
        output::text(&text)?;
    }
    if let Some(mended) = &findings.mended {
        progress::note(&format!(
            "{} pictures taken out, {} URLs queued again: `simdex crawl` or `simdex add` stores \
             them anew{}",
            mended.taken_out,
            mended.queued,
            if mended.index {
                "; the index is rebuilt when it is needed"
            } else {
                ""
            }
        ));
        anyhow::ensure!(
            findings.unreadable.is_empty() && findings.log.is_empty(),
            "not everything could be mended"
        );
        return Ok(Outcome::Done);
    }
    anyhow::ensure!(
        findings.is_clean(),
        "{} pictures are damaged or not found, {} cannot be read now; `simdex verify --repair` \
         mends what it can",
        findings.damaged.len(),
        findings.unreadable.len()
    );
    Ok(Outcome::Done)
}
