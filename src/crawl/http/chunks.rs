//! Bodies in chunks (RFC 9112, section 7.1), read as curl reads them and handed on as parsers want
//! them.

use std::io;

/// Makes chunks proper, however their lines end. Fields behind the last one are left out.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    place: Place,
    /// What was read of the line so far.
    line: Vec<u8>,
}

/// What comes next.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The line with the length of a chunk.
    #[default]
    Length,
    /// So many bytes of a chunk.
    Data(u64),
    /// The end of the line behind a chunk.
    Behind,
    /// Fields behind the last chunk.
    Trailer,
    End,
}

/// Longest line that is read.
const LINE: usize = 16 << 10;

impl Chunks {
    /// Takes what came, and appends it to `out` in its proper form.
    ///
    /// # Errors
    /// If these are no chunks.
    pub(super) fn take(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        while !bytes.is_empty() && self.place != Place::End {
            if let Place::Data(left) = self.place {
                // No more than the length of a slice.
                let count = left.min(bytes.len() as u64) as usize;
                let (data, rest) = bytes.split_at(count);
                out.extend_from_slice(format!("{count:x}\r\n").as_bytes());
                out.extend_from_slice(data);
                out.extend_from_slice(b"\r\n");
                bytes = rest;
                self.place = match left - count as u64 {
                    0 => Place::Behind,
                    left => Place::Data(left),
                };
                continue;
            }
            let end = bytes.iter().position(|byte| *byte == b'\n');
            let (line, rest) = bytes.split_at(end.map_or(bytes.len(), |end| end + 1));
            self.line.extend_from_slice(line);
            bytes = rest;
            if self.line.len() > LINE {
                return Err(no_chunk());
            }
            if end.is_some() {
                let line = std::mem::take(&mut self.line);
                self.place = self.next(line.trim_ascii())?;
                if self.place == Place::End {
                    out.extend_from_slice(b"0\r\n\r\n");
                }
            }
        }
        Ok(())
    }

    fn next(&self, line: &[u8]) -> io::Result<Place> {
        match self.place {
            Place::Length => match length(line).ok_or_else(no_chunk)? {
                0 => Ok(Place::Trailer),
                length => Ok(Place::Data(length)),
            },
            Place::Behind if line.is_empty() => Ok(Place::Length),
            Place::Behind => Err(no_chunk()),
            Place::Trailer if line.is_empty() => Ok(Place::End),
            place => Ok(place),
        }
    }
}

/// The length of a chunk; what extends it says nothing to us.
fn length(line: &[u8]) -> Option<u64> {
    let digits = line.split(|byte| *byte == b';').next()?.trim_ascii();
    let digits = std::str::from_utf8(digits).ok()?;
    let is_number = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_number.then(|| u64::from_str_radix(digits, 16).ok())?
}

fn no_chunk() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a body in chunks that are none")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the chunks hold, and whether the last one came.
    fn read(text: &str, piece: usize) -> Option<(String, bool)> {
        let (mut chunks, mut out) = (Chunks::default(), Vec::new());
        for piece in text.as_bytes().chunks(piece) {
            chunks.take(piece, &mut out).ok()?;
        }
        let (mut rest, mut held) = (String::from_utf8(out).unwrap(), String::new());
        while let Some((length, after)) = rest.split_once("\r\n") {
            let length = usize::from_str_radix(length, 16).unwrap();
            held += &after[..length];
            assert_eq!(&after[length..length + 2], "\r\n");
            if length == 0 {
                assert_eq!(after, "\r\n");
                return Some((held, true));
            }
            rest = after[length + 2..].to_owned();
        }
        Some((held, false))
    }

    #[test]
    fn lines_end_as_they_like_and_pieces_are_cut_anywhere() {
        for (text, expected) in [
            ("4\r\nbody\r\n0\r\n\r\n", Some(("body", true))),
            (
                "4\nbo\ny\nA ;x=y\n0123456789\n0\nX: y\n\n",
                Some(("bo\ny0123456789", true)),
            ),
            ("4\nbody\n0\n", Some(("body", false))),
            ("5\nbody", Some(("body", false))),
            ("", Some(("", false))),
            ("x\nbody", None),
            ("\n", None),
            ("2\nbody\n", None),
            ("ffffffffffffffffff\nbody", None),
        ] {
            for piece in 1..8 {
                let expected = expected.map(|(body, is_over)| (body.to_owned(), is_over));
                assert_eq!(read(text, piece), expected, "{text:?} in {piece}");
            }
        }
        assert_eq!(read(&"1".repeat(LINE + 9), LINE), None);
    }
}
