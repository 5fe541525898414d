//! What could not be used, or not all of it.

/// A URL or file that could not be used, or not all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The URL or path.
    pub source: String,
    /// What is wrong, for people.
    pub message: String,
}
