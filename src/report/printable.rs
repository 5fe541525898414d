//! Text that comes from outside, made safe to be shown on a terminal.

use std::borrow::Cow;

/// Whether a character does not show itself but steers what shows it: control characters, line
/// separators, and what turns the direction of writing around.
pub(super) fn steers(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{61c}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2066}'..='\u{2069}'
        )
}

/// A text as one line that a terminal only shows: what would steer the terminal, break the line
/// or turn the direction of writing around is written as Rust writes it, such as `\n` and
/// `\u{1b}`.
///
/// ```
/// use simdex::report::printable;
///
/// assert_eq!(printable("a\u{1b}[2Jb\n"), r"a\u{1b}[2Jb\n");
/// assert_eq!(printable("gpj.\u{202e}exe"), r"gpj.\u{202e}exe");
/// assert_eq!(printable("naïve \\ 猫"), "naïve \\ 猫");
/// ```
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(steers) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match steers(character) {
            true => clean.extend(character.escape_default()),
            false => clean.push(character),
        }
    }
    Cow::Owned(clean)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_steers_gets_through() {
        let steering = (0..=0x1f)
            .chain(0x7f..=0x9f)
            .chain([0x61c, 0x200e, 0x200f, 0x2028, 0x2029])
            .chain(0x202a..=0x202e)
            .chain(0x2066..=0x2069);
        for code in steering {
            let character = char::from_u32(code).unwrap();
            let clean = printable(&format!("a{character}b")).into_owned();
            assert!(clean.starts_with("a\\") && clean.ends_with('b'), "{clean}");
            assert!(clean.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
        }
    }
}
