//! `crawl --like`: listing pictures like some at the end of a crawl.

use super::report::print_summary;
use crate::app::{Collection, Found};
use crate::cli::input::PictureReader;
use crate::cli::search::NamedQuestion;
use crate::cli::{Format, output};
use crate::crawl::Summary;
use crate::report::result_text;

/// Prints the summary and the ranked lists of what is in the store now.
pub(super) fn print(
    collection: &Collection,
    summary: &Summary,
    names: &[String],
    min_score: f32,
    format: Format,
) -> anyhow::Result<()> {
    let mut reader = PictureReader::new(collection.config());
    let mut results = Vec::with_capacity(names.len());
    for name in names {
        let question = NamedQuestion::one(name.clone()).read(&mut reader)?;
        results.push(collection.search_as_crawled(&question, min_score)?);
    }
    if format == Format::Json {
        return output::json(&Found {
            summary,
            results: &results,
        });
    }
    print_summary(summary, format)?;
    for result in &results {
        output::text(&result_text(result, false))?;
    }
    Ok(())
}
