//! What a store outlasts, as a user meets it: backups, lost records, damage, removal.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::common::{Simdex, crawl, numbered, serve};
use testweb::reply::Reply;

fn files_below(dir: &Path) -> Vec<PathBuf> {
    let entries = walkdir::WalkDir::new(dir).into_iter();
    let files = entries.map(|entry| entry.unwrap());
    let files = files.filter(|entry| entry.file_type().is_file());
    files.map(walkdir::DirEntry::into_path).collect()
}

fn contains(dir: &Path, needle: &[u8]) -> bool {
    files_below(dir).iter().any(|path| {
        let bytes = std::fs::read(path).unwrap();
        bytes.windows(needle.len()).any(|window| window == needle)
    })
}

#[test]
fn lost_records_are_told_and_made_anew() {
    let simdex = Simdex::filled(3, 3);
    let query = ["query", "pictures/sailboat/0.jpg"];
    let before = simdex.json(&query)["results"].clone();
    std::fs::remove_dir_all(simdex.store().join("records")).unwrap();
    for command in ["status", "verify", "crawl"] {
        let run = simdex.run(&[command]);
        assert_eq!(run.code, 1, "{command}");
        assert!(run.stderr.contains("simdex repair"), "{}", run.stderr);
    }
    let repaired = simdex.json(&["repair"]);
    assert_eq!(
        (
            &repaired["images"],
            &repaired["lost"],
            &repaired["forgot_crawl"]
        ),
        (&json!(9), &json!(0), &json!(true))
    );
    assert_eq!(simdex.json(&query)["results"], before);
    assert_eq!(simdex.run(&["verify"]).code, 0);
    // Files are known as they were.
    assert_eq!(simdex.json(&["add", "pictures"])["images_indexed"], 0);
}

#[test]
fn a_crawl_begins_again_at_its_seeds_when_its_records_are_lost() {
    let simdex = Simdex::new();
    let server = serve(|request| match request.path() {
        "/" => Reply::html("<img src=1.jpg alt=one><img src=3.jpg><a href=/next>next</a>"),
        "/next" => Reply::html("<title>Next</title><img src=2.jpg><img src=1.jpg alt=again>"),
        _ => numbered(request),
    });
    let first = crawl(&simdex, &server.url("/"), &[]);
    assert_eq!(first["images_indexed"], 3);
    let shown = || {
        let stored = simdex.stored();
        let shown = stored.iter().flat_map(|it| {
            let url = it.urls[0].clone();
            let pages = it.pages.iter();
            pages.map(move |page| (url.clone(), page.url.clone(), page.alt.clone()))
        });
        shown.collect::<std::collections::BTreeSet<_>>()
    };
    let before = shown();
    assert_eq!(before.len(), 4);
    std::fs::remove_dir_all(simdex.store().join("records")).unwrap();
    simdex.json(&["repair"]);
    // What the pages said of the pictures is known still, whichever was read first.
    assert_eq!(shown(), before);
    let again = simdex.json(&["crawl", "--allow-private-addresses", "--delay", "0", "-q"]);
    assert_eq!(
        (&again["pages_fetched"], &again["images_indexed"]),
        (&json!(2), &json!(0)),
        "{again}"
    );
}

#[test]
fn a_backup_grows_with_the_store_and_comes_back_whole() {
    let simdex = Simdex::filled(2, 3);
    let backup = simdex.path("backup");
    let to = backup.to_str().unwrap();
    // The store may be in use.
    let open = simdex.open();
    let done = simdex.json(&["backup", to]);
    assert_eq!(done["images"], 6);
    let again = simdex.json(&["backup", to]);
    assert_eq!(
        (&again["images"], &again["copied_bytes"]),
        (&json!(6), &json!(0))
    );
    drop(open);
    crate::common::draw_folders(&simdex.path("more"), 3, 2);
    simdex.json(&["add", "more"]);
    let before = simdex.json(&["query", "more/sailboat/0.jpg"])["results"].clone();
    assert!(simdex.json(&["backup", to])["images"].as_u64().unwrap() > 6);
    let run = simdex.run(&["restore", to]);
    assert_eq!(run.code, 1, "there is a store already");
    std::fs::remove_dir_all(simdex.store()).unwrap();
    let restored = simdex.json(&["restore", to]);
    assert_eq!(restored["lost"], 0);
    assert_eq!(
        simdex.json(&["query", "more/sailboat/0.jpg"])["results"],
        before
    );
    assert_eq!(simdex.run(&["verify"]).code, 0);
}

#[test]
fn a_backup_is_not_written_over_by_an_older_state_of_its_store() {
    let simdex = Simdex::filled(2, 2);
    simdex.json(&["backup", "older"]);
    crate::common::draw_folders(&simdex.path("more"), 3, 2);
    simdex.json(&["add", "more"]);
    let newer = simdex.json(&["backup", "newer"])["images"].clone();
    std::fs::remove_dir_all(simdex.store()).unwrap();
    simdex.json(&["restore", "older"]);
    let refused = |state: &str| {
        let run = simdex.run(&["backup", "newer"]);
        assert_eq!(run.code, 1, "{state}: {}", run.stderr);
        assert!(
            run.stderr.contains("another folder"),
            "{state}: {}",
            run.stderr
        );
    };
    refused("as it was");
    // Other pictures, and in the end more of them than the backup has.
    crate::common::draw_folders(&simdex.path("others"), 4, 5);
    simdex.json(&["add", "others/sailboat", "more/sailboat/1.jpg"]);
    refused("gone on");
    simdex.json(&["add", "others"]);
    refused("larger");
    simdex.json(&["backup", "older"]);
    std::fs::remove_dir_all(simdex.store()).unwrap();
    assert_eq!(simdex.json(&["restore", "newer"])["images"], newer);
    let inside = simdex.store().join("activations/backup");
    let run = simdex.run(&["backup", inside.to_str().unwrap()]);
    assert_eq!(run.code, 1);
    assert!(
        run.stderr.contains("in the store") && !inside.exists(),
        "{}",
        run.stderr
    );
}

#[test]
fn what_is_removed_is_in_no_file_any_more() {
    let simdex = Simdex::new();
    crate::common::draw_folders(&simdex.path("pictures"), 2, 2);
    simdex.json(&["add", "pictures"]);
    let store = simdex.open();
    let (sequence, id) = store.pictures().next().unwrap().unwrap();
    let descriptor = store.descriptor(sequence).unwrap().to_bytes();
    let thumbnail = store.thumbnail(id).unwrap().unwrap();
    let block = store.block(id).unwrap().to_vec();
    let path = store.provenance(id).unwrap().paths[0].to_string();
    let path = path.as_bytes();
    drop(store);
    // What no other picture has: the middle of its preview and of its descriptor, the end of its embedding.
    let needles = [
        &thumbnail[thumbnail.len() / 2..][..48],
        &descriptor[512..560],
        &block[block.len() - 64..],
    ];
    assert!(
        needles
            .iter()
            .all(|needle| contains(&simdex.store(), needle))
    );
    let backup = simdex.path("backup");
    simdex.json(&["backup", backup.to_str().unwrap()]);
    simdex.json(&["remove", &id.to_string()]);
    for needle in needles {
        assert!(!contains(&simdex.store(), needle));
        assert!(contains(&backup, needle));
    }
    simdex.json(&["backup", backup.to_str().unwrap(), "--prune"]);
    assert!(!needles.iter().any(|needle| contains(&backup, needle)));
    // sled's file keeps old bytes, until this.
    let records = simdex.store().join("records");
    assert!(contains(&records, path));
    simdex.json(&["compact"]);
    assert!(!contains(&records, path));
    assert_eq!(simdex.json(&["status"])["images"], 3);
    assert_eq!(simdex.run(&["verify"]).code, 0);
}

#[test]
fn damaged_pictures_are_taken_out_and_stored_anew() {
    let simdex = Simdex::filled(2, 2);
    let segment = simdex.store().join("activations/00000000.activations");
    let mut bytes = std::fs::read(&segment).unwrap();
    bytes[500_000] ^= 0xff;
    std::fs::write(&segment, bytes).unwrap();
    assert_eq!(simdex.run(&["verify"]).code, 1);
    let mended = simdex.json(&["verify", "--repair"]);
    assert_eq!(mended["mended"]["taken_out"], 1, "{mended}");
    assert_eq!(simdex.json(&["add", "pictures"])["images_indexed"], 1);
    assert_eq!(simdex.run(&["verify"]).code, 0);
}
