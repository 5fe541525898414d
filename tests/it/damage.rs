//! What a user meets when a store's file is damaged: answers that say what they lack, and advice
//! that works.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::common::Simdex;
use simdex::demo::drawing::{Motif, draw};
use simdex::edit::jpeg;

fn segment(simdex: &Simdex) -> PathBuf {
    let folder = simdex.store().join("activations");
    let files = std::fs::read_dir(folder).unwrap();
    let files = files.map(|file| file.unwrap().path());
    let mut segments = files.filter(|path| path.extension().is_some_and(|it| it == "activations"));
    segments.next().unwrap()
}

/// Flips a bit in the middle of the first place of these bytes.
fn damage(path: &PathBuf, needle: &[u8]) {
    let mut bytes = std::fs::read(path).unwrap();
    let mut windows = bytes.windows(needle.len());
    let at = windows.position(|window| window == needle).unwrap();
    bytes[at + needle.len() / 2] ^= 0x10;
    std::fs::write(path, bytes).unwrap();
}

/// Damages the activations of the first picture, or its preview. Returns its id and its file.
fn damage_first(simdex: &Simdex, preview: bool) -> (String, String) {
    let store = simdex.open();
    let (_, id) = store.pictures().next().unwrap().unwrap();
    let needle = match preview {
        true => store.thumbnail(id).unwrap().unwrap(),
        false => store.block(id).unwrap().to_vec(),
    };
    let path = store.provenance(id).unwrap().paths[0].to_string();
    drop(store);
    damage(&segment(simdex), &needle);
    (id.to_string(), path)
}

fn first_id(answer: &Value) -> &Value {
    &answer["results"][0]["id"]
}

#[test]
fn an_answer_says_what_it_could_not_read() {
    for preview in [false, true] {
        let simdex = Simdex::filled(2, 2);
        let (id, own_file) = damage_first(&simdex, preview);
        let mut others = simdex.stored().into_iter().map(|it| it.paths[0].clone());
        let other = others.find(|path| *path != own_file).unwrap();
        let query = [
            "query",
            &other,
            "-k",
            "9",
            "--all-copies",
            "-q",
            "--format",
            "json",
        ];
        let run = simdex.run(&query);
        assert_eq!(run.code, 3, "{}", run.stderr);
        assert!(run.stderr.contains("verify --repair"), "{}", run.stderr);
        assert!(run.stderr.contains(&id), "{}", run.stderr);
        assert_eq!(run.json()["unread"], json!([id]));
        let count = run.json()["results"].as_array().unwrap().len();
        assert_eq!(count, if preview { 4 } else { 3 });
        // Its own file finds it all the same.
        let run = simdex.run(&["query", &own_file, "--format", "json"]);
        assert_eq!(run.code, 3);
        assert_eq!(first_id(&run.json()), &json!(id));
        assert_eq!(run.json()["results"][0]["score"], 1.0);
        let export = [
            "export",
            "--queries",
            "pictures",
            "--format",
            "csv",
            "-o",
            "-",
            "-q",
        ];
        let run = simdex.run(&export);
        assert_eq!(run.code, 3, "{}", run.stderr);
        assert!(run.stdout.lines().count() > 4, "{}", run.stdout);
        // The advice works.
        assert_eq!(simdex.run(&["verify"]).code, 1);
        assert_eq!(simdex.run(&["verify", "--repair"]).code, 0);
        assert_eq!(simdex.json(&["add", "pictures"])["images_indexed"], 1);
        assert_eq!(simdex.run(&query).code, 0);
        assert_eq!(simdex.run(&["verify"]).code, 0);
    }
}

/// What is left of the group is one picture; that it has no other is not the whole truth.
#[test]
fn a_group_that_cannot_be_read_is_not_passed_over_in_silence() {
    let simdex = Simdex::new();
    std::fs::create_dir(simdex.path("pictures")).unwrap();
    for (name, quality) in [("a", 90), ("b", 60)] {
        let file = jpeg(&draw(Motif::Fish, 1, 480, 360), quality).unwrap();
        std::fs::write(simdex.path(&format!("pictures/{name}.jpg")), file).unwrap();
    }
    simdex.json(&["add", "pictures"]);
    assert_eq!(simdex.json(&["duplicates"]).as_array().unwrap().len(), 1);
    let (id, _) = damage_first(&simdex, false);
    let run = simdex.run(&["duplicates", "-q", "--format", "json"]);
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert!(run.stderr.contains(&id), "{}", run.stderr);
}

#[test]
fn a_backup_of_a_damaged_store_has_the_rest_and_says_so() {
    let simdex = Simdex::filled(2, 2);
    let (id, _) = damage_first(&simdex, false);
    let run = simdex.run(&["backup", "backup", "--format", "json"]);
    assert_eq!(run.code, 3, "{}", run.stderr);
    let told = run.json()["damaged"][0].as_str().unwrap().to_owned();
    let own = segment(&simdex);
    assert!(
        told.contains(own.to_str().unwrap()) && told.contains(&id),
        "{told}"
    );
    // As the advice says.
    assert_eq!(simdex.run(&["verify", "--repair"]).code, 0);
    simdex.json(&["add", "pictures"]);
    let run = simdex.run(&["backup", "backup", "--prune"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    // A backup that has rotted is noticed and mended by the next one.
    let pictures = simdex.json(&["status"])["images"].clone();
    let copies = std::fs::read_dir(simdex.path("backup/activations")).unwrap();
    let mut copies: Vec<PathBuf> = copies.map(|it| it.unwrap().path()).collect();
    copies.sort();
    let copy = copies[0].clone();
    let whole = std::fs::read(&copy).unwrap();
    let rot = || {
        let mut bytes = whole.clone();
        bytes[300_000] ^= 1;
        std::fs::write(&copy, bytes).unwrap();
    };
    rot();
    let quick = simdex.json(&["backup", "backup", "--quick"]);
    assert_eq!(quick["copied_bytes"], 0);
    assert!(
        simdex.json(&["backup", "backup"])["copied_bytes"]
            .as_u64()
            .unwrap()
            > 0
    );
    assert!(std::fs::read(&copy).unwrap() == whole);
    // Where the store is gone, all but what has rotted comes back.
    rot();
    std::fs::remove_dir_all(simdex.store()).unwrap();
    let run = simdex.run(&["restore", "backup", "--format", "json"]);
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert_eq!(run.json()["images"], pictures);
    assert!(run.stderr.contains("damaged"), "{}", run.stderr);
    assert_eq!(simdex.run(&["verify", "--repair"]).code, 0);
    assert_eq!(simdex.json(&["add", "pictures"])["images_indexed"], 1);
    assert_eq!(simdex.run(&["verify"]).code, 0);
    let run = simdex.run(&["restore", "nothere"]);
    assert_eq!(run.code, 1);
    assert!(
        run.stderr.contains("no whole backup in nothere"),
        "{}",
        run.stderr
    );
}

#[test]
fn what_is_left_aside_is_named_when_something_is_removed() {
    let simdex = Simdex::filled(2, 2);
    let aside = simdex
        .store()
        .join("activations/00000000.activations.unknown-1");
    std::fs::copy(segment(&simdex), &aside).unwrap();
    let id = simdex.stored()[1].id.to_string();
    let run = simdex.run(&["remove", &id, "-q"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let name = aside.to_str().unwrap();
    assert!(run.stderr.contains(name), "{}", run.stderr);
    assert_eq!(simdex.json(&["compact"])["set_aside"], json!([name]));
    // Taking the store's own segments back brings back nothing that was removed.
    let repaired = simdex.json(&["repair"]);
    assert_eq!(
        (&repaired["images"], &repaired["lost"]),
        (&json!(3), &json!(0))
    );
}

#[test]
fn a_store_without_records_is_read_where_it_cannot_be_written() {
    let simdex = Simdex::filled(2, 2);
    std::fs::remove_dir_all(simdex.store().join("records")).unwrap();
    let options = simdex::store::StoreOptions {
        network: &crate::common::NETWORK,
        activations: Default::default(),
        recent_bytes: None,
        reserve_bytes: 0,
    };
    let store = simdex::store::Store::open_read_only(&simdex.store(), &options).unwrap();
    assert_eq!(store.picture_count(), 4);
    assert!(!simdex.store().join("records").exists());
}

#[test]
fn what_fails_at_once_makes_no_store() {
    let simdex = Simdex::new();
    for (args, code) in [(&["add", "nothere"][..], 1), (&["crawl"][..], 1)] {
        let run = simdex.run(args);
        assert_eq!(run.code, code, "{}", run.stderr);
        assert!(!simdex.store().exists(), "{args:?}");
    }
}
