//! `add`: local files, good and bad, into the store.

use std::process::Command;

use crate::common::{Run, Simdex, draw_folders, jpeg};
use serde_json::Value;
use simdex::demo::drawing::Motif;

#[test]
fn a_second_run_skips_what_is_there() {
    let simdex = Simdex::new();
    draw_folders(&simdex.path("pictures"), 3, 4);
    let first = simdex.json(&["add", "pictures"]);
    assert_eq!(first["images_indexed"], 12);
    let second = simdex.json(&["add", "pictures"]);
    assert_eq!(
        (&second["images_indexed"], &second["duplicates"]),
        (&0.into(), &12.into())
    );
    assert_eq!(simdex.json(&["status"])["images"], 12);
    assert_eq!(simdex.run(&["verify"]).code, 0);
}

#[test]
fn copies_of_one_file_are_one_picture_with_many_paths() {
    let simdex = Simdex::new();
    std::fs::create_dir(simdex.path("in")).unwrap();
    for name in ["a.jpg", "b.jpg", "c.jpeg"] {
        std::fs::write(simdex.path("in").join(name), jpeg(Motif::Fish, 1)).unwrap();
    }
    let summary = simdex.json(&["add", "in"]);
    assert_eq!(
        (&summary["images_indexed"], &summary["duplicates"]),
        (&1.into(), &2.into())
    );
    assert_eq!(simdex.stored().len(), 1);
}

#[test]
fn bad_pictures_are_named_and_the_rest_goes_in() {
    let simdex = Simdex::new();
    simdex.configure(
        "[picture]\nmax_pixels = 1000000\nmax_bytes = 500000\nmax_file_bytes = 500000\n",
    );
    let dir = simdex.path("in");
    std::fs::create_dir(&dir).unwrap();
    let good = jpeg(Motif::Balloon, 1);
    let write = |name: &str, bytes: &[u8]| std::fs::write(dir.join(name), bytes).unwrap();
    write("good.jpg", &good);
    write("empty.jpg", b"");
    write("noise.png", &[0x89; 5000]);
    write("page.jpg", b"<!DOCTYPE html><title>not found</title>");
    write("large.jpg", &vec![0xff; 600_000]);
    let png = |width, height| {
        let mut bytes = std::io::Cursor::new(Vec::new());
        image::RgbImage::new(width, height)
            .write_to(&mut bytes, image::ImageFormat::Png)
            .unwrap();
        bytes.into_inner()
    };
    let small = png(200, 200);
    write("truncated.png", &small[..small.len() / 2]);
    write("icon.png", &png(16, 16));
    write("bomb.png", &png(2000, 2000));
    write("notes.txt", b"not looked at");
    let run = simdex.run(&["add", "in", "--format", "json"]);
    assert_eq!(run.code, 3, "{}", run.stderr);
    let summary = run.json();
    assert_eq!(summary["images_indexed"], 1);
    let refused = serde_json::json!({"too_large": 1, "too_many_pixels": 1, "too_small": 1});
    assert_eq!(summary["refused"], refused);
    let failed = serde_json::json!(
        {"empty": 1, "unknown_format": 1, "html_not_picture": 1, "broken_picture": 1});
    assert_eq!(summary["failed"], failed);
    for name in ["empty.jpg", "truncated.png", "bomb.png"] {
        assert!(run.stderr.contains(name), "{}", run.stderr);
    }
    assert!(!run.stderr.contains("panic"), "{}", run.stderr);
    assert_eq!(simdex.stored().len(), 1);
}

/// A file-size limit stops writes as a full disk does, without needing a small disk.
#[cfg(unix)]
#[test]
fn a_full_disk_is_an_error_that_loses_nothing() {
    let simdex = Simdex::new();
    draw_folders(&simdex.path("few"), 2, 2);
    draw_folders(&simdex.path("many"), 8, 4);
    simdex.json(&["add", "few"]);
    let program = simdex.command(&["add", "many"]);
    let mut words: Vec<_> = vec![program.get_program().to_owned()];
    words.extend(program.get_args().map(std::borrow::ToOwned::to_owned));
    // In units of 512 bytes: about 10 MB a file. SIGXFSZ ignored gives the write an error.
    let full = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 20000; exec \"$@\"", "sh"])
        .args(&words)
        .current_dir(simdex.dir.path())
        .output()
        .unwrap();
    let run = Run::of(full);
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert!(run.stderr.contains("free some space"), "{}", run.stderr);
    let kept = simdex.json(&["status"])["images"].as_u64().unwrap();
    assert!((4..36).contains(&kept), "{kept}");
    assert_eq!(simdex.run(&["verify"]).code, 0);
    let summary = simdex.json(&["add", "many"]);
    assert_eq!(simdex.json(&["status"])["images"], 32, "{summary}");
    assert_eq!(simdex.run(&["verify"]).code, 0);
}

#[test]
fn a_nearly_full_disk_is_not_filled() {
    let simdex = Simdex::new();
    draw_folders(&simdex.path("few"), 2, 2);
    simdex.configure("[store]\nreserve_disk_mb = 1000000000\n");
    let run = simdex.run(&["add", "few"]);
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("the disk is full"), "{}", run.stderr);
    simdex.configure("");
    assert_eq!(simdex.json(&["add", "few"])["images_indexed"], 4);
}

/// What a name may do to whoever reads a list of names.
const EVIL: &str = "a\u{1b}[2J\u{9b}31m\nsimdex: all is well\u{202e}gpj";

#[cfg(unix)]
#[test]
fn names_of_files_steer_no_terminal() {
    let simdex = Simdex::new();
    let dir = simdex.path("in");
    std::fs::create_dir(&dir).unwrap();
    let (good, bad) = (format!("{EVIL}.jpg"), format!("{EVIL}.png"));
    std::fs::write(dir.join(&good), jpeg(Motif::Fish, 1)).unwrap();
    std::fs::write(dir.join(&bad), "no picture").unwrap();
    let is_clean = |text: &str| {
        let steers = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!text.contains(steers), "{text:?}");
        assert!(!text.contains("\nsimdex: all is well"), "{text:?}");
    };
    let run = simdex.run(&["add", "in", "-vv"]);
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert!(
        run.stderr.contains(r"a\u{1b}[2J\u{9b}31m\nsimdex"),
        "{}",
        run.stderr
    );
    is_clean(&run.stderr);
    is_clean(&run.stdout);
    let path = format!("in/{good}");
    let run = simdex.run(&["query", &path]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stdout.contains(r"\u{202e}gpj.jpg"), "{}", run.stdout);
    is_clean(&run.stdout);
    // JSON is clean, too, and says what the name is.
    let run = simdex.run(&["query", &path, "--format", "json"]);
    is_clean(&run.stdout);
    assert_eq!(run.json()["query"], path);
    let found = run.json()["results"][0]["path"].clone();
    assert!(found.as_str().unwrap().ends_with(&good), "{found}");
    // What is wrong with a command line or a file is said with its name.
    for (args, said) in [
        (["query", "in/\u{1b}[2J\n.jpg"], r"in/\u{1b}[2J\n.jpg"),
        (["query", "--x\u{9b}\u{202e}"], r"--x\u{9b}\u{202e}"),
    ] {
        let run = simdex.run(&args);
        assert!(run.code > 0, "{}", run.stdout);
        assert!(run.stderr.contains(said), "{}", run.stderr);
        is_clean(&run.stderr);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_path_that_is_not_utf_8_is_found_again() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let simdex = Simdex::new();
    let dir = simdex.path("in");
    std::fs::create_dir(&dir).unwrap();
    let name = OsStr::from_bytes(b"b\xe4r 100%.jpg");
    let path = dir.join(name);
    std::fs::write(&path, jpeg(Motif::Fish, 1)).unwrap();
    std::fs::write(dir.join(OsStr::from_bytes(b"bad\xff.png")), "no picture").unwrap();
    let run = simdex.run(&["add", "in", "--format", "json"]);
    assert_eq!((run.code, &run.json()["images_indexed"]), (3, &1.into()));
    assert!(run.stderr.contains("/in/bad%FF.png: "), "{}", run.stderr);
    let folder = dir.to_str().unwrap();
    let url = format!("file://{folder}/b%E4r%20100%25.jpg");
    let query = |name: &OsStr| -> Value {
        let mut command = simdex.command(&["query", "--format", "json"]);
        let run = Run::of(command.arg(name).output().unwrap());
        assert_eq!(run.code, 0, "{}", run.stderr);
        run.json()
    };
    let by_path = query(path.as_os_str());
    assert_eq!(by_path["query"], url);
    assert_eq!(by_path["results"][0]["path"], url);
    assert_eq!(query(url.as_ref())["results"][0]["path"], url);
    // The path is stored as it is: an unchanged file is known.
    let mut command = simdex.command(&["add", "--format", "json"]);
    let again = Run::of(command.arg(&path).output().unwrap());
    assert_eq!(again.json()["duplicates"], 1, "{}", again.stderr);
    // In a list it may stand either way.
    let list = simdex.path("list.txt");
    let both = [path.as_os_str().as_bytes(), b"\n", url.as_bytes(), b"\n"];
    std::fs::write(&list, both.concat()).unwrap();
    let args = [
        "export",
        "--queries",
        "list.txt",
        "--format",
        "csv",
        "-o",
        "-",
    ];
    let run = simdex.run(&args);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let row = format!("\n{url},1,");
    assert_eq!(run.stdout.matches(&row).count(), 2, "{}", run.stdout);
}

#[test]
fn a_changed_file_is_no_place_of_the_picture_it_held() {
    let simdex = Simdex::new();
    let write = |name: &str, variation| {
        std::fs::write(simdex.path(name), jpeg(Motif::Fish, variation)).unwrap();
    };
    let paths = |query: &str| -> Vec<Value> {
        let results = simdex.json(&["query", query, "--all-copies"])["results"].take();
        let results = results.as_array().unwrap().iter();
        results.map(|result| result["path"].clone()).collect()
    };
    write("first.jpg", 1);
    write("a.jpg", 1);
    simdex.json(&["add", "a.jpg", "first.jpg"]);
    write("a.jpg", 2);
    simdex.json(&["add", "a.jpg"]);
    let found = paths("first.jpg");
    assert_eq!(found.len(), 2);
    let [first, a] = ["first.jpg", "a.jpg"].map(|name| simdex.path(name));
    let named = |path: &std::path::Path| {
        let is_it = |found: &&Value| found.as_str() == path.to_str();
        found.iter().filter(is_it).count()
    };
    assert_eq!((named(&first), named(&a)), (1, 1), "{found:?}");
}

#[test]
fn what_takes_more_memory_than_there_is_names_the_key() {
    let simdex = Simdex::new();
    simdex.configure("[picture]\ndecode_budget_mb = 4\n");
    let dir = simdex.path("in");
    std::fs::create_dir(&dir).unwrap();
    std::fs::write(dir.join("good.jpg"), jpeg(Motif::Fish, 1)).unwrap();
    image::ImageBuffer::<image::Rgba<u16>, _>::new(1000, 1000)
        .save(dir.join("deep.png"))
        .unwrap();
    let run = simdex.run(&["add", "in", "--format", "json"]);
    assert_eq!(run.code, 3, "{}", run.stderr);
    let refused = serde_json::json!({"too_much_memory": 1});
    assert_eq!(run.json()["refused"], refused);
    assert!(
        run.stderr.contains("[picture] decode_budget_mb"),
        "{}",
        run.stderr
    );
}
