//! The numbers by which pictures are compared, as files and through the API.

use simdex::store::Sequence;

use crate::common::Simdex;
use crate::common::serving::Serving;

/// Rows and their ids, of a file that `vectors` has written.
fn read(simdex: &Simdex, name: &str) -> (Vec<Vec<f32>>, Vec<String>) {
    let bytes = std::fs::read(simdex.path(&format!("{name}.npy"))).unwrap();
    let (header, rows) = bytes.split_at(128);
    let text = String::from_utf8_lossy(header);
    let shape = text.split(['(', ')']).nth(1).unwrap();
    let shape: Vec<usize> = shape.split(", ").map(|n| n.parse().unwrap()).collect();
    let (numbers, rest) = rows.as_chunks();
    assert!(rest.is_empty());
    let numbers: Vec<f32> = numbers.iter().map(|n| f32::from_le_bytes(*n)).collect();
    assert_eq!(numbers.len(), shape[0] * shape[1]);
    let rows = numbers.chunks(shape[1]).map(<[f32]>::to_vec).collect();
    let ids = std::fs::read_to_string(simdex.path(&format!("{name}.ids.txt"))).unwrap();
    (rows, ids.lines().map(ToOwned::to_owned).collect())
}

fn inner_product(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[test]
fn vectors_are_those_that_a_query_compares() {
    let simdex = Simdex::filled(2, 3);
    let stored: Vec<_> = simdex.stored();
    for (kind, numbers) in [("embedding", 1280), ("descriptor", 256)] {
        let file = format!("{kind}.npy");
        let run = simdex.run(&["vectors", "--kind", kind, "-o", &file]);
        assert_eq!(run.code, 0, "{}", run.stderr);
        let (rows, ids) = read(&simdex, kind);
        assert_eq!(rows.len(), stored.len());
        let mut expected: Vec<String> = stored.iter().map(|one| one.id.to_string()).collect();
        let mut given = ids.clone();
        expected.sort_unstable();
        given.sort_unstable();
        assert_eq!(given, expected);
        for row in &rows {
            assert_eq!(row.len(), numbers);
            assert!((inner_product(row, row) - 1.0).abs() < 1e-4);
        }
    }
    let (rows, ids) = read(&simdex, "embedding");
    let path = stored[0].paths[0].clone();
    let answer = simdex.json(&["query", &path, "-k", "6", "--all-copies"]);
    let at = |id: &str| ids.iter().position(|one| one == id).unwrap();
    let query = &rows[at(&stored[0].id.to_string())];
    let results = answer["results"].as_array().unwrap();
    assert!(results.len() > 1);
    for result in results {
        let row = &rows[at(result["id"].as_str().unwrap())];
        let cosine = result["cosine"].as_f64().unwrap() as f32;
        assert!((inner_product(query, row) - cosine).abs() < 1e-3);
    }
    let (descriptors, ids) = read(&simdex, "descriptor");
    let store = simdex.open();
    let first = store.picture_at(Sequence(0)).unwrap().unwrap();
    assert_eq!(ids[0], first.to_string());
    let kept = store.descriptor(Sequence(0)).unwrap();
    assert_eq!(descriptors[0], kept.values());
}

#[test]
fn whoever_has_the_store_open_gives_the_same_vectors() {
    let simdex = Simdex::filled(2, 3);
    for kind in ["embedding", "descriptor"] {
        let run = |file: &str| {
            let run = simdex.run(&["vectors", "--kind", kind, "-o", file]);
            assert_eq!(run.code, 0, "{}", run.stderr);
            run.stderr
        };
        run("alone.npy");
        let serving = Serving::start(&simdex);
        let told = run("asked.npy");
        assert!(told.contains("answered by process"), "{told}");
        assert!(told.contains("6 rows of"), "{told}");
        let lines = serving.get(&format!("/api/v1/vectors?kind={kind}")).text();
        assert_eq!(lines.lines().count(), 7);
        assert!(lines.ends_with("{\"unread\":[]}\n"));
        assert_eq!(serving.stop(), 130);
        for end in ["npy", "ids.txt"] {
            let bytes = |name: &str| std::fs::read(simdex.path(&format!("{name}.{end}"))).unwrap();
            assert_eq!(bytes("alone"), bytes("asked"), "{kind} {end}");
        }
    }
}
