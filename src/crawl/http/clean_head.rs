//! The head of an answer, made clean while it is read.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::chunks::Chunks;

/// A connection whose answers begin with heads that any parser reads. What a head says stays;
/// how it says it becomes proper:
///
/// - control characters in values are spaces,
/// - what goes on in the next line is joined,
/// - lines that are no fields, such as warnings of PHP, are left out, before the status line too,
/// - lengths are numbers, also those of chunks.
pub(super) struct CleanHead<S> {
    inner: S,
    /// What was read of the head so far, or what of it is still to be handed on.
    buffer: Vec<u8>,
    state: State,
    /// The body's chunks, if it comes in such.
    chunks: Option<Chunks>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The head is not all there.
    Reading,
    /// The buffer is handed on from here.
    Handing(usize),
    /// The body is not touched.
    Passing,
}

/// Longest head in bytes; a longer one is handed on as it is.
const LONGEST: usize = 300 << 10;

impl<S> CleanHead<S> {
    pub(super) fn new(inner: S) -> Self {
        Self {
            inner,
            buffer: Vec::new(),
            state: State::Reading,
            chunks: None,
        }
    }

    /// Cleans the heads in the buffer, if the last of them is whole or no more comes.
    fn clean(&mut self, is_end: bool) -> io::Result<()> {
        let mut clean = Vec::new();
        let mut rest = self.buffer.as_slice();
        while let Some(end) = head_end(rest) {
            let (head, after) = rest.split_at(end);
            let kind = push_clean(&mut clean, head);
            rest = after;
            // Hints may come before the answer.
            if kind != Head::Interim {
                if kind == Head::Chunked {
                    let mut chunks = Chunks::default();
                    chunks.take(rest, &mut clean)?;
                    self.chunks = Some(chunks);
                } else {
                    clean.extend_from_slice(rest);
                }
                self.buffer = clean;
                self.state = State::Handing(0);
                return Ok(());
            }
        }
        if is_end || self.buffer.len() > LONGEST {
            self.state = State::Handing(0);
        }
        Ok(())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for CleanHead<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            match this.state {
                State::Passing => {
                    let Some(chunks) = &mut this.chunks else {
                        return Pin::new(&mut this.inner).poll_read(context, out);
                    };
                    let mut piece = [0; 8 << 10];
                    let mut read = ReadBuf::new(&mut piece);
                    ready!(Pin::new(&mut this.inner).poll_read(context, &mut read))?;
                    if read.filled().is_empty() {
                        return Poll::Ready(Ok(()));
                    }
                    this.buffer.clear();
                    chunks.take(read.filled(), &mut this.buffer)?;
                    this.state = State::Handing(0);
                }
                State::Handing(from) => {
                    let rest = &this.buffer[from..];
                    let count = rest.len().min(out.remaining());
                    out.put_slice(&rest[..count]);
                    this.state = match count == rest.len() {
                        true => State::Passing,
                        false => State::Handing(from + count),
                    };
                    if count > 0 {
                        return Poll::Ready(Ok(()));
                    }
                }
                State::Reading => {
                    let mut piece = [0; 8 << 10];
                    let mut read = ReadBuf::new(&mut piece);
                    ready!(Pin::new(&mut this.inner).poll_read(context, &mut read))?;
                    this.buffer.extend_from_slice(read.filled());
                    this.clean(read.filled().is_empty())?;
                }
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for CleanHead<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(context)
    }
}

/// Where the head ends: behind the first empty line that follows another.
fn head_end(bytes: &[u8]) -> Option<usize> {
    let begin = bytes.iter().position(|byte| !b"\r\n".contains(byte))?;
    let mut at = begin;
    loop {
        at += 1 + bytes.get(at..)?.iter().position(|byte| *byte == b'\n')?;
        // Some end lines with more than one CR.
        let rest = bytes.get(at..)?;
        let returns = rest.iter().take_while(|byte| **byte == b'\r').count();
        if rest.get(returns) == Some(&b'\n') {
            return Some(at + returns + 1);
        }
    }
}

/// What follows a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Head {
    /// Another head.
    Interim,
    /// A body in chunks.
    Chunked,
    /// A body as it is.
    Plain,
}

/// Appends a head in its proper form; says what follows it.
fn push_clean(out: &mut Vec<u8>, head: &[u8]) -> Head {
    let lines = head.split(|byte| *byte == b'\n');
    let lines = lines.map(|line| {
        let end = line.iter().rposition(|byte| *byte != b'\r');
        &line[..end.map_or(0, |end| end + 1)]
    });
    let is_status = |line: &[u8]| {
        line.get(..5)
            .is_some_and(|it| it.eq_ignore_ascii_case(b"HTTP/"))
    };
    let mut lines = lines.skip_while(|line| !is_status(line));
    let Some(status) = lines.next() else {
        // No head of HTTP: the parser says so.
        out.extend_from_slice(head);
        return Head::Plain;
    };
    let (version, code) = status_line(status);
    let mut fields: Vec<(&[u8], Vec<u8>)> = Vec::new();
    for line in lines {
        if let Some(b' ' | b'\t') = line.first() {
            if let Some((_, value)) = fields.last_mut() {
                value.push(b' ');
                value.extend_from_slice(line.trim_ascii());
            }
            continue;
        }
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            continue;
        };
        let name = line[..colon].trim_ascii();
        if !name.is_empty() && name.iter().all(is_token) {
            fields.push((name, line[colon + 1..].trim_ascii().to_vec()));
        }
    }
    let is_chunked = fields
        .iter()
        .any(|(name, value)| is_transfer(name) && ends_chunked(value));
    // Chunks are of HTTP/1.1, whatever a server calls itself.
    let version = if is_chunked { b"HTTP/1.1" } else { version };
    out.extend_from_slice(&[&version[..], b" ", code, b" \r\n"].concat());
    for (name, mut value) in fields {
        if name.eq_ignore_ascii_case(b"content-length") {
            // Without one, the body goes on to the end of the connection.
            match length(&value) {
                Some(length) => value = length,
                None => continue,
            }
        }
        for byte in &mut value {
            if byte.is_ascii_control() {
                *byte = b' ';
            }
        }
        out.extend_from_slice(&[name, b": ", value.trim_ascii(), b"\r\n"].concat());
    }
    out.extend_from_slice(b"\r\n");
    match code.starts_with(b"1") && code != b"101" {
        true => Head::Interim,
        false if is_chunked => Head::Chunked,
        false => Head::Plain,
    }
}

fn is_transfer(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"transfer-encoding")
}

fn ends_chunked(value: &[u8]) -> bool {
    let last = value.rsplit(|byte| *byte == b',').next();
    last.is_some_and(|last| last.trim_ascii().eq_ignore_ascii_case(b"chunked"))
}

/// The version that the parser is to know, and the status.
fn status_line(line: &[u8]) -> (&'static [u8; 8], &[u8]) {
    let is_first = line.get(5..8) == Some(b"1.0".as_slice());
    let version: &[u8; 8] = match is_first {
        true => b"HTTP/1.0",
        false => b"HTTP/1.1",
    };
    let words = line.split(u8::is_ascii_whitespace).skip(1);
    let mut words = words.filter(|word| !word.is_empty());
    let code = words.next().unwrap_or_default();
    (version, &code[..code.len().min(3)])
}

/// A Content-Length as parsers take it: `+34` and `34 bytes` say what is meant; what is no number,
/// or one that no body has, says nothing.
fn length(value: &[u8]) -> Option<Vec<u8>> {
    // A list of equal ones is the parser's to judge.
    if value.contains(&b',') {
        return Some(value.to_vec());
    }
    let value = value.trim_ascii();
    let value = value.strip_prefix(b"+").unwrap_or(value);
    let digits = value.iter().take_while(|byte| byte.is_ascii_digit());
    let (digits, rest) = value.split_at(digits.count());
    let is_number = digits.len() <= 15 && !digits.is_empty();
    let ends = rest.first().is_none_or(u8::is_ascii_whitespace);
    (is_number && ends).then(|| digits.to_vec())
}

/// Whether a byte may stand in a field's name (RFC 9110, section 5.6.2).
fn is_token(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte)
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    async fn read(bytes: &[u8]) -> String {
        let mut all = Vec::new();
        CleanHead::new(bytes).read_to_end(&mut all).await.unwrap();
        String::from_utf8_lossy(&all).into_owned()
    }

    #[tokio::test]
    async fn what_a_head_says_stays() {
        let odd = b"\r\nWarning: x\nHTTP/1.1  200OK\r\nX-Robots-Tag: noindex\x01\r\nA : b\0c\rd\r\n\
            PHP Warning:  x\r\n<br />\n: none\r\nno colon\r\nL: one\r\n two\r\n\tthree\r\n\r\n\r\nbody\x01\r\n\r\n";
        let clean = "HTTP/1.1 200 \r\nX-Robots-Tag: noindex\r\nA: b c d\r\nL: one two three\r\n\r\n\
            \r\nbody\u{1}\r\n\r\n";
        assert_eq!(read(odd).await, clean);
        let hinted = b"HTTP/1.1 103 Hints\r\nLink: <a>\x02\r\n\r\nHTTP/1.0 404\nB:\xe9\n\nx";
        let clean = "HTTP/1.1 103 \r\nLink: <a>\r\n\r\nHTTP/1.0 404 \r\nB: \u{fffd}\r\n\r\nx";
        assert_eq!(read(hinted).await, clean);
    }

    #[tokio::test]
    async fn chunks_are_made_proper() {
        let text = b"HTTP/1.1 200 OK\nTransfer-Encoding: gzip, Chunked\n\n4\nbody\n0\n\n";
        let clean = "HTTP/1.1 200 \r\nTransfer-Encoding: gzip, Chunked\r\n\r\n\
            4\r\nbody\r\n0\r\n\r\n";
        assert_eq!(read(text).await, clean);
        // In pieces, as they come.
        let slow = tokio::io::AsyncReadExt::chain(&text[..60], &text[60..]);
        let mut all = String::new();
        CleanHead::new(slow).read_to_string(&mut all).await.unwrap();
        assert!(all.ends_with("0\r\n\r\n"), "{all:?}");
    }

    #[tokio::test]
    async fn ends_of_lines_versions_and_lengths_are_made_proper() {
        for (odd, clean) in [
            (
                "HTTP/1.1 200 OK\r\r\nA: b\r\r\n\r\r\nbody",
                "HTTP/1.1 200 \r\nA: b\r\n\r\nbody",
            ),
            ("http/1.0 200 ok\r\n\r\nbody", "HTTP/1.0 200 \r\n\r\nbody"),
            (
                "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
                "HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
            ),
        ] {
            assert_eq!(read(odd.as_bytes()).await, clean);
        }
        for (odd, clean) in [
            ("+34", "Content-Length: 34\r\n"),
            ("34 bytes", "Content-Length: 34\r\n"),
            ("34, 34", "Content-Length: 34, 34\r\n"),
            ("99999999999999999999999", ""),
            ("-5", ""),
            ("34x", ""),
            ("", ""),
        ] {
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {odd}\r\n\r\n");
            let expected = format!("HTTP/1.1 200 \r\n{clean}\r\n");
            assert_eq!(read(head.as_bytes()).await, expected, "{odd}");
        }
    }

    #[tokio::test]
    async fn what_is_no_head_is_handed_on() {
        for text in [
            "220 mail ESMTP\r\n",
            "\r\n",
            "",
            "HTTP/1.1 200 OK\r\nA: b",
            "x\n\ny",
        ] {
            assert_eq!(read(text.as_bytes()).await, text);
        }
        let long = "x".repeat(LONGEST + 100_000);
        assert_eq!(read(long.as_bytes()).await, long);
    }
}
