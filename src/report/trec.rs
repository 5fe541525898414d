//! Run files as trec_eval reads them.

use std::io::{self, Write};

use super::score_text::score_text;
use crate::search::QueryResult;

/// A line a result: `qid Q0 docid rank score tag`. Words of a query's name and of the head's are joined,
/// since blanks separate the columns; a picture goes by its id.
///
/// # Errors
/// If writing fails.
pub fn write_trec(list: &QueryResult, head: &str, out: &mut dyn Write) -> io::Result<()> {
    let (query, tag) = (word(&list.query), word(head));
    for entry in &list.results {
        let score = score_text(entry.score, 6);
        writeln!(
            out,
            "{query} Q0 {} {} {score} simdex-{tag}",
            entry.id, entry.rank
        )?;
    }
    Ok(())
}

/// A text as one word.
fn word(text: &str) -> String {
    let mut word = String::new();
    for character in text.chars() {
        match character.is_whitespace() || character.is_control() {
            true => {
                let mut bytes = [0; 4];
                for byte in character.encode_utf8(&mut bytes).bytes() {
                    word += &format!("%{byte:02X}");
                }
            }
            false => word.push(character),
        }
    }
    match word.is_empty() {
        true => "-".to_owned(),
        false => word,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_has_no_blanks() {
        assert_eq!(word("my cat.jpg"), "my%20cat.jpg");
        assert_eq!(word("a\u{a0}b\n"), "a%C2%A0b%0A");
        assert_eq!(word(""), "-");
    }
}
