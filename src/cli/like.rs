//! `crawl --like`: looking for pictures like some, and listing them at the end.

use serde::Serialize;

use super::input::PictureReader;
use super::query::NamedQuestion;
use super::{Format, output};
use crate::app::Collection;
use crate::crawl::Summary;
use crate::report::result_text;
use crate::search::{QueryResult, SearchOptions};

/// The JSON of a focused crawl: the summary's keys, and a list for each picture.
#[derive(Serialize)]
struct Found<'a> {
    #[serde(flatten)]
    summary: &'a Summary,
    results: &'a [QueryResult],
}

/// Prints the summary and the ranked lists of what is in the store now.
pub(super) fn print(
    collection: &Collection,
    summary: &Summary,
    names: &[String],
    min_score: f32,
    format: Format,
) -> anyhow::Result<()> {
    let config = collection.config();
    let head = collection.heads().named(None)?;
    let options = SearchOptions {
        min_score,
        // By the score with which pictures were compared as they came.
        alone: true,
        ..SearchOptions::new(config.query.k, config.query.candidates)
    };
    let mut reader = PictureReader::new(config);
    let mut results = Vec::with_capacity(names.len());
    for name in names {
        let question = NamedQuestion::one(name.clone()).read(&mut reader)?;
        results.push(collection.search(&question, &head, &options)?);
    }
    if format == Format::Json {
        return output::json(&Found {
            summary,
            results: &results,
        });
    }
    super::crawl_report::print_summary(summary, format)?;
    for result in &results {
        output::write(result_text(result).as_bytes())?;
    }
    Ok(())
}
