//! Pictures with the very same bytes: they alone score 1.

/// The most that two pictures score whose bytes differ.
const BELOW_ONE: f32 = 1.0 - f32::EPSILON / 2.0;

/// The score of two pictures by what a head says of them: 1 where their bytes are the same, and
/// never where they are not.
pub fn exact_or(is_same: bool, score: f32) -> f32 {
    match is_same {
        true => 1.0,
        false => score.min(BELOW_ONE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_bytes_score_1() {
        assert_eq!(exact_or(true, 0.3), 1.0);
        assert_eq!(exact_or(false, 0.3), 0.3);
        let most = exact_or(false, 1.0);
        assert!(most < 1.0 && most > 0.999_999, "{most}");
    }
}
