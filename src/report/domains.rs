//! `simdex eval domains` as tables and diagrams.

use super::lines::{self, Line, TextLines};
use super::reliability::{Reliability, reliability_diagrams};
use crate::evaluation::{
    AtThresholdFigures, DomainRow, DomainsEvaluation, Estimate, HeadFigures, StoreFigures,
};
use crate::plural::{counted, counted_as};

/// A table of figures.
struct Table {
    title: String,
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// The evaluation as lines of text.
pub fn domains_text(evaluation: &DomainsEvaluation) -> TextLines {
    let mut text = TextLines::default();
    text.extend(facts(evaluation));
    for table in tables(evaluation) {
        text.push("");
        text.push_line(Line::hanging(2).strong(&table.title));
        let rows = std::iter::once(table.columns).chain(table.rows);
        text.push_table(lines::Table::of(rows.collect()));
    }
    text
}

/// The diagrams of the mixed store, one for each head.
pub fn domains_svg(evaluation: &DomainsEvaluation) -> String {
    diagrams(evaluation, 0)
}

/// The diagrams of every kind of store.
pub fn domains_diagrams(evaluation: &DomainsEvaluation) -> Vec<String> {
    let stores = 0..stores(evaluation).count();
    stores.map(|store| diagrams(evaluation, store)).collect()
}

fn diagrams(evaluation: &DomainsEvaluation, store: usize) -> String {
    let of_head = |head: &HeadFigures| {
        let figures = head.stores.get(store)?;
        Some((
            format!("{}, {}", head.head, figures.store.name()),
            figures.clone(),
        ))
    };
    let figures: Vec<(String, StoreFigures)> =
        evaluation.heads.iter().filter_map(of_head).collect();
    let diagrams: Vec<Reliability<'_>> = figures
        .iter()
        .map(|(title, figures)| Reliability {
            title,
            bins: &figures.bins,
            error: figures.calibration_error.map(|error| error.mean),
        })
        .collect();
    reliability_diagrams(&diagrams)
}

/// The kinds of stores, by the first head.
fn stores(evaluation: &DomainsEvaluation) -> impl Iterator<Item = &StoreFigures> {
    evaluation
        .heads
        .first()
        .into_iter()
        .flat_map(|head| &head.stores)
}

/// What was asked, in sentences.
fn facts(evaluation: &DomainsEvaluation) -> Vec<String> {
    let sum = |of: &dyn Fn(&crate::evaluation::DomainSize) -> usize| {
        evaluation.domains.iter().map(of).sum::<usize>()
    };
    let mut facts = vec![format!(
        "{} of {} in {} stored, {} asked for; {} without \
         an answer; of each query {} shown, lists have up to {}",
        counted(sum(&|domain| domain.pictures), "picture"),
        counted_as(sum(&|domain| domain.classes), "class", "classes"),
        counted(evaluation.domains.len(), "domain"),
        counted(sum(&|domain| domain.queries), "other"),
        counted_as(evaluation.answerless, "query", "queries"),
        counted_as(evaluation.shown, "result is", "results are"),
        evaluation.candidates,
    )];
    facts.push(
        "each domain counts alike; (95 % interval); calibration is of the results shown of \
         queries that have an answer in their store"
            .to_owned(),
    );
    if !evaluation.left_out.is_empty() {
        facts.push(format!(
            "not stored, so that they have no answer: {}",
            evaluation.left_out.join(", ")
        ));
    }
    if evaluation.stored_queries > 0 {
        facts.push(format!(
            "not asked, since their very bytes are stored: {}",
            evaluation.stored_queries
        ));
    }
    if !evaluation.sizes_left_out.is_empty() {
        let sizes = evaluation.sizes_left_out.iter().map(usize::to_string);
        facts.push(format!(
            "not drawn, since there are no more pictures than that: {}",
            sizes.collect::<Vec<_>>().join(", ")
        ));
    }
    let pictures = sum(&|domain| domain.pictures);
    facts.extend(evaluation.seen.iter().map(|(head, count)| {
        let pictures = counted(pictures, "picture");
        format!("{head} was trained on {count} of the {pictures}: its figures flatter it")
    }));
    facts
}

fn tables(evaluation: &DomainsEvaluation) -> Vec<Table> {
    let mut tables = Vec::new();
    for (number, store) in stores(evaluation).enumerate() {
        let figures = || {
            let heads = evaluation.heads.iter();
            heads.filter_map(move |head| Some((head, head.stores.get(number)?)))
        };
        tables.push(Table {
            title: format!(
                "{}: {}, {}, {}",
                store.store.name(),
                counted(store.stores, "store"),
                counted(store.pictures, "picture"),
                counted_as(store.queries, "query", "queries")
            ),
            columns: OVERVIEW.map(str::to_owned).to_vec(),
            rows: figures()
                .map(|(head, figures)| overview(head, figures))
                .collect(),
        });
        // Samples have too few queries of each domain.
        if number < 2 {
            tables.push(Table {
                title: format!(
                    "{} by domain: mAP / first hit / calibration error / at p90, right",
                    store.store.name()
                ),
                columns: ["domain", "queries"]
                    .into_iter()
                    .map(str::to_owned)
                    .chain(evaluation.heads.iter().map(|head| head.head.clone()))
                    .collect(),
                rows: store
                    .domains
                    .iter()
                    .map(|domain| {
                        let row = |(_, figures): (&HeadFigures, &StoreFigures)| {
                            let mut rows = figures.domains.iter();
                            let own = rows.find(|row| row.domain == domain.domain);
                            own.map_or_else(String::new, cell)
                        };
                        let mut cells = vec![domain.domain.clone(), domain.queries.to_string()];
                        cells.extend(figures().map(row));
                        cells
                    })
                    .collect(),
            });
        }
    }
    tables
}

const OVERVIEW: [&str; 9] = [
    "head",
    "mAP",
    "first hit",
    "calibration error",
    "by result",
    "mean of domains, worst",
    "at p90, right",
    "at p99, right",
    "no answer, yet one at p90",
];

fn overview(head: &HeadFigures, figures: &StoreFigures) -> Vec<String> {
    let worst = figures.worst_domain.as_ref();
    let worst = worst.map_or_else(String::new, |(domain, error)| {
        format!(", {domain} {error:.3}")
    });
    let answerless = figures.answerless.as_ref();
    vec![
        head.head.clone(),
        with_interval(figures.map),
        with_interval(figures.first_hit),
        with_interval(figures.calibration_error),
        figure(figures.calibration_error_by_result),
        format!(
            "{}{worst}",
            figure(figures.calibration_error_of_domains.map(|error| error.mean))
        ),
        at(figures.at_90),
        at(figures.at_99),
        with_interval(answerless.and_then(|answerless| answerless.any_at_90)),
    ]
}

/// A domain's figures by one head.
fn cell(row: &DomainRow) -> String {
    let at_90 = row.at_90.map_or_else(String::new, |share| {
        format!(" / {share:.3}, {}", figure(row.right_at_90))
    });
    format!(
        "{:.3} / {:.3} / {}{at_90}",
        row.map,
        row.first_hit,
        figure(row.calibration_error)
    )
}

fn at(figures: Option<AtThresholdFigures>) -> String {
    figures.map_or_else(
        || "-".to_owned(),
        |at| format!("{:.3}, {}", at.share, with_interval(at.right)),
    )
}

fn figure(figure: Option<f64>) -> String {
    figure.map_or_else(|| "-".to_owned(), |figure| format!("{figure:.3}"))
}

fn with_interval(estimate: Option<Estimate>) -> String {
    estimate.map_or_else(
        || "-".to_owned(),
        |Estimate { mean, interval, .. }| {
            let [low, high] = interval;
            format!("{mean:.3} ({low:.3}-{high:.3})")
        },
    )
}
