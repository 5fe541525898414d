//! One row a result.

use std::io::{self, Write};

use crate::search::QueryResult;

/// The first row of a table of results.
///
/// # Errors
/// If writing fails.
pub fn write_csv_header(out: &mut dyn Write) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record([
        "query", "rank", "score", "cosine", "id", "url", "page", "path", "width", "height",
    ])?;
    csv.flush()
}

/// One row a result of a list: query, rank, score, cosine, id, url, page, path, width,
/// height. Of several URLs and pages the first of each; a result that is in several files has a
/// row for each of them.
///
/// # Errors
/// If writing fails.
pub fn write_csv_rows(result: &QueryResult, out: &mut dyn Write) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    let rows = result.results.iter().flat_map(|entry| {
        let others = entry.paths.iter().skip(1).map(String::as_str);
        let paths = std::iter::once(entry.path.as_deref().unwrap_or("")).chain(others);
        paths.map(move |path| (entry, path))
    });
    for (entry, path) in rows {
        csv.write_record([
            result.query.as_str(),
            &entry.rank.to_string(),
            &entry.score.to_string(),
            &entry.cosine.to_string(),
            &entry.id,
            entry.urls.first().map_or("", String::as_str),
            entry.pages.first().map_or("", |page| page.url.as_str()),
            path,
            &entry.width.to_string(),
            &entry.height.to_string(),
        ])?;
    }
    csv.flush()
}
