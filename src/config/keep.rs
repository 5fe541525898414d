//! How much is kept of a picture.

use std::fmt;
use std::str::FromStr;

use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::byte_size::ByteSize;

/// How much is kept of a picture beside its preview and its descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Keep {
    /// All layers, place by place.
    #[default]
    Full,
    /// Sketches and statistics: a hundredth, and distances are estimates.
    Compact,
    /// All of the newest, as many as take so much, and of the rest what compact keeps.
    Recent(ByteSize),
}

impl Keep {
    /// What may be said on a command line.
    pub const FORM: &str = "full, compact or \"recent SIZE\", such as \"recent 20 GB\"";
}

/// In `config.toml`.
const IN_FILES: &str =
    "\"full\", \"compact\" or { recent = \"SIZE\" }, such as { recent = \"20 GB\" }";
const RECENT: &str = "recent";

/// A text says nothing of how much is kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it takes {}; a size is {}", Keep::FORM, ByteSize::FORM)]
pub struct ParseKeepError;

/// As on a command line and in JSON: `full`, `compact`, `recent 20 GB`.
impl FromStr for Keep {
    type Err = ParseKeepError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(char::is_whitespace) {
            None if text == "full" => Ok(Self::Full),
            None if text == "compact" => Ok(Self::Compact),
            Some((RECENT, size)) => size.parse().map(Self::Recent).map_err(|_| ParseKeepError),
            _ => Err(ParseKeepError),
        }
    }
}

impl fmt::Display for Keep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("full"),
            Self::Compact => f.write_str("compact"),
            Self::Recent(size) => write!(f, "{RECENT} {size}"),
        }
    }
}

impl Serialize for Keep {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Keep {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(InFile)
    }
}

/// Reads it as `config.toml` says it.
struct InFile;

impl<'de> Visitor<'de> for InFile {
    type Value = Keep;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(IN_FILES)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Keep, E> {
        match text {
            "full" => Ok(Keep::Full),
            "compact" => Ok(Keep::Compact),
            _ => Err(E::custom(format!("keep must be {IN_FILES}, not {text:?}"))),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut table: A) -> Result<Keep, A::Error> {
        let wrong = || A::Error::custom(format!("keep must be {IN_FILES}"));
        match table.next_key::<String>()? {
            Some(key) if key == RECENT => {}
            _ => return Err(wrong()),
        }
        let size: String = table.next_value()?;
        let size: ByteSize = size.parse().map_err(A::Error::custom)?;
        match table.next_key::<String>()? {
            None => Ok(Keep::Recent(size)),
            Some(_) => Err(wrong()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct File {
        keep: Keep,
    }

    fn in_file(text: &str) -> Result<Keep, String> {
        let file: Result<File, _> = toml::from_str(text);
        file.map(|file| file.keep)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn it_is_said_in_files_and_on_command_lines() {
        let recent = Keep::Recent("20 GB".parse().unwrap());
        for (file, line, keep) in [
            ("keep = \"full\"", "full", Keep::Full),
            ("keep = \"compact\"", "compact", Keep::Compact),
            ("keep = { recent = \"20 GB\" }", "recent 20 GB", recent),
        ] {
            assert_eq!(in_file(file), Ok(keep));
            assert_eq!(
                (line.parse(), keep.to_string()),
                (Ok(keep), line.to_owned())
            );
        }
        assert_eq!("recent   20GB".parse(), Ok(recent));
    }

    #[test]
    fn what_is_wrong_is_told_what_is_allowed() {
        for file in [
            "keep = \"all\"",
            "keep = 20",
            "keep = { recent = 20 }",
            "keep = { recent = \"20\" }",
            "keep = { recent = \"20 GB\", old = \"1 GB\" }",
            "keep = { newest = \"20 GB\" }",
            "keep = {}",
        ] {
            let error = in_file(file).unwrap_err();
            let says = error.contains("recent =") || error.contains("such as 20 GB");
            assert!(says || error.contains("string"), "{file}: {error}");
        }
        for line in [
            "",
            "all",
            "recent",
            "recent ",
            "recent 20",
            "recent-20 GB",
            "Full",
        ] {
            let error = line.parse::<Keep>().unwrap_err().to_string();
            assert!(error.contains("recent 20 GB"), "{line}: {error}");
        }
    }
}
