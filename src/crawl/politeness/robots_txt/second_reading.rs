//! A robots.txt whose characters can be read in two ways.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8};

/// The file as people see it, where that may be another than the bytes that parsers see: in
/// UTF-16 or UTF-32, with other spaces and line ends than those of ASCII (RFC 9309 knows no
/// others), with characters that nobody sees, or in the wide forms of East Asian writing.
///
/// Google's parser reads the bytes, and so do we; but a rule that its author sees in the file is
/// a wish as well. So such a file is read twice, and what either reading forbids is forbidden.
pub(super) fn as_seen(body: &[u8]) -> Option<Vec<u8>> {
    let is_plain = |byte: &u8| matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~');
    if body.iter().all(is_plain) {
        return None;
    }
    let text: Cow<'_, [u8]> = match Encoding::for_bom(body) {
        Some((encoding, _)) if encoding != UTF_8 => {
            let (text, ..) = encoding.decode(body);
            Cow::Owned(text.into_owned().into_bytes())
        }
        _ => {
            let mut text = body.strip_prefix(b"\0\0\xFE\xFF").unwrap_or(body);
            // Editors that do not know the mark write it once more.
            while let Some(rest) = text.strip_prefix("\u{feff}".as_bytes()) {
                text = rest;
            }
            Cow::Borrowed(text)
        }
    };
    let mut seen = Vec::with_capacity(text.len());
    for chunk in text.utf8_chunks() {
        for c in chunk.valid().chars() {
            if let Some(c) = seen_as(c) {
                seen.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
        // The no-break space of Latin-1; other bytes stand for what is no white space.
        let rest = chunk.invalid().iter();
        seen.extend(rest.map(|byte| if *byte == 0xA0 { b' ' } else { *byte }));
    }
    (seen != body).then_some(seen)
}

/// What a character looks like, `None` if nobody sees it. A byte order mark further down spoils
/// its line, as it does for Google's parser.
fn seen_as(c: char) -> Option<char> {
    match c {
        '\t' | '\n' | '\r' => Some(c),
        // Vertical tab, form feed, separators, next line, line and paragraph separators.
        '\u{B}' | '\u{C}' | '\u{1C}'..='\u{1E}' | '\u{85}' | '\u{2028}' | '\u{2029}' => Some('\n'),
        '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' => None,
        '\u{2060}'..='\u{2064}' => None,
        c if c.is_control() => None,
        c if c.is_whitespace() => Some(' '),
        '\u{2010}'..='\u{2015}' | '\u{2212}' => Some('-'),
        // ASCII in full width stands in the same order.
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(c) - 0xFEE0),
        c => Some(c),
    }
}

/// Whether a file is no text: a picture, an archive, something coded whose coding nobody names.
/// By chance such bytes have a line with a colon, too. `is_silent`: no line says anything.
pub(super) fn is_no_text(body: &[u8], is_silent: bool) -> bool {
    let is_marked = |body| Encoding::for_bom(body).is_some_and(|(encoding, _)| encoding != UTF_8);
    // In these, text has bytes that look like no text; what is read of it tells.
    if is_marked(body) || body.starts_with(b"\0\0\xFE\xFF") {
        return is_silent && body.len() > 4;
    }
    let strange: usize = body.utf8_chunks().map(|chunk| chunk.invalid().len()).sum();
    // Text has no such bytes (WHATWG MIME Sniffing, "binary data byte"). Single ones beside rules
    // are slips; UTF-16 has zeros.
    let is_binary = body
        .iter()
        .any(|byte| matches!(byte, 0..=0x08 | 0x0B | 0x0E..=0x1A | 0x1C..=0x1F));
    if is_binary {
        return is_silent || strange > 0;
    }
    // Text in an older encoding has letters as well, and mostly rules; an error page is one.
    let starts = body.trim_ascii_start();
    let is_foreign =
        strange * 8 > body.len() && !starts.starts_with(b"<") && !starts.starts_with(b"#");
    is_silent && is_foreign
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn all_ways_to_write_the_same() {
        let expected = "User-agent: *\nDisallow: /a\n";
        let marked = format!("\u{feff}{expected}");
        let wide: Vec<u8> = marked
            .chars()
            .flat_map(|c| u32::from(c).to_be_bytes())
            .collect();
        for body in [
            utf16(&marked, u16::to_le_bytes),
            utf16(&marked, u16::to_be_bytes),
            utf16(expected, u16::to_le_bytes),
            utf16(expected, u16::to_be_bytes),
            wide,
            format!("\u{feff}{marked}").into_bytes(),
            marked
                .chars()
                .flat_map(|c| u32::from(c).to_le_bytes())
                .collect(),
            "User-agent:\u{a0}*\u{2028}Disallow: /a\n".into(),
            "User-agent:\u{3000}*\u{85}Disallow: /a\u{b}".into(),
            "User\u{2011}agent\u{ff1a} *\nDis\u{200b}allow: /a\n".into(),
            "User-agent: *\n\u{200e}Disallow: /\u{ad}a\n".into(),
            b"User-agent:\xa0*\nDisallow:\xa0/a\n".to_vec(),
        ] {
            let seen = as_seen(&body).unwrap();
            assert_eq!(String::from_utf8_lossy(&seen), expected, "{body:x?}");
        }
    }

    #[test]
    fn what_can_be_read_in_one_way_is_not_read_twice() {
        for body in ["User-agent: *\r\n\tDisallow: /~a\r", "# über", "/日本", ""] {
            assert_eq!(as_seen(body.as_bytes()), None, "{body}");
        }
        assert_eq!(as_seen(b"/caf\xe9"), None);
    }
}
