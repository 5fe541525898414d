//! Manifests as tables.

use serde_json::Value;

use super::exported;
use crate::common::Simdex;

#[cfg(feature = "parquet")]
#[test]
fn parquet_has_what_the_lines_have() {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::Field;

    let simdex = Simdex::filled(2, 2);
    let (run, rows) = exported(&simdex, "set", &["--manifest", "parquet"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let file = std::fs::File::open(simdex.path("set/manifest.parquet")).unwrap();
    let reader = SerializedFileReader::new(file).unwrap();
    let mut seen = 0;
    for row in reader.get_row_iter(None).unwrap() {
        let row = row.unwrap();
        let of = |name: &str| {
            let mut columns = row.get_column_iter();
            columns
                .find(|(column, _)| *column == name)
                .unwrap()
                .1
                .clone()
        };
        let Field::Str(id) = of("id") else { panic!() };
        let known = &rows[&id];
        for (name, value) in known.as_object().unwrap() {
            let expected = match value {
                Value::Null => Field::Null,
                Value::String(text) => Field::Str(text.clone()),
                Value::Array(_) => Field::Null,
                number => Field::Long(number.as_i64().unwrap()),
            };
            assert_eq!(of(name), expected, "{name}");
        }
        seen += 1;
    }
    assert_eq!(seen, rows.len());
}

#[cfg(not(feature = "parquet"))]
#[test]
fn a_build_without_parquet_says_which_has_it() {
    let simdex = Simdex::filled(1, 1);
    let (run, _) = exported(&simdex, "set", &["--manifest", "parquet"]);
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("--features parquet"), "{}", run.stderr);
    assert!(!simdex.path("set").exists());
}
