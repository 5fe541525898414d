//! What is said in bytes that must be understood first: rules in content codings, behind
//! redirects, in header fields that are not ASCII.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use crate::common::{many_hosts, numbered, raw, serve};
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use serde_json::json;
use testweb::reply::Reply;
use testweb::server::{Request, Server};

const RULES: &str = "User-agent: *\nDisallow: /private/\n";

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn zlib(text: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn deflate(text: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn coded(coding: &str, body: Vec<u8>) -> Reply {
    Reply::bytes("text/plain", body).header("Content-Encoding", coding)
}

/// A file of rules that can be read, in every way that servers send one.
fn readable() -> BTreeMap<&'static str, Reply> {
    let rules = RULES.as_bytes();
    let utf16 = |text: &str| -> Vec<u8> {
        let units = text.encode_utf16();
        units.flat_map(u16::to_le_bytes).collect()
    };
    let no_trailer = &gzip(rules)[..gzip(rules).len() - 8];
    let text = |text: &str| Reply::text(text);
    BTreeMap::from([
        ("upper", coded("GZIP", gzip(rules))),
        ("alias", coded("x-gzip", gzip(rules))),
        ("zlib", coded("deflate", zlib(rules))),
        ("bare", coded("deflate", deflate(rules))),
        ("list", coded("deflate, gzip", gzip(&zlib(rules)))),
        ("twice", coded("gzip, gzip", gzip(&gzip(rules)))),
        ("said-twice", coded("gzip, gzip", gzip(rules))),
        ("no-trailer", coded("gzip", no_trailer.to_vec())),
        ("unsaid", Reply::bytes("text/plain", gzip(rules))),
        ("charset", coded("UTF-8", rules.to_vec())),
        ("identity", coded("identity, gzip", gzip(rules))),
        (
            "two-fields",
            coded("deflate", gzip(&zlib(rules))).header("Content-Encoding", "GZip"),
        ),
        (
            "utf-16",
            Reply::bytes("text/plain", utf16(&format!("\u{feff}{RULES}"))),
        ),
        ("utf-16-unmarked", Reply::bytes("text/plain", utf16(RULES))),
        ("nbsp", text("User-agent: *\nDisallow:\u{a0}/private/\n")),
        (
            "line-separator",
            text("User-agent: *\u{2028}Disallow: /private/"),
        ),
        ("returns", text("User-agent: *\rDisallow: /private/\r")),
        ("status-203", text(RULES).status(203)),
        (
            "spaced",
            raw(
                "HTTP/1.1 200 OK\r\nContent-Encoding : gzip\r\n\r\n",
                &gzip(rules),
            ),
        ),
        (
            "utf-8-location",
            raw(
                "HTTP/1.1 301 Moved\r\nLocation: /r\u{e8}gles.txt\r\nContent-Length: 0\r\n\r\n",
                b"",
            ),
        ),
        (
            "latin-1-location",
            Reply::of(testweb::reply::Body::Raw(
                b"HTTP/1.1 301 Moved\r\nLocation: /r\xe8gles.txt\r\nContent-Length: 0\r\n\r\n"
                    .as_slice()
                    .into(),
            )),
        ),
    ])
}

/// What is there and cannot be read.
fn unreadable() -> BTreeMap<&'static str, Reply> {
    let rules = RULES.as_bytes();
    let half = gzip(rules.repeat(500).as_slice());
    BTreeMap::from([
        ("unknown", coded("foo", rules.to_vec())),
        ("compress", coded("compress", b"\x1f\x9d\x90U\xe6".to_vec())),
        ("not-gzip", coded("gzip", rules.to_vec())),
        ("not-brotli", coded("br", rules.to_vec())),
        ("half", coded("gzip", half[..half.len() / 2].to_vec())),
        (
            "wrong-sum",
            coded(
                "gzip",
                [&gzip(rules)[..gzip(rules).len() - 8], &[0; 8]].concat(),
            ),
        ),
        (
            "binary",
            Reply::bytes("text/plain", b"\x89PNG\r\n\x1a\n\0\0\0\r".to_vec()),
        ),
        (
            "half-unsaid",
            Reply::bytes("text/plain", half[..half.len() / 2].to_vec()),
        ),
        (
            "short",
            raw("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n", rules),
        ),
        ("no-location", Reply::new(301)),
        ("odd-location", Reply::redirect(301, "http://[x]/")),
        ("part", Reply::text(RULES).status(206)),
    ])
}

/// The paths that were asked for, by host.
fn asked(server: &Server) -> BTreeMap<String, BTreeSet<String>> {
    let mut asked = BTreeMap::<_, BTreeSet<_>>::new();
    for hit in server.log() {
        let paths = asked.entry(hit.host.clone()).or_default();
        paths.insert(hit.request.path().to_owned());
    }
    asked
}

fn site(request: &Request, robots: impl Fn(&str) -> Option<Reply>) -> Reply {
    let host = request.host_name();
    let name = host.strip_suffix(".test").unwrap_or(&host);
    match request.path() {
        "/robots.txt" => robots(name).unwrap_or_else(Reply::not_found),
        "/r%C3%A8gles.txt" => Reply::text(RULES),
        "/" => Reply::html("<img src=/open-1.jpg><img src=/private/2.jpg><a href=/private/a>"),
        _ => numbered(request),
    }
}

fn seeds<'a>(names: impl IntoIterator<Item = &'a &'static str>) -> Vec<String> {
    let names = names.into_iter();
    names.map(|name| format!("http://{name}.test/")).collect()
}

#[test]
fn rules_are_read_however_they_are_sent() {
    let replies = readable();
    let seeds = seeds(replies.keys());
    let server = serve(move |request| site(request, |name| replies.get(name).cloned()));
    let (_simdex, summary) = many_hosts(&server, &seeds, "");
    let asked = asked(&server);
    for seed in &seeds {
        let host = seed.trim_start_matches("http://").trim_end_matches('/');
        let paths = &asked[host];
        assert!(paths.contains("/open-1.jpg"), "{host}: {paths:?} {summary}");
        let closed = paths.iter().find(|path| path.starts_with("/private"));
        assert_eq!(closed, None, "{host}");
    }
    let count = 2 * seeds.len();
    assert_eq!(summary["refused"], json!({ "robots": count }));
}

#[test]
fn rules_that_cannot_be_read_close_the_site() {
    let replies = unreadable();
    let seeds = seeds(replies.keys());
    let server = serve(move |request| site(request, |name| replies.get(name).cloned()));
    let (_simdex, summary) = many_hosts(&server, &seeds, "");
    for (host, paths) in asked(&server) {
        let only = BTreeSet::from(["/robots.txt".to_owned()]);
        assert_eq!(paths, only, "{host}: {summary}");
    }
    let count = seeds.len();
    assert_eq!(summary["refused"], json!({ "robots_unreachable": count }));
}

/// Opt-outs in bytes that are to be understood first; each host shows `/1.jpg` in a page.
fn opted_out(request: &Request) -> Reply {
    let host = request.host_name();
    let picture = || numbered(request);
    let page = |head: &str| format!("<!doctype html>{head}<img src=/1.jpg>");
    let noindex = page("<meta name=robots content=noindex>");
    let tdm = r#"[{"location": "/", "tdm-reservation": 1}]"#.as_bytes();
    let utf16 = "\u{feff}[{\"location\": \"/\", \"tdm-reservation\": 1}]";
    let utf16: Vec<u8> = utf16.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let unmarked = std::str::from_utf8(tdm).unwrap().encode_utf16();
    let unmarked: Vec<u8> = unmarked.flat_map(u16::to_le_bytes).collect();
    let chunked = |line_end: &str, body: &[u8], end: &str| {
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        let length = format!("{:x}{line_end}", body.len());
        let body = [length.as_bytes(), body, line_end.as_bytes(), end.as_bytes()];
        raw(head, &body.concat())
    };
    let raw_picture = |fields: &[u8]| {
        let bytes = crate::common::jpeg(simdex::demo::drawing::Motif::Cup, 1);
        let length = format!("Content-Length: {}\r\n\r\n", bytes.len());
        let head = [b"HTTP/1.1 200 OK\r\n", fields, length.as_bytes()].concat();
        Reply::of(testweb::reply::Body::Raw([head, bytes].concat().into()))
    };
    let is_page = request.path() == "/";
    match (host.as_str(), request.path()) {
        (_, "/robots.txt") => Reply::not_found(),
        ("meta.test", "/") => {
            Reply::bytes("text/html", gzip(noindex.as_bytes())).header("Content-Encoding", "GZIP")
        }
        ("meta-203.test", "/") => Reply::html(&noindex).status(203),
        ("tdm.test", "/.well-known/tdmrep.json") => coded("x-gzip", gzip(tdm)),
        ("tdm-unsaid.test", "/.well-known/tdmrep.json") => Reply::bytes("a/b", gzip(tdm)),
        ("tdm-odd.test", "/.well-known/tdmrep.json") => coded("foo", tdm.to_vec()),
        ("tdm-utf16.test", "/.well-known/tdmrep.json") => Reply::bytes("a/b", utf16),
        ("tdm-le.test", "/.well-known/tdmrep.json") => Reply::bytes("a/b", unmarked),
        ("tdm-long.test", "/.well-known/tdmrep.json") => {
            raw("HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n", tdm)
        }
        ("tdm-chunk.test", "/.well-known/tdmrep.json") => chunked("\r\n", tdm, ""),
        ("tdm-lf.test", "/.well-known/tdmrep.json") => chunked("\n", tdm, "0\n\n"),
        ("tdm-part.test", "/.well-known/tdmrep.json") => Reply::bytes("a/b", tdm)
            .status(206)
            .header("Content-Range", "bytes 0-40/41"),
        ("tdm-cut.test", "/.well-known/tdmrep.json") => Reply::bytes("a/b", &tdm[..30]),
        ("soft-404.test", "/.well-known/tdmrep.json") => Reply::html("<p>[not found]"),
        ("png.test", "/.well-known/tdmrep.json") => Reply::bytes("a/b", &b"\x89PNG\r\n\x1a\n["[..]),
        ("end.test", "/.well-known/tdmrep.json") => {
            raw("HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n", b"")
        }
        ("header.test", "/1.jpg") => raw_picture("X-Robots-Tag: noindex, \u{a9} us\r\n".as_bytes()),
        ("latin.test", "/1.jpg") => raw_picture(b"X-Robots-Tag: \xe9, noindex\r\n"),
        ("spaced.test", "/1.jpg") => raw_picture(b"X-Robots-Tag : noindex\r\n"),
        ("folded.test", "/1.jpg") => raw_picture(b"X-Robots-Tag: noarchive,\r\n noindex\r\n"),
        ("control.test", "/1.jpg") => raw_picture(b"X-Robots-Tag: noindex\x01\r\n"),
        ("nul.test", "/1.jpg") => raw_picture(b"X-Robots-Tag: \0noindex\r\nA\0: b\r\n"),
        ("usage.test", "/1.jpg") => raw_picture(b"Content-Usage: \xa7=y, search=n\r\n"),
        _ if is_page => Reply::html(page("")),
        (_, "/1.jpg") => picture(),
        _ => Reply::not_found(),
    }
}

#[test]
fn opt_outs_are_heeded_however_they_are_sent() {
    const HOSTS: [&str; 19] = [
        "meta",
        "meta-203",
        "tdm",
        "tdm-unsaid",
        "tdm-odd",
        "tdm-utf16",
        "tdm-le",
        "tdm-long",
        "tdm-chunk",
        "tdm-lf",
        "tdm-part",
        "tdm-cut",
        "header",
        "latin",
        "spaced",
        "folded",
        "control",
        "nul",
        "usage",
    ];
    let server = serve(opted_out);
    let (simdex, summary) = many_hosts(&server, &seeds(&HOSTS), "");
    assert_eq!(summary["images_fetched"], 0, "{summary}");
    let refused = json!({"noindex": 8, "tdm": 10, "content_usage": 1});
    assert_eq!(summary["refused"], refused);
    assert_eq!(summary["failed"], json!({}));
    assert_eq!(simdex.json(&["status"])["waiting"], 0);
    // A host that says nothing of the kind gives its picture, the same one each.
    let open = ["open", "soft-404", "png", "end"];
    let (simdex, summary) = many_hosts(&server, &seeds(&open), "");
    assert_eq!(summary["refused"], json!({}), "{summary}");
    assert_eq!(simdex.json(&["status"])["waiting"], 1);
    assert_eq!(summary["duplicates"], 3, "{summary}");
}

#[test]
fn a_picture_in_a_coding_that_nobody_knows_says_so() {
    let server = serve(|request| match request.path() {
        "/" => Reply::html("<img src=/1.jpg><img src=/2.jpg>"),
        // Only said to be coded.
        "/1.jpg" => numbered(request).header("Content-Encoding", "compress"),
        "/2.jpg" => coded("compress", b"\x1f\x9d\x90U\xe6".to_vec()),
        _ => Reply::not_found(),
    });
    let (_simdex, summary) = many_hosts(&server, &seeds(&["h"]), "");
    assert_eq!(summary["images_fetched"], 1, "{summary}");
    assert_eq!(summary["failed"], json!({"undecodable": 1}));
}
