//! Exchanges as WARC records (ISO 28500:2017, WARC/1.1).

use std::collections::HashMap;
use std::io::{self, Write};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ::warc::{BufferedBody, RawRecordHeader, Record, WarcHeader, WarcWriter as RecordWriter};
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};
use url::Position;

use super::exchange::{Cut, Exchange, HttpAnswer, HttpVersion};
use crate::store::ledger::rfc3339;

/// Header fields of a response that are no longer true of a decoded body. They are kept under
/// their name with this prefix.
const UNTRUE: [&str; 3] = ["content-encoding", "transfer-encoding", "content-length"];
const ORIGINAL: &str = "X-Archive-Orig-";

/// The first record of a file: who wrote it, how, and what readers should know.
pub(super) struct Description<'a> {
    pub(super) file_name: &'a str,
    pub(super) user_agent: &'a str,
    pub(super) contact: Option<&'a str>,
}

/// The records of an exchange: the response and, pointing to it, the request and metadata.
#[derive(Debug)]
pub(super) struct Records([Draft; 3]);

/// A record without what follows from the rest: length and digests.
#[derive(Debug)]
struct Draft {
    kind: &'static str,
    content_type: &'static str,
    id: String,
    fields: HashMap<WarcHeader, Vec<u8>>,
    block: Vec<u8>,
    /// Where the payload begins in the block of a response.
    payload: Option<usize>,
}

impl Description<'_> {
    pub(super) fn encode(&self, id: &str, gzip: bool) -> io::Result<Vec<u8>> {
        let mut block = Vec::new();
        for (name, value) in [
            ("software", concat!("simdex/", env!("CARGO_PKG_VERSION"))),
            ("format", "WARC File Format 1.1"),
            (
                "conformsTo",
                "http://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/",
            ),
            (
                "robots",
                "obeyed (RFC 9309); for each request, why it was allowed is in its metadata record",
            ),
            ("http-header-user-agent", self.user_agent),
            (
                "description",
                "Bodies are as they were after content decoding: Content-Encoding and Transfer-Encoding are left out, Content-Length is that of the record; what the server sent in their place is in X-Archive-Orig fields. Header fields of HTTP/2 are written as HTTP/1.1 has them, see WARC-Protocol.",
            ),
        ] {
            field(&mut block, name, value.as_bytes());
        }
        if let Some(contact) = self.contact {
            field(&mut block, "operator", contact.as_bytes());
        }
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let now_ms = milliseconds(since.unwrap_or_default());
        let draft = Draft {
            kind: "warcinfo",
            content_type: "application/warc-fields",
            id: id.to_owned(),
            fields: HashMap::from([
                (WarcHeader::Filename, one_line(self.file_name.as_bytes())),
                (WarcHeader::Date, rfc3339(now_ms).into_bytes()),
            ]),
            block,
            payload: None,
        };
        let mut out = Vec::new();
        draft.encode(None, &mut out, gzip)?;
        Ok(out)
    }
}

impl Records {
    pub(super) fn new(exchange: &Exchange<'_>, answer: &HttpAnswer<'_>) -> Self {
        let mut fields = HashMap::from([
            (WarcHeader::TargetURI, exchange.url.as_str().into()),
            (WarcHeader::Date, exchange.time().into_bytes()),
        ]);
        if let Some(address) = exchange.address {
            fields.insert(WarcHeader::IPAddress, address.to_string().into_bytes());
        }
        if exchange.version == HttpVersion::Http2 {
            // A field beyond WARC/1.1; readers that do not know it skip it.
            let name = WarcHeader::Unknown("warc-protocol".to_owned());
            fields.insert(name, b"h2".to_vec());
        }
        let (mut block, body) = (response_head(exchange.version, answer), answer.body);
        let payload = Some(block.len());
        block.extend_from_slice(body);
        let mut response = Draft {
            kind: "response",
            content_type: "application/http;msgtype=response",
            id: record_id(),
            fields: fields.clone(),
            block,
            payload,
        };
        if let Some(cut) = answer.cut {
            let why = match cut {
                Cut::Length => "length",
                Cut::Disconnected => "disconnect",
                Cut::Unread => "unspecified",
            };
            response.fields.insert(WarcHeader::Truncated, why.into());
        }
        fields.insert(WarcHeader::ConcurrentTo, response.id.clone().into_bytes());
        let request = Draft {
            kind: "request",
            content_type: "application/http;msgtype=request",
            id: record_id(),
            fields: fields.clone(),
            block: request_block(exchange),
            payload: None,
        };
        let metadata = Draft {
            kind: "metadata",
            content_type: "application/warc-fields",
            id: record_id(),
            fields,
            block: metadata_block(exchange),
            payload: None,
        };
        Self([response, request, metadata])
    }

    /// The records as they stand in a file that the record `info_id` describes.
    pub(super) fn encode(&self, info_id: &str, gzip: bool) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        for draft in &self.0 {
            draft.encode(Some(info_id), &mut out, gzip)?;
        }
        Ok(out)
    }
}

impl Draft {
    fn encode(&self, info_id: Option<&str>, out: &mut Vec<u8>, gzip: bool) -> io::Result<()> {
        let length = self.block.len().to_string();
        let mut headers = self.fields.clone();
        headers.extend([
            (WarcHeader::WarcType, self.kind.into()),
            (WarcHeader::RecordID, self.id.as_str().into()),
            (WarcHeader::ContentType, self.content_type.into()),
            (WarcHeader::ContentLength, length.into_bytes()),
            (WarcHeader::BlockDigest, digest(&self.block)),
        ]);
        headers.extend(info_id.map(|id| (WarcHeader::WarcInfoID, id.into())));
        if let Some(payload) = self.payload.and_then(|from| self.block.get(from..)) {
            headers.insert(WarcHeader::PayloadDigest, digest(payload));
        }
        let header = RawRecordHeader {
            version: "1.1".to_owned(),
            headers,
        };
        if gzip {
            // Most of it is pictures, which do not compress further.
            let mut member = GzEncoder::new(out, Compression::fast());
            RecordWriter::new(Whole(&mut member)).write_raw(header, &self.block)?;
            member.finish()?;
        } else {
            RecordWriter::new(Whole(out)).write_raw(header, &self.block)?;
        }
        Ok(())
    }
}

/// Writes all or fails: `warc` calls `write` and does not check how much was written.
struct Whole<W>(W);

impl<W: Write> Write for Whole<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write_all(bytes).map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

fn request_block(exchange: &Exchange<'_>) -> Vec<u8> {
    let url = exchange.url.as_url();
    let version = status_version(exchange.version);
    let target = &url[Position::BeforePath..Position::AfterQuery];
    let mut block = format!("GET {target} {version}\r\n").into_bytes();
    let headers = exchange.request_headers;
    if !headers
        .iter()
        .any(|(name, _)| name.eq_ignore_ascii_case("host"))
    {
        let host = &url[Position::BeforeHost..Position::AfterPort];
        field(&mut block, "Host", host.as_bytes());
    }
    for (name, value) in headers {
        field(&mut block, name, value);
    }
    block.extend_from_slice(b"\r\n");
    block
}

/// What the HTTP messages do not say.
fn metadata_block(exchange: &Exchange<'_>) -> Vec<u8> {
    let mut block = Vec::new();
    let took_ms = milliseconds(exchange.elapsed).to_string();
    let waited_ms = milliseconds(exchange.waited).to_string();
    for (name, value) in [
        ("fetchTimeMs", took_ms.as_str()),
        ("waitedMs", &waited_ms),
        ("purpose", exchange.purpose.as_str()),
        ("robots", exchange.robots.as_str()),
    ] {
        field(&mut block, name, value.as_bytes());
    }
    block
}

fn response_head(version: HttpVersion, answer: &HttpAnswer<'_>) -> Vec<u8> {
    // The reason phrase may be empty (RFC 9112, section 4); HTTP/2 has none at all.
    let start = format!("{} {} \r\n", status_version(version), answer.status);
    let mut block = start.into_bytes();
    for (name, value) in answer.headers {
        if UNTRUE.iter().any(|known| name.eq_ignore_ascii_case(known)) {
            field(&mut block, &format!("{ORIGINAL}{name}"), value);
        } else {
            field(&mut block, name, value);
        }
    }
    let length = answer.body.len().to_string();
    field(&mut block, "Content-Length", length.as_bytes());
    block.extend_from_slice(b"\r\n");
    block
}

/// A message of HTTP/2 has no text form of its own, so it takes that of HTTP/1.1.
fn status_version(version: HttpVersion) -> &'static str {
    match version {
        HttpVersion::Http10 => "HTTP/1.0",
        HttpVersion::Http11 | HttpVersion::Http2 => "HTTP/1.1",
    }
}

fn field(block: &mut Vec<u8>, name: &str, value: &[u8]) {
    block.extend(one_line(name.as_bytes()));
    block.extend_from_slice(b": ");
    block.extend(one_line(value));
    block.extend_from_slice(b"\r\n");
}

/// No value may end its line early.
fn one_line(value: &[u8]) -> Vec<u8> {
    let plain = |&byte| match byte {
        b'\r' | b'\n' | 0 => b' ',
        byte => byte,
    };
    value.iter().map(plain).collect()
}

pub(super) fn record_id() -> String {
    Record::<BufferedBody>::generate_record_id()
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn digest(bytes: &[u8]) -> Vec<u8> {
    let digest = Sha256::digest(bytes);
    let digits: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{digits}").into_bytes()
}
