//! The head of an answer, made clean while it is read.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A connection whose answers begin with heads that any parser reads. What a head says stays;
/// how it says it becomes proper:
///
/// - control characters in values are spaces,
/// - what goes on in the next line is joined,
/// - lines that are no fields, such as warnings of PHP, are left out, before the status line too.
pub(super) struct CleanHead<S> {
    inner: S,
    /// What was read of the head so far, or what of it is still to be handed on.
    buffer: Vec<u8>,
    state: State,
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
        }
    }

    /// Cleans the heads in the buffer, if the last of them is whole or no more comes.
    fn clean(&mut self, is_end: bool) {
        let mut clean = Vec::new();
        let mut rest = self.buffer.as_slice();
        while let Some(end) = head_end(rest) {
            let (head, after) = rest.split_at(end);
            let is_interim = push_clean(&mut clean, head);
            rest = after;
            // Hints may come before the answer.
            if !is_interim {
                clean.extend_from_slice(rest);
                self.buffer = clean;
                self.state = State::Handing(0);
                return;
            }
        }
        if is_end || self.buffer.len() > LONGEST {
            self.state = State::Handing(0);
        }
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
                State::Passing => return Pin::new(&mut this.inner).poll_read(context, out),
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
                    this.clean(read.filled().is_empty());
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
        match bytes.get(at..)? {
            [b'\n', ..] => return Some(at + 1),
            [b'\r', b'\n', ..] => return Some(at + 2),
            _ => {}
        }
    }
}

/// Appends a head in its proper form; says whether another follows it.
fn push_clean(out: &mut Vec<u8>, head: &[u8]) -> bool {
    let lines = head.split(|byte| *byte == b'\n');
    let lines = lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let mut lines = lines.skip_while(|line| !line.starts_with(b"HTTP/"));
    let Some(status) = lines.next() else {
        // No head of HTTP: the parser says so.
        out.extend_from_slice(head);
        return false;
    };
    let (version, code) = status_line(status);
    out.extend_from_slice(&[version, b" ", code, b" \r\n"].concat());
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
    for (name, mut value) in fields {
        for byte in &mut value {
            if byte.is_ascii_control() {
                *byte = b' ';
            }
        }
        out.extend_from_slice(&[name, b": ", value.trim_ascii(), b"\r\n"].concat());
    }
    out.extend_from_slice(b"\r\n");
    code.starts_with(b"1") && code != b"101"
}

/// The version that the parser is to know, and the status.
fn status_line(line: &[u8]) -> (&'static [u8], &[u8]) {
    let version: &[u8] = match line.starts_with(b"HTTP/1.0") {
        true => b"HTTP/1.0",
        false => b"HTTP/1.1",
    };
    let words = line.split(u8::is_ascii_whitespace).skip(1);
    let mut words = words.filter(|word| !word.is_empty());
    let code = words.next().unwrap_or_default();
    (version, &code[..code.len().min(3)])
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
