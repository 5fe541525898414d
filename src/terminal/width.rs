//! How many columns a terminal takes for a text, and texts cut to fit.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// What stands for what was left out.
const LEFT_OUT: &str = "…";

/// Columns that a text takes: two for wide letters as those of Chinese, none for marks that stand on
/// another letter.
///
/// ```
/// use simdex::terminal::text_width;
///
/// assert_eq!(text_width("猫.jpg"), 6);
/// assert_eq!(text_width("nai\u{308}ve"), 5);
/// ```
pub fn text_width(text: &str) -> usize {
    text.width()
}

/// The end of the longest beginning of a text that is so wide at most, with the marks that stand on its last
/// letter; but at least of its first letter.
pub fn width_of_start(text: &str, most: usize) -> usize {
    let mut end = 0;
    for (at, letter) in text.char_indices() {
        let next = at + letter.len_utf8();
        let is_first = end == 0;
        if text_width(&text[..next]) > most && !(is_first || is_mark(letter)) {
            break;
        }
        end = next;
    }
    end
}

fn is_mark(letter: char) -> bool {
    letter.width() == Some(0)
}

/// The longest beginning that is so wide at most.
fn start(text: &str, most: usize) -> &str {
    let end = width_of_start(text, most);
    match text_width(&text[..end]) > most {
        true => "",
        false => &text[..end],
    }
}

/// The longest end that is so wide at most; it begins with a letter, not with a mark that stands on one.
fn end(text: &str, most: usize) -> &str {
    let mut from = text.len();
    for (at, letter) in text.char_indices().rev() {
        if text_width(&text[at..]) > most {
            break;
        }
        if !is_mark(letter) {
            from = at;
        }
    }
    &text[from..]
}

/// A place, a URL or a path, no wider than `room`: of one that is, the middle is left out, so that host and
/// file name can still be read.
///
/// ```
/// use simdex::terminal::shortened;
///
/// let url = "https://example.org/2026/11/27/albums/boats/regatta.jpg";
/// assert_eq!(shortened(url, 40), "https://example.org/2026/1…s/regatta.jpg");
/// assert_eq!(shortened(url, 60), url);
/// ```
pub fn shortened(place: &str, room: usize) -> String {
    if text_width(place) <= room {
        return place.to_owned();
    }
    let Some(room) = room.checked_sub(text_width(LEFT_OUT)) else {
        return String::new();
    };
    let (host, name) = (host_of(place), name_of(place));
    let (host_width, name_width) = (text_width(host), text_width(name));
    // What is wanted of the end; the beginning has the rest.
    let of_end = if host_width + name_width <= room {
        name_width + (room - host_width - name_width) / 4
    } else if name_width <= room * 2 / 3 {
        name_width
    } else {
        room * 2 / 3
    };
    let end = end(place, of_end);
    let start = start(place, room - text_width(end));
    format!("{start}{LEFT_OUT}{end}")
}

/// The beginning of a URL with its host; of a path none.
fn host_of(place: &str) -> &str {
    let Some(scheme) = place.find("://") else {
        return "";
    };
    let host = &place[scheme + 3..];
    let length = host.find('/').map_or(host.len(), |slash| slash + 1);
    &place[..scheme + 3 + length]
}

/// The end behind the last slash, with it. That of a folder or page is no name yet.
fn name_of(place: &str) -> &str {
    let trimmed = place.trim_end_matches(['/', '\\']);
    trimmed
        .rfind(['/', '\\'])
        .map_or("", |slash| &place[slash..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_as_wide_as_they_are_shown() {
        for (text, width) in [
            ("", 0),
            ("abc", 3),
            ("猫の写真", 8),
            ("e\u{301}te\u{301}", 3),
            ("한국", 4),
            ("…", 1),
        ] {
            assert_eq!(text_width(text), width, "{text}");
        }
    }

    #[test]
    fn host_and_name_stay_where_there_is_room() {
        let url = "https://pictures.example.org/very/long/way/to/some/album/summer-2026.jpg";
        for room in [46, 50, 60] {
            let short = shortened(url, room);
            assert_eq!(text_width(&short), room, "{short}");
            assert!(
                short.starts_with("https://pictures.example.org/"),
                "{short}"
            );
            assert!(short.ends_with("/summer-2026.jpg"), "{short}");
            assert_eq!(short.matches('…').count(), 1, "{short}");
        }
        let path = "/home/me/Pictures/2026/November/boats/regatta.jpg";
        let short = shortened(path, 30);
        assert!(
            short.starts_with("/home/me/") && short.ends_with("/regatta.jpg"),
            "{short}"
        );
    }

    #[test]
    fn little_room_goes_to_the_name() {
        let url = "https://pictures.example.org/a/summer-2026.jpg";
        let short = shortened(url, 26);
        assert!(short.ends_with("/summer-2026.jpg"), "{short}");
        let long = format!("https://h/{}.jpg", "x".repeat(200));
        for room in [0, 1, 2, 3, 10, 40, 200] {
            let short = shortened(&long, room);
            assert!(text_width(&short) <= room, "{room}: {short}");
        }
        assert!(shortened(&long, 40).starts_with("https://h/xx"));
        assert!(shortened(&long, 40).ends_with("x.jpg"));
    }

    #[test]
    fn no_letter_is_cut() {
        let wide = format!("/写真/{}/猫.jpg", "夏".repeat(30));
        let marked = format!("/a/{}/e\u{301}.jpg", "e\u{301}".repeat(40));
        for place in [&wide, &marked] {
            for room in 1..45 {
                let short = shortened(place, room);
                assert!(text_width(&short) <= room, "{room}: {short}");
                let (start, end) = short.split_once('…').unwrap();
                assert!(place.starts_with(start) && place.ends_with(end), "{short}");
                let is_whole = |part: &str| !part.starts_with('\u{301}');
                let rest = &place[start.len()..];
                assert!(is_whole(end) && is_whole(rest), "{room}: {short}");
            }
        }
    }

    #[test]
    fn a_beginning_has_one_letter_at_least() {
        assert_eq!(width_of_start("猫猫", 1), "猫".len());
        assert_eq!(width_of_start("abc", 2), 2);
        assert_eq!(width_of_start("e\u{301}x", 1), 3);
        assert_eq!(width_of_start("", 4), 0);
    }
}
