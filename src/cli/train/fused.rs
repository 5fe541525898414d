//! `train`: the user's labels, pairs or bare pictures, on top of the shipped head.

use super::TrainArgs;
use crate::app::Extraction;
use crate::cli::output::{self, replace};
use crate::cli::{Format, Outcome};
use crate::head::Fused;
use crate::local_path::path_text;
use crate::plural::counted;

/// Writes the head, and says what it has learned.
pub(super) fn finish(
    extraction: &Extraction,
    args: &TrainArgs,
    head: &Fused,
    outcome: Outcome,
) -> anyhow::Result<Outcome> {
    replace(&args.output, head.to_json(extraction.layout()).as_bytes())?;
    let training = head.training();
    let held_out = head.label_weights().map_or(0, |weights| weights.queries);
    if args.format == Format::Json {
        output::json(&serde_json::json!({
            "head": path_text(&args.output),
            "from": training.from,
            "classes": training.classes.len(),
            "train_pictures": training.pictures,
            "train_pairs": training.pairs,
            "held_out_queries": held_out,
        }))?;
    } else {
        let fitted = match held_out {
            0 => String::new(),
            _ => format!("; scores fitted to {held_out} of them, each held out"),
        };
        output::line(&format!(
            "{}: learned from the {} of {}{fitted}",
            args.output.display(),
            training.from,
            counted(training.pictures, "picture")
        ))?;
    }
    Ok(outcome)
}
