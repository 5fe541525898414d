//! `eval looks`: is what looks alike found, and do people agree?

use std::path::PathBuf;

use clap::Args;

use super::figures::FiguresArgs;
use super::{MEASURED, with_interval};
use crate::app::LooksOptions;
use crate::cli::Outcome;
use crate::cli::follow::follow;
use crate::cli::input::{head, some};
use crate::cli::session::Session;
use crate::evaluation::{Estimate, LookRow, LooksEvaluation};
use crate::plural::counted;
use crate::report::{Column, Table, TextLines, interval_plot};

#[derive(Debug, Args)]
pub(in crate::cli) struct LooksArgs {
    /// Folder of pictures
    dir: PathBuf,
    /// People's judgements, too: a CSV file of ref, a, b, share of votes for a, votes; paths from its folder
    #[arg(long, value_name = "CSV", help_heading = MEASURED)]
    triplets: Option<PathBuf>,
    /// The head whose modes are measured
    #[arg(long, value_name = "NAME|FILE", value_parser = head(), default_value = "fused", help_heading = MEASURED)]
    head: String,
    /// Most pictures that are stored, spread over all
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = some(), help_heading = MEASURED)]
    pictures: usize,
    /// Pictures that are edited, spread over those
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = some(), help_heading = MEASURED)]
    queries: usize,
    /// Candidates that are re-scored [default: `[query] candidates` of the configuration]
    #[arg(long, value_name = "N", value_parser = some(), help_heading = MEASURED)]
    candidates: Option<usize>,
    /// Seed of the edits
    #[arg(long, default_value_t = 1, help_heading = MEASURED)]
    seed: u64,
    #[command(flatten)]
    figures: FiguresArgs,
}

pub(super) fn run(session: &Session, args: LooksArgs) -> anyhow::Result<Outcome> {
    args.figures.check()?;
    let candidates = args.candidates.unwrap_or(session.config.query.candidates);
    let options = LooksOptions {
        dir: args.dir,
        triplets: args.triplets,
        head: args.head,
        pictures: args.pictures,
        queries: args.queries,
        candidates,
        seed: args.seed,
    };
    let extraction = session.extraction()?;
    let evaluation = follow(session, |watch| extraction.evaluate_looks(&options, watch));
    args.figures.give("Looks", evaluation?, tables, drawings)
}

fn tables(evaluation: &LooksEvaluation) -> TextLines {
    let mut text = TextLines::default();
    text.push(format!(
        "{} and {} that break a look are stored; {} of {} of the pictures that keep it are searched (95 % interval)",
        counted(evaluation.pictures, "picture"),
        counted(evaluation.broken, "edit"),
        counted(evaluation.queries, "edit"),
        evaluation.sources
    ));
    let candidates = format!("among {}", evaluation.candidates);
    let mut rows = Table::new([13, 21, 21, 21, 0].map(Column::left));
    rows.row([
        "ranking",
        "among the first 10",
        &candidates,
        "kept before broken",
        "people",
    ]);
    for row in &evaluation.rows {
        let people = row.people.as_ref();
        rows.row([
            row.ranking.to_string(),
            with_interval(&row.first_10),
            with_interval(&row.among_candidates),
            with_interval(&row.kept_first),
            people.map_or("-".to_owned(), with_interval),
        ]);
    }
    text.push_table(rows);
    if let Some(ceiling) = evaluation.ceiling {
        text.push(format!(
            "people: share of votes agreed with, of {} of {}; at most {ceiling:.3}",
            counted(evaluation.triplets, "judgement"),
            counted(evaluation.judged, "picture")
        ));
    }
    for (keeps, title) in [
        (true, "keeps the look: among the first 10"),
        (false, "breaks it: comes after the picture"),
    ] {
        let columns = evaluation.rows.iter().map(|_| Column::left(12));
        let mut rows = Table::new(std::iter::once(Column::left(36)).chain(columns));
        let names = evaluation.rows.iter().map(|row| row.ranking.to_string());
        rows.row(std::iter::once(title.to_owned()).chain(names));
        for row in evaluation.edits.iter().filter(|row| row.keeps == keeps) {
            let shares = row.shares.iter().map(|(_, share)| format!("{share:.3}"));
            rows.row(std::iter::once(row.edit.to_string()).chain(shares));
        }
        text.push_table(rows);
    }
    text.extend(super::seen(&evaluation.seen, evaluation.pictures));
    text
}

fn drawings(evaluation: &LooksEvaluation) -> Vec<String> {
    let plot = |title: &str, of: fn(&LookRow) -> Option<Estimate>| {
        let rows = evaluation.rows.iter();
        let rows = rows.filter_map(|row| Some((row.ranking.to_string(), of(row)?)));
        interval_plot(title, &rows.collect::<Vec<_>>())
    };
    vec![
        plot("keeps the look: among the first 10", |row| {
            Some(row.first_10)
        }),
        plot("kept before broken", |row| Some(row.kept_first)),
        plot("people's votes agreed with", |row| row.people),
    ]
}
