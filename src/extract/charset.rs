//! From bytes to text.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// Bytes in which a text may declare its charset. Browsers look at the first 1,024 of a page, and
/// begin anew when they come across a declaration further on.
const DECLARED: usize = 512 << 10;

/// Decodes a text: a byte order mark decides, then the header's charset, then what the text
/// itself declares, then whether it is UTF-8; else it is windows-1252. The encoding comes with
/// it.
pub(super) fn decode<'a>(
    bytes: &'a [u8],
    header: Option<&str>,
    declared: fn(&[u8]) -> Option<&'static Encoding>,
) -> (Cow<'a, str>, &'static Encoding) {
    let encoding = header
        .and_then(|label| Encoding::for_label(label.trim().as_bytes()))
        .or_else(|| declared(&bytes[..bytes.len().min(DECLARED)]))
        .unwrap_or_else(|| guess(bytes));
    let (text, encoding, _) = encoding.decode(bytes);
    (text, encoding)
}

/// A text of a query in an encoding (Encoding standard, "encode or fail" in HTML mode): what it
/// does not have is written as a number, percent-encoded.
pub(super) fn encode_query(text: &str, encoding: &'static Encoding) -> Vec<u8> {
    let (encoded, _, has_others) = encoding.encode(text);
    if !has_others {
        return encoded.into_owned();
    }
    let mut bytes = Vec::new();
    for c in text.chars() {
        let mut buffer = [0; 4];
        match encoding.encode(c.encode_utf8(&mut buffer)) {
            (_, _, true) => {
                bytes.extend_from_slice(format!("%26%23{}%3B", u32::from(c)).as_bytes());
            }
            (encoded, _, false) => bytes.extend_from_slice(&encoded),
        }
    }
    bytes
}

fn guess(bytes: &[u8]) -> &'static Encoding {
    match std::str::from_utf8(bytes) {
        Ok(_) => UTF_8,
        // A text that was cut off within a character is still UTF-8.
        Err(error) if error.error_len().is_none() && error.valid_up_to() > 0 => UTF_8,
        Err(_) => WINDOWS_1252,
    }
}

/// Elements whose contents are no markup.
const RAW: [&str; 8] = [
    "script", "style", "title", "textarea", "xmp", "iframe", "noembed", "noframes",
];

/// The charset of a page's `<meta charset>` or `<meta http-equiv content>`.
pub(super) fn of_html(head: &[u8]) -> Option<&'static Encoding> {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let mut rest = head.as_str();
    loop {
        rest = &rest[rest.find(['<'])?..];
        let raw = RAW.iter().find(|name| {
            let after = rest[1..].strip_prefix(**name);
            after.is_some_and(|after| after.starts_with([' ', '>', '\n', '\t', '\r']))
        });
        if let Some(comment) = rest.strip_prefix("<!--") {
            rest = comment.split_once("-->")?.1;
        } else if let Some(name) = raw {
            // One that is never closed is no reason to read on in it.
            rest = &rest[rest.find(&format!("</{name}"))? + 2..];
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
            assert_eq!(decode(bytes, header, of_html).0, expected);
        }
        for (late, expected) in [
            (&b"<meta charset=koi8-r>\xc1"[..], '\u{430}'),
            // Not the page's own declaration, wherever it stands.
            (
                b"<script>w('<meta charset=koi8-r>')</script>\xc3\xa9",
                '\u{e9}',
            ),
            (b"<title><meta charset=koi8-r></title>\xc3\xa9", '\u{e9}'),
            (b"<style><meta charset=koi8-r>\xc3\xa9", '\u{e9}'),
        ] {
            for before in [0, 1_023, 5_000, 200_000] {
                let page = [&b" ".repeat(before)[..], late].concat();
                assert!(decode(&page, None, of_html).0.ends_with(expected));
            }
        }
    }

    #[test]
    fn queries_are_encoded_as_the_page_is() {
        let encode =
            |text, label: &str| encode_query(text, Encoding::for_label(label.as_bytes()).unwrap());
        assert_eq!(encode("\u{e9}", "utf-8"), b"\xc3\xa9");
        assert_eq!(encode("\u{e9}", "iso-8859-1"), b"\xe9");
        assert_eq!(encode("\u{3042}", "shift_jis"), b"\x82\xa0");
        assert_eq!(encode("\u{e9}", "utf-16le"), b"\xc3\xa9");
        assert_eq!(
            encode("\u{e9}\u{2603}x", "iso-8859-1"),
            b"\xe9%26%239731%3Bx"
        );
    }

    #[test]
    fn sheets_and_feeds_declare_theirs() {
        let css = b"@charset \"koi8-r\";\xc1";
        assert!(decode(css, None, of_css).0.ends_with('\u{430}'));
        let xml = b"<?xml version='1.0' encoding='koi8-r'?>\xc1";
        assert!(decode(xml, None, of_xml).0.ends_with('\u{430}'));
    }
}
