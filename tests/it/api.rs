//! The API over TCP, as scripts use it.

use std::time::Duration;

use serde_json::{Value, json};
use simdex::demo::drawing::Motif;
use testweb::reply::Reply;

use crate::common::in_process::wait_for;
use crate::common::serving::{Serving, form};
use crate::common::{Simdex, jpeg, numbered, serve};

fn served() -> (Simdex, Serving) {
    let simdex = Simdex::filled(3, 4);
    let serving = Serving::start(&simdex);
    (simdex, serving)
}

fn search(serving: &Serving, asked: &Value) -> Value {
    let body = asked.to_string();
    let answer = serving.post("/api/v1/search", "application/json", body.as_bytes());
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

#[test]
fn a_search_by_upload_answers_what_query_prints() {
    let (simdex, serving) = served();
    let picture = jpeg(Motif::ALL[0], 50);
    std::fs::write(simdex.path("new.jpg"), &picture).unwrap();
    let (kind, body) = form(
        &[("limit", "4"), ("explain", "true")],
        &[("image", "new.jpg", &picture)],
    );
    let mut answer = serving.post("/api/v1/search", &kind, &body).json();
    let args = [
        "query",
        "new.jpg",
        "-k",
        "4",
        "--explain",
        "--format",
        "json",
    ];
    let mut printed = simdex.run(&args).json();
    for value in [&mut answer, &mut printed] {
        value.as_object_mut().unwrap().remove("timing_ms").unwrap();
    }
    assert_eq!(answer, printed);
    assert_eq!(answer["results"].as_array().unwrap().len(), 4);
}

#[test]
fn stored_pictures_are_examples_for_and_against() {
    let simdex = Simdex::filled(3, 4);
    let ids: Vec<String> = simdex.stored().iter().map(|it| it.id.to_string()).collect();
    let serving = Serving::start(&simdex);
    let found = search(&serving, &json!({ "positive": [ids[0]], "limit": 3 }));
    assert_eq!(found["results"][0]["id"], ids[0].as_str());
    assert_eq!(found["results"][0]["score"], 1.0);
    let one = &found["results"][1]["score"];
    assert!(one.as_f64().unwrap() < 1.0, "{one}");
    let unlike = json!({ "positive": [ids[0]], "negative": [ids[4]], "score_threshold": 0.1 });
    let found = search(&serving, &unlike);
    for result in found["results"].as_array().unwrap() {
        assert!(result["score"].as_f64().unwrap() >= 0.1);
    }
    let gone = json!({ "positive": ["0".repeat(64)] }).to_string();
    let answer = serving.post("/api/v1/search", "application/json", gone.as_bytes());
    assert_eq!(
        (answer.status, &answer.json()["code"]),
        (404, &json!("not_found"))
    );
}

#[test]
fn a_long_list_is_asked_for_page_by_page() {
    let simdex = Simdex::filled(2, 4);
    let ids: Vec<String> = simdex.stored().iter().map(|it| it.id.to_string()).collect();
    let serving = Serving::start(&simdex);
    let page = |limit: usize, offset: usize| {
        let asked = json!({ "positive": [ids[0]], "limit": limit, "offset": offset });
        let found = search(&serving, &asked)["results"].clone();
        found.as_array().unwrap().clone()
    };
    let whole = page(8, 0);
    let pages: Vec<Value> = [0, 3, 6, 9].iter().flat_map(|at| page(3, *at)).collect();
    assert_eq!(whole.len(), 8);
    assert_eq!(pages, whole);
    assert_eq!(pages[7]["rank"], 8);
    let beyond = json!({ "positive": [ids[0]], "limit": 9, "offset": 99_999 }).to_string();
    let answer = serving.post("/api/v1/search", "application/json", beyond.as_bytes());
    assert_eq!(answer.status, 400, "{}", answer.text());
    assert!(answer.text().contains("ask for fewer"), "{}", answer.text());
}

#[test]
fn what_is_wrong_is_a_problem_that_says_what() {
    let (_simdex, serving) = served();
    let post = |path: &str, body: &str| serving.post(path, "application/json", body.as_bytes());
    for (path, body, words) in [
        ("/api/v1/search", "{}", "nothing to search for"),
        ("/api/v1/search", "{", "EOF"),
        ("/api/v1/search", r#"{"limt": 3}"#, "limt"),
        ("/api/v1/search", r#"{"score_threshold": 3}"#, "0 to 1"),
        ("/api/v1/search", r#"{"mode": "best"}"#, "best"),
        ("/api/v1/compare", r#"{"b": "x"}"#, "`a`"),
    ] {
        let answer = post(path, body);
        assert_eq!(answer.status, 400, "{body}: {}", answer.text());
        let problem = answer.json();
        assert_eq!(problem["status"], 400);
        assert!(
            problem["detail"].as_str().unwrap().contains(words),
            "{problem}"
        );
        assert!(answer.header("x-request-id").is_some());
    }
    assert_eq!(serving.get("/api/v1/none").status, 404);
    // What other processes of the user may ask for is not there for others.
    for path in [
        "/api/v1/files",
        "/api/v1/files/known",
        "/api/v1/files/dropped",
    ] {
        assert_eq!(post(path, "{}").status, 404);
    }
    assert_eq!(serving.get("/api/v1/search").status, 405);
    assert_eq!(serving.get("/api/v1/failures?hots=x").status, 400);
}

#[test]
fn previews_are_kept_for_ever_and_known_by_their_id() {
    let simdex = Simdex::filled(1, 2);
    let id = simdex.stored()[0].id;
    let serving = Serving::start(&simdex);
    let path = format!("/api/v1/pictures/{id}/thumbnail");
    let first = serving.get(&path);
    assert_eq!(
        (first.status, first.header("content-type")),
        (200, Some("image/jpeg"))
    );
    assert!(first.header("cache-control").unwrap().contains("immutable"));
    assert!(image::load_from_memory(&first.body).is_ok());
    let token = format!("Bearer {}", serving.token);
    let tag = first.header("etag").unwrap();
    let headers = [("authorization", token.as_str()), ("if-none-match", tag)];
    let again = serving.ask("GET", &path, &headers, b"");
    assert_eq!((again.status, again.body.len()), (304, 0));
    let path = format!("/api/v1/pictures/{id}");
    let known = serving.get(&path);
    let tag = known.header("etag").unwrap();
    let headers = [("authorization", token.as_str()), ("if-none-match", tag)];
    assert_eq!(serving.ask("GET", &path, &headers, b"").status, 304);
    let picture = known.json();
    assert_eq!(
        (&picture["width"], &picture["height"]),
        (&json!(160), &json!(120))
    );
    assert_eq!(
        serving
            .get(&format!("/api/v1/pictures/{}", "0".repeat(64)))
            .status,
        404
    );
}

#[test]
fn lists_and_counts_are_those_of_the_commands() {
    let (simdex, serving) = served();
    let mut status = serving.get("/api/v1/status").json();
    let mut printed = simdex.json(&["status"]);
    for status in [&mut status, &mut printed] {
        status
            .as_object_mut()
            .unwrap()
            .remove("store_bytes")
            .unwrap();
    }
    assert_eq!(status, printed);
    assert_eq!(
        serving.get("/api/v1/failures").json(),
        simdex.json(&["failures"])
    );
    let groups = serving.post("/api/v1/duplicates", "application/json", b"{}");
    assert_eq!(groups.header("content-type"), Some("application/jsonl"));
    assert!(
        groups.text().ends_with("{\"unread\":[]}\n"),
        "{}",
        groups.text()
    );
    let metrics = serving.get("/metrics").text();
    assert!(metrics.contains("simdex_pictures 12"), "{metrics}");
    assert!(
        metrics.contains("simdex_http_requests_total{status=\"2xx\"}"),
        "{metrics}"
    );
}

#[test]
fn a_crawl_is_begun_followed_and_stopped() {
    let site = serve(|request| match request.path() {
        "/" => {
            let pictures = (0..200).map(|number| format!("<img src='/{number}.jpg'>"));
            Reply::html(pictures.collect::<String>())
        }
        _ => {
            std::thread::sleep(Duration::from_millis(100));
            numbered(request)
        }
    });
    let simdex = Simdex::new();
    simdex.configure("[crawl]\nallow_private_addresses = true\ndelay_ms = 0");
    let serving = Serving::start(&simdex);
    let begin = |asked: Value| {
        let body = asked.to_string();
        serving.post("/api/v1/crawls", "application/json", body.as_bytes())
    };
    let begun = begin(json!({ "seeds": [site.url("/")] }));
    assert_eq!(begun.status, 202, "{}", begun.text());
    let path = begun.header("location").unwrap().to_owned();
    assert_eq!(path, "/api/v1/crawls/1");
    assert_eq!(begin(json!({})).status, 409);
    let progress = wait_for("a picture", || {
        let progress = serving.get(&path).json();
        let stored = progress["summary"]["images_indexed"].as_u64().unwrap();
        (stored > 0).then_some(progress)
    });
    assert_eq!(progress["state"], "running");
    // It can be asked meanwhile.
    let owner = serving.get("/api/v1/owner").json();
    assert!(owner["pictures"].as_u64().unwrap() > 0);
    let stopped = serving.ask(
        "DELETE",
        &path,
        &[("authorization", &format!("Bearer {}", serving.token))],
        b"",
    );
    assert_eq!(
        (stopped.status, &stopped.json()["state"]),
        (200, &json!("stopping"))
    );
    // Events come until the end.
    let events = serving.get(&format!("{path}/events"));
    assert_eq!(events.header("content-type"), Some("text/event-stream"));
    assert!(
        events.text().contains("\"state\":\"stopped\""),
        "{}",
        events.text()
    );
    let before = simdex.json(&["status"]);
    // Without seeds it goes on, so far and no farther.
    let again = begin(json!({ "max_images": 2 }));
    assert_eq!(
        again.header("location"),
        Some("/api/v1/crawls/2"),
        "{}",
        again.text()
    );
    let events = serving.get("/api/v1/crawls/2/events").text();
    assert!(events.contains("\"state\":\"done\""), "{events}");
    let after = simdex.json(&["status"]);
    let pictures = |status: &Value| status["images"].as_u64().unwrap();
    assert!(pictures(&after) > pictures(&before), "{before} {after}");
    assert_eq!(serving.get("/api/v1/crawls/1").status, 404);
    assert_eq!(begin(json!({ "seeds": ["no url"] })).status, 422);
    assert_eq!(serving.stop(), 130);
}

#[test]
fn the_description_names_every_request() {
    let (_simdex, serving) = served();
    let described = serving.get("/api/v1/openapi.json").json();
    let version = described["openapi"].as_str().unwrap();
    assert!(version.starts_with("3.1"), "{version}");
    let paths = described["paths"].as_object().unwrap();
    let source = include_str!("../../src/serve/api/mod.rs");
    let routes = source.split(".route(").skip(1);
    let routes: Vec<&str> = routes
        .map(|route| route.split('"').nth(1).unwrap())
        .collect();
    assert!(routes.len() > 10, "{routes:?}");
    for route in routes.iter().filter(|route| **route != "/openapi.json") {
        assert!(paths.contains_key(*route), "{route} is not described");
    }
    assert_eq!(paths.len(), routes.len() - 1);
    let fields = described["components"]["schemas"]["Asked"]["properties"].to_string();
    assert!(fields.contains("score_threshold") && fields.contains("all_copies"));
    let browsed = serving.get("/api").text();
    assert!(browsed.contains("POST /api/v1/search"), "{browsed}");
}

#[test]
fn a_crawl_rests_and_goes_on() {
    let site = serve(|request| match request.path() {
        "/" => {
            let pictures = (0..60).map(|number| format!("<img src='/{number}.jpg'>"));
            Reply::html(pictures.collect::<String>())
        }
        _ => {
            std::thread::sleep(Duration::from_millis(50));
            numbered(request)
        }
    });
    let simdex = Simdex::new();
    simdex.configure("[crawl]\nallow_private_addresses = true\ndelay_ms = 0");
    let serving = Serving::start(&simdex);
    let post = |path: &str, asked: Value| {
        serving.post(path, "application/json", asked.to_string().as_bytes())
    };
    let begun = post("/api/v1/crawls", json!({ "seeds": [site.url("/")] }));
    assert_eq!(begun.status, 202, "{}", begun.text());
    let progress = || serving.get("/api/v1/crawls/1").json();
    let stored = || progress()["summary"]["images_indexed"].as_u64().unwrap();
    wait_for("a picture", || (stored() > 0).then_some(()));
    let paused = post("/api/v1/crawls/1/pause", json!({}));
    assert_eq!(
        (paused.status, &paused.json()["state"]),
        (200, &json!("paused"))
    );
    // What was under way comes to its end, and nothing more is asked for.
    wait_for("rest", || (progress()["under_way"] == 0).then_some(()));
    std::thread::sleep(Duration::from_millis(500));
    let (resting, asked) = (stored(), site.log().len());
    std::thread::sleep(Duration::from_millis(700));
    assert_eq!(site.log().len(), asked);
    assert_eq!(progress()["state"], "paused");
    assert!(resting < 60, "{resting}");
    // What was not asked for waits; a sitemap may, too.
    wait_for("what waits", || {
        let log = site.log().into_iter();
        let asked = log.filter(|hit| hit.request.path().ends_with(".jpg"));
        let pictures = 60 - asked.count() as u64;
        let waiting = progress()["summary"]["pending"].as_u64().unwrap();
        (pictures..pictures + 10).contains(&waiting).then_some(())
    });
    let resumed = post("/api/v1/crawls/1/resume", json!({}));
    assert_eq!(resumed.json()["state"], "running");
    let done = wait_for("the end", || {
        let progress = progress();
        (progress["state"] == "done").then_some(progress)
    });
    let count = |figure: &str| done["summary"][figure].as_u64().unwrap();
    assert_eq!(count("images_indexed") + count("duplicates"), 60, "{done}");
    assert_eq!(
        post("/api/v1/crawls/1/pause", json!({})).json()["state"],
        "done"
    );
    assert_eq!(post("/api/v1/crawls/9/pause", json!({})).status, 404);
}
