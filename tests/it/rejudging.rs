//! What settings have kept out comes in when they let it.

use crate::common::{FAST, Run, Simdex, numbered, serve};
use serde_json::{Value, json};
use testweb::reply::Reply;
use testweb::server::Server;

/// A site with pictures at two hosts, a picture and a page that opt out. Its pages say when
/// they have not changed.
fn site() -> Server {
    serve(|request| {
        let there = request.host.replace("127.0.0.1", "localhost");
        let is_known = request.header("if-none-match").is_some();
        match request.path() {
            "/robots.txt" => Reply::not_found(),
            "/" | "/other" if is_known => Reply::new(304),
            "/" => Reply::html(format!(
                "<img src=1.jpg><img src=private/2.jpg><img src=http://{there}/3.jpg>\
                 <img src=5.jpg><a href=/other>x</a>"
            ))
            .header("ETag", "\"1\""),
            "/other" => Reply::html("<meta name=robots content=noimageai><img src=4.jpg>")
                .header("ETag", "\"2\""),
            "/5.jpg" => numbered(request).header("X-Robots-Tag", "noai"),
            _ => numbered(request),
        }
    })
}

fn configure(simdex: &Simdex, more: &str) {
    simdex.configure(&format!("[crawl]\nsitemaps = false\n{more}"));
}

fn run(simdex: &Simdex, args: &[&str]) -> Run {
    let run = simdex.run(&[&["crawl"], args, &FAST[..], &["--format", "json"]].concat());
    assert_eq!(run.code, 0, "{}", run.stderr);
    run
}

fn images(simdex: &Simdex) -> Value {
    simdex.json(&["status"])["images"].clone()
}

/// Crawls with some settings, which keep out what they refuse, then goes on with others by a
/// command, which lets it in, and only once.
fn assert_let_in(
    (closed, refused, before): (&str, Value, u64),
    command: &[&str],
    (open, after): (&str, u64),
) {
    let (simdex, server) = (Simdex::new(), site());
    configure(&simdex, closed);
    let seed = server.url("/");
    let summary = run(&simdex, &[&seed]).json();
    assert_eq!(summary["refused"], refused, "{closed}");
    assert_eq!(images(&simdex), before, "{closed}: {summary}");
    let command: Vec<&str> = match command {
        [] => vec![&seed],
        ["resume"] => Vec::new(),
        command => command.to_vec(),
    };
    // The same settings let nothing in.
    let asked = server.total();
    run(&simdex, &command);
    assert_eq!(server.total(), asked, "{closed}");
    configure(&simdex, open);
    let summary = run(&simdex, &command).json();
    assert_eq!(images(&simdex), after, "{closed}: {summary}");
    let asked = server.total();
    let summary = run(&simdex, &command).json();
    assert_eq!(server.total(), asked, "{closed}: {summary}");
}

#[test]
fn what_a_pattern_kept_off_the_frontier_is_found_when_it_is_lifted() {
    let exclude = "[crawl.admission]\nexclude = [\"/private/\"]\n";
    let refused = json!({"excluded": 1, "noai": 1, "noimageai": 1});
    assert_let_in((exclude, refused, 2), &["resume"], ("", 3));
}

#[test]
fn a_host_that_is_skipped_no_more_is_asked() {
    let skip = "[crawl.host.localhost]\nskip = true\n";
    let refused = json!({"skipped_host": 1, "noai": 1, "noimageai": 1});
    assert_let_in((skip, refused, 2), &["--retry-failed"], ("", 3));
}

#[test]
fn larger_limits_let_larger_pictures_in_and_smaller_ones_smaller() {
    let refused = json!({"too_large": 3, "noai": 1, "noimageai": 1});
    let bytes = "[picture]\nmax_bytes = 100\n";
    assert_let_in((bytes, refused, 0), &[], ("", 3));
    let refused = json!({"too_small": 3, "noai": 1, "noimageai": 1});
    let sides = "[picture]\nmin_side = 1000\n";
    assert_let_in((sides, refused, 0), &["--retry-failed"], ("", 3));
}

#[test]
fn opt_outs_that_are_switched_off_keep_nothing_out() {
    let refused = json!({"noai": 1, "noimageai": 1});
    let open = "[crawl.respect]\nnoai = false\n";
    assert_let_in(("", refused, 3), &["--retry-failed"], (open, 5));
}

#[test]
fn private_addresses_are_asked_when_they_may_be() {
    for command in [&["--retry-failed"][..], &[]] {
        let (simdex, server) = (Simdex::new(), site());
        configure(&simdex, "");
        let seed = server.url("/");
        let args = ["crawl", &seed, "-q", "--delay", "0", "--format", "json"];
        let refused = simdex.run(&args);
        assert_eq!(refused.code, 3, "{}", refused.stderr);
        assert_eq!(refused.json()["refused"], json!({"private_address": 1}));
        let again = simdex.run(&["crawl", "--retry-failed"]);
        let said = "nothing failed for any reason; the store knows private_address (1)";
        assert!(again.stderr.contains(said), "{}", again.stderr);
        assert_eq!(server.total(), 0);
        let asked = [
            &["crawl", "--allow-private-addresses", "--delay", "0"],
            command,
        ]
        .concat();
        let run = simdex.run(&asked);
        assert_eq!(run.code, 0, "{}", run.stderr);
        let said = "1 URL is queued again, because the settings have changed that kept it or";
        assert!(run.stderr.contains(said), "{}", run.stderr);
        assert_eq!(images(&simdex), 3, "{command:?}");
    }
}

#[test]
fn what_waits_under_a_stricter_rule_is_asked_under_a_laxer_one_and_a_dry_run_knows() {
    let (simdex, server) = (Simdex::new(), site());
    configure(&simdex, "");
    let seed = server.url("/");
    run(&simdex, &[&seed, "--max-images", "1"]);
    configure(&simdex, "[crawl.admission]\nexclude = [\"/private/\"]\n");
    let summary = run(&simdex, &[]).json();
    assert_eq!(summary["refused"]["excluded"], 1, "{summary}");
    assert_eq!(images(&simdex), 2);
    configure(&simdex, "");
    let args = [
        "crawl",
        "--dry-run",
        "--format",
        "json",
        "--allow-private-addresses",
    ];
    let dry = simdex.run(&args);
    let lines = dry.stdout.lines();
    let verdicts: Vec<Value> = lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let urls: Vec<&Value> = verdicts.iter().map(|verdict| &verdict["url"]).collect();
    assert_eq!(
        urls,
        [&json!(server.url("/private/2.jpg"))],
        "{}",
        dry.stdout
    );
    assert_eq!(verdicts[0]["fetched"], true);
    run(&simdex, &[]);
    assert_eq!(images(&simdex), 3);
}
