//! Counts with their nouns, in the number that people use.

use std::fmt::Display;

/// A count with its noun: "1 group", "2 groups".
///
/// ```
/// use simdex::plural::counted;
///
/// assert_eq!(counted(1, "duplicate"), "1 duplicate");
/// assert_eq!(counted(0, "duplicate"), "0 duplicates");
/// ```
pub fn counted<N>(count: N, noun: &str) -> String
where
    N: Copy + Display + PartialEq + From<u8>,
{
    format!("{count} {}", noun_of(count, noun, &format!("{noun}s")))
}

/// A count with a noun of which `one` and `many` say how it is written: "1 copy", "2 copies"; or with more
/// than a noun: "1 file is gone", "2 files are gone".
pub fn counted_as<N>(count: N, one: &str, many: &str) -> String
where
    N: Copy + Display + PartialEq + From<u8>,
{
    format!("{count} {}", noun_of(count, one, many))
}

/// What stands behind a count, without it.
pub fn noun_of<'a, N>(count: N, one: &'a str, many: &'a str) -> &'a str
where
    N: Copy + PartialEq + From<u8>,
{
    if count == N::from(1) { one } else { many }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_is_singular() {
        let said = [0, 1, 2, 21].map(|count: u64| counted(count, "page"));
        assert_eq!(said, ["0 pages", "1 page", "2 pages", "21 pages"]);
        let said = [1_usize, 3].map(|count| counted_as(count, "near-copy", "near-copies"));
        assert_eq!(said, ["1 near-copy", "3 near-copies"]);
        assert_eq!(noun_of(1.0, "is", "are"), "is");
        assert_eq!(noun_of(1.5, "is", "are"), "are");
    }
}
