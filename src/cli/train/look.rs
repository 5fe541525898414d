//! `train --look`: how simdex tells looks.

use std::path::Path;

use anyhow::Context;

use super::TrainArgs;
use crate::cli::follow::follow;
use crate::cli::output::{self, replace};
use crate::cli::session::Session;
use crate::cli::{Format, Outcome};
use crate::evaluation::Estimate;
use crate::plural::counted;
use crate::report::TextLines;

pub(super) fn run(session: &Session, args: &TrainArgs, dir: &Path) -> anyhow::Result<Outcome> {
    let csv = args.triplets.as_deref().context("clap asks for it")?;
    let extraction = session.extraction()?;
    let taught = follow(session, |watch| {
        extraction.train_look(dir, csv, args.seed, watch)
    });
    let Some((taught, outcome)) = taught? else {
        return Ok(Outcome::Interrupted);
    };
    let bytes = taught.projection.to_bytes();
    replace(&args.output, &bytes)?;
    let (weighed, votes) = taught
        .figures
        .people
        .iter()
        .fold((0.0, 0.0), |(sum, all), (agreed, votes)| {
            (sum + agreed * votes, all + votes)
        });
    let people: Vec<f64> = taught
        .figures
        .people
        .iter()
        .map(|(agreed, _)| *agreed)
        .collect();
    let people = Estimate {
        mean: weighed / f64::max(votes, 1.0),
        ..Estimate::bootstrap(&people, args.seed)
    };
    let kept = Estimate::bootstrap(&taught.figures.kept_first, args.seed);
    let [pictures, versions, judgements] = taught.learned_from;
    match args.format {
        Format::Json => output::json(&serde_json::json!({
            "file": args.output.display().to_string(),
            "bytes": bytes.len(),
            "id": taught.projection.id(),
            "pictures": pictures,
            "versions": versions,
            "judgements": judgements,
            "people": people,
            "ceiling": taught.ceiling,
            "kept_first": kept,
        }))?,
        Format::Text => {
            let mut text = TextLines::default();
            let file = args.output.display();
            text.push(format!(
                "{file}: {}; {}, {} of some, {}",
                counted(bytes.len(), "byte"),
                counted(pictures, "picture"),
                counted(versions, "version"),
                counted(judgements, "judgement")
            ));
            text.push("on what was not learned from (five folds; 95 % interval):");
            let of = |estimate: &Estimate| {
                let [low, high] = estimate.interval;
                format!("{:.3} ({low:.3}-{high:.3})", estimate.mean)
            };
            text.push(format!(
                "people's votes agreed with  {}; at most {:.3}",
                of(&people),
                taught.ceiling
            ));
            text.push(format!("kept looks before broken    {}", of(&kept)));
            output::text(&text)?;
        }
    }
    Ok(outcome)
}
