//! The lines of a robots.txt file.

/// What a line speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    UserAgent,
    Allow,
    Disallow,
    CrawlDelay,
    Sitemap,
    ContentUsage,
}

/// A line that says something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Line<'a> {
    /// Counted from one.
    pub(super) number: u32,
    pub(super) field: Field,
    /// Without comment and surrounding white space.
    pub(super) value: &'a [u8],
}

/// Bytes of a file that count; RFC 9309, section 2.5, asks for this many at least.
const COUNTED: usize = 500 << 10;
/// Bytes of a line that count, as in Google's parser: eight times the longest URL that the
/// Internet Explorer took.
const LONGEST: usize = 8 * 2_083;

/// The lines of a file that mean something. A last line that the size limit cuts does not
/// count: half a path would forbid or allow more than the whole one.
pub(super) fn lines(body: &[u8]) -> impl Iterator<Item = Line<'_>> {
    split(without_mark(counted(body)))
        .zip(1..)
        .filter_map(|(text, number)| {
            let (field, value) = parse(&text[..text.len().min(LONGEST)])?;
            Some(Line {
                number,
                field,
                value,
            })
        })
}

/// The whole lines of a file that count.
pub(super) fn counted(body: &[u8]) -> &[u8] {
    match body.get(..COUNTED) {
        Some(head) if body.len() > COUNTED => {
            let end = head.iter().rposition(|octet| is_line_end(*octet));
            &head[..end.unwrap_or_default()]
        }
        _ => body,
    }
}

/// A UTF-8 byte order mark, or what a careless editor left of one, is skipped.
fn without_mark(body: &[u8]) -> &[u8] {
    let mark = b"\xEF\xBB\xBF".iter().zip(body);
    &body[mark.take_while(|(mark, octet)| mark == octet).count()..]
}

fn is_line_end(octet: u8) -> bool {
    matches!(octet, b'\r' | b'\n')
}

/// Lines end with CR, LF or both.
fn split(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(body);
    std::iter::from_fn(move || {
        let text = rest?;
        let Some(end) = text.iter().position(|octet| is_line_end(*octet)) else {
            rest = None;
            return Some(text);
        };
        let ending = if text[end..].starts_with(b"\r\n") {
            2
        } else {
            1
        };
        rest = Some(&text[end + ending..]);
        Some(&text[..end])
    })
}

fn parse(line: &[u8]) -> Option<(Field, &[u8])> {
    let line = line.split(|octet| *octet == b'#').next()?.trim_ascii();
    let (name, value) = match line.iter().position(|octet| *octet == b':') {
        Some(colon) => (&line[..colon], &line[colon + 1..]),
        // A missing colon is forgiven if a line is just a name and a value.
        None => {
            let space = line.iter().position(u8::is_ascii_whitespace)?;
            let value = line[space..].trim_ascii();
            if value.iter().any(u8::is_ascii_whitespace) {
                return None;
            }
            (&line[..space], value)
        }
    };
    Some((field(name.trim_ascii())?, value.trim_ascii()))
}

/// The field by its name or by one of the misspellings that Google's parser knows.
fn field(name: &[u8]) -> Option<Field> {
    let is_one_of = |names: &[&str]| {
        names
            .iter()
            .any(|known| name.eq_ignore_ascii_case(known.as_bytes()))
    };
    if is_one_of(&["user-agent", "useragent", "user agent"]) {
        Some(Field::UserAgent)
    } else if is_one_of(&[
        "disallow",
        "dissallow",
        "dissalow",
        "disalow",
        "diasllow",
        "disallaw",
    ]) {
        Some(Field::Disallow)
    } else if is_one_of(&["allow"]) {
        Some(Field::Allow)
    } else if is_one_of(&["crawl-delay", "crawldelay", "crawl delay"]) {
        Some(Field::CrawlDelay)
    } else if is_one_of(&["sitemap", "site-map"]) {
        Some(Field::Sitemap)
    } else if is_one_of(&["content-usage"]) {
        Some(Field::ContentUsage)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &[u8]) -> Vec<(u32, Field, String)> {
        lines(body)
            .map(|line| {
                let value = String::from_utf8_lossy(line.value).into_owned();
                (line.number, line.field, value)
            })
            .collect()
    }

    #[test]
    fn line_numbers_count_every_kind_of_line_end() {
        for end in ["\n", "\r", "\r\n"] {
            let body = ["User-agent: a", "", "# note", "Disallow: /x # why"].join(end);
            assert_eq!(
                read(body.as_bytes()),
                [
                    (1, Field::UserAgent, "a".to_owned()),
                    (4, Field::Disallow, "/x".to_owned())
                ],
                "{end:?}"
            );
        }
        let mixed = read(b"\r\n\nAllow: /\r\rDisallow: /");
        assert_eq!((mixed[0].0, mixed[1].0), (3, 5));
    }

    #[test]
    fn whole_and_broken_byte_order_marks() {
        for mark in [&b"\xEF\xBB\xBF"[..], b"\xEF\xBB", b"\xEF", b""] {
            let body = [mark, b"Allow: /"].concat();
            assert_eq!(read(&body).len(), 1, "{mark:?}");
        }
        assert!(read(b"\xEF\x11\xBFAllow: /").is_empty());
        assert!(read(b"\n\xEF\xBB\xBFAllow: /").is_empty());
    }

    #[test]
    fn a_line_that_the_size_limit_cuts_is_dropped() {
        let mut body = "Allow: /0123\n".repeat(COUNTED / 13 + 2).into_bytes();
        let read_lines = read(&body);
        assert_eq!(read_lines.len(), COUNTED / 13);
        assert!(read_lines.iter().all(|line| line.2 == "/0123"));
        body.truncate(COUNTED);
        assert_ne!(
            read(&body).last().unwrap().2,
            "/0123",
            "not cut by the limit"
        );
        assert!(read(&vec![b'x'; COUNTED + 1]).is_empty());
    }

    #[test]
    fn long_lines_are_cut() {
        let body = format!("Disallow: /{}\nAllow: /a", "x".repeat(LONGEST));
        let read = read(body.as_bytes());
        assert_eq!(read[0].2.len(), LONGEST - "Disallow: ".len());
        assert_eq!(read[1].2, "/a");
    }
}
