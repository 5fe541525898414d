//! JSON that may be shown on a terminal.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::Formatter;

use super::printable::steers;

/// Writes a value as JSON in one line. JSON writes the control characters of ASCII as escapes
/// anyway; here all characters that steer a terminal are, which leaves the value what it is.
///
/// # Errors
/// If writing fails.
pub fn write_json<T: Serialize + ?Sized>(value: &T, out: &mut dyn Write) -> io::Result<()> {
    let mut serializer = Serializer::with_formatter(out, Escaping);
    Ok(value.serialize(&mut serializer)?)
}

struct Escaping;

impl Formatter for Escaping {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(steers) {
            writer.write_all(&rest.as_bytes()[..at])?;
            let mut characters = rest[at..].chars();
            // They are all among the first 65,536.
            if let Some(character) = characters.next() {
                write!(writer, "\\u{:04x}", u32::from(character))?;
            }
            rest = characters.as_str();
        }
        writer.write_all(rest.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_is_escaped_and_reads_back() {
        let value = serde_json::json!({"a\u{9b}": "\u{1b}[2J\u{202e}\u{7f}\u{2066}猫\n\"\\"});
        let mut written = Vec::new();
        write_json(&value, &mut written).unwrap();
        let text = String::from_utf8(written).unwrap();
        assert!(!text.contains(steers), "{text}");
        assert!(text.contains(r"\u202e\u007f\u2066猫\n"), "{text}");
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&text).unwrap(),
            value
        );
        let plain = serde_json::json!({"path": "/ä/b.jpg", "score": 0.5, "pages": [null]});
        let mut written = Vec::new();
        write_json(&plain, &mut written).unwrap();
        assert_eq!(written, serde_json::to_vec(&plain).unwrap());
    }
}
