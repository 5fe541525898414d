//! Groups of near-copies: what is kept, what is none, and the plan.

use simdex::demo::drawing::{Motif, draw};

use super::{Browser, attribute};
use crate::common::Simdex;
use crate::common::in_process::wait_for;
use crate::common::serving::Serving;

/// A folder with one picture in two sizes under a hostile name each, the smaller one twice, and another picture.
fn copies(simdex: &Simdex) -> [std::path::PathBuf; 4] {
    let dir = simdex.path("pictures");
    std::fs::create_dir(&dir).unwrap();
    let files = [
        "large.jpg",
        "it's $(touch x) small.jpg",
        "again\nsmall.jpg",
        "other.jpg",
    ]
    .map(|name| dir.join(name));
    let large = draw(Motif::ALL[0], 1, 640, 480);
    large.save(&files[0]).unwrap();
    let small = image::imageops::thumbnail(&large, 320, 240);
    small.save(&files[1]).unwrap();
    std::fs::copy(&files[1], &files[2]).unwrap();
    draw(Motif::ALL[1], 1, 640, 480).save(&files[3]).unwrap();
    simdex.json(&["add", "pictures"]);
    files
}

#[test]
fn duplicates_have_a_choice_with_its_reason_and_a_plan() {
    let simdex = Simdex::new();
    let files = copies(&simdex);
    let serving = Serving::start(&simdex);
    let browser = Browser::of(&serving);
    let page = browser.open("/duplicates");
    assert_eq!(page.status, 200, "{}", page.text());
    let page = page.text();
    assert_eq!(page.matches("class=\"group\"").count(), 1, "{page}");
    assert!(page.contains("Kept: the largest, 640 x 480."), "{page}");
    let chosen = browser.open(&format!(
        "/duplicates?prefer=largest&keep={}",
        smaller(&page)
    ));
    assert!(
        chosen.text().contains("Kept: your choice."),
        "{}",
        chosen.text()
    );
    for wrong in ["prefer=best", "from=x", "keep=x"] {
        assert_eq!(
            browser.open(&format!("/duplicates?{wrong}")).status,
            400,
            "{wrong}"
        );
    }

    let table = browser.open("/duplicates/plan.csv");
    assert_eq!(
        table.header("content-type"),
        Some("text/csv; charset=utf-8")
    );
    let mut lines = csv::Reader::from_reader(&table.body[..]);
    let lines: Vec<csv::StringRecord> = lines.records().map(Result::unwrap).collect();
    let action = |file: &std::path::Path| {
        let line = lines.iter().find(|line| Some(&line[3]) == file.to_str());
        line.map(|line| line[1].to_owned())
    };
    assert_eq!(action(&files[0]).as_deref(), Some("keep"));
    assert_eq!(action(&files[1]).as_deref(), Some("delete"));
    assert_eq!(action(&files[2]).as_deref(), Some("delete"));
    assert_eq!(action(&files[3]), None);
}

/// The id of the picture that a group does not keep.
fn smaller(page: &str) -> String {
    let choices = page
        .split("type=\"radio\"")
        .filter(|choice| choice.contains("name=\"keep-"));
    let ids = choices.map(|choice| attribute(choice, "value", "value"));
    ids.into_iter().find(|id| !id.is_empty()).unwrap()
}

#[test]
#[cfg(unix)]
fn the_script_of_the_plan_deletes_what_it_says_and_nothing_that_has_changed() {
    let simdex = Simdex::new();
    let files = copies(&simdex);
    let serving = Serving::start(&simdex);
    let browser = Browser::of(&serving);
    let script = browser.open("/duplicates/plan.sh");
    std::fs::write(simdex.path("plan.sh"), &script.body).unwrap();
    // One of the two has changed since it was read.
    std::fs::write(&files[2], b"something else").unwrap();
    let run = std::process::Command::new("sh")
        .arg("plan.sh")
        .current_dir(simdex.dir.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(
        run.status.success() && said.contains("left alone"),
        "{said}"
    );
    assert_eq!(
        files.each_ref().map(|file| file.exists()),
        [true, false, true, true]
    );
    assert!(!simdex.path("x").exists(), "nothing in a name is run");
    // What is kept is gone: nothing else goes.
    draw(Motif::ALL[0], 1, 10, 10).save(&files[1]).unwrap();
    std::fs::remove_file(&files[0]).unwrap();
    std::process::Command::new("sh")
        .arg("plan.sh")
        .current_dir(simdex.dir.path())
        .output()
        .unwrap();
    assert_eq!(
        files.each_ref().map(|file| file.exists()),
        [false, true, true, true]
    );
}

#[test]
fn what_is_no_duplicate_is_grouped_no_more() {
    let simdex = Simdex::new();
    copies(&simdex);
    let serving = Serving::start(&simdex);
    let browser = Browser::of(&serving);
    let page = browser.open("/duplicates").text();
    let apart = attribute(&page, "name=\"apart\"", "value");
    let said = browser.send(
        "/duplicates/apart",
        &[("apart", &apart), ("back", "/duplicates?from=0")],
        &[],
    );
    assert_eq!(said.status, 303, "{}", said.text());
    // What is left of the group is one picture in two files.
    wait_for("the group to fall apart", || {
        let page = browser.open("/duplicates").text();
        page.contains("One picture in several files").then_some(())
    });
    assert!(
        browser
            .open("/labels")
            .text()
            .contains("no near-copies of each other")
    );
}
