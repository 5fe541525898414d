//! The header of a store.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::activation::Encoding;
use crate::atomic_file::AtomicFile;
use crate::network::{Network, NetworkId};
use crate::store::StoreError;
use crate::store::embedded::log::StoreId;

/// `store.toml`: what must be known before the records can be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Version of the store's format: the number of migrations applied.
    pub format: u32,
    /// Tells this store from all others, so that no index of another is used.
    pub id: String,
    /// The network whose features are stored.
    pub network: NetworkId,
    /// How activations are stored.
    pub activations: Encoding,
    /// The bytes that pictures may take that are kept in full: the newest. Of the others there are
    /// sketches. `None` if all are kept alike.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recent_bytes: Option<u64>,
    /// How the sketches are encoded of a store of which not all pictures are kept alike. The file of a store
    /// of before format 6 does not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sketch: Option<Encoding>,
    /// Whether blocks may have their sketch behind them. Of format 4 the file's format says so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub mixed: bool,
    /// Whether some may still be stored in another encoding: a conversion is under way.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub converting: bool,
    /// How its pictures are described; if that differs, they are described anew on opening.
    #[serde(default)]
    pub descriptor: String,
    /// How the looks of all its pictures are told; empty while that is not so. If it differs,
    /// they are told anew on opening.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub look: String,
}

/// The newest format: the number of the last migration.
pub const LATEST: u32 = 6;
/// The first format with a log: from it all else can be made anew.
pub const WITH_LOG: u32 = 4;
/// What the file of a store of format 4 says whose pictures are not all kept alike. No migration has this number, and
/// in memory it is format 4.
const MIXED: u32 = 5;
/// The bytes of a store whose header was lost, and nothing else says how many: no picture is to lose
/// anything by that.
pub const UNKNOWN_BYTES: u64 = 1_000_000_000_000_000_000;

/// Read first and alone, so that a newer header with other keys is still recognised.
#[derive(Deserialize)]
struct FormatOnly {
    format: u32,
}

pub const FILE: &str = "store.toml";
/// A copy of it, for when it is damaged or lost: nothing else says which network a store is of.
pub const COPY: &str = "store.toml.bak";
/// Begins the copy's first line, before the checksum of the others.
const COPY_LINE: &str = "# Copy of store.toml, written by simdex; do not edit. CRC-32 ";

impl Header {
    pub fn read(dir: &Path) -> Result<Option<Self>, StoreError> {
        let path = dir.join(FILE);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) => match error.kind() {
                std::io::ErrorKind::NotFound => return Ok(None),
                std::io::ErrorKind::InvalidData => {
                    return Err(StoreError::Header {
                        path,
                        message: "it is damaged".to_owned(),
                    });
                }
                _ => return Err(StoreError::io(&path, error)),
            },
        };
        let wrong = |error: toml::de::Error| StoreError::Header {
            path: path.clone(),
            message: format!("it is no store's header: {}", error.message()),
        };
        let FormatOnly { format } = toml::from_str(&text).map_err(wrong)?;
        if format > LATEST {
            return Err(StoreError::Newer {
                dir: dir.to_owned(),
                found: format,
                known: LATEST,
            });
        }
        Self::parse(&text).map(Some).map_err(wrong)
    }

    fn parse(text: &str) -> Result<Self, toml::de::Error> {
        let mut header: Self = toml::from_str(text)?;
        header.mixed |= header.format == MIXED || header.recent_bytes.is_some();
        if header.format == MIXED {
            header.format = WITH_LOG;
        }
        Ok(header)
    }

    pub fn check(&self, dir: &Path, network: &NetworkId) -> Result<(), StoreError> {
        if self.network == *network {
            Ok(())
        } else {
            Err(StoreError::network(dir, &self.network, network))
        }
    }

    /// Says whether its pictures are described as `network` does, or can be described anew.
    pub fn check_described(&self, dir: &Path, network: &Network) -> Result<(), StoreError> {
        let is_known = self.descriptor.is_empty() || self.descriptor == network.descriptor_id();
        let keeps_all = self.recent_bytes.is_none() && !self.mixed;
        match is_known || (keeps_all && network.layout(self.activations).keeps_values()) {
            true => Ok(()),
            false => Err(StoreError::OtherDescriptor {
                dir: dir.to_owned(),
            }),
        }
    }

    /// How its sketches are encoded, or would be.
    pub fn sketch(&self) -> Encoding {
        match self.sketch {
            Some(sketch) => sketch,
            None if self.activations.is_compact() => self.activations,
            None if self.mixed => Encoding::CompactBefore,
            None => Encoding::Compact,
        }
    }

    /// The store's identity as bytes.
    pub fn store_id(&self, dir: &Path) -> Result<StoreId, StoreError> {
        let id = u128::from_str_radix(&self.id, 16);
        let id = id.map_err(|_| StoreError::Header {
            path: dir.join(FILE),
            message: "`id` is not 32 hexadecimal digits".to_owned(),
        })?;
        Ok(id.to_be_bytes())
    }

    /// Replaces the file in one step, so that there is always a whole header, and its copy.
    pub fn write(&self, dir: &Path) -> Result<(), StoreError> {
        let text = format!("# Written by simdex; do not edit.\n{}", self.text());
        write(&dir.join(FILE), &text)?;
        self.write_copy(dir)
    }

    /// The copy of the header, if there is one and it is whole.
    pub fn read_copy(dir: &Path) -> Option<Self> {
        let text = std::fs::read_to_string(dir.join(COPY)).ok()?;
        let (first, rest) = text.split_once('\n')?;
        let checksum = first.strip_prefix(COPY_LINE)?;
        let is_whole = checksum == checksum_of(rest);
        let header = is_whole.then(|| Self::parse(rest).ok()).flatten()?;
        (header.format <= LATEST).then_some(header)
    }

    /// The header, or its copy where it is damaged or lost.
    pub fn read_or_copy(dir: &Path) -> Result<Option<Self>, StoreError> {
        match Self::read(dir) {
            Ok(None) => Ok(Self::read_copy(dir)),
            Err(error @ StoreError::Header { .. }) => Self::read_copy(dir).map(Some).ok_or(error),
            read => read,
        }
    }

    /// Brings the copy up to this header, once that has proved right.
    pub fn keep_copy(&self, dir: &Path) -> Result<(), StoreError> {
        match Self::read_copy(dir).as_ref() == Some(self) {
            true => Ok(()),
            false => self.write_copy(dir),
        }
    }

    fn write_copy(&self, dir: &Path) -> Result<(), StoreError> {
        let text = self.text();
        let text = format!("{COPY_LINE}{}\n{text}", checksum_of(&text));
        write(&dir.join(COPY), &text)
    }

    /// Whether it may be what became of the header that was copied: a format only grows, descriptors
    /// change, and what is kept may become less.
    pub fn may_follow(&self, copy: &Self) -> bool {
        self.format >= copy.format
            && self.id == copy.id
            && self.network == copy.network
            && (self.recent_bytes.is_some()
                || self.activations == copy.activations
                || self.activations.is_compact())
    }

    fn text(&self) -> String {
        let mut header = self.clone();
        if self.mixed && self.format == WITH_LOG {
            header.format = MIXED;
        }
        toml::to_string(&header).expect("a few plain values always encode")
    }
}

fn checksum_of(text: &str) -> String {
    format!("{:08x}", crc32fast::hash(text.as_bytes()))
}

fn write(path: &Path, text: &str) -> Result<(), StoreError> {
    let written = AtomicFile::new(path).write(text.as_bytes());
    written.map_err(|error| StoreError::io(path, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_counts_only_if_no_bit_of_it_is_flipped() {
        let dir = tempfile::tempdir().unwrap();
        let header = Header {
            format: LATEST,
            id: "0".repeat(32),
            network: toml::Value::String("a".repeat(64)).try_into().unwrap(),
            activations: Encoding::F16,
            recent_bytes: None,
            sketch: None,
            mixed: false,
            converting: true,
            descriptor: "d".to_owned(),
            look: String::new(),
        };
        header.write(dir.path()).unwrap();
        assert_eq!(Header::read(dir.path()).unwrap(), Some(header.clone()));
        assert_eq!(Header::read_copy(dir.path()), Some(header.clone()));
        let path = dir.path().join(COPY);
        let whole = std::fs::read(&path).unwrap();
        for bit in 0..8 * whole.len() {
            let mut flipped = whole.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            std::fs::write(&path, flipped).unwrap();
            assert_eq!(Header::read_copy(dir.path()), None, "bit {bit}");
        }
        header.keep_copy(dir.path()).unwrap();
        assert_eq!(Header::read_copy(dir.path()), Some(header));
    }

    #[test]
    fn sketches_are_of_before_where_the_file_does_not_say_it() {
        let text = |format, more: &str| {
            let network = "a".repeat(64);
            format!("format = {format}\nid = \"0\"\nnetwork = \"{network}\"\n{more}\n")
        };
        for (text, sketch) in [
            (
                text(4, "activations = \"compact\""),
                Encoding::CompactBefore,
            ),
            (text(6, "activations = \"compact2\""), Encoding::Compact),
            (text(4, "activations = \"int8\""), Encoding::Compact),
            (
                text(5, "activations = \"int8\"\nrecent_bytes = 9"),
                Encoding::CompactBefore,
            ),
            (
                text(
                    6,
                    "activations = \"int8\"\nrecent_bytes = 9\nsketch = \"compact2\"",
                ),
                Encoding::Compact,
            ),
        ] {
            assert_eq!(Header::parse(&text).unwrap().sketch(), sketch, "{text}");
        }
    }
}
