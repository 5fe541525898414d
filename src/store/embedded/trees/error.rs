//! What sled says, as the store says it.

use std::io;
use std::path::Path;

use crate::store::StoreError;

impl From<sled::Error> for StoreError {
    fn from(error: sled::Error) -> Self {
        let error = match error {
            sled::Error::Io(source) => return Self::io(Path::new("records"), plain(source)),
            error => error,
        };
        let hint = match &error {
            sled::Error::Corruption { .. } => {
                "; `simdex repair` makes the records of pictures anew from the log"
            }
            _ => "",
        };
        Self::Engine {
            source: Box::new(error),
            hint,
        }
    }
}

/// The error of opening the records at `path`.
pub fn of_opening(path: &Path, error: sled::Error) -> StoreError {
    match error {
        sled::Error::Io(source) => StoreError::io(path, plain(source)),
        error => error.into(),
    }
}

/// The system's own error, where sled has written one into the text of another.
fn plain(error: io::Error) -> io::Error {
    system_error(&error.to_string()).unwrap_or(error)
}

/// The system's error in a text, as Rust writes one.
pub fn system_error(text: &str) -> Option<io::Error> {
    let (_, code) = text.split_once("Os { code: ")?;
    let digits = code.split(|char: char| !char.is_ascii_digit()).next()?;
    Some(io::Error::from_raw_os_error(digits.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_says_is_told_in_its_words() {
        for (code, advice) in [(5, "the disk failed"), (28, "free some space")] {
            let text = format!("{:?}", io::Error::from_raw_os_error(code));
            let error = || sled::Error::Io(io::Error::other(text.clone()));
            for error in [error().into(), of_opening(Path::new("/a"), error())] {
                let error: StoreError = error;
                let said = error.to_string();
                assert!(!said.contains("Os {") && said.contains(advice), "{said}");
                assert_eq!(error.is_of_writing(), code == 28);
            }
        }
    }
}
