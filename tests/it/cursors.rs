//! Lists of the API that go on: what failed, and the hosts of a crawl.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use testweb::reply::Reply;

use crate::common::serving::Serving;
use crate::common::{FAST, Simdex, many_hosts, serve};

/// Follows the header `Link` from part to part to the end, and holds it against `next`.
fn parts(serving: &Serving, path: &str) -> Vec<Value> {
    let mut parts = Vec::new();
    let mut path = path.to_owned();
    loop {
        let answer = serving.get(&path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        let link = answer.header("link").map(str::to_owned);
        parts.push(answer.json());
        assert!(parts.len() < 10, "{path}: it has no end");
        let next = parts[parts.len() - 1]["next"].as_str();
        let Some(link) = link else {
            assert_eq!(next, None, "{path}");
            return parts;
        };
        path = link
            .strip_prefix('<')
            .and_then(|link| link.strip_suffix(">; rel=\"next\""))
            .unwrap()
            .to_owned();
        assert!(
            path.contains(&format!("cursor={}", next.unwrap())),
            "{path}"
        );
    }
}

#[test]
fn what_failed_is_listed_part_by_part() {
    let site = serve(|request| match request.path() {
        "/" => {
            let gone = (0..5).map(|number| format!("<img src='/gone/{number}.jpg'>"));
            let broken = (0..2).map(|number| format!("<img src='/broken/{number}.jpg'>"));
            Reply::html(gone.chain(broken).collect::<String>())
        }
        path if path.starts_with("/broken/") => Reply::bytes("image/jpeg", b"no picture".to_vec()),
        _ => Reply::not_found(),
    });
    let simdex = Simdex::new();
    let url = site.url("/");
    simdex.run(&[&["crawl", url.as_str()], &FAST[..]].concat());
    let whole = simdex.json(&["failures", "--all"]);
    let serving = Serving::start(&simdex);
    let parts = parts(&serving, "/api/v1/failures?host=127.0.0.1&limit=2");
    assert_eq!(parts.len(), 3, "{parts:#?}");
    let mut listed = BTreeSet::new();
    for part in &parts {
        for of in part["failures"].as_array().unwrap() {
            let urls = of["urls"].as_array().unwrap();
            assert!(urls.len() <= 2, "{of}");
            let new = urls
                .iter()
                .map(|url| url["url"].as_str().unwrap().to_owned());
            let count = listed.len();
            listed.extend(new);
            assert_eq!(listed.len(), count + urls.len(), "none comes twice: {of}");
        }
    }
    let all = whole["failures"].as_array().unwrap().iter();
    let all = all.flat_map(|of| of["urls"].as_array().unwrap());
    let all: BTreeSet<String> = all
        .map(|url| url["url"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(listed, all);
    assert!(all.len() >= 7, "{all:?}");
    assert_eq!(serving.get("/api/v1/failures?cursor=x").status, 400);
    let end = serving.get("/api/v1/failures?cursor=1000").json();
    assert_eq!(end["next"], json!(null));
}

#[test]
fn hosts_are_listed_part_by_part() {
    let server = serve(|_| Reply::html("nothing here"));
    let seeds: Vec<String> = (0..5)
        .map(|host| format!("http://host-{host}.example/"))
        .collect();
    let (simdex, _) = many_hosts(&server, &seeds, "");
    let whole = simdex.json(&["politeness", "--limit", "100"]);
    let serving = Serving::start(&simdex);
    let parts = parts(&serving, "/api/v1/politeness?limit=2");
    assert_eq!(parts.len(), 3, "{parts:#?}");
    for list in ["by_host", "by_address"] {
        let rows = parts.iter().flat_map(|part| part[list].as_array().unwrap());
        let rows: Vec<Value> = rows.cloned().collect();
        assert_eq!(json!(rows), whole[list], "{list}");
    }
    assert_eq!(parts[2]["hosts"], 5, "totals are of all");
    assert_eq!(serving.get("/api/v1/politeness?cursor=-1").status, 400);
}
