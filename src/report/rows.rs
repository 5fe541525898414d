//! Ranked lists as rows of a table: the same columns in CSV, Parquet and Excel's workbooks.

use crate::search::{QueryResult, ResultEntry};
use crate::table::{Cell, Column};

/// The columns of a table of results; docs/cli.md describes them.
pub const RESULT_COLUMNS: [Column; 14] = [
    Column::text("query"),
    Column::whole("rank"),
    Column::number("score"),
    Column::number("cosine"),
    Column::text("id"),
    Column::text("url"),
    Column::text("page"),
    Column::text("path"),
    Column::whole("width"),
    Column::whole("height"),
    Column::text("page_title"),
    Column::text("words"),
    Column::text("why"),
    Column::whole("copies"),
];

/// A row of a table of results.
pub type ResultRow<'a> = [Cell<'a>; RESULT_COLUMNS.len()];

/// The rows of a list: one a result, with the first of its URLs and pages; a result that is in several
/// files has a row for each of them.
pub fn result_rows(list: &QueryResult) -> impl Iterator<Item = ResultRow<'_>> {
    list.results.iter().flat_map(move |entry| {
        let others = entry.paths.iter().skip(1).map(String::as_str);
        let paths = std::iter::once(entry.path.as_deref().unwrap_or("")).chain(others);
        paths.map(move |path| row(list, entry, path))
    })
}

fn row<'a>(list: &'a QueryResult, entry: &'a ResultEntry, path: &'a str) -> ResultRow<'a> {
    let page = entry.pages.first();
    let why = entry.explanation.as_ref().map(|it| it.words.as_str());
    let count = |number: usize| Cell::Whole(number as u64);
    [
        Cell::text(&*list.query),
        count(entry.rank),
        entry.score.into(),
        entry.cosine.into(),
        Cell::text(&*entry.id),
        Cell::some_text(entry.urls.first().map(String::as_str)),
        Cell::some_text(page.map(|page| page.url.as_str())),
        Cell::text(path),
        Cell::Whole(entry.width.into()),
        Cell::Whole(entry.height.into()),
        Cell::some_text(page.map(|page| page.title.as_str())),
        Cell::some_text(page.map(|page| page.words())),
        Cell::some_text(why),
        count(entry.copies.len()),
    ]
}
