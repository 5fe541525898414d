//! Pictures by iTerm2's protocol: a file within one sequence.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Shows a PNG within so many columns and rows, in its own shape.
pub(super) fn escape(png: &[u8], columns: usize, rows: usize) -> String {
    format!(
        "\u{1b}]1337;File=inline=1;size={};width={columns};height={rows};preserveAspectRatio=1:{}\u{7}",
        png.len(),
        STANDARD.encode(png)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_told_with_its_size() {
        assert_eq!(
            escape(b"png", 4, 2),
            "\u{1b}]1337;File=inline=1;size=3;width=4;height=2;preserveAspectRatio=1:cG5n\u{7}"
        );
    }
}
