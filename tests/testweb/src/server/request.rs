//! The head of a request, and reading one.

use std::io;

use tokio::io::AsyncReadExt;

use super::Stamped;

/// The longest head of a request, in bytes.
pub(super) const LONGEST_HEAD: usize = 32 * 1024;
/// The most header lines of a request.
const MOST_HEADERS: usize = 100;

/// The head of a request.
#[derive(Debug, Clone)]
pub struct Request {
    /// The method in capitals, such as `GET`.
    pub method: String,
    /// The path and the query, as sent.
    pub target: String,
    /// The `Host` header with its port, or nothing if none was sent.
    pub host: String,
    /// Every header in the order sent; the names as sent, the values with odd bytes replaced.
    pub headers: Vec<(String, String)>,
}

impl Request {
    /// The first value of a header, whose name is looked up in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let named = |(key, _): &&(String, String)| key.eq_ignore_ascii_case(name);
        self.headers
            .iter()
            .find(named)
            .map(|(_, value)| value.as_str())
    }

    /// The target without its query.
    pub fn path(&self) -> &str {
        self.target
            .split_once('?')
            .map_or(&self.target, |(path, _)| path)
    }

    /// The name that the `Host` header gives, in lower case and without its port.
    pub fn host_name(&self) -> String {
        let port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
        match self.host.rsplit_once(':') {
            Some((name, digits)) if port(digits) => name.to_ascii_lowercase(),
            _ => self.host.to_ascii_lowercase(),
        }
    }

    /// Whether the client said that a body follows, which this server never reads.
    pub(super) fn has_body(&self) -> bool {
        self.header("transfer-encoding").is_some()
            || self
                .header("content-length")
                .is_some_and(|length| length.trim() != "0")
    }

    pub(super) fn wants_close(&self) -> bool {
        self.header("connection")
            .is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }
}

/// What came in where a request was due.
pub(super) enum Head {
    Whole(Request),
    /// Something to answer with this status before closing.
    Refused(u16),
    /// The client is done.
    End,
}

/// Reads the head of a request; `unread` keeps what came in beyond it.
pub(super) async fn read_request(stream: &mut Stamped, unread: &mut Vec<u8>) -> io::Result<Head> {
    loop {
        match parse(unread) {
            Ok(Some((request, length))) => {
                unread.drain(..length);
                return Ok(Head::Whole(request));
            }
            Ok(None) if unread.len() >= LONGEST_HEAD => return Ok(Head::Refused(431)),
            Ok(None) => {}
            Err(httparse::Error::TooManyHeaders) => return Ok(Head::Refused(431)),
            Err(_) => return Ok(Head::Refused(400)),
        }
        if stream.read_buf(unread).await? == 0 {
            return Ok(Head::End);
        }
    }
}

/// A request and the length of its head, or nothing when more must be read.
fn parse(bytes: &[u8]) -> Result<Option<(Request, usize)>, httparse::Error> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut head = httparse::Request::new(&mut headers);
    let httparse::Status::Complete(length) = head.parse(bytes)? else {
        return Ok(None);
    };
    let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
    let mut request = Request {
        method: text(head.method),
        target: text(head.path),
        host: String::new(),
        headers: head
            .headers
            .iter()
            .map(|header| {
                (
                    header.name.to_owned(),
                    String::from_utf8_lossy(header.value).into_owned(),
                )
            })
            .collect(),
    };
    request.host = request.header("host").unwrap_or_default().to_owned();
    Ok(Some((request, length)))
}
