//! `add`: local files, good and bad, into the store.

use std::process::Command;

use crate::common::{Run, Simdex, draw_folders, jpeg};
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
    simdex.configure("[picture]\nmax_pixels = 1000000\nmax_bytes = 500000\n");
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
