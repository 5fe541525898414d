//! `simdex train`: heads from the user's own pictures.

mod fused;
mod generic;
mod labels;
mod look;
mod mse18;

use std::path::PathBuf;

use clap::{ArgGroup, Args, ValueEnum};

use super::follow::follow;
use super::input::{at_least, some};
use super::output::check_folder;
use super::session::Session;
use super::{Format, Outcome, progress, shell_word};
use crate::training::mse18::TrainOptions;

/// Headings of `--help`.
const FROM: &str = "What is learned from";
const TRAINING: &str = "Training";
const OUTPUT: &str = "Output";

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("from").required(true).args(["dir", "pairs", "unlabelled", "from_labels", "generic", "look"])))]
pub(super) struct TrainArgs {
    /// Folder with one folder of pictures per class
    dir: Option<PathBuf>,
    /// Learn from pairs instead: a CSV file of path, path, same or different (or 1, 0); paths from its folder
    #[arg(long, value_name = "CSV", help_heading = FROM)]
    pairs: Option<PathBuf>,
    /// Learn from edited copies of the pictures below a folder instead
    #[arg(long, value_name = "DIR", help_heading = FROM)]
    unlabelled: Option<PathBuf>,
    /// Learn from the labels of the store instead, which are given on the page of `simdex serve` and by
    /// its API
    #[arg(long, help_heading = FROM)]
    from_labels: bool,
    /// Make the head and the projection that simdex ships, from folders of domains with one folder per class
    #[arg(long, value_name = "DIR", num_args = 1.., requires = "projection", help_heading = FROM)]
    generic: Vec<PathBuf>,
    /// With --generic: where to write the projection
    #[arg(long, value_name = "FILE", requires = "generic", help_heading = OUTPUT)]
    projection: Option<PathBuf>,
    /// Make the file by which simdex tells looks, from edits of the pictures below a folder and people's judgements
    #[arg(long, value_name = "DIR", requires = "triplets", help_heading = FROM)]
    look: Option<PathBuf>,
    /// With --look: a CSV file of ref, a, b, share of votes for a, votes; paths from its folder
    #[arg(long, value_name = "CSV", requires = "look", help_heading = FROM)]
    triplets: Option<PathBuf>,
    /// What to train on a folder of classes
    #[arg(long, default_value = "fused", conflicts_with_all = ["pairs", "unlabelled", "from_labels", "generic", "look"], help_heading = TRAINING)]
    kind: Kind,
    /// Where to write the head, or the file of --look; the curve of mse18 goes beside it as .svg
    #[arg(short, long, value_name = "HEAD", help_heading = OUTPUT)]
    output: PathBuf,
    /// Of mse18: passes over the pairs
    #[arg(long, default_value_t = TrainOptions::default().epochs, value_parser = some(), help_heading = TRAINING)]
    epochs: usize,
    /// Of mse18: most pairs trained on; of more, a sample is drawn
    #[arg(long, default_value_t = TrainOptions::default().max_pairs, value_parser = at_least(2), help_heading = TRAINING)]
    max_pairs: usize,
    /// Seed of everything random
    #[arg(long, default_value_t = TrainOptions::default().seed, help_heading = TRAINING)]
    seed: u64,
    /// Of mse18: write a page with the figures and the curve
    #[arg(long, value_name = "FILE", conflicts_with_all = ["pairs", "unlabelled", "from_labels", "generic", "look"], help_heading = OUTPUT)]
    html: Option<PathBuf>,
    /// How to print the result
    #[arg(long, default_value = "text", help_heading = OUTPUT)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// Your classes, on top of everything that the shipped head knows
    Fused,
    /// The report's head
    Mse18,
}

pub(super) fn run(session: &Session, args: TrainArgs) -> anyhow::Result<Outcome> {
    check_folder(&args.output)?;
    if let Some(page) = &args.html {
        anyhow::ensure!(
            args.kind == Kind::Mse18,
            "only the training of mse18 has a curve to draw: leave out --html, or add --kind mse18"
        );
        check_folder(page)?;
    }
    let outcome = train(session, &args)?;
    let is_head = args.generic.is_empty() && args.look.is_none();
    if is_head && args.format == Format::Text && outcome != Outcome::Interrupted {
        let head = shell_word(args.output.as_os_str());
        let query = session.command(&format!("query FILE --head {head}"));
        progress::hint(&format!("next: {query} ranks by it"));
    }
    Ok(outcome)
}

fn train(session: &Session, args: &TrainArgs) -> anyhow::Result<Outcome> {
    if args.from_labels {
        return labels::run(session, args);
    }
    let extraction = session.extraction()?;
    if !args.generic.is_empty() {
        return generic::run(session, args, &args.generic);
    }
    if let Some(dir) = &args.look {
        return look::run(session, args, dir);
    }
    let head = if let Some(csv) = &args.pairs {
        follow(session, |watch| extraction.train_on_pairs(csv, watch))
    } else if let Some(dir) = &args.unlabelled {
        let seed = args.seed;
        follow(session, |watch| {
            extraction.train_on_copies(dir, seed, watch)
        })
    } else if let Some(dir) = &args.dir {
        match args.kind {
            Kind::Fused => follow(session, |watch| extraction.train_on_labels(dir, watch)),
            Kind::Mse18 => return mse18::run(session, args, dir),
        }
    } else {
        unreachable!("clap asks for one of the six");
    };
    match head? {
        Some((head, outcome)) => fused::finish(extraction, args, &head, outcome),
        None => Ok(Outcome::Interrupted),
    }
}
