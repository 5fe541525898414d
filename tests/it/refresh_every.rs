//! `serve --refresh-every`: what is due is asked for again, but never beside another crawl.

use std::time::Duration;

use serde_json::{Value, json};
use simdex::store::VisitRecord;
use testweb::reply::Reply;

use crate::common::in_process::wait_for;
use crate::common::serving::Serving;
use crate::common::{Simdex, numbered, serve};

/// Makes all URLs due that were visited. No process may have the store open.
fn make_due(simdex: &Simdex) {
    let db = sled::open(simdex.store().join("records")).unwrap();
    let visits = db.open_tree("visits").unwrap();
    for entry in &visits {
        let (key, value) = entry.unwrap();
        let mut visit: VisitRecord = postcard::from_bytes(&value).unwrap();
        visit.due_s = 1;
        let visit = postcard::to_stdvec(&visit).unwrap();
        visits.insert(key, visit).unwrap();
    }
}

/// How far a crawl is that was begun.
fn crawl(serving: &Serving, id: u64) -> Option<Value> {
    let answer = serving.get(&format!("/api/v1/crawls/{id}"));
    (answer.status == 200).then(|| answer.json())
}

#[test]
fn what_is_due_is_asked_for_again_but_never_beside_another_crawl() {
    let site = serve(|request| match request.path() {
        "/" => Reply::html("<img src=/1.jpg><img src=/2.jpg>"),
        "/slow" => {
            let pictures = (0..500).map(|number| format!("<img src='/slow/{number}.jpg'>"));
            Reply::html(pictures.collect::<String>())
        }
        path => {
            if path.starts_with("/slow/") {
                std::thread::sleep(Duration::from_millis(100));
            }
            numbered(request)
        }
    });
    let simdex = Simdex::new();
    simdex.configure(
        "[crawl]\nallow_private_addresses = true\ndelay_ms = 0\nsitemaps = false\nmax_attempts = 1",
    );
    simdex.json(&["crawl", &site.url("/")]);
    make_due(&simdex);
    let asked = |path: &str| {
        site.log()
            .iter()
            .filter(|hit| hit.request.path() == path)
            .count()
    };
    assert_eq!(asked("/1.jpg"), 1);
    let serving = Serving::start_with(&simdex, &["--refresh-every", "1s"]);
    wait_for("another visit", || (asked("/1.jpg") == 2).then_some(()));
    assert!(crawl(&serving, 1).is_some());

    // A crawl that somebody begins, when none asks again at this moment.
    let seeds = json!({"seeds": [site.url("/slow")]}).to_string();
    let begun = wait_for("a crawl", || {
        let begun = serving.post("/api/v1/crawls", "application/json", seeds.as_bytes());
        (begun.status == 202).then(|| begun.json())
    });
    let id = begun["id"].as_u64().unwrap();
    // Twice there was time for another.
    std::thread::sleep(Duration::from_millis(2_500));
    assert_eq!(crawl(&serving, id).unwrap()["state"], "running");
    assert_eq!(crawl(&serving, id + 1), None);
    assert_eq!(serving.delete(&format!("/api/v1/crawls/{id}")).status, 200);
    wait_for("the next one", || crawl(&serving, id + 1));
    assert_eq!(serving.stop(), 130);
}

#[test]
fn how_often_is_a_time() {
    let simdex = Simdex::new();
    for wrong in ["0s", "500ms", "soon", "-1h"] {
        let flag = format!("--refresh-every={wrong}");
        let run = simdex.run(&["serve", &flag]);
        assert_eq!(run.code, 2, "{wrong}: {}", run.stderr);
        assert!(run.stderr.contains("such as 6h or 30m"), "{}", run.stderr);
    }
}
