//! Answers that break the protocol and that curl and browsers read all the same.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::common::{Simdex, jpeg, many_hosts, numbered, raw, serve};
use flate2::Compression;
use flate2::write::GzEncoder;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use serde_json::json;
use simdex::demo::drawing::Motif;
use testweb::reply::{Body, Reply};

/// Shows a picture first; what follows may be lost.
fn page() -> Vec<u8> {
    let rest = (0..5_000u32).map(|n| format!("<p>{}", n.wrapping_mul(2_654_435_761)));
    let rest: String = rest.collect();
    format!("<!doctype html><img src=/1.jpg>{rest}").into_bytes()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn chunk(bytes: &[u8]) -> Vec<u8> {
    let length = format!("{:x}\r\n", bytes.len());
    [length.as_bytes(), bytes, b"\r\n"].concat()
}

/// A page under a head with these lines beside its type.
fn with(lines: &str) -> Reply {
    let head = format!("HTTP/1.1 200 OK\r\n{lines}Content-Type: text/html\r\n\r\n");
    raw(&head, &page())
}

fn coded(coding: &str, bytes: Vec<u8>) -> Reply {
    Reply::bytes("text/html", bytes).header("Content-Encoding", coding)
}

/// Pages that are whole, but for their heads or their codings.
fn odd_heads() -> BTreeMap<&'static str, Reply> {
    let many: String = (0..150).map(|n| format!("X-{n}: {n}\r\n")).collect();
    let whole = gzip(&page());
    BTreeMap::from([
        (
            "space",
            raw(
                "HTTP/1.1 200 OK\r\nContent-Type : text/html\r\n\r\n",
                &page(),
            ),
        ),
        ("tab", with("X-Tab\t: a\r\n")),
        (
            "warning",
            with("PHP Warning:  Undefined index in /a.php on line 3\r\n"),
        ),
        (
            "html-warning",
            with("<br />\n<b>Warning</b>: foo in <b>/a.php</b>\r\n"),
        ),
        ("no-colon", with("no colon here\r\n")),
        ("no-name", with(": a value\r\n")),
        ("folded", with("X-Long: one\r\n two\r\n\tthree\r\n")),
        ("control", with("X-Odd: a\u{1}b\r\n")),
        ("nul", with("X-Odd: a\0b\r\n")),
        ("return", with("X-Odd: a\rb\r\n")),
        ("delete", with("X-Odd: a\u{7f}b\r\n")),
        (
            "spaced-status",
            raw(
                "HTTP/1.1  200  OK\r\nContent-Type: text/html\r\n\r\n",
                &page(),
            ),
        ),
        (
            "glued-status",
            raw("HTTP/1.1 200OK\r\nContent-Type: text/html\r\n\r\n", &page()),
        ),
        (
            "warned",
            raw(
                "PHP Warning: x in /a.php on line 3\r\nHTTP/1.1 200 OK\r\n\
                 Content-Type: text/html\r\n\r\n",
                &page(),
            ),
        ),
        ("many", with(&many)),
        ("long", with(&format!("X-Long: {}\r\n", "x".repeat(60_000)))),
        (
            "bare-lines",
            raw("HTTP/1.1 200 OK\nContent-Type: text/html\n\n", &page()),
        ),
        (
            "no-reason",
            raw("HTTP/1.1 200\r\nContent-Type: text/html\r\n\r\n", &page()),
        ),
        (
            "old",
            raw(
                "HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n",
                &page(),
            ),
        ),
        (
            "old-chunks",
            raw(
                "HTTP/1.0 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n",
                &[
                    format!("{:x}\r\n", page().len()).as_bytes(),
                    &page(),
                    b"\r\n0\r\n\r\n",
                ]
                .concat(),
            ),
        ),
        ("odd-charset", with("X-Name: \u{e9}\r\n")),
        (
            "status-203",
            Reply::html(String::from_utf8(page()).unwrap()).status(203),
        ),
        (
            "status-202",
            Reply::html(String::from_utf8(page()).unwrap()).status(202),
        ),
        (
            "no-trailer",
            coded("gzip", whole[..whole.len() - 8].to_vec()),
        ),
        (
            "half-trailer",
            coded("gzip", whole[..whole.len() - 3].to_vec()),
        ),
        ("rubbish", coded("gzip", [&whole[..], b"rubbish"].concat())),
        ("twice", coded("gzip, gzip", gzip(&whole))),
        ("said-twice", coded("gzip, gzip", whole.clone())),
        (
            "two-fields",
            coded("gzip", gzip(&whole)).header("Content-Encoding", "gzip"),
        ),
        (
            "utf-8-location",
            raw("HTTP/1.1 302 Found\r\nLocation: /caf\u{e9}/\r\n\r\n", b""),
        ),
        (
            "latin-1-location",
            Reply::of(Body::Raw(
                b"HTTP/1.1 302 Found\r\nLocation: /caf\xe9/\r\n\r\n"
                    .as_slice()
                    .into(),
            )),
        ),
    ])
}

/// Pages of which only a beginning comes.
fn cut_short() -> BTreeMap<&'static str, Reply> {
    let page = page();
    let chunked =
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n";
    let packed = gzip(&page);
    let half = &packed[..packed.len() / 2];
    let in_chunk = &chunk(&page)[..page.len() / 2];
    BTreeMap::from([
        (
            "too-long",
            raw(
                "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 999999\r\n\r\n",
                &page,
            ),
        ),
        ("no-last-chunk", raw(chunked, &chunk(&page))),
        ("half-a-chunk", raw(chunked, in_chunk)),
        ("half-packed", coded("gzip", half.to_vec())),
        (
            "packed-and-cut",
            raw(
                "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: gzip\r\n\
                 Content-Length: 999999\r\n\r\n",
                half,
            ),
        ),
    ])
}

/// Crawls the first pages of hosts that answer so; gives the summary and the fetch log.
fn crawl_all(pages: BTreeMap<&'static str, Reply>) -> (serde_json::Value, usize) {
    let count = pages.len();
    let seeds: Vec<String> = pages
        .keys()
        .map(|name| format!("http://{name}.test/"))
        .collect();
    let server = serve(move |request| {
        let host = request.host_name();
        let name = host.strip_suffix(".test").unwrap_or_default();
        match request.path() {
            "/" => pages[name].clone(),
            "/caf%C3%A9/" => Reply::html("<img src=/1.jpg>"),
            "/1.jpg" => numbered(request),
            _ => Reply::not_found(),
        }
    });
    let (_simdex, summary) = many_hosts(&server, &seeds, "");
    let shown: Vec<String> = server
        .log()
        .into_iter()
        .filter(|hit| hit.request.path() == "/1.jpg")
        .map(|hit| hit.host)
        .collect();
    for seed in &seeds {
        let host = seed.trim_start_matches("http://").trim_end_matches('/');
        assert!(shown.iter().any(|it| it == host), "{host}: {summary}");
    }
    assert_eq!(summary["failed"], json!({}));
    (summary, count)
}

#[test]
fn odd_heads_and_codings_lose_nothing() {
    let (summary, count) = crawl_all(odd_heads());
    assert_eq!(summary["pages_fetched"], count);
    assert_eq!(summary["truncated"], 0);
}

#[test]
fn what_came_of_a_page_is_used_and_counted() {
    let (summary, count) = crawl_all(cut_short());
    assert_eq!(summary["pages_fetched"], count);
    assert_eq!(summary["truncated"], count);
}

#[test]
fn the_decoder_judges_what_came_of_a_picture() {
    let picture = jpeg(Motif::Cup, 1);
    let tries = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&tries);
    let server = serve(move |request| {
        let claimed = |bytes: &[u8]| {
            Reply::of(Body::WrongLength {
                bytes: bytes.into(),
                claimed: 100_000,
            })
        };
        match request.path() {
            "/" => Reply::html("<img src=whole.jpg><img src=half.jpg><img src=broken.jpg>"),
            "/whole.jpg" => claimed(&picture).header("Content-Type", "image/jpeg"),
            "/half.jpg" => {
                counted.fetch_add(1, Ordering::Relaxed);
                claimed(&picture[..picture.len() / 2]).header("Content-Type", "image/jpeg")
            }
            "/broken.jpg" => claimed(b"").header("Content-Type", "image/jpeg"),
            _ => Reply::not_found(),
        }
    });
    let simdex = Simdex::new();
    simdex.configure("[crawl]\nsitemaps = false\nmax_attempts = 2\n");
    let log = simdex.path("fetch.jsonl");
    let more = ["--fetch-only", "--fetch-log", log.to_str().unwrap()];
    let summary = crate::common::crawl(&simdex, &server.url("/"), &more);
    assert!(summary["images_fetched"].as_u64() >= Some(1), "{summary}");
    assert_eq!(summary["truncated"], 2, "{summary}");
    assert_eq!(summary["failed"]["transfer"], 1, "{summary}");
    assert_eq!(
        tries.load(Ordering::Relaxed),
        2,
        "the rest was asked for once more"
    );
    let log = std::fs::read_to_string(log).unwrap();
    let lines: Vec<serde_json::Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let whole = lines
        .iter()
        .find(|line| line["url"].as_str().unwrap().ends_with("/whole.jpg"))
        .unwrap();
    assert_eq!(
        (&whole["outcome"], &whole["truncated"]),
        (&json!("ok"), &json!(true))
    );
}

/// Answers the first request of each connection and hangs up at the second, as servers do that
/// close what they had kept just when it is used again.
fn forgetful() -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let answered = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&answered);
    thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let log = Arc::clone(&log);
            thread::spawn(move || {
                let target = read_request(&mut client)?;
                let (status, kind, body) = match target.as_str() {
                    "/robots.txt" => ("404 Not Found", "text/plain", Vec::new()),
                    "/" => (
                        "200 OK",
                        "text/html",
                        b"<img src=1.jpg><img src=2.jpg>".to_vec(),
                    ),
                    _ => (
                        "200 OK",
                        "image/jpeg",
                        jpeg(Motif::Cup, target.len() as u64),
                    ),
                };
                let length = body.len();
                let head = format!(
                    "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n"
                );
                log.lock().unwrap().push(target);
                client.write_all(&[head.as_bytes(), &body].concat()).ok()?;
                read_request(&mut client)
            });
        }
    });
    (address, answered)
}

/// Reads a request's head; gives its target.
fn read_request(client: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        client.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).ok()?;
    head.split(' ').nth(1).map(str::to_owned)
}

#[test]
fn a_kept_connection_that_closes_is_no_failure() {
    let (address, answered) = forgetful();
    let simdex = Simdex::new();
    simdex.configure("[crawl]\nsitemaps = false\nmax_attempts = 1\nrespect = { tdm = false }\n");
    let url = format!("http://{address}/");
    let summary = crate::common::crawl(&simdex, &url, &["--fetch-only"]);
    assert_eq!(summary["failed"], json!({}), "{summary}");
    assert_eq!(summary["images_found"], 2);
    let mut answered = answered.lock().unwrap().clone();
    answered.sort();
    assert_eq!(answered, ["/", "/1.jpg", "/2.jpg", "/robots.txt"]);
    let report = simdex.json(&["politeness"]);
    assert_eq!(report["requests"], 4, "none is counted twice");
}

/// Serves one page and its picture over TLS and hangs up without saying so.
fn curt_tls() -> SocketAddr {
    let file = |name: &str| {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/data/tls")
            .join(name)
    };
    let certificate = CertificateDer::from_pem_file(file("trusted.pem")).unwrap();
    let key = PrivatePkcs8KeyDer::from(std::fs::read(file("trusted_key.der")).unwrap());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key.into())
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let config = Arc::clone(&config);
            thread::spawn(move || {
                let mut session = rustls::ServerConnection::new(config).ok()?;
                let mut stream = rustls::Stream::new(&mut session, &mut client);
                let mut head = Vec::new();
                let mut byte = [0];
                while !head.ends_with(b"\r\n\r\n") {
                    stream.read_exact(&mut byte).ok()?;
                    head.push(byte[0]);
                }
                let head = String::from_utf8(head).ok()?;
                let answer = match head.split(' ').nth(1)? {
                    "/robots.txt" => b"HTTP/1.1 200 OK\r\n\r\nUser-agent: *\n".to_vec(),
                    "/" => b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<img src=1.jpg>"
                        .to_vec(),
                    _ => [b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), jpeg(Motif::Cup, 1)].concat(),
                };
                stream.write_all(&answer).ok()?;
                stream.flush().ok()
            });
        }
    });
    address
}

#[test]
fn tls_that_ends_without_a_word_gives_what_came() {
    let address = curt_tls();
    let simdex = Simdex::new();
    simdex.configure("[crawl]\nsitemaps = false\nmax_attempts = 1\nrespect = { tdm = false }\n");
    let trusted = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/tls/trusted.pem");
    let url = format!("https://{address}/");
    let flags = ["crawl", &url, "--fetch-only", "--format", "json"];
    let args = [&flags[..], &crate::common::FAST].concat();
    let mut command = simdex.command(&args);
    let run = crate::common::Run::of(command.env("SSL_CERT_FILE", trusted).output().unwrap());
    let summary = run.json();
    assert_eq!(summary["images_fetched"], 1, "{summary} {}", run.stderr);
    assert_eq!(
        summary["truncated"], 2,
        "the page and the picture: {summary}"
    );
    assert_eq!(summary["failed"], json!({}));
}
