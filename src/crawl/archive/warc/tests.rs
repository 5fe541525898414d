//! WARC files, read back by another library.

use std::collections::{HashMap, HashSet};
use std::io::{BufReader, Read};
use std::time::{Duration, UNIX_EPOCH};

use ::warc::{WarcHeader as Field, WarcReader};
use flate2::read::MultiGzDecoder;

use super::*;
use crate::canonical_url::CanonicalUrl;
use crate::crawl::archive::exchange::{Cut, Failure, HttpAnswer, HttpVersion};
use crate::store::ledger::{Purpose, RobotsDecision};

type Stored = (HashMap<Field, Vec<u8>>, Vec<u8>);

fn options(max_bytes: u64) -> WarcOptions {
    WarcOptions {
        user_agent: "simdex/0 (+https://me.example)".to_owned(),
        contact: Some("me\r\nwarcinfo: forged".to_owned()),
        max_bytes,
    }
}

fn record(warc: &WarcWriter, version: HttpVersion, body: &[u8], cut: Option<Cut>) {
    let url = CanonicalUrl::parse("http://a.example:8080/p?q=1").unwrap();
    let headers: [(&str, &[u8]); 4] = [
        ("Content-Type", b"text/html"),
        ("content-encoding", b"gzip"),
        ("Content-Length", b"7"),
        ("x-forged", b"a\r\nContent-Length: 0"),
    ];
    let outcome = Ok(HttpAnswer {
        status: 200,
        headers: &headers,
        body,
        cut,
    });
    warc.record(&exchange(&url, version, outcome)).unwrap();
}

fn exchange<'a>(
    url: &'a CanonicalUrl,
    version: HttpVersion,
    outcome: Result<HttpAnswer<'a>, Failure<'a>>,
) -> Exchange<'a> {
    Exchange {
        time: UNIX_EPOCH + Duration::from_millis(951_827_696_007),
        url,
        address: Some("2001:db8::1".parse().unwrap()),
        purpose: Purpose::Page,
        robots: RobotsDecision::AllowedByFile,
        version,
        request_headers: &[("user-agent", b"simdex/0")],
        outcome,
        waited: Duration::from_millis(2_000),
        elapsed: Duration::from_millis(41),
        attempt: 1,
    }
}

/// The file as the crate's own reader has it.
fn read(path: &Path) -> Vec<Stored> {
    let file = File::open(path).unwrap();
    let bytes: Box<dyn Read> = match is_gzip(path) {
        true => Box::new(MultiGzDecoder::new(file)),
        false => Box::new(file),
    };
    let records = WarcReader::new(BufReader::new(bytes)).iter_raw_records();
    let record = records.map(|record| {
        let (header, block) = record.unwrap();
        assert_eq!(header.version, "1.1");
        (header.headers, block)
    });
    record.collect()
}

fn text(record: &Stored, field: Field) -> &str {
    std::str::from_utf8(&record.0[&field]).unwrap()
}

#[test]
fn an_exchange_reads_back_whole() {
    for name in ["a.warc", "a.warc.gz"] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        let warc = WarcWriter::create(&path, options(WarcOptions::MAX_BYTES)).unwrap();
        // Neither line ends in a body nor its end matter.
        let body = b"a\r\n\r\nWARC/1.1\r\n\xff\x00".repeat(3_000);
        record(&warc, HttpVersion::Http2, &body, Some(Cut::Length));
        record(&warc, HttpVersion::Http11, b"", None);
        warc.close().unwrap();

        let records = read(&path);
        let kinds: Vec<_> = records
            .iter()
            .map(|one| text(one, Field::WarcType))
            .collect();
        let three = ["response", "request", "metadata"];
        assert_eq!(kinds, [&["warcinfo"][..], &three, &three].concat());
        let ids: HashSet<_> = records
            .iter()
            .map(|one| text(one, Field::RecordID))
            .collect();
        assert_eq!(ids.len(), 7);
        let [info, response, request, metadata, empty, ..] = &records[..] else {
            panic!()
        };
        assert_eq!(text(info, Field::Filename), name);
        let about = String::from_utf8(info.1.clone()).unwrap();
        assert!(about.contains("\r\nhttp-header-user-agent: simdex/0 (+https://me.example)\r\n"));
        assert!(about.contains("\r\noperator: me  warcinfo: forged\r\n"));

        let head = "HTTP/1.1 200 \r\n\
            Content-Type: text/html\r\n\
            X-Archive-Orig-content-encoding: gzip\r\n\
            X-Archive-Orig-Content-Length: 7\r\n\
            x-forged: a  Content-Length: 0\r\n\
            Content-Length: 51000\r\n\r\n";
        assert!(response.1 == [head.as_bytes(), &body].concat());
        assert_eq!(text(response, Field::Truncated), "length");
        assert_eq!(
            text(response, Field::TargetURI),
            "http://a.example:8080/p?q=1"
        );
        assert_eq!(text(response, Field::IPAddress), "2001:db8::1");
        assert_eq!(text(response, Field::Date), "2000-02-29T12:34:56.007Z");
        assert_eq!(
            text(response, Field::Unknown("warc-protocol".to_owned())),
            "h2"
        );
        assert!(!empty.0.contains_key(&Field::Truncated));
        // SHA-256 of nothing.
        let nothing = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(text(empty, Field::PayloadDigest), nothing);

        let asked = "GET /p?q=1 HTTP/1.1\r\nHost: a.example:8080\r\nuser-agent: simdex/0\r\n\r\n";
        assert_eq!(request.1, asked.as_bytes());
        let about = "fetchTimeMs: 41\r\nwaitedMs: 2000\r\n\
            purpose: page\r\nrobots: allowed_by_file\r\n";
        assert_eq!(metadata.1, about.as_bytes());
        for one in [request, metadata] {
            assert_eq!(
                text(one, Field::ConcurrentTo),
                text(response, Field::RecordID)
            );
            assert_eq!(text(one, Field::WarcInfoID), text(info, Field::RecordID));
        }
    }
}

#[test]
fn a_full_file_is_followed_by_the_next_and_none_is_written_over() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("crawl.warc.gz");
    for run in 0..2 {
        let warc = WarcWriter::create(&path, options(1)).unwrap();
        record(&warc, HttpVersion::Http11, b"one", None);
        record(&warc, HttpVersion::Http11, b"two", None);
        warc.close().unwrap();
        for number in 0..2 {
            let records = read(&numbered(&path, run * 2 + number));
            assert_eq!(records.len(), 4);
            let own = text(&records[0], Field::RecordID);
            let described = |one| text(one, Field::WarcInfoID) == own;
            assert!(records[1..].iter().all(described));
        }
    }
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 4);
}

#[test]
fn without_an_answer_nothing_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("crawl.warc");
    let warc = WarcWriter::create(&path, options(1)).unwrap();
    let url = CanonicalUrl::parse("http://a.example/").unwrap();
    let failure = Failure {
        status: None,
        reason: "timeout",
        message: "no answer in time (headers)",
    };
    let exchange = exchange(&url, HttpVersion::Http11, Err(failure));
    warc.record(&exchange).unwrap();
    warc.close().unwrap();
    assert_eq!(read(&path).len(), 1);
    let nowhere = WarcWriter::create(&dir.path().join("no/where.warc"), options(1));
    assert!(nowhere.unwrap_err().to_string().contains("where.warc"));
}
