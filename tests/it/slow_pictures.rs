//! Pictures that take long to be decoded: whoever sends many of them gets a clear answer in time, and keeps
//! no core from others.

use std::net::TcpListener;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use jpeg_encoder::{ColorType, Encoder};
use serde_json::json;
use simdex::serve::{Hosts, Listen, SERVE, Secrets, Server};

use crate::common::Simdex;
use crate::common::in_process::{collection, search};
use crate::common::serving::{Answer, ask, form};

/// Files in a request.
const FILES: usize = 32;
const SIDE: u16 = 2_000;

/// A picture of little data that takes long: each of its scans goes over all of it.
fn slow_picture() -> Vec<u8> {
    let pixels: Vec<u8> = (0..usize::from(SIDE) * usize::from(SIDE))
        .flat_map(|place| [(place / 7_000) as u8, (place % 251) as u8 / 4, 90])
        .collect();
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 60);
    encoder.set_progressive(true);
    encoder.encode(&pixels, SIDE, SIDE, ColorType::Rgb).unwrap();
    bytes
}

#[test]
fn who_sends_many_is_told_in_time_and_gives_the_core_back() {
    let simdex = Simdex::filled(2, 3);
    let ids: Vec<String> = simdex.stored().iter().map(|it| it.id.to_string()).collect();
    let collection = collection(simdex.dir.path());
    let picture = slow_picture();
    let options = simdex::search::SearchOptions::new(5, 20);
    // The first one waits for the network, too.
    let mut one = Duration::ZERO;
    for _ in 0..2 {
        let started = Instant::now();
        search(&collection, &picture, "fused", &options);
        one = started.elapsed();
    }
    let deadline = one * 3;

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let token = "t".repeat(40);
    let listen = Listen {
        listener,
        hosts: Hosts::of(address, &[]),
        secrets: Secrets::new(token.clone()),
        refresh_every: None,
        search_deadline: deadline,
    };
    let server = Server::start_at(&collection, SERVE, Some(listen)).unwrap();
    let (address, token) = (address.to_string(), format!("Bearer {token}"));
    let post = |path: &str, kind: &str, body: &[u8]| -> Answer {
        let headers = [("authorization", token.as_str()), ("content-type", kind)];
        ask(&address, "POST", path, &headers, body)
    };
    // Classes, so that there is something to classify by.
    let label = |(place, id): (usize, &String)| {
        let class = ["one", "other"][place % 2];
        json!({"kind": "class", "picture": id, "class": class})
    };
    let labels: Vec<_> = ids.iter().enumerate().map(label).collect();
    let said = json!({ "labels": labels }).to_string();
    let kept = post("/api/v1/labels", "application/json", said.as_bytes());
    assert_eq!(kept.status, 200, "{}", kept.text());

    let files = vec![("image", "slow.jpg", picture.as_slice()); FILES];
    let (kind, body) = form(&[], &files);
    for path in ["/api/v1/search", "/api/v1/classify"] {
        let started = Instant::now();
        std::thread::scope(|scope| {
            let cores = available_parallelism().unwrap().get();
            let sent: Vec<_> = (0..cores)
                .map(|_| scope.spawn(|| post(path, &kind, &body)))
                .collect();
            for answer in sent {
                let answer = answer.join().unwrap();
                assert_eq!(answer.status, 422, "{}", answer.text());
                assert_eq!(answer.json()["code"], "too_slow", "{}", answer.text());
            }
        });
        // All cores were theirs; the next one has its turn when one picture more is decoded.
        let asked = json!({"positive": [ids[0]], "candidates": 20}).to_string();
        let found = post("/api/v1/search", "application/json", asked.as_bytes());
        assert_eq!(found.status, 200, "{path}: {}", found.text());
        let (took, all) = (started.elapsed(), one * FILES as u32);
        assert!(took < all / 2, "{path}: {took:?} of {all:?}");
    }
    drop(server);
}
