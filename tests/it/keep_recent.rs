//! Stores that keep their newest pictures in full and sketches of the rest.

use serde_json::{Value, json};

use simdex::activation::Encoding;
use simdex::store::{Store, StoreOptions};

use crate::common::{NETWORK, Simdex, draw_folders};

/// Pictures that fit into 5 MB in full.
const FULL: u64 = 5;

fn files(simdex: &Simdex) -> Vec<String> {
    let files = walkdir::WalkDir::new(simdex.path("pictures")).sort_by_file_name();
    let files = files.into_iter().map(|entry| entry.unwrap());
    let files = files.filter(|entry| entry.file_type().is_file());
    files
        .map(|entry| entry.path().display().to_string())
        .collect()
}

/// Every picture is found by itself in a mode. Returns of how many distances are estimates.
fn count_estimated(simdex: &Simdex, mode: &str) -> usize {
    let mut estimated = 0;
    for file in files(simdex) {
        let answer = simdex.json(&["query", &file, "--mode", mode, "-k", "3"]);
        let first = &answer["results"][0];
        assert_eq!(first["path"], json!(file), "{mode}");
        assert_eq!(first["score"], json!(1.0), "{mode}");
        estimated += usize::from(first["estimated"] == json!(true));
    }
    estimated
}

fn kept(simdex: &Simdex) -> (Value, Value) {
    let status = simdex.json(&["status"]);
    (status["keep"].clone(), status["unconverted"].clone())
}

#[test]
fn a_store_may_keep_its_newest_pictures_in_full() {
    let simdex = Simdex::new();
    draw_folders(&simdex.path("pictures"), 4, 3);
    simdex.configure("[store]\nkeep = { recent = \"5 MB\" }\n");
    simdex.json(&["add", "pictures"]);
    assert_eq!(kept(&simdex), (json!("recent 5 MB"), json!(0)));
    let done = simdex.json(&["compact"]);
    let full = done["full"].as_u64().unwrap();
    assert!(0 < full && full <= FULL, "{done}");
    assert_eq!(done["sketches"], json!(12 - full));
    // There was nothing left to do.
    assert_eq!(done["converted"], json!(0));
    for mode in ["same-subject", "copy", "look-alike"] {
        assert_eq!(count_estimated(&simdex, mode) as u64, 12 - full, "{mode}");
    }
    let verified = simdex.json(&["verify"]);
    assert_eq!(
        (&verified["pictures"], &verified["damaged"]),
        (&json!(12), &json!([]))
    );
    // Whoever compares says so, too.
    let compared = simdex.run(&["query", &files(&simdex)[0], "--explain", "-k", "12"]);
    assert!(compared.stdout.contains("estimated"), "{}", compared.stdout);

    simdex.json(&["backup", "copy"]);
    std::fs::remove_dir_all(simdex.store()).unwrap();
    simdex.json(&["restore", "copy"]);
    assert_eq!(kept(&simdex), (json!("recent 5 MB"), json!(0)));
    let exported = simdex.run(&[
        "export",
        "--queries",
        "pictures/sailboat",
        "--format",
        "json",
        "-o",
        "-",
    ]);
    assert_eq!(exported.code, 0, "{}", exported.stderr);
    assert!(
        exported.stdout.contains("\"estimated\""),
        "{}",
        exported.stdout
    );
}

#[test]
fn a_full_store_becomes_a_recent_one_and_then_a_compact_one() {
    let simdex = Simdex::filled(4, 3);
    let done = simdex.run(&["compact", "--keep", "recent 5 MB", "--format", "json"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert!(done.stderr.contains("stay so"), "{}", done.stderr);
    let done = done.json();
    assert_eq!(
        (&done["keep"], &done["stopped"]),
        (&json!("recent 5 MB"), &json!(false))
    );
    // The others have got their sketches.
    assert_eq!(
        (&done["converted"], &done["unconverted"]),
        (&json!(12), &json!(0))
    );
    assert_eq!((&done["full"], &done["sketches"]), (&json!(4), &json!(8)));
    assert_eq!(kept(&simdex), (json!("recent 5 MB"), json!(0)));
    assert_eq!(count_estimated(&simdex, "copy"), 8);

    // More room brings nothing back, and that is said.
    let more = simdex.run(&["compact", "--keep", "recent 1 GB"]);
    assert_eq!(more.code, 0, "{}", more.stderr);
    let said = "4 pictures are kept in full, which may take 1 GB, and 8 as sketches, which stay so";
    assert!(more.stderr.contains(said), "{}", more.stderr);
    let refused = simdex.run(&["compact", "--keep", "full"]);
    assert_eq!(refused.code, 1);
    assert!(
        refused.stderr.contains("another store"),
        "{}",
        refused.stderr
    );
    // What is added is full, whatever is configured.
    draw_folders(&simdex.path("pictures"), 5, 3);
    simdex.json(&["add", "pictures"]);
    assert_eq!(simdex.json(&["compact"])["full"], json!(7));

    let done = simdex.json(&["compact", "--keep", "compact"]);
    assert_eq!((&done["converted"], &done["full"]), (&json!(7), &json!(0)));
    assert_eq!(kept(&simdex), (json!("compact"), json!(0)));
    assert_eq!(count_estimated(&simdex, "copy"), 15);
    assert_eq!(simdex.json(&["verify"])["damaged"], json!([]));
}

#[test]
fn what_is_not_converted_yet_is_found_too() {
    let simdex = Simdex::filled(4, 2);
    // As a `compact` leaves it that was killed after its first step.
    let options = StoreOptions {
        network: &NETWORK,
        activations: Encoding::default(),
        recent_bytes: None,
        reserve_bytes: 0,
    };
    Store::keep_recent(&simdex.store(), 5_000_000, &options).unwrap();
    assert_eq!(kept(&simdex), (json!("recent 5 MB"), json!(8)));
    assert_eq!(count_estimated(&simdex, "copy"), 0);

    let done = simdex.json(&["compact"]);
    assert_eq!((&done["converted"], &done["full"]), (&json!(8), &json!(4)));
    assert_eq!(kept(&simdex), (json!("recent 5 MB"), json!(0)));
    assert_eq!(count_estimated(&simdex, "copy"), 4);

    let simdex = Simdex::filled(2, 1);
    Store::keep_compact(&simdex.store(), &options).unwrap();
    assert_eq!(kept(&simdex), (json!("compact"), json!(2)));
    assert_eq!(simdex.json(&["compact"])["converted"], json!(2));
    assert_eq!(kept(&simdex), (json!("compact"), json!(0)));
}

#[test]
fn a_recent_store_is_not_described_anew() {
    let simdex = Simdex::new();
    draw_folders(&simdex.path("pictures"), 1, 1);
    simdex.configure("[store]\nkeep = { recent = \"5 MB\" }\n");
    simdex.json(&["add", "pictures"]);
    let other = concat!(env!("CARGO_MANIFEST_DIR"), "/models/projection-1.bin");
    simdex.configure(&format!("[network]\nprojection = \"{other}\"\n"));
    let run = simdex.run(&["status"]);
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("describe them anew"), "{}", run.stderr);
}

#[test]
fn what_cannot_be_kept_is_refused_with_what_can() {
    let simdex = Simdex::new();
    for wrong in ["recent", "recent 20", "recent 5 GiB", "some", "recent 0 GB"] {
        let run = simdex.run(&["compact", "--keep", wrong]);
        assert_eq!(run.code, 2, "{wrong}: {}", run.stderr);
        assert!(
            run.stderr.contains("recent 20 GB"),
            "{wrong}: {}",
            run.stderr
        );
    }
    for wrong in [
        "{ recent = \"20\" }",
        "{ newest = \"20 GB\" }",
        "\"recent\"",
    ] {
        simdex.configure(&format!("[store]\nkeep = {wrong}\n"));
        let run = simdex.run(&["status"]);
        assert_eq!(run.code, 1, "{wrong}: {}", run.stderr);
        assert!(run.stderr.contains("20 GB"), "{wrong}: {}", run.stderr);
    }
}

#[cfg(feature = "cluster")]
#[test]
fn stores_on_servers_keep_all_pictures_alike() {
    let simdex = Simdex::new();
    // Nobody is asked for anything.
    simdex.configure(
        "[store]\nkeep = { recent = \"5 MB\" }\nurl = \"postgres://nobody@127.0.0.1:1/none\"\n\
         blocks = \"file:///nowhere\"\n",
    );
    let run = simdex.run(&["status"]);
    assert_eq!(run.code, 1);
    assert!(
        run.stderr.contains("for stores in folders"),
        "{}",
        run.stderr
    );
}
