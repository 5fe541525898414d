//! What a crawl tells those who run it: seeds, dry runs, summaries, logs.

use std::io::Read;
use std::process::Stdio;
use std::time::Duration;

use crate::common::{FAST, Run, Simdex, crawl, jpeg, numbered, serve};
use serde_json::{Value, json};
use simdex::demo::drawing::Motif;
use testweb::reply::Reply;

#[test]
fn nobody_has_to_read_stderr() {
    let simdex = Simdex::new();
    let server = serve(|request| match request.path() {
        "/" => Reply::html("<img src=1.jpg><img src=2.jpg>"),
        _ => numbered(request),
    });
    let mut command = simdex.command(&["crawl", &server.url("/"), "-vv", "--format", "json"]);
    command.args(["--allow-private-addresses", "--delay", "0"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stderr = child.stderr.take().unwrap();
    stderr.read_exact(&mut [0]).unwrap();
    drop(stderr);
    let run = Run::of(child.wait_with_output().unwrap());
    assert_eq!(run.code, 0, "{}", run.stdout);
    assert_eq!(run.json()["images_indexed"], 2);
}

#[test]
fn seeds_are_admitted_like_links() {
    let simdex = Simdex::new();
    simdex.configure("[crawl.admission]\nexclude = [\"/private/\"]\n");
    let server = serve(|request| match request.path() {
        "/" => Reply::html("<a href=/private/b>x</a>"),
        _ => numbered(request),
    });
    let (open, closed) = (server.url("/?utm_source=x"), server.url("/private/a"));
    let args = ["crawl", &open, &closed, "--format", "json"];
    let run = simdex.run(&[&args, &FAST[..]].concat());
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert_eq!(run.json()["refused"], json!({"excluded": 2}));
    let message = format!("{closed}: the configuration excludes it");
    assert!(run.stderr.contains(&message), "{}", run.stderr);
    let log = server.log();
    let private = |path: &str| path.starts_with("/private");
    assert!(!log.iter().any(|hit| private(hit.request.path())));
    assert!(log.iter().any(|hit| hit.request.target == "/"), "cleaned");
}

fn dry_run(simdex: &Simdex, args: &[&str]) -> Vec<(String, Value)> {
    let args = [&["crawl", "--dry-run", "--format", "json"], args].concat();
    let run = simdex.run(&args);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let verdicts = run.stdout.lines().map(|line| {
        let verdict: Value = serde_json::from_str(line).unwrap();
        (
            verdict["url"].as_str().unwrap().to_owned(),
            verdict["reason"].clone(),
        )
    });
    verdicts.collect()
}

#[test]
fn a_dry_run_knows_budgets_and_private_names_and_says_all_once() {
    let simdex = Simdex::new();
    simdex.configure("[crawl]\nmax_host_pages = 2\nsitemaps = false\n");
    let server = serve(|request| match request.path() {
        "/robots.txt" => Reply::not_found(),
        "/" => Reply::html("<a href=/b>x</a><a href=/c>x</a><a href=/d>x</a>"),
        _ => Reply::html("<p>here</p>"),
    });
    crawl(&simdex, &server.url("/"), &["--max-pages", "1"]);
    let seed = server.url("/c");
    let verdicts = dry_run(&simdex, &[&seed, &seed, "--allow-private-addresses"]);
    let expected = [
        (server.url("/c"), Value::Null),
        (server.url("/b"), json!("host_pages")),
        (server.url("/d"), json!("host_pages")),
    ];
    assert_eq!(verdicts, expected);
    let verdicts = dry_run(&simdex, &["http://localhost/"]);
    assert_eq!(verdicts[0].1, "private_address");
    for flag in ["--refresh", "--retry-failed"] {
        let run = simdex.run(&["crawl", "--dry-run", flag]);
        assert_eq!(run.code, 2, "{}", run.stderr);
        assert!(run.stderr.contains("cannot be used with"), "{}", run.stderr);
    }
}

#[test]
fn a_spent_page_budget_is_told() {
    let simdex = Simdex::new();
    simdex.configure("[crawl]\nmax_host_pages = 1\nsitemaps = false\n");
    let server = serve(|request| match request.path() {
        "/robots.txt" => Reply::not_found(),
        _ => Reply::html("<a href=/b>x</a><a href=/c>x</a>"),
    });
    let summary = crawl(&simdex, &server.url("/"), &[]);
    assert_eq!(
        (&summary["pending"], &summary["spent_hosts"]),
        (&json!(2), &json!(1))
    );
    let run = simdex.run(&[&["crawl"], &FAST[..]].concat());
    let said = "waiting for another crawl: 2 URLs - 1 host has had all the pages";
    assert!(run.stdout.contains(said), "{}", run.stdout);
}

#[test]
fn failures_are_listed_from_the_store_by_reason_and_host() {
    let simdex = Simdex::new();
    let server = serve(|request| match request.path() {
        "/robots.txt" => Reply::text("User-agent: *\nDisallow: /closed/\n"),
        "/" => {
            Reply::html("<img src=1.jpg><img src=gone.jpg><img src=lost.jpg><img src=closed/2.jpg>")
        }
        "/1.jpg" => numbered(request),
        _ => Reply::not_found(),
    });
    let seed = server.url("/");
    crawl(&simdex, &seed, &[]);
    let listed = |args: &[&str]| {
        let all = [&["failures", "--format", "json"], args].concat();
        let answer = simdex.run(&all).json();
        let failures = answer["failures"].as_array().unwrap().clone();
        let of = |it: &Value| {
            (
                it["reason"].as_str().unwrap().to_owned(),
                it["count"].as_u64(),
            )
        };
        (failures.iter().map(of).collect::<Vec<_>>(), failures)
    };
    let (counts, failures) = listed(&[]);
    assert_eq!(
        counts,
        [
            ("http_404".to_owned(), Some(2)),
            ("robots".to_owned(), Some(1))
        ]
    );
    let robots = &failures[1];
    assert_eq!(robots["refused"], true, "{robots}");
    assert!(robots["advice"].as_str().unwrap().contains("robots.txt"));
    let url = &robots["urls"][0];
    assert_eq!(url["url"], server.url("/closed/2.jpg"), "{url}");
    assert_eq!(
        (&url["role"], &url["shown_on"]),
        (&json!("picture"), &json!(seed))
    );
    let (counts, failures) = listed(&["--reason", "http_404", "--limit", "1"]);
    assert_eq!(counts, [("http_404".to_owned(), Some(2))]);
    assert_eq!(failures[0]["urls"].as_array().unwrap().len(), 1);
    assert_eq!(listed(&["--host", "other.example"]).0, []);
    assert_eq!(listed(&["--host", "127.0.0.1"]).0.len(), 2);
    let text = simdex.run(&["failures", "--reason", "http_404", "--limit", "1"]);
    let lines: Vec<&str> = text.stdout.lines().collect();
    assert!(lines[0].starts_with("failed http_404: 2 - "), "{lines:?}");
    assert!(
        lines[1].ends_with(&format!(".jpg  (on {seed})")),
        "{lines:?}"
    );
    assert_eq!(lines[2], "  and 1 more (--all lists them)");
    let none = simdex.run(&["failures", "--host", "other.example"]).stdout;
    assert!(none.contains("there may be others"), "{none}");
    let none = Simdex::filled(1, 1).run(&["failures"]).stdout;
    assert_eq!(none, "nothing failed and nothing was refused\n");
    let all = simdex.run(&["failures", "--reason", "http_404", "--all"]);
    assert_eq!(all.stdout.lines().count(), 3);
    assert_eq!(simdex.run(&["failures", "--limit", "0"]).code, 2);
}

#[test]
fn what_waits_to_be_tried_again_is_listed_with_its_reason() {
    let simdex = Simdex::new();
    // Nobody listens there.
    let server = serve(|request| match request.path() {
        "/" => Reply::html("<img src=http://127.0.0.1:1/x.jpg>"),
        _ => Reply::not_found(),
    });
    crawl(&simdex, &server.url("/"), &["--fetch-only"]);
    let answer = simdex.json(&["failures"]);
    let failures = answer["failures"].as_array().unwrap();
    let waits = failures.iter().find(|it| it["waits"] == true).unwrap();
    assert_eq!(
        (&waits["reason"], &waits["count"], &waits["refused"]),
        (&json!("robots_unreachable"), &json!(1), &json!(false))
    );
    assert_eq!(waits["urls"][0]["url"], "http://127.0.0.1:1/x.jpg");
    let text = simdex
        .run(&["failures", "--reason", "robots_unreachable"])
        .stdout;
    assert!(
        text.starts_with("to be tried again, robots_unreachable: 1"),
        "{text}"
    );
    assert!(text.contains("x.jpg  (on "), "{text}");
    assert!(text.contains("  (with the next crawl)"), "{text}");
    for args in [
        &["failures", "--reason", "nonsense"][..],
        &["crawl", "--retry-failed", "nonsense"],
        &["crawl", "--max-pages", "0"],
    ] {
        let run = simdex.run(args);
        assert_eq!(run.code, 2, "{args:?}: {}", run.stderr);
    }
}

#[test]
fn logs_say_what_was_not_read_and_how_long_was_waited() {
    let simdex = Simdex::new();
    simdex.configure("[crawl]\nsitemaps = false\n[crawl.respect]\ntdm = false\n");
    let server = serve(|request| match request.path() {
        "/robots.txt" => Reply::new(404).header("Content-Length", "0"),
        "/" => Reply::html("<img src=1.jpg><img src=old.jpg><img src=gone.jpg>"),
        "/old.jpg" => Reply::redirect(302, "/2.jpg"),
        "/gone.jpg" => Reply::html("<p>There is nothing here").status(404),
        _ => numbered(request),
    });
    let (log, warc) = (simdex.path("log.jsonl"), simdex.path("a.warc"));
    let args = [
        "crawl",
        &server.url("/"),
        "--allow-private-addresses",
        "--delay",
        "200",
        "--fetch-log",
        log.to_str().unwrap(),
        "--warc",
        warc.to_str().unwrap(),
    ];
    simdex.json(&args);
    let log = std::fs::read_to_string(log).unwrap();
    let lines = log.lines().map(|line| serde_json::from_str(line).unwrap());
    let lines: Vec<Value> = lines.collect();
    let line = |path: &str| {
        let url = server.url(path);
        lines.iter().find(|line| line["url"] == url).unwrap()
    };
    for (path, truncated) in [("/", false), ("/1.jpg", false), ("/gone.jpg", true)] {
        assert_eq!(line(path)["truncated"], truncated, "{path}");
    }
    assert_eq!(line("/robots.txt")["waited_ms"], 0);
    for path in ["/", "/1.jpg", "/old.jpg", "/2.jpg", "/gone.jpg"] {
        let waited = line(path)["waited_ms"].as_u64().unwrap();
        assert!((150..=2_000).contains(&waited), "{path}: {waited}");
    }
    let warc = std::fs::read(warc).unwrap();
    let warc = String::from_utf8_lossy(&warc).to_ascii_lowercase();
    assert!(warc.contains("warc-truncated: unspecified"));
}

#[test]
fn a_log_on_a_full_device_is_told() {
    let simdex = Simdex::new();
    let server = serve(|request| match request.path() {
        "/" => Reply::html("<p>here</p>"),
        _ => Reply::not_found(),
    });
    let args = ["crawl", &server.url("/"), "--fetch-log", "/dev/full"];
    let run = simdex.run(&[&args, &FAST[..]].concat());
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert!(
        run.stderr.contains("not every fetch is logged"),
        "{}",
        run.stderr
    );
}

#[test]
fn captions_and_titles_are_in_the_results() {
    let simdex = Simdex::new();
    let server = serve(|request| match request.path() {
        "/" => Reply::html(
            "<title>Fish</title><figure><img src=1.jpg alt=one title='A title'>\
             <figcaption>A caption</figcaption></figure>",
        ),
        _ => numbered(request),
    });
    crawl(&simdex, &server.url("/"), &[]);
    let page = &simdex.stored()[0].pages[0];
    assert_eq!(page.caption, "A caption");
    assert_eq!(page.picture_title, "A title");
    assert_eq!((page.alt.as_str(), page.title.as_str()), ("one", "Fish"));
    let any = simdex.path("any.jpg");
    std::fs::write(&any, jpeg(Motif::Cup, 7)).unwrap();
    let list = simdex.path("queries.txt");
    std::fs::write(&list, any.to_str().unwrap()).unwrap();
    for format in ["text", "html"] {
        let (any, list) = (any.to_str().unwrap(), list.to_str().unwrap());
        let run = match format {
            "text" => simdex.run(&["query", any]),
            _ => simdex.run(&["export", "--queries", list, "--format", "html", "-o", "-"]),
        };
        assert!(run.stdout.contains("A caption"), "{}", run.stderr);
    }
}

#[test]
fn what_is_kept_for_its_likeness_is_listed_with_it() {
    let simdex = Simdex::new();
    let server = serve(|request| match request.path() {
        "/" => {
            let pictures = (0..48).map(|i| format!("<img src={i}.jpg>"));
            Reply::html(pictures.collect::<String>())
        }
        _ => numbered(request),
    });
    let like = simdex.path("like.jpg");
    std::fs::write(&like, jpeg(Motif::ALL[3], 99)).unwrap();
    let like = like.to_str().unwrap();
    let args = ["--like", like, "--keep-matches", "--min-score", "0.3"];
    let summary = crawl(&simdex, &server.url("/"), &args);
    let kept = summary["matches"].as_u64().unwrap();
    let results = summary["results"][0]["results"].as_array().unwrap();
    assert!(kept > 0, "{summary}");
    assert_eq!(results.len() as u64, kept.min(10), "{summary}");
    // Each by the score that it has beside the wanted picture alone.
    for result in results {
        let url = result["urls"][0].as_str().unwrap();
        let digits = url.rsplit('/').next().unwrap().trim_end_matches(".jpg");
        let number: u64 = digits.parse().unwrap();
        let found = simdex.path("found.jpg");
        let motif = Motif::ALL[number as usize % Motif::ALL.len()];
        std::fs::write(&found, jpeg(motif, number)).unwrap();
        let pair = simdex.json(&["compare", like, found.to_str().unwrap()]);
        let difference = pair["score"].as_f64().unwrap() - result["score"].as_f64().unwrap();
        assert!(difference.abs() < 0.01, "{url}: {result} {pair}");
    }
}

#[test]
fn pictures_are_compared_as_the_store_keeps_them_whatever_the_configuration_says_now() {
    let simdex = Simdex::new();
    let server = serve(|request| match request.path() {
        "/" => {
            let pictures = (0..12).map(|i| format!("<img src={i}.jpg>"));
            Reply::html(pictures.collect::<String>())
        }
        _ => numbered(request),
    });
    let like = simdex.path("like.jpg");
    std::fs::write(&like, jpeg(Motif::ALL[3], 99)).unwrap();
    let like = like.to_str().unwrap();
    simdex.configure("[store]\nactivations = \"f16\"\n");
    simdex.json(&["add", like]);
    simdex.configure("[store]\nactivations = \"int8\"\n");
    let args = ["--like", like, "--min-score", "0.3"];
    let summary = crawl(&simdex, &server.url("/"), &args);
    assert_eq!(summary["images_indexed"], 12, "{summary}");
    assert!(summary["matches"].as_u64().unwrap() > 0, "{summary}");
    assert!(
        summary["failed"].as_object().unwrap().is_empty(),
        "{summary}"
    );
}

#[test]
fn ctrl_c_stops_cleanly_and_the_next_crawl_goes_on() {
    let simdex = Simdex::new();
    let server = serve(|request| match request.path() {
        "/" => {
            let pictures = (0..40).map(|i| format!("<img src={i}.jpg>"));
            Reply::html(pictures.collect::<String>())
        }
        _ => numbered(request).after(Duration::from_millis(60)),
    });
    let child = simdex.start(&[&["crawl", &server.url("/")], &FAST[..]].concat());
    while server.total() < 12 {
        std::thread::sleep(Duration::from_millis(10));
    }
    let interrupt = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(interrupt.unwrap().success());
    let run = Run::of(child.wait_with_output().unwrap());
    assert_eq!(run.code, 130, "{}", run.stderr);
    let status = simdex.json(&["status"]);
    assert!(status["images"].as_u64().unwrap() >= 5, "{status}");
    assert_eq!(
        status["frontier"]["leased"], 0,
        "what was under way was finished"
    );
    simdex.json(&[&["crawl"], &FAST[..]].concat());
    assert_eq!(simdex.json(&["status"])["images"], 40);
    let mut asked: Vec<String> = server
        .log()
        .iter()
        .map(|h| h.request.target.clone())
        .collect();
    asked.retain(|target| target.ends_with(".jpg"));
    assert_eq!(asked.len(), 40, "nothing was fetched twice");
}

#[test]
fn kept_bytes_that_cannot_be_read_now_go_on_waiting() {
    let simdex = Simdex::new();
    let server = serve(|request| match request.path() {
        "/" => Reply::html("<img src=1.jpg><img src=2.jpg>"),
        _ => numbered(request),
    });
    crawl(&simdex, &server.url("/"), &["--fetch-only"]);
    assert_eq!(simdex.json(&["status"])["waiting"], 2);
    let bodies = simdex.store().join("activations/00000000.activations");
    // Within the second picture, which is the last in the file.
    let at = std::fs::read(&bodies).unwrap().len() - 200;
    let flip = || {
        let mut bytes = std::fs::read(&bodies).unwrap();
        bytes[at] ^= 1;
        std::fs::write(&bodies, bytes).unwrap();
    };
    flip();
    let features = ["crawl", "--features-only", "--format", "json"];
    let run = simdex.run(&features);
    assert_eq!(run.code, 3, "{}", run.stderr);
    let summary = run.json();
    assert_eq!(
        (&summary["images_indexed"], &summary["postponed"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(summary["failed"], json!({"unreadable": 1}));
    assert_eq!(simdex.json(&["status"])["waiting"], 1);
    flip();
    assert_eq!(simdex.json(&features[..2])["images_indexed"], 1);
    assert_eq!(simdex.json(&["status"])["waiting"], 0);
}
