//! Pictures' URLs in data for scripts: inline JSON, the state of which a script makes the page
//! anew, values of attributes. What such data mean is unknown, so these are guesses.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::extract::REFERENCE;
use crate::extract::link_target::LinkTarget;
use crate::picture::is_picture_ending;

/// Most guesses of one page.
const MOST_GUESSES: usize = 1_000;
/// Most of those beyond the limit that are counted.
const MOST_COUNTED: u64 = 10_000;
/// Most of a text that is looked through, in bytes.
const LONGEST: usize = 8 << 20;
/// Longest ending of a picture's name.
const ENDING: usize = 4;
/// Endings in what stands between two delimiters that are looked at.
const MOST_TRIES: usize = 16;
/// Quotes as they are written within texts.
const QUOTES: [&str; 5] = ["&quot;", "&#34;", "\\u0022", "\\x22", "%22"];

/// References that may be pictures', each once, in order.
#[derive(Debug, Default)]
pub(super) struct Guesses {
    list: Vec<String>,
    known: HashSet<String>,
    /// How many there were beyond the limit.
    pub(super) left_out: u64,
}

impl Guesses {
    /// Adds what in a text looks like a picture's URL. `of_program`: it is a program, in which a
    /// path that begins with no slash is mostly a part of something.
    pub(super) fn read(&mut self, text: &str, of_program: bool) {
        let mut text = Cow::Borrowed(&text[..text.floor_char_boundary(LONGEST)]);
        for quote in QUOTES {
            if text.contains(quote) {
                text = Cow::Owned(text.replace(quote, "\""));
            }
        }
        let text: &str = &text;
        let bytes = text.as_bytes();
        // What stands between two delimiters, and how often it was tried to read a URL of it.
        let (mut run, mut tries) = (0..0, 0);
        let mut from = 0;
        while let Some(dot) = text[from..].find('.').map(|at| from + at) {
            if self.left_out >= MOST_COUNTED {
                return;
            }
            let ending = bytes[dot + 1..].iter().take(ENDING + 1);
            let ending = ending.take_while(|byte| byte.is_ascii_alphanumeric());
            let named = dot + 1 + ending.count();
            from = dot + 1;
            if !text.get(from..named).is_some_and(is_picture_ending) {
                continue;
            }
            if dot >= run.end {
                let before = bytes[run.end..dot].iter().rev();
                let start = dot - before.take_while(|byte| !is_delimiter(**byte)).count();
                let after = bytes[named..].iter();
                let end = named + after.take_while(|byte| !is_delimiter(**byte)).count();
                (run, tries) = (start..end, 0);
            }
            from = named;
            tries += 1;
            // What follows a part that a program puts in is a part itself.
            let before = run.start.checked_sub(1).map(|at| bytes[at]);
            let is_whole = before
                .is_none_or(|byte| b"\"'`<>([,".contains(&byte) || byte.is_ascii_whitespace());
            if is_whole
                && tries <= MOST_TRIES
                && run.len() <= REFERENCE
                && let (Some(name), Some(rest)) =
                    (text.get(run.start..named), text.get(named..run.end))
                && let Some(url) = url_of(name, rest)
                && is_likely(&url, of_program)
            {
                from = run.end;
                self.add(url);
            }
        }
    }

    fn add(&mut self, url: String) {
        if self.known.contains(&url) {
            return;
        }
        if self.list.len() < MOST_GUESSES {
            self.known.insert(url.clone());
            self.list.push(url);
        } else {
            self.left_out += 1;
        }
    }

    pub(super) fn append(&mut self, other: Self) {
        for url in other.list {
            self.add(url);
        }
        self.left_out += other.left_out;
    }

    pub(super) fn into_list(self) -> Vec<String> {
        self.list
    }
}

/// What does not stand in a URL, or ends one where URLs stand among other things.
fn is_delimiter(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte.is_ascii_control() || b"\"'`<>()[]{}|^*$".contains(&byte)
}

/// The URL whose path is written as `name` and is followed by `rest`, without the escapes of
/// JSON, JavaScript and HTML; `None` if it has others.
fn url_of(name: &str, rest: &str) -> Option<String> {
    // The quote that ends it may be escaped, once or more often; lists have commas.
    let rest = match rest.starts_with([',', ';']) {
        true => "",
        false => rest.trim_end_matches('\\'),
    };
    let mut url = format!("{name}{rest}");
    for (escaped, plain) in [("&amp;", "&"), ("&#x2F;", "/"), ("&#47;", "/")] {
        if url.contains('&') {
            url = url.replace(escaped, plain);
        }
    }
    while url.contains('\\') {
        let mut once = url.replace("\\\\", "\\").replace("\\/", "/");
        for (code, plain) in [
            ("002f", "/"),
            ("002F", "/"),
            ("0026", "&"),
            ("003d", "="),
            ("003D", "="),
        ] {
            once = once.replace(&format!("\\u{code}"), plain);
            once = once.replace(&format!("\\x{}", &code[2..]), plain);
        }
        if once == url {
            return None;
        }
        url = once;
    }
    Some(url)
}

fn is_likely(url: &str, of_program: bool) -> bool {
    // Places for something else.
    let is_icon = ["favicon", "apple-touch-icon"];
    let is_part = ["%s", "%d", "...", "://{", "//$"]
        .iter()
        .any(|part| url.contains(part));
    if is_part
        || is_icon.iter().any(|name| url.contains(name))
        || url.len() > REFERENCE
        || LinkTarget::of_path(url) != LinkTarget::Picture
    {
        return false;
    }
    let is_absolute = ["https://", "http://", "//"].iter().any(|scheme| {
        // One host, not several URLs in a row.
        let rest = url.strip_prefix(scheme);
        rest.is_some_and(|rest| rest.contains('/') && !rest.starts_with('/'))
    });
    let is_rooted = url.starts_with('/') && !url.starts_with("//");
    let is_relative = url.contains('/') && !url.contains(':') && !url.starts_with('/');
    is_absolute || is_rooted || (is_relative && !of_program)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guesses(text: &str, of_program: bool) -> String {
        let mut guesses = Guesses::default();
        guesses.read(text, of_program);
        guesses.into_list().join(" ")
    }

    #[test]
    fn urls_in_data_are_found_in_all_spellings() {
        for (text, expected) in [
            (r#"{"src":"https://c/a.jpg"}"#, "https://c/a.jpg"),
            (
                r#"{"src":"https:\/\/c\/a.jpg?w=1\u0026h=2"}"#,
                "https://c/a.jpg?w=1&h=2",
            ),
            (
                r#"self.f.push([1,"{\"s\":\"https://c/a.webp\"}"])"#,
                "https://c/a.webp",
            ),
            (
                r#""{\\\"s\\\":\\\"https:\\\\u002F\\\\u002Fc\\\\u002Fa.png\\\"}""#,
                "https://c/a.png",
            ),
            (
                r#"\u0022https:\/\/c\/a.jpg\u0022,\u0022"#,
                "https://c/a.jpg",
            ),
            ("x=&quot;/a.jpg&quot;,&quot;/b.jpg&quot;", "/a.jpg /b.jpg"),
            (r#"["/a.jpg","/b.jpg","/a.jpg"]"#, "/a.jpg /b.jpg"),
            (r#""/a.jpg 1x, /b.jpg 2x""#, "/a.jpg /b.jpg"),
            (
                r#"{"src":"images/a.jpg","name":"IMG_1.jpg"}"#,
                "images/a.jpg",
            ),
            (r#"{"src":"//c/w_3,h_4/a.JPEG#x"}"#, "//c/w_3,h_4/a.JPEG#x"),
            ("<b>/a.jpg</b>", "/a.jpg"),
        ] {
            assert_eq!(guesses(text, false), expected, "{text}");
        }
    }

    #[test]
    fn parts_and_patterns_are_no_urls() {
        for text in [
            "'/img/' + id + '.jpg'",
            "`https://c/${id}/a.jpg`",
            "'https://c/{id}/a.jpg'",
            "/\\.jpg$/.test(x)",
            "\"images/a.jpg\"",
            "\"/a/%s.jpg\"",
            "\"https://c/a.jpg.html\"",
            "\"https://c/a.jpg/revision/1\"",
            "\"https://a.jpg\"",
            "write('<img src=a.jpg>')",
            "a.jpg.jpg.jpg",
        ] {
            assert_eq!(guesses(text, true), "", "{text}");
        }
    }

    #[test]
    fn hostile_data_cost_little() {
        let started = std::time::Instant::now();
        for text in [
            ".jpg",
            "/a.jpg",
            "\\\\\\/.jpg",
            "\"/a.jpg\"",
            "&quot;/a.jpg",
        ] {
            guesses(&text.repeat((1 << 20) / text.len()), true);
        }
        let many: String = (0..200_000).map(|n| format!("\"/{n}.jpg\"")).collect();
        assert_eq!(guesses(&many, true).split(' ').count(), MOST_GUESSES);
        assert!(started.elapsed() < std::time::Duration::from_secs(90));
    }
}
