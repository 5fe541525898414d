//! Patterns of files and folders that are left out.

use std::path::Path;
use std::str::FromStr;

use globset::{GlobBuilder, GlobMatcher};

/// A pattern of files and folders that are left out: one without a slash is held against each
/// name, one with a slash against the path from the folder that was named. `**` stands for any
/// folders, and what is below a folder that is left out is left out, too.
#[derive(Debug, Clone)]
pub struct Exclude {
    pattern: GlobMatcher,
    is_of_names: bool,
}

/// A text is no pattern.
#[derive(Debug, thiserror::Error)]
#[error("it is no pattern of names: {0}")]
pub struct ExcludeError(String);

impl FromStr for Exclude {
    type Err = ExcludeError;

    fn from_str(text: &str) -> Result<Self, ExcludeError> {
        let pattern = text.strip_suffix('/').unwrap_or(text);
        let is_of_names = !pattern.contains('/');
        let pattern = pattern.strip_prefix('/').unwrap_or(pattern);
        if pattern.is_empty() {
            return Err(ExcludeError("it is empty".to_owned()));
        }
        let mut glob = GlobBuilder::new(pattern);
        let glob = glob.literal_separator(true).build();
        let glob = glob.map_err(|error| ExcludeError(error.kind().to_string()))?;
        Ok(Self {
            pattern: glob.compile_matcher(),
            is_of_names,
        })
    }
}

impl Exclude {
    /// Whether a file or folder is left out, by its path from the folder that was named.
    pub(super) fn matches(&self, path: &Path) -> bool {
        match self.is_of_names {
            true => path
                .file_name()
                .is_some_and(|name| self.pattern.is_match(name)),
            false => self.pattern.is_match(path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_paths_are_left_out() {
        let leaves_out = |pattern: &str, path: &str| {
            let exclude: Exclude = pattern.parse().unwrap();
            exclude.matches(path.as_ref())
        };
        for (pattern, path, expected) in [
            ("*.png", "a/b.png", true),
            ("*.png", "a/b.jpg", false),
            ("b*", "a/b.jpg", true),
            ("a", "a", true),
            ("a/", "a", true),
            ("a/*.jpg", "a/b.jpg", true),
            ("a/*.jpg", "a/c/b.jpg", false),
            ("a/**/*.jpg", "a/c/d/b.jpg", true),
            ("/b.jpg", "b.jpg", true),
            ("/b.jpg", "a/b.jpg", false),
            ("**/cache", "a/b/cache", true),
            ("{x,y}.jpg", "y.jpg", true),
        ] {
            assert_eq!(leaves_out(pattern, path), expected, "{pattern} {path}");
        }
        for wrong in ["", "/", "[", "{a"] {
            assert!(wrong.parse::<Exclude>().is_err(), "{wrong}");
        }
    }
}
