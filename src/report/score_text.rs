//! A score as people read it.

/// A score in so many digits; only 1, the very same bytes, is written as 1.
pub(super) fn score_text(score: f32, digits: usize) -> String {
    let rounded = format!("{score:.digits$}");
    match rounded.starts_with('1') && score < 1.0 {
        true => format!("0.{}", "9".repeat(digits)),
        false => rounded,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_1_is_written_as_1() {
        assert_eq!(score_text(1.0, 3), "1.000");
        assert_eq!(score_text(0.999_99, 3), "0.999");
        assert_eq!(score_text(0.999_99, 4), "0.9999");
        assert_eq!(score_text(0.123_46, 4), "0.1235");
    }
}
