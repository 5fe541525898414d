//! Ranked lists in every format, read back by readers that are not ours.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;
use simdex::demo::drawing::Motif;

use crate::common::{Run, Simdex};

/// Lists of two queries, and the JSON of the same.
struct Lists {
    simdex: Simdex,
    queries: Vec<String>,
    json: Vec<Value>,
}

impl Lists {
    fn new() -> Self {
        let simdex = Simdex::filled(2, 3);
        let folder = |motif: usize| simdex.path("pictures").join(Motif::ALL[motif].name());
        std::fs::rename(folder(0).join("0.jpg"), folder(0).join("a b.jpg")).unwrap();
        simdex.json(&["add", "pictures"]);
        let queries = [folder(0).join("a b.jpg"), folder(1).join("1.jpg")];
        let queries: Vec<String> = queries
            .iter()
            .map(|path| path.to_str().unwrap().to_owned())
            .collect();
        std::fs::write(simdex.path("queries.txt"), queries.join("\n")).unwrap();
        let mut lists = Self {
            simdex,
            queries,
            json: Vec::new(),
        };
        let json: Value = serde_json::from_slice(&lists.export("json")).unwrap();
        lists.json = json.as_array().unwrap().clone();
        lists
    }

    fn run(&self, format: &str, more: &[&str]) -> (Run, PathBuf) {
        let file = self.simdex.path(&format!("lists.{format}"));
        let args = [
            "export",
            "--queries",
            "queries.txt",
            "-k",
            "4",
            "--format",
            format,
            "-o",
        ];
        let run = self
            .simdex
            .run(&[&args[..], &[file.to_str().unwrap()], more].concat());
        (run, file)
    }

    fn export(&self, format: &str) -> Vec<u8> {
        let (run, file) = self.run(format, &[]);
        assert_eq!(run.code, 0, "{}", run.stderr);
        std::fs::read(file).unwrap()
    }

    /// Query and result of each row that a table is to have.
    fn results(&self) -> Vec<(&str, &Value)> {
        let lists = self.json.iter().flat_map(|list| {
            let results = list["results"].as_array().unwrap().iter();
            results.map(|result| (list["query"].as_str().unwrap(), result))
        });
        lists.collect()
    }
}

/// The columns of a result that all tables have, as text; empty where there is nothing.
fn columns(query: &str, result: &Value) -> BTreeMap<&'static str, String> {
    let text = |value: &Value| match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        number => number.to_string(),
    };
    let mut columns: BTreeMap<_, _> = ["rank", "score", "cosine", "id", "path", "width", "height"]
        .into_iter()
        .map(|name| (name, text(&result[name])))
        .collect();
    columns.insert("query", query.to_owned());
    for empty in ["url", "page", "page_title", "words"] {
        columns.insert(empty, String::new());
    }
    columns.insert("why", text(&result["explanation"]["words"]));
    columns.insert(
        "copies",
        result["copies"].as_array().unwrap().len().to_string(),
    );
    columns
}

/// Numbers as JSON and tables write them differ in their last digits only.
fn assert_same(name: &str, found: &str, expected: &str) {
    match (found.parse::<f64>(), expected.parse::<f64>()) {
        (Ok(found), Ok(expected)) => assert!((found - expected).abs() < 1e-6, "{name}"),
        _ => assert_eq!(found, expected, "{name}"),
    }
}

#[test]
fn csv_has_the_columns_that_are_promised() {
    let lists = Lists::new();
    let csv = lists.export("csv");
    let mut reader = csv::Reader::from_reader(&csv[..]);
    let names = reader.headers().unwrap().clone();
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let results = lists.results();
    assert_eq!((rows.len(), results.len()), (8, 8));
    for (row, (query, result)) in rows.iter().zip(results) {
        let expected = columns(query, result);
        assert_eq!(names.len(), expected.len());
        for (name, found) in names.iter().zip(row) {
            assert_same(name, found, &expected[name]);
        }
    }
}

#[test]
fn a_run_file_has_six_words_a_line() {
    let lists = Lists::new();
    let text = String::from_utf8(lists.export("trec")).unwrap();
    let results = lists.results();
    assert_eq!(text.lines().count(), results.len());
    let mut before = (String::new(), f64::INFINITY);
    for (line, (query, result)) in text.lines().zip(results) {
        let words: Vec<&str> = line.split(' ').collect();
        let query = query.replace(' ', "%20");
        let [qid, q0, docid, rank, score, tag] = words[..] else {
            panic!("{line}")
        };
        assert_eq!((qid, q0, tag), (&*query, "Q0", "simdex-fused"));
        assert_eq!(docid, result["id"].as_str().unwrap());
        assert_eq!(rank, result["rank"].to_string());
        let score: f64 = score.parse().unwrap();
        assert!(qid != before.0 || score <= before.1, "scores fall: {line}");
        before = (qid.to_owned(), score);
    }
}

#[test]
fn a_contact_sheet_shows_the_query_and_its_results() {
    let lists = Lists::new();
    let sheet = image::load_from_memory_with_format(&lists.export("png"), image::ImageFormat::Png);
    let sheet = sheet.unwrap().into_rgb8();
    assert!(
        sheet.width() > 800 && sheet.height() > 300,
        "{:?}",
        sheet.dimensions()
    );
    // The first result of the first list is the query itself: the same pixels beside each other.
    let corner = |left: u32| image::imageops::crop_imm(&sheet, left, 40, 140, 100).to_image();
    assert!(
        corner(12) == corner(12 + 156),
        "the picture itself comes first"
    );
    let colours: std::collections::BTreeSet<[u8; 3]> = corner(12).pixels().map(|it| it.0).collect();
    assert!(
        colours.len() > 100,
        "it is a picture: {} colours",
        colours.len()
    );
    let (run, _) = lists.run("png", &["--all-copies"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
}

#[test]
fn a_page_is_whole_and_shows_why() {
    let lists = Lists::new();
    let page = String::from_utf8(lists.export("html")).unwrap();
    assert_eq!(page.matches("<figure>").count(), 8);
    assert!(page.contains("loading=\"lazy\"") && page.contains("@media print"));
    for (_, result) in lists.results() {
        let why = result["explanation"]["words"].as_str().unwrap();
        assert!(page.contains(why), "{why}");
    }
    for elsewhere in ["src=\"http", "href=\"http", "<link", "@import"] {
        assert!(!page.contains(elsewhere), "{elsewhere}");
    }
}

#[cfg(feature = "parquet")]
#[test]
fn parquet_has_the_same_rows() {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::Field;

    let lists = Lists::new();
    let (_, file) = lists.run("parquet", &[]);
    let reader = SerializedFileReader::new(std::fs::File::open(file).unwrap()).unwrap();
    let rows: Vec<_> = reader
        .get_row_iter(None)
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let results = lists.results();
    assert_eq!(rows.len(), results.len());
    for (row, (query, result)) in rows.iter().zip(results) {
        let expected = columns(query, result);
        for (name, field) in row.get_column_iter() {
            let found = match field {
                Field::Null => String::new(),
                Field::Str(text) => text.clone(),
                Field::Long(number) => number.to_string(),
                Field::Double(number) => number.to_string(),
                other => panic!("{other}"),
            };
            assert_same(name, &found, &expected[&**name]);
        }
    }
}

#[cfg(feature = "xlsx")]
#[test]
fn a_workbook_has_the_same_rows() {
    use std::io::Read;

    let lists = Lists::new();
    let bytes = lists.export("xlsx");
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
    let mut sheet = String::new();
    let file = archive.by_name("xl/worksheets/sheet1.xml");
    file.unwrap().read_to_string(&mut sheet).unwrap();
    let rows: Vec<&str> = sheet.split("<row ").skip(1).collect();
    let results = lists.results();
    assert_eq!(rows.len(), results.len() + 1, "{sheet}");
    for (row, (_, result)) in rows[1..].iter().zip(results) {
        let id = result["id"].as_str().unwrap();
        assert!(row.contains(&format!("<t>{id}</t>")), "{row}");
        let width = result["width"].to_string();
        assert!(row.contains(&format!("<v>{width}</v>")), "{row}");
    }
    assert!(rows[0].contains("<t>why</t>"), "{}", rows[0]);
}

#[cfg(not(any(feature = "parquet", feature = "xlsx")))]
#[test]
fn a_build_without_a_format_says_which_has_it() {
    let lists = Lists::new();
    for format in ["parquet", "xlsx"] {
        let (run, file) = lists.run(format, &[]);
        assert_eq!(run.code, 1);
        assert!(
            run.stderr.contains(&format!("--features {format}")),
            "{}",
            run.stderr
        );
        assert!(!file.exists());
    }
}

#[test]
fn both_kinds_of_lists_know_the_queries() {
    let lists = Lists::new();
    for (list, query) in lists.json.iter().zip(&lists.queries) {
        assert_eq!(list["query"], **query);
    }
    // Groups of near-copies are lists as well.
    let run = lists.simdex.run(&["duplicates", "--format", "trec"]);
    assert_eq!((run.code, &*run.stdout), (0, ""), "{}", run.stderr);
}
