//! What the server answers, and how it is put on the wire.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::server::Stamped;

/// How much of a file or of an endless body is sent at once.
const PIECE: usize = 64 * 1024;
/// Where an endless body ends after all, lest a broken client fill the machine.
const ENDLESS: u64 = 1 << 30;
/// How long a closed connection waits for the client to close its side.
const LINGER: Duration = Duration::from_secs(1);

/// The answer to a request.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// Headers beyond those that tell the body's length and whether the connection goes on. They are
    /// sent as they are, so a line break in one would end it.
    pub headers: Vec<(String, String)>,
    /// The body and how it is sent.
    pub body: Body,
    /// How long to wait before anything is sent.
    pub delay: Duration,
}

/// A body and how it is sent, well or badly.
#[derive(Debug, Clone)]
pub enum Body {
    /// Bytes with their right length.
    Bytes(Arc<[u8]>),
    /// A file, read while it is sent; 404 if it cannot be opened.
    File(PathBuf),
    /// Bytes in well-formed chunks of this many.
    Chunked(Arc<[u8]>, usize),
    /// Bytes whose end is that of the connection.
    UntilClose(Arc<[u8]>),
    /// Chunks of zeros until the client leaves, or a gibibyte was sent.
    Endless,
    /// Bytes with their right length, one at a time.
    Drip {
        /// What is sent.
        bytes: Arc<[u8]>,
        /// The pause before each byte.
        every: Duration,
    },
    /// Bytes under a length that is not theirs; then the connection is closed.
    WrongLength {
        /// What is sent.
        bytes: Arc<[u8]>,
        /// The length that the head claims.
        claimed: u64,
    },
    /// One chunk, then something that is not a chunk; then the connection is closed.
    BrokenChunks,
    /// Nothing after the head, which claims a kilobyte.
    HangAfterHeaders,
    /// Nothing at all.
    HangBeforeHeaders,
    /// The connection is reset instead of answered.
    Reset,
    /// These bytes in place of a head and body; then the connection is closed.
    Raw(Arc<[u8]>),
}

impl Reply {
    /// A reply without a body.
    pub fn new(status: u16) -> Self {
        let body = Body::Bytes(Arc::from([]));
        Self {
            status,
            headers: Vec::new(),
            body,
            delay: Duration::ZERO,
        }
    }

    /// A 200 reply with bytes of a content type.
    pub fn bytes(content_type: &str, bytes: impl Into<Arc<[u8]>>) -> Self {
        Self::of(Body::Bytes(bytes.into())).header("Content-Type", content_type)
    }

    /// A 200 reply with a page.
    pub fn html(page: impl AsRef<str>) -> Self {
        Self::bytes("text/html; charset=utf-8", page.as_ref().as_bytes())
    }

    /// A 200 reply with plain text.
    pub fn text(text: impl AsRef<str>) -> Self {
        Self::bytes("text/plain; charset=utf-8", text.as_ref().as_bytes())
    }

    /// A reply of this status that sends the client elsewhere.
    pub fn redirect(status: u16, location: &str) -> Self {
        Self::new(status).header("Location", location)
    }

    /// A 404 reply with a short page.
    pub fn not_found() -> Self {
        Self {
            status: 404,
            ..Self::html("<!doctype html><title>404</title><p>Not found.")
        }
    }

    /// A 200 reply with any body, well sent or badly.
    pub fn of(body: Body) -> Self {
        Self {
            body,
            ..Self::new(200)
        }
    }

    /// The same reply with one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same reply, held back for a while.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// The status that a client gets to see, if any.
    pub(super) fn status_sent(&self) -> Option<u16> {
        match self.body {
            Body::HangBeforeHeaders | Body::Reset | Body::Raw(_) => None,
            _ => Some(self.status),
        }
    }

    /// The same reply with another status.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }
}

/// Whether a connection goes on after a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Connection {
    Keep,
    /// To be closed by [`finish`].
    Close,
    /// To be dropped as it is: the client has left, or is to see a reset.
    Gone,
}

/// How a head tells where the body ends.
enum Length {
    Known(u64),
    Chunked,
    Unknown,
}

/// Sends a reply, its body too unless `head_only`, and tells whether the connection goes on.
pub(super) async fn send(
    stream: &mut Stamped,
    mut reply: Reply,
    head_only: bool,
    connection: Connection,
) -> io::Result<Connection> {
    if !reply.delay.is_zero() {
        tokio::time::sleep(reply.delay).await;
    }
    // Opened before the head is sent, for only then can the status still change.
    let mut file = None;
    if let Body::File(path) = &reply.body {
        match open(path.clone()).await {
            Ok(opened) => file = Some(opened),
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "cannot open a file to serve");
                reply = Reply::not_found();
            }
        }
    }
    let length = match &reply.body {
        Body::Bytes(bytes) | Body::Drip { bytes, .. } => Length::Known(bytes.len() as u64),
        Body::File(_) => Length::Known(file.as_ref().map_or(0, |(_, length)| *length)),
        Body::WrongLength { claimed, .. } => Length::Known(*claimed),
        Body::HangAfterHeaders => Length::Known(1024),
        Body::Chunked(..) | Body::Endless | Body::BrokenChunks => Length::Chunked,
        Body::UntilClose(_) => Length::Unknown,
        Body::HangBeforeHeaders => return hang(stream).await,
        Body::Reset => {
            stream.inner().set_zero_linger()?;
            return Ok(Connection::Gone);
        }
        Body::Raw(bytes) => {
            stream.write_all(bytes).await?;
            return Ok(Connection::Close);
        }
    };
    let connection = match reply.body {
        Body::WrongLength { .. } | Body::BrokenChunks | Body::UntilClose(_) => Connection::Close,
        _ => connection,
    };
    let mut head = head(&reply, &length, connection).into_bytes();
    let with_body = !head_only && !bodiless(reply.status);
    // A small body goes along with the head: one packet and one call instead of two.
    match &reply.body {
        Body::Bytes(bytes) if with_body && bytes.len() <= PIECE => {
            head.extend_from_slice(bytes);
            stream.write_all(&head).await?;
            return Ok(connection);
        }
        _ => stream.write_all(&head).await?,
    }
    if with_body {
        match reply.body {
            Body::File(_) => {
                if let Some((file, length)) = file {
                    send_file(stream, file, length).await?;
                }
            }
            Body::HangAfterHeaders => return hang(stream).await,
            body => send_body(stream, body).await?,
        }
    }
    Ok(connection)
}

/// Whether a status goes without a body and a length, for which a client would wait.
fn bodiless(status: u16) -> bool {
    matches!(status, 204 | 304)
}

/// The status line and the headers with the empty line that ends them.
fn head(reply: &Reply, length: &Length, connection: Connection) -> String {
    let mut head = format!("HTTP/1.1 {} {}\r\n", reply.status, reason(reply.status));
    for (name, value) in &reply.headers {
        head += &format!("{name}: {value}\r\n");
    }
    if !bodiless(reply.status) {
        match length {
            Length::Known(length) => head += &format!("Content-Length: {length}\r\n"),
            Length::Chunked => head += "Transfer-Encoding: chunked\r\n",
            Length::Unknown => {}
        }
    }
    if connection == Connection::Close {
        head += "Connection: close\r\n";
    }
    head + "\r\n"
}

/// Sends what follows a head.
async fn send_body(stream: &mut Stamped, body: Body) -> io::Result<()> {
    match body {
        Body::Bytes(bytes) | Body::UntilClose(bytes) | Body::WrongLength { bytes, .. } => {
            stream.write_all(&bytes).await
        }
        Body::Chunked(bytes, size) => {
            for piece in bytes.chunks(size.max(1)) {
                send_chunk(stream, piece).await?;
            }
            stream.write_all(b"0\r\n\r\n").await
        }
        Body::Endless => {
            let zeros = [0; PIECE];
            for _ in 0..ENDLESS / PIECE as u64 {
                send_chunk(stream, &zeros).await?;
            }
            stream.write_all(b"0\r\n\r\n").await
        }
        Body::Drip { bytes, every } => {
            for byte in bytes.iter() {
                tokio::time::sleep(every).await;
                stream.write_all(&[*byte]).await?;
            }
            Ok(())
        }
        Body::BrokenChunks => {
            send_chunk(stream, b"so far so good").await?;
            stream.write_all(b"not a length\r\n").await
        }
        // The caller deals with these.
        Body::File(_)
        | Body::HangAfterHeaders
        | Body::HangBeforeHeaders
        | Body::Reset
        | Body::Raw(_) => Ok(()),
    }
}

async fn send_chunk(stream: &mut Stamped, bytes: &[u8]) -> io::Result<()> {
    stream
        .write_all(format!("{:x}\r\n", bytes.len()).as_bytes())
        .await?;
    stream.write_all(bytes).await?;
    stream.write_all(b"\r\n").await
}

/// Opens a file on a thread that may wait for the disk, and tells its length.
async fn open(path: PathBuf) -> io::Result<(File, u64)> {
    let opened = spawn_blocking(move || {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        Ok((file, length))
    });
    opened.await.map_err(io::Error::other)?
}

/// Sends as much of a file as was promised, piece by piece.
async fn send_file(stream: &mut Stamped, file: File, length: u64) -> io::Result<()> {
    // The file may have grown since its length was sent.
    let mut file = file.take(length);
    let mut piece = vec![0; PIECE];
    let mut sent = 0;
    while sent < length {
        let read = spawn_blocking(move || {
            let count = file.read(&mut piece)?;
            io::Result::Ok((file, piece, count))
        });
        let count;
        (file, piece, count) = read.await.map_err(io::Error::other)??;
        if count == 0 {
            // Shorter than promised: only a closed connection can tell the client so.
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        stream.write_all(&piece[..count]).await?;
        sent += count as u64;
    }
    Ok(())
}

/// Says nothing until the client leaves.
async fn hang(stream: &mut Stamped) -> io::Result<Connection> {
    let mut ignored = [0; 1024];
    while stream.read(&mut ignored).await? > 0 {}
    Ok(Connection::Gone)
}

/// Closes a connection so that what was sent still arrives.
pub(super) async fn finish(stream: &mut Stamped) -> io::Result<()> {
    stream.shutdown().await?;
    // Dropping a socket with unread bytes resets it, which can overtake the reply.
    let _ = timeout(LINGER, hang(stream)).await;
    Ok(())
}

/// The words that go with a status.
fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        204 => "No Content",
        206 => "Partial Content",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        410 => "Gone",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        _ => "Other",
    }
}
