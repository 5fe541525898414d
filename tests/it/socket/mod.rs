//! One process, every door: commands on a store that another process has open.

mod jobs;
mod owner;

use std::time::Duration;

use simdex::demo::drawing::Motif;
use testweb::reply::Reply;
use testweb::server::Request;

use crate::common::serving::{Serving, without_times};
use crate::common::{Simdex, jpeg, numbered};

fn filled() -> Simdex {
    let simdex = Simdex::filled(3, 4);
    for (name, motif, variation) in [("new.jpg", 0, 77), ("other.jpg", 1, 78)] {
        std::fs::write(simdex.path(name), jpeg(Motif::ALL[motif], variation)).unwrap();
    }
    simdex
}

/// A page of many pictures, each of which takes its time.
fn numbered_slowly(request: &Request) -> Reply {
    if request.path() == "/" {
        let pictures = (0..500).map(|number| format!("<img src='/{number}.jpg'>"));
        return Reply::html(pictures.collect::<String>());
    }
    std::thread::sleep(Duration::from_millis(100));
    numbered(request)
}

/// Commands that read, each with the exit code that it has.
const READING: &[(&[&str], i32)] = &[
    (&["status"], 0),
    (&["status", "--format", "json"], 0),
    (&["query", "new.jpg"], 0),
    (&["query", "new.jpg", "--min-score", "p90"], 0),
    (
        &[
            "query",
            "new.jpg",
            "other.jpg",
            "--format",
            "json",
            "--explain",
            "-k",
            "3",
        ],
        0,
    ),
    (
        &[
            "query",
            "new.jpg",
            "--mode",
            "copy",
            "--all-copies",
            "--format",
            "json",
        ],
        0,
    ),
    (
        &["query", "new.jpg", "--mode", "look-alike", "--explain"],
        0,
    ),
    (
        &[
            "query",
            "new.jpg",
            "other.jpg",
            "--not",
            "pictures/../other.jpg",
            "--format",
            "json",
        ],
        0,
    ),
    (
        &["query", "new.jpg", "--head", "mse18", "--format", "json"],
        0,
    ),
    (&["query", "new.jpg", "missing.jpg", "--format", "json"], 3),
    (&["query", "missing.jpg"], 1),
    (&["query", "new.jpg", "--head", "missing.json"], 2),
    (
        &[
            "query",
            "new.jpg",
            "--head",
            "embedding",
            "--min-score",
            "p90",
        ],
        1,
    ),
    (&["query", "broken.jpg"], 1),
    (&["compare", "new.jpg", "other.jpg"], 0),
    (
        &[
            "compare",
            "new.jpg",
            "other.jpg",
            "--format",
            "json",
            "--mode",
            "copy",
        ],
        0,
    ),
    (&["compare", "new.jpg", "broken.jpg"], 1),
    (&["duplicates"], 0),
    (&["duplicates", "--format", "jsonl"], 0),
    (
        &[
            "export",
            "--queries",
            "pictures",
            "--format",
            "csv",
            "-o",
            "-",
        ],
        0,
    ),
    (
        &[
            "export",
            "--queries",
            "new.jpg",
            "--format",
            "html",
            "-o",
            "-",
        ],
        0,
    ),
    (&["failures"], 0),
    (
        &[
            "failures", "--format", "json", "--all", "--reason", "http_404",
        ],
        0,
    ),
    // Nothing was asked of anybody yet.
    (&["politeness", "--format", "json"], 1),
];

#[test]
fn who_has_the_store_open_answers_byte_for_byte_as_the_command_alone() {
    let simdex = filled();
    std::fs::write(simdex.path("broken.jpg"), b"no picture").unwrap();
    // Near-copies, so that there are groups to list.
    std::fs::copy(simdex.path("new.jpg"), simdex.path("pictures/a.jpg")).unwrap();
    std::fs::copy(simdex.path("new.jpg"), simdex.path("pictures/b.jpg")).unwrap();
    simdex.json(&["add", "pictures"]);
    let alone: Vec<_> = READING.iter().map(|(args, _)| simdex.run(args)).collect();
    let serving = Serving::start(&simdex);
    let by = format!("answered by process {}, 13 pictures", serving.id());
    for ((args, code), alone) in READING.iter().zip(alone) {
        let there = simdex.run(args);
        assert_eq!(alone.code, *code, "{args:?}: {}", alone.stderr);
        assert_eq!(there.code, *code, "{args:?}: {}", there.stderr);
        assert_eq!(without_times(&there), without_times(&alone), "{args:?}");
        if there.code == 0 && args[0] != "politeness" {
            assert!(there.stderr.contains(&by), "{args:?}: {}", there.stderr);
        }
        // What went wrong is said in the same words.
        let problems = alone.stderr.lines().filter(|line| line.contains("simdex:"));
        for problem in problems {
            assert!(
                there.stderr.contains(problem),
                "{problem}\n{}",
                there.stderr
            );
        }
    }
    assert_eq!(serving.stop(), 130);
}
