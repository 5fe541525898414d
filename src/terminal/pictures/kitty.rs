//! Pictures by kitty's graphics protocol: a PNG in pieces, each with what it is.

use std::fmt::Write as _;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Letters of one piece at most.
const PIECE: usize = 4096;

/// Shows a PNG in so many columns, in its own shape. The cursor stays, and the terminal answers nothing.
pub(super) fn escape(png: &[u8], columns: usize) -> String {
    let text = STANDARD.encode(png);
    let mut shown = String::with_capacity(text.len() + text.len() / PIECE * 16 + 64);
    let mut rest = text.as_str();
    let mut what = format!("a=T,f=100,c={columns},C=1,q=2,");
    while !rest.is_empty() {
        // Base64 is ASCII.
        let (piece, after) = rest.split_at(rest.len().min(PIECE));
        let more = u8::from(!after.is_empty());
        let _ = write!(shown, "\u{1b}_G{what}m={more};{piece}\u{1b}\\");
        rest = after;
        what.clear();
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_long_comes_in_pieces() {
        let bytes: Vec<u8> = (0..8_000u32).map(|i| (i % 251) as u8).collect();
        let shown = escape(&bytes, 20);
        let pieces: Vec<&str> = shown.split_terminator("\u{1b}\\").collect();
        assert_eq!(pieces.len(), 3);
        assert!(pieces[0].starts_with("\u{1b}_Ga=T,f=100,c=20,C=1,q=2,m=1;"));
        assert!(pieces[1].starts_with("\u{1b}_Gm=1;"));
        assert!(pieces[2].starts_with("\u{1b}_Gm=0;"));
        let text = pieces.iter().map(|piece| piece.split_once(';').unwrap().1);
        let text: Vec<&str> = text.collect();
        assert!(text.iter().all(|piece| piece.len() <= PIECE));
        assert_eq!(STANDARD.decode(text.concat()).unwrap(), bytes);
    }

    #[test]
    fn what_is_short_is_one_piece() {
        assert_eq!(
            escape(b"png", 3),
            "\u{1b}_Ga=T,f=100,c=3,C=1,q=2,m=0;cG5n\u{1b}\\"
        );
    }
}
