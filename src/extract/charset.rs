//! From bytes to text.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// Bytes in which a page may declare its charset (HTML standard, "prescan").
const PRESCAN: usize = 1_024;

/// Decodes a text: a byte order mark decides, then the header's charset, then what the text
/// itself declares, then whether it is UTF-8; else it is windows-1252.
pub(super) fn decode<'a>(
    bytes: &'a [u8],
    header: Option<&str>,
    declared: fn(&[u8]) -> Option<&'static Encoding>,
) -> Cow<'a, str> {
    let encoding = header
        .and_then(|label| Encoding::for_label(label.trim().as_bytes()))
        .or_else(|| declared(&bytes[..bytes.len().min(PRESCAN)]))
        .unwrap_or_else(|| guess(bytes));
    encoding.decode(bytes).0
}

fn guess(bytes: &[u8]) -> &'static Encoding {
    match std::str::from_utf8(bytes) {
        Ok(_) => UTF_8,
        // A text that was cut off within a character is still UTF-8.
        Err(error) if error.error_len().is_none() && error.valid_up_to() > 0 => UTF_8,
        Err(_) => WINDOWS_1252,
    }
}

/// The charset of a page's `<meta charset>` or `<meta http-equiv content>`.
pub(super) fn of_html(head: &[u8]) -> Option<&'static Encoding> {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let mut rest = head.as_str();
    loop {
        rest = &rest[rest.find(['<'])?..];
        if let Some(comment) = rest.strip_prefix("<!--") {
            rest = comment.split_once("-->")?.1;
        } else if let Some(meta) = rest.strip_prefix("<meta") {
            let end = meta.find('>').unwrap_or(meta.len());
            if let Some(encoding) = label_after(&meta[..end], "charset") {
                return Some(declarable(encoding));
            }
            rest = &meta[end..];
        } else {
            rest = &rest[1..];
        }
    }
}

/// The charset of a style sheet's `@charset "..."` (CSS Syntax, section 3.2).
pub(super) fn of_css(head: &[u8]) -> Option<&'static Encoding> {
    let label = head.strip_prefix(b"@charset \"")?;
    let end = label.iter().position(|byte| *byte == b'"')?;
    Encoding::for_label(&label[..end]).map(declarable)
}

/// The charset of an XML declaration (XML 1.0, section 2.8).
pub(super) fn of_xml(head: &[u8]) -> Option<&'static Encoding> {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let declaration = head.trim_start().strip_prefix("<?xml")?.split_once("?>")?.0;
    label_after(declaration, "encoding").map(declarable)
}

/// The first known label in `name = "label"` or `name=label`.
fn label_after(text: &str, name: &str) -> Option<&'static Encoding> {
    text.match_indices(name).find_map(|(at, _)| {
        let value = text[at + name.len()..].trim_start().strip_prefix('=')?;
        let label = value.trim_start_matches(['"', '\'', ' ']);
        let end = label
            .find(|c: char| !(c.is_ascii_alphanumeric() || "-_:.".contains(c)))
            .unwrap_or(label.len());
        Encoding::for_label(&label.as_bytes()[..end])
    })
}

/// What can be read as ASCII is not UTF-16, whatever it says.
fn declarable(encoding: &'static Encoding) -> &'static Encoding {
    if encoding == UTF_16BE || encoding == UTF_16LE {
        UTF_8
    } else {
        encoding
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_read_in_its_charset() {
        for (bytes, header, expected) in [
            // The mark beats the header, the header the page, the page the guess.
            (
                &b"\xef\xbb\xbfcaf\xc3\xa9"[..],
                Some("iso-8859-1"),
                "caf\u{e9}",
            ),
            (b"\xff\xfec\0a\0f\0\xe9\0", None, "caf\u{e9}"),
            (b"caf\xe9", Some("iso-8859-1"), "caf\u{e9}"),
            (b"caf\xe9", Some(" ISO-8859-1 "), "caf\u{e9}"),
            (b"caf\xc3\xa9", Some("no-such-charset"), "caf\u{e9}"),
            (b"caf\xc3\xa9", None, "caf\u{e9}"),
            (b"caf\xe9!", None, "caf\u{e9}!"),
            (b"caf\xc3\xa9 caf\xc3", None, "caf\u{e9} caf\u{fffd}"),
            (
                b"<meta charset=koi8-r>\xc1",
                None,
                "<meta charset=koi8-r>\u{430}",
            ),
            (
                b"<meta charset=koi8-r>\xc1",
                Some("utf-8"),
                "<meta charset=koi8-r>\u{fffd}",
            ),
            (
                b"<META http-equiv=content-type content='text/html; charset = koi8-r'>\xc1",
                None,
                "<META http-equiv=content-type content='text/html; charset = koi8-r'>\u{430}",
            ),
            // Not the page's own declaration.
            (
                b"<!-- <meta charset=koi8-r> --><script charset=koi8-r></script>\xc3\xa9",
                None,
                "<!-- <meta charset=koi8-r> --><script charset=koi8-r></script>\u{e9}",
            ),
            (
                b"<meta charset=utf-16>\xc3\xa9",
                None,
                "<meta charset=utf-16>\u{e9}",
            ),
        ] {
            assert_eq!(decode(bytes, header, of_html), expected);
        }
        let late = [&b" ".repeat(PRESCAN)[..], b"<meta charset=koi8-r>\xc3\xa9"].concat();
        assert!(decode(&late, None, of_html).ends_with('\u{e9}'));
    }

    #[test]
    fn sheets_and_feeds_declare_theirs() {
        let css = b"@charset \"koi8-r\";\xc1";
        assert!(decode(css, None, of_css).ends_with('\u{430}'));
        let xml = b"<?xml version='1.0' encoding='koi8-r'?>\xc1";
        assert!(decode(xml, None, of_xml).ends_with('\u{430}'));
    }
}
