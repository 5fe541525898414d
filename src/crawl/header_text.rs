//! What a header field says, as text.

use std::borrow::Cow;

/// The value of a header field as text. Its bytes are UTF-8, else Latin-1 (RFC 9110, section
/// 5.5), so no value is without a text and none is passed over.
pub(in crate::crawl) fn header_text(value: &[u8]) -> Cow<'_, str> {
    match str::from_utf8(value) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => encoding_rs::mem::decode_latin1(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_has_a_text() {
        for (value, expected) in [
            (&b"/cafe/"[..], "/cafe/"),
            ("/café/ 日本".as_bytes(), "/café/ 日本"),
            (b"/caf\xe9/", "/café/"),
            (b"noindex \xa9", "noindex \u{a9}"),
            // Half a character of UTF-8 makes none of it UTF-8.
            (b"\xc3\xa9\xc3", "\u{c3}\u{a9}\u{c3}"),
            (b"", ""),
        ] {
            assert_eq!(header_text(value), expected);
        }
    }
}
