//! Local files that change, move and go: `add` follows them, and drops nothing that is not surely
//! gone.

use std::path::Path;

use crate::common::{Run, Simdex, jpeg};
use serde_json::Value;
use simdex::demo::drawing::Motif;

fn write(simdex: &Simdex, name: &str, variation: u64) {
    let path = simdex.path(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, jpeg(Motif::Fish, variation)).unwrap();
}

/// The files of all stored pictures, by their paths from the test's folder.
fn stored(simdex: &Simdex) -> Vec<String> {
    let store = simdex.open();
    let mut all = Vec::new();
    for picture in store.pictures() {
        let provenance = store.provenance(picture.unwrap().1).unwrap();
        let paths = provenance.paths.iter().map(|path| path.as_path());
        let dir = simdex.dir.path().canonicalize().unwrap();
        let short = |path: &Path| {
            let path = path
                .strip_prefix(simdex.dir.path())
                .or(path.strip_prefix(&dir));
            path.unwrap().to_str().unwrap().to_owned()
        };
        all.push(paths.map(short).collect::<Vec<_>>().join(" = "));
    }
    all.sort();
    all
}

fn add(simdex: &Simdex, args: &[&str]) -> (Run, Value) {
    let run = simdex.run(&[&["add"], args, &["--format", "json"]].concat());
    let summary = match run.stdout.is_empty() {
        true => Value::Null,
        false => run.json(),
    };
    (run, summary)
}

/// A folder `in` with as many pictures, added.
fn filled(count: u64) -> Simdex {
    let simdex = Simdex::new();
    for n in 0..count {
        write(&simdex, &format!("in/{n}.jpg"), n);
    }
    simdex.json(&["add", "in"]);
    simdex
}

#[test]
fn what_is_written_over_moved_swapped_and_deleted_is_followed() {
    let simdex = filled(5);
    let path = |n: &str| simdex.path(&format!("in/{n}.jpg"));
    write(&simdex, "in/0.jpg", 100);
    std::fs::rename(path("1"), path("one")).unwrap();
    std::fs::rename(path("2"), path("x")).unwrap();
    std::fs::rename(path("3"), path("2")).unwrap();
    std::fs::rename(path("x"), path("3")).unwrap();
    std::fs::remove_file(path("4")).unwrap();
    let asked = |name: &str| simdex.json(&["query", name, "-k", "1"])["results"][0].take();
    let (run, summary) = add(&simdex, &["in"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    // The old bytes of 0 and 4 are nowhere; 1, 2 and 3 are elsewhere.
    let dropped = (&summary["files_dropped"], &summary["images_dropped"]);
    assert_eq!(dropped, (&5.into(), &2.into()));
    let files = ["in/0.jpg", "in/2.jpg", "in/3.jpg", "in/one.jpg"];
    assert_eq!(stored(&simdex), files);
    for name in files {
        let first = asked(name);
        assert_eq!(first["score"], 1.0);
        assert!(first["path"].as_str().unwrap().ends_with(name), "{first}");
    }
    let (run, again) = add(&simdex, &["in"]);
    assert_eq!((run.code, &again["duplicates"]), (0, &4.into()));
    assert_eq!(again["files_dropped"], 0);
    assert_eq!(simdex.run(&["verify"]).code, 0);
    let text = simdex.run(&["add", "in"]).stdout;
    assert!(!text.contains("pages"), "{text}");
}

/// Files of one length that were swapped, and one that got its old time back.
#[cfg(unix)]
#[test]
fn what_changed_is_seen_by_more_than_length_and_time() {
    let simdex = Simdex::new();
    std::fs::create_dir(simdex.path("in")).unwrap();
    let bmp = |name: &str, variation| {
        let picture = crate::common::picture(Motif::Fish, variation);
        picture.save(simdex.path(name)).unwrap();
    };
    let at = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    let date = |name: &str| {
        let file = std::fs::File::options()
            .write(true)
            .open(simdex.path(name))
            .unwrap();
        file.set_modified(at).unwrap();
    };
    for (name, variation) in [("in/a.bmp", 1), ("in/b.bmp", 2), ("in/c.bmp", 3)] {
        bmp(name, variation);
        date(name);
    }
    simdex.json(&["add", "in"]);
    let [a, b, x] = ["in/a.bmp", "in/b.bmp", "in/x"].map(|name| simdex.path(name));
    std::fs::rename(&a, &x).unwrap();
    std::fs::rename(&b, &a).unwrap();
    std::fs::rename(&x, &b).unwrap();
    bmp("in/c.bmp", 4);
    date("in/c.bmp");
    simdex.json(&["add", "in"]);
    for name in ["in/a.bmp", "in/b.bmp", "in/c.bmp"] {
        let first = simdex.json(&["query", name, "-k", "1"])["results"][0].take();
        assert!(
            first["path"].as_str().unwrap().ends_with(name),
            "{name}: {first}"
        );
    }
    assert_eq!(stored(&simdex).len(), 3);
}

#[test]
fn bytes_that_are_no_picture_drop_nothing() {
    let simdex = filled(3);
    std::fs::write(simdex.path("in/1.jpg"), b"half").unwrap();
    let (run, _) = add(&simdex, &["in"]);
    assert_eq!(run.code, 3);
    assert_eq!(stored(&simdex).len(), 3);
}

#[test]
fn a_folder_that_is_empty_or_not_there_drops_nothing_and_says_so() {
    let simdex = filled(3);
    std::fs::rename(simdex.path("in"), simdex.path("away")).unwrap();
    for is_there in [false, true] {
        if is_there {
            std::fs::create_dir(simdex.path("in")).unwrap();
        }
        let (run, _) = add(&simdex, &["in"]);
        assert_eq!(run.code, 3, "{}", run.stderr);
        assert!(
            run.stderr.contains("3 files are not there and kept"),
            "{}",
            run.stderr
        );
        let run = simdex.run(&["remove", "--missing"]);
        assert_eq!(run.code, 3, "{}", run.stderr);
        assert_eq!(stored(&simdex).len(), 3);
    }
    // Below another root nothing is looked at.
    write(&simdex, "else/a.jpg", 50);
    assert_eq!(add(&simdex, &["else"]).0.code, 0);
    assert_eq!(stored(&simdex).len(), 4);
    // The disk is plugged in again.
    std::fs::remove_dir(simdex.path("in")).unwrap();
    std::fs::rename(simdex.path("away"), simdex.path("in")).unwrap();
    std::fs::remove_file(simdex.path("in/0.jpg")).unwrap();
    let (run, summary) = add(&simdex, &["in"]);
    assert_eq!((run.code, &summary["images_dropped"]), (0, &1.into()));
    // Whoever names a folder means it.
    std::fs::remove_dir_all(simdex.path("in")).unwrap();
    let removed = simdex.json(&["remove", "--missing", "in"]);
    assert_eq!(
        (&removed["removed"], &removed["files"]),
        (&2.into(), &2.into())
    );
    assert_eq!(stored(&simdex), ["else/a.jpg"]);
}

#[test]
fn what_a_system_leaves_behind_is_no_reason_to_drop_pictures() {
    for left in ["notes.txt", ".DS_Store", "folder/x.txt"] {
        let simdex = filled(3);
        std::fs::rename(simdex.path("in"), simdex.path("away")).unwrap();
        let path = simdex.path(&format!("in/{left}"));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "x").unwrap();
        let (run, _) = add(&simdex, &["in"]);
        assert_eq!(run.code, 3, "{left}: {}", run.stderr);
        assert!(
            run.stderr.contains("3 files are not there and kept"),
            "{}",
            run.stderr
        );
        assert_eq!(stored(&simdex).len(), 3);
        let (_, summary) = add(&simdex, &["in", "--drop-missing"]);
        assert_eq!(summary["images_dropped"], 3);
    }
}

/// A link to itself cannot be read by anybody.
#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_read_drops_nothing_and_counts_its_files() {
    let simdex = filled(3);
    std::fs::rename(simdex.path("in"), simdex.path("away")).unwrap();
    std::os::unix::fs::symlink(simdex.path("in"), simdex.path("in")).unwrap();
    let (run, _) = add(&simdex, &["in"]);
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert!(
        run.stderr.contains("3 files are not there and kept"),
        "{}",
        run.stderr
    );
    assert_eq!(stored(&simdex).len(), 3);
}

#[test]
fn a_folder_without_pictures_beside_others_is_told() {
    let simdex = filled(1);
    std::fs::create_dir(simdex.path("empty")).unwrap();
    let (run, summary) = add(&simdex, &["empty", "in"]);
    assert_eq!((run.code, &summary["duplicates"]), (3, &1.into()));
    let said = format!(
        "no picture that simdex reads in {}",
        simdex.path("empty").display()
    );
    assert!(run.stderr.contains(&said), "{}", run.stderr);
    let (run, _) = add(&simdex, &["in", "in"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
}

#[test]
fn an_empty_name_removes_nothing() {
    let simdex = filled(2);
    for args in [
        &["remove", ""][..],
        &["remove", "--missing", ""],
        &["query", ""],
        &["add", ""],
    ] {
        assert_eq!(simdex.run(args).code, 2, "{args:?}");
    }
    assert_eq!(stored(&simdex).len(), 2);
}

/// `/dev/shm` is another file system than that of the tests' folders.
#[cfg(target_os = "linux")]
#[test]
fn another_file_system_drops_nothing() {
    use std::os::unix::fs::{MetadataExt, symlink};
    let Ok(other) = tempfile::tempdir_in("/dev/shm") else {
        return;
    };
    let simdex = Simdex::new();
    let device = |path: &Path| path.metadata().unwrap().dev();
    if device(other.path()) == device(simdex.dir.path()) {
        return;
    }
    for n in 0..3 {
        write(&simdex, &format!("disk/{n}.jpg"), n);
    }
    std::fs::create_dir(simdex.path("in")).unwrap();
    write(&simdex, "in/own.jpg", 20);
    let (root, below) = (simdex.path("root"), simdex.path("in/mounted"));
    for link in [&root, &below] {
        symlink(simdex.path("disk"), link).unwrap();
    }
    simdex.json(&["add", "root"]);
    simdex.json(&["add", "in"]);
    assert_eq!(stored(&simdex).len(), 4);
    // Another disk, where the first one was.
    std::fs::write(other.path().join("new.jpg"), jpeg(Motif::Fish, 30)).unwrap();
    std::fs::write(other.path().join("0.jpg"), jpeg(Motif::Fish, 31)).unwrap();
    for link in [&root, &below] {
        std::fs::remove_file(link).unwrap();
        symlink(other.path(), link).unwrap();
    }
    for name in ["root", "in", "root"] {
        let (run, summary) = add(&simdex, &[name]);
        assert_eq!(run.code, 3, "{}", run.stderr);
        assert!(
            run.stderr.contains("on another file system"),
            "{}",
            run.stderr
        );
        assert_eq!(summary["files_dropped"], 0);
    }
    assert_eq!(stored(&simdex).len(), 4 + 2);
    // The first one again.
    for link in [&root, &below] {
        std::fs::remove_file(link).unwrap();
        symlink(simdex.path("disk"), link).unwrap();
    }
    std::fs::remove_file(simdex.path("disk/2.jpg")).unwrap();
    for name in ["root", "in"] {
        let (run, summary) = add(&simdex, &[name]);
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert_eq!(summary["files_dropped"], 3, "{summary}");
    }
    assert_eq!(stored(&simdex).len(), 3);
}

#[test]
fn many_files_at_once_go_only_if_it_is_meant() {
    let simdex = Simdex::new();
    // Small pictures that take no time, none like another.
    std::fs::create_dir(simdex.path("in")).unwrap();
    for n in 0..150u32 {
        let picture = image::RgbImage::from_fn(33, 33, |x, y| {
            image::Rgb([(n * 7 + x) as u8, (n * 13 + y * 3) as u8, (x * y + n) as u8])
        });
        picture
            .save(simdex.path(&format!("in/{n:03}.png")))
            .unwrap();
    }
    simdex.json(&["add", "in"]);
    // Moved files are not lost.
    std::fs::create_dir(simdex.path("in/moved")).unwrap();
    for n in 0..120 {
        let name = format!("{n:03}.png");
        let to = simdex.path("in/moved").join(&name);
        std::fs::rename(simdex.path("in").join(&name), to).unwrap();
    }
    let (run, summary) = add(&simdex, &["in"]);
    assert_eq!(
        (run.code, &summary["files_dropped"]),
        (0, &120.into()),
        "{}",
        run.stderr
    );
    assert_eq!(stored(&simdex).len(), 150);
    std::fs::remove_dir_all(simdex.path("in/moved")).unwrap();
    let (run, summary) = add(&simdex, &["in"]);
    assert_eq!((run.code, &summary["files_dropped"]), (3, &0.into()));
    assert!(
        run.stderr.contains("120 files are not there") && run.stderr.contains("--drop-missing"),
        "{}",
        run.stderr
    );
    let (run, summary) = add(&simdex, &["in", "--drop-missing"]);
    assert_eq!((run.code, &summary["images_dropped"]), (0, &120.into()));
    assert_eq!(stored(&simdex).len(), 30);
}

#[test]
fn what_is_removed_comes_back_only_when_it_is_named() {
    let simdex = filled(4);
    write(&simdex, "in/copy.jpg", 3);
    write(&simdex, "in/sub/a.jpg", 10);
    write(&simdex, "in/sub/b.jpg", 11);
    simdex.json(&["add", "in"]);
    let id = simdex.json(&["query", "in/0.jpg"])["results"][0]["id"].take();
    simdex.json(&["remove", id.as_str().unwrap()]);
    let removed = simdex.json(&["remove", "in/1.jpg", "in/3.jpg", "in/sub"]);
    // 3 is in copy.jpg, too.
    assert_eq!(
        (&removed["removed"], &removed["files"]),
        (&3.into(), &4.into())
    );
    let left = ["in/2.jpg", "in/copy.jpg"];
    assert_eq!(stored(&simdex), left);
    std::fs::rename(simdex.path("in/1.jpg"), simdex.path("in/new name.jpg")).unwrap();
    for _ in 0..2 {
        let (run, summary) = add(&simdex, &["in"]);
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert_eq!(summary["refused"]["removed"], 5, "{summary}");
        assert_eq!(stored(&simdex), left);
    }
    // Other bytes at the same place are another picture.
    write(&simdex, "in/0.jpg", 200);
    simdex.json(&["add", "in"]);
    assert_eq!(stored(&simdex).len(), 3);
    // Named themselves, files come back, and so does a folder that was removed.
    simdex.json(&["add", "in/new name.jpg", "in/3.jpg"]);
    let with = [
        "in/0.jpg",
        "in/2.jpg",
        "in/3.jpg = in/copy.jpg",
        "in/new name.jpg",
    ];
    assert_eq!(stored(&simdex), with);
    simdex.json(&["add", "in/sub"]);
    assert_eq!(stored(&simdex).len(), 6);
    let (run, summary) = add(&simdex, &["in"]);
    assert_eq!(
        (run.code, &summary["duplicates"]),
        (0, &7.into()),
        "{summary}"
    );
    // It is remembered by the log, too.
    simdex.json(&["remove", "in/2.jpg"]);
    assert_eq!(simdex.run(&["repair"]).code, 0);
    add(&simdex, &["in"]);
    assert_eq!(stored(&simdex).len(), 5);
    let run = simdex.run(&["remove", "in/no-such.jpg"]);
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert!(run.stderr.contains("no-such.jpg"), "{}", run.stderr);
}

#[test]
fn ids_can_be_shortened() {
    let simdex = Simdex::filled(4, 4);
    let ids: Vec<String> = simdex.stored().iter().map(|p| p.id.to_string()).collect();
    let run = simdex.run(&["remove", &ids[0][..3]]);
    assert_eq!(run.code, 3, "three digits are too few: {}", run.stderr);
    let removed = simdex.json(&["remove", &ids[0][..10], &ids[1][..6].to_uppercase()]);
    assert_eq!(removed["removed"], 2);
    assert_eq!(simdex.stored().len(), 14);
    let run = simdex.run(&["remove", &ids[0][..10]]);
    assert_eq!(run.code, 3, "{}", run.stderr);
    // A file may have such a name.
    let name = &ids[2][..8];
    std::fs::create_dir(simdex.path(name)).unwrap();
    write(&simdex, &format!("{name}/a.jpg"), 77);
    simdex.json(&["add", name]);
    let run = simdex.run(&["remove", name]);
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert!(run.stderr.contains(&format!("./{name}")), "{}", run.stderr);
    assert_eq!(simdex.json(&["remove", &format!("./{name}")])["files"], 1);
    assert_eq!(simdex.json(&["remove", name])["removed"], 1);
}

#[test]
fn a_beginning_of_several_ids_is_an_error_that_lists_them() {
    let simdex = Simdex::new();
    // What stands behind the end of a JPEG changes its bytes, not the picture.
    let mut seen = std::collections::HashMap::new();
    let pair = (0u32..).find_map(|n| {
        let bytes = [&jpeg(Motif::Fish, 1)[..], &n.to_le_bytes()].concat();
        let id = simdex::picture::PictureId::of(&bytes).to_string();
        let other = seen.insert(id[..4].to_owned(), (id.clone(), bytes.clone()));
        other.map(|other| [other, (id, bytes)])
    });
    let pair = pair.unwrap();
    for (n, (_, bytes)) in pair.iter().enumerate() {
        std::fs::write(simdex.path(&format!("{n}.jpg")), bytes).unwrap();
    }
    simdex.json(&["add", "0.jpg", "1.jpg"]);
    let beginning = &pair[0].0[..4];
    let run = simdex.run(&["remove", beginning]);
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert!(
        pair.iter().all(|(id, _)| run.stderr.contains(id)),
        "{}",
        run.stderr
    );
    assert_eq!(simdex.stored().len(), 2);
}
