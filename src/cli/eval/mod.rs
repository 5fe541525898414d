//! `simdex eval`: measurements that anyone can repeat on their own pictures.

mod classify;
mod copies;
mod domains;
mod figures;
mod looks;
mod pairs;
mod retrieval;

use clap::{Args, Subcommand};

use super::Outcome;
use super::session::Session;
use crate::evaluation::Estimate;
use crate::plural::counted;

/// Headings of `--help`, where there are many flags.
const MEASURED: &str = "What is measured";
const OUTPUT: &str = "Output";

#[derive(Debug, Args)]
pub(super) struct EvalArgs {
    #[command(subcommand)]
    protocol: Protocol,
}

#[derive(Debug, Subcommand)]
enum Protocol {
    /// The report's: are two pictures of one class? On one folder of pictures per class
    Pairs(pairs::PairsArgs),
    /// Every picture a query, the others of its folder are right
    Retrieval(retrieval::RetrievalArgs),
    /// Edited copies, searched among the pictures they were made from
    Copies(copies::CopiesArgs),
    /// Edits that keep or break a look, and people's judgements
    Looks(looks::LooksArgs),
    /// Lists and scores on many kinds of pictures: a folder of domains, each with one folder of
    /// pictures per class
    Domains(domains::DomainsArgs),
    /// `simdex classify` on a folder with one folder of pictures per class
    Classify(classify::EvalClassifyArgs),
}

pub(super) fn run(session: &Session, args: EvalArgs) -> anyhow::Result<Outcome> {
    match args.protocol {
        Protocol::Pairs(args) => pairs::run(session, args),
        Protocol::Retrieval(args) => retrieval::run(session, args),
        Protocol::Copies(args) => copies::run(session, args),
        Protocol::Looks(args) => looks::run(session, args),
        Protocol::Domains(args) => domains::run(session, args),
        Protocol::Classify(args) => classify::run(session, args),
    }
}

/// A line for each ranking that was trained on what it is measured on.
fn seen(rankings: &[(String, usize)], pictures: usize) -> impl Iterator<Item = String> {
    rankings.iter().map(move |(name, count)| {
        let pictures = counted(pictures, "picture");
        format!("{name} was trained on {count} of the {pictures}: its figures flatter it")
    })
}

/// The mean and where the middle 95 % lie, in a table.
fn with_interval(estimate: &Estimate) -> String {
    let [low, high] = estimate.interval;
    format!("{:.3} ({low:.3}-{high:.3})", estimate.mean)
}

/// The mean, the draws' standard deviation and where the middle 95 % of the mean lie.
fn over_draws(estimate: &Estimate) -> String {
    let [low, high] = estimate.interval;
    format!(
        "{:.3} +- {:.3} ({low:.3}-{high:.3})",
        estimate.mean, estimate.std
    )
}
