//! The log of fetches (`--fetch-log`).

use std::borrow::Cow;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use serde::Serialize;

use super::exchange::{Exchange, HttpAnswer};
use super::writer_thread::WriterThread;
use crate::crawl::header_text::header_text;

/// A file with a line of JSON for every exchange, in the order in which they ended.
///
/// Each line is an object with these keys, all of them always there, `null` for what there
/// is not. Keys may be added later; none changes its meaning.
///
/// | key | value |
/// |---|---|
/// | `time` | when the request was sent: RFC 3339, UTC, milliseconds |
/// | `url` | what was asked for, in canonical form |
/// | `host` | the URL's host |
/// | `address` | the IP address that was asked; `null` through a proxy |
/// | `purpose` | `robots`, `policy_file`, `page`, `picture`, `sitemap`, `sheet`, `feed`, `query` |
/// | `robots` | why robots.txt did not stand in the way: `not_needed`, `allowed_by_file`, `no_file`, `allowed_by_old_file`, `set_aside` |
/// | `waited_ms` | how long the request waited for the host's turn |
/// | `took_ms` | from the start of the request to the end of the body |
/// | `attempt` | the attempt's number, from 1 |
/// | `outcome` | `ok` with a whole answer, whatever its status; else why not: a short name such as `timeout`, `connect` or `too_large` |
/// | `message` | the same for people; `null` if it is `ok` |
/// | `status` | the HTTP status; `null` if no answer came |
/// | `content_type` | the answer's Content-Type |
/// | `redirect` | where the answer's Location leads |
/// | `bytes` | length of what was read of the body, after content decoding |
/// | `truncated` | whether the body is not whole: a cap cut it, it ended before its end, or it was of no use and not read |
///
/// Texts that the server or the system wrote are cut at 2,048 bytes. Lines are written by a
/// thread of their own, and fetching waits if it falls behind by more than 1,024. If it cannot
/// be written any more (the disk is full, nobody reads the pipe), that is reported once and the
/// crawl goes on without it: the ledger in the store has every request.
#[derive(Debug)]
pub struct FetchLog {
    path: PathBuf,
    lines: WriterThread<String>,
}

/// The fetch log cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchLogError {
    /// `-` was given.
    #[error("the fetch log cannot go to stdout, where the results go; name a file")]
    Stdout,
    /// The file cannot be opened or written.
    #[error("the fetch log {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: Arc<io::Error>,
    },
}

/// Lines on their way to the writer.
const WAITING: usize = 1_024;
/// Longest text of a server or of the system that is kept, in bytes.
const MAX_TEXT: usize = 2_048;
/// How a line begins.
const BEGINNING: &[u8] = b"{\"time\":\"";
/// No line is longer, in bytes.
const MAX_LINE: u64 = 64 << 10;

#[derive(Serialize)]
struct Line<'a> {
    time: String,
    url: &'a str,
    host: &'a str,
    address: Option<IpAddr>,
    purpose: &'a str,
    robots: &'a str,
    waited_ms: u64,
    took_ms: u64,
    attempt: u32,
    outcome: &'a str,
    message: Option<&'a str>,
    status: Option<u16>,
    content_type: Option<Cow<'a, str>>,
    redirect: Option<String>,
    bytes: Option<usize>,
    truncated: Option<bool>,
}

impl FetchLog {
    /// Opens the log at `path` and appends to what is there.
    ///
    /// # Errors
    /// If `path` is `-`, or the file cannot be opened.
    pub fn open(path: &Path) -> Result<Self, FetchLogError> {
        if path == Path::new("-") {
            return Err(FetchLogError::Stdout);
        }
        let start = || {
            let file = append_to(path)?;
            WriterThread::start("fetch-log", WAITING, |lines| write_lines(lines, file))
        };
        Ok(Self {
            path: path.to_owned(),
            lines: start().map_err(|error| io_error(path, error.into()))?,
        })
    }

    /// Adds a line.
    ///
    /// # Errors
    /// The first time that an earlier line could not be written; later ones are dropped.
    pub fn record(&self, exchange: &Exchange<'_>) -> Result<(), FetchLogError> {
        let sent = self.lines.send(line(exchange));
        sent.map_err(|error| io_error(&self.path, error))
    }

    /// Writes what is left.
    ///
    /// # Errors
    /// If a line is missing, whether that was reported before or not.
    pub fn close(self) -> Result<(), FetchLogError> {
        let closed = self.lines.close();
        closed.map_err(|error| io_error(&self.path, error))
    }
}

fn io_error(path: &Path, source: Arc<io::Error>) -> FetchLogError {
    FetchLogError::Io {
        path: path.to_owned(),
        source,
    }
}

/// Opens a file at its end. Half a line that a full disk left is cut off; text that is no line
/// of the log gets a line break.
fn append_to(path: &Path) -> io::Result<File> {
    let mut file = OpenOptions::new().append(true).create(true).open(path)?;
    let data = file.metadata()?;
    if !data.is_file() || data.len() == 0 {
        return Ok(file);
    }
    let mut reader = File::open(path)?;
    let from = data.len().saturating_sub(MAX_LINE);
    reader.seek(SeekFrom::Start(from))?;
    let mut end = Vec::new();
    reader.take(MAX_LINE).read_to_end(&mut end)?;
    let line = end.rsplit(|&byte| byte == b'\n').next().unwrap_or_default();
    if line.starts_with(BEGINNING) || BEGINNING.starts_with(line) {
        file.set_len(data.len() - line.len() as u64)?;
    } else {
        file.write_all(b"\n")?;
    }
    Ok(file)
}

/// Writes lines until the log is closed; buffers only while there are more.
fn write_lines(lines: &Receiver<String>, file: File) -> io::Result<()> {
    let mut file = BufWriter::new(file);
    while let Ok(line) = lines.recv() {
        file.write_all(line.as_bytes())?;
        for line in lines.try_iter() {
            file.write_all(line.as_bytes())?;
        }
        file.flush()?;
    }
    Ok(())
}

fn line(exchange: &Exchange<'_>) -> String {
    let answer = exchange.outcome.as_ref().ok();
    let failure = exchange.outcome.as_ref().err();
    let content_type = answer.and_then(|answer| answer.header("content-type"));
    let line = Line {
        time: exchange.time(),
        url: exchange.url.as_str(),
        host: exchange.url.host(),
        address: exchange.address,
        purpose: exchange.purpose.as_str(),
        robots: exchange.robots.as_str(),
        waited_ms: milliseconds(exchange.waited),
        took_ms: milliseconds(exchange.elapsed),
        attempt: exchange.attempt,
        outcome: failure.map_or("ok", |failure| failure.reason),
        message: failure.map(|failure| cut(failure.message)),
        status: match &exchange.outcome {
            Ok(answer) => Some(answer.status),
            Err(failure) => failure.status,
        },
        content_type: content_type.map(text),
        redirect: answer.and_then(|answer| redirect(exchange, answer)),
        bytes: answer.map(|answer| answer.body.len()),
        truncated: answer.map(|answer| answer.cut.is_some()),
    };
    let mut json = serde_json::to_string(&line).expect("texts and numbers always encode");
    json.push('\n');
    json
}

/// Where Location leads, or its text if that is no URL (RFC 9110, section 10.2.2).
fn redirect(exchange: &Exchange<'_>, answer: &HttpAnswer<'_>) -> Option<String> {
    let location = text(answer.header("location")?);
    Some(match exchange.url.as_url().join(&location) {
        Ok(url) => cut(url.as_str()).to_owned(),
        Err(_) => location.into_owned(),
    })
}

fn text(value: &[u8]) -> Cow<'_, str> {
    match header_text(value) {
        Cow::Borrowed(text) => Cow::Borrowed(cut(text)),
        Cow::Owned(text) => Cow::Owned(cut(&text).to_owned()),
    }
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_TEXT)]
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;
    use crate::canonical_url::CanonicalUrl;
    use crate::crawl::archive::exchange::{Failure, HttpVersion};
    use crate::store::ledger::{Purpose, RobotsDecision};

    fn with_exchange<T>(
        outcome: Result<HttpAnswer<'_>, Failure<'_>>,
        then: impl FnOnce(&Exchange<'_>) -> T,
    ) -> T {
        let url = CanonicalUrl::parse("https://a.example/b/c?d").unwrap();
        then(&Exchange {
            time: UNIX_EPOCH + Duration::from_millis(951_827_696_007),
            url: &url,
            address: Some([192, 0, 2, 1].into()),
            purpose: Purpose::Page,
            robots: RobotsDecision::NoFile,
            version: HttpVersion::Http11,
            request_headers: &[],
            outcome,
            waited: Duration::from_millis(1_500),
            elapsed: Duration::from_millis(40),
            attempt: 2,
        })
    }

    fn answer<'a>(headers: &'a [(&'a str, &'a [u8])]) -> Result<HttpAnswer<'a>, Failure<'a>> {
        Ok(HttpAnswer {
            status: 301,
            headers,
            body: b"moved",
            cut: None,
        })
    }

    fn timeout() -> Result<HttpAnswer<'static>, Failure<'static>> {
        Err(Failure {
            status: None,
            reason: "timeout",
            message: "no answer in time (headers)",
        })
    }

    fn lines(path: &Path) -> Vec<serde_json::Value> {
        let text = std::fs::read_to_string(path).unwrap();
        assert!(text.ends_with('\n'));
        let lines = text.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    #[test]
    fn lines_say_what_is_promised() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("fetch.jsonl");
        let log = FetchLog::open(&path).unwrap();
        let hostile = [b"text/html\n\"\x01\xff".as_slice(), &[b'\x02'; 9_000]].concat();
        let headers = [("Content-Type", hostile.as_slice()), ("location", b"../e")];
        with_exchange(answer(&headers), |exchange| log.record(exchange)).unwrap();
        with_exchange(timeout(), |exchange| log.record(exchange)).unwrap();
        log.close().unwrap();
        let lines = lines(&path);
        let content_type = lines[0]["content_type"].as_str().unwrap();
        assert!(content_type.starts_with("text/html\n\"\u{1}\u{ff}"));
        let mut first = lines[0].clone();
        first["content_type"].take();
        let expected = serde_json::json!({
            "time": "2000-02-29T12:34:56.007Z",
            "url": "https://a.example/b/c?d",
            "host": "a.example",
            "address": "192.0.2.1",
            "purpose": "page",
            "robots": "no_file",
            "waited_ms": 1500,
            "took_ms": 40,
            "attempt": 2,
            "outcome": "ok",
            "message": null,
            "status": 301,
            "content_type": null,
            "redirect": "https://a.example/e",
            "bytes": 5,
            "truncated": false,
        });
        assert_eq!(first, expected);
        assert_eq!(lines[1]["outcome"], "timeout");
        assert_eq!(lines[1]["message"], "no answer in time (headers)");
        assert_eq!(lines[1]["status"], serde_json::Value::Null);
    }

    #[test]
    fn a_log_is_gone_on_with_and_half_a_line_cut_off() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("fetch.jsonl");
        let write = || {
            let log = FetchLog::open(&path).unwrap();
            with_exchange(timeout(), |exchange| log.record(exchange)).unwrap();
            log.close().unwrap();
        };
        write();
        let whole = std::fs::read(&path).unwrap();
        for length in 0..=whole.len() {
            std::fs::write(&path, &whole[..length]).unwrap();
            write();
            let expected = 1 + usize::from(length == whole.len());
            assert_eq!(lines(&path).len(), expected, "{length}");
        }
        // What is no line of the log stays.
        std::fs::write(&path, "a note").unwrap();
        write();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("a note\n{\"time\""));
    }

    #[test]
    fn a_full_disk_is_said_once_and_on_closing() {
        let full = Path::new("/dev/full");
        if !full.exists() {
            return;
        }
        let log = FetchLog::open(full).unwrap();
        let mut said = 0;
        for _ in 0..50 {
            said += with_exchange(timeout(), |exchange| log.record(exchange)).map_or(1, |()| 0);
            std::thread::sleep(Duration::from_millis(1));
        }
        assert_eq!(said, 1);
        let error = log.close().unwrap_err();
        let FetchLogError::Io { source, .. } = &error else {
            panic!("{error}")
        };
        assert_eq!(source.kind(), io::ErrorKind::StorageFull);
    }

    #[test]
    fn results_keep_stdout_to_themselves() {
        let refused = FetchLog::open(Path::new("-"));
        assert!(matches!(refused, Err(FetchLogError::Stdout)));
    }
}
