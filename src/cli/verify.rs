use clap::Args;
use serde::Serialize;

use super::progress::Progress;
use super::session::Session;
use super::{Format, Outcome, output};
use crate::crawl::with_causes;
use crate::index::Index;
use crate::network::Descriptor;
use crate::picture::PictureId;
use crate::store::{Sequence, Store};

#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    /// How to print the findings
    #[arg(long, default_value = "text")]
    format: Format,
}

/// The JSON of `verify`.
#[derive(Debug, Default, Serialize)]
struct Findings {
    pictures: u64,
    damaged: Vec<Damage>,
}

#[derive(Debug, Serialize)]
struct Damage {
    id: String,
    problem: String,
}

pub(super) fn run(session: &Session, args: VerifyArgs) -> anyhow::Result<Outcome> {
    let network = session.network()?;
    let store = session.existing_store(&network)?;
    store.frontier_counts()?;
    let index = session.index(&store)?;
    let bar = Progress::new("verifying", index.len() as u64);
    let mut findings = Findings::default();
    for entry in store.pictures() {
        if session.shutdown.requested() {
            return Ok(Outcome::Interrupted);
        }
        let (sequence, id) = entry?;
        findings.pictures += 1;
        if let Err(error) = check(&store, &index, sequence, id) {
            findings.damaged.push(Damage {
                id: id.to_string(),
                problem: with_causes(error.as_ref()),
            });
        }
        bar.set(findings.pictures, || {
            format!("{} pictures verified", findings.pictures)
        });
    }
    drop(bar);
    if args.format == Format::Json {
        output::json(&findings)?;
    } else {
        let mut text = String::new();
        for damage in &findings.damaged {
            text += &format!("{}: {}\n", damage.id, damage.problem);
        }
        text += &format!(
            "{} pictures verified, {} damaged\n",
            findings.pictures,
            findings.damaged.len()
        );
        output::write(text.as_bytes())?;
    }
    anyhow::ensure!(
        findings.damaged.is_empty(),
        "{} pictures are damaged or not found",
        findings.damaged.len()
    );
    Ok(Outcome::Done)
}

/// Reads all there is of a picture, and asks the index for it.
fn check(store: &Store, index: &Index, sequence: Sequence, id: PictureId) -> anyhow::Result<()> {
    let record = store.picture(id)?;
    let record = record.ok_or_else(|| anyhow::anyhow!("its record is missing"))?;
    anyhow::ensure!(
        record.sequence == sequence.0,
        "its sequence number is another picture's"
    );
    store.verified_block(id)?;
    store.provenance(id)?;
    anyhow::ensure!(store.thumbnail(id)?.is_some(), "its thumbnail is missing");
    let descriptor: Descriptor = match store.descriptors(sequence).next() {
        Some(entry) => {
            let (found, descriptor) = entry?;
            anyhow::ensure!(found == sequence, "its descriptor is missing");
            descriptor
        }
        None => anyhow::bail!("its descriptor is missing"),
    };
    anyhow::ensure!(
        index.finds(sequence, &descriptor),
        "the index does not find it: delete the folder `index` of the store, it is rebuilt"
    );
    Ok(())
}
