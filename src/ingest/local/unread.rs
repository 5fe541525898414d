//! Files that are pictures, but of formats that simdex does not read.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use crate::picture::is_picture_ending;

/// Endings of pictures' names, read or not: those that are read are told by
/// [`is_picture_ending`].
const PICTURES: [&str; 60] = [
    // What phones, browsers and drawing programs write.
    "heic", "heif", "hif", "avif", "jxl", "jp2", "j2k", "jpx", "jpf", "jpm", "jxr", "wdp", "hdp",
    "svg", "svgz", "psd", "psb", "xcf", "kra", "ai", "eps", "wmf", "emf", "ico", "cur", "tga",
    "qoi", "pcx", "dds", "exr", "hdr", "ff", "flif", "bpg", "dcm", "fits", "pnm", "pbm", "pgm",
    "ppm", "pam", "djvu", // Cameras' own formats.
    "dng", "cr2", "cr3", "crw", "nef", "nrw", "arw", "srf", "sr2", "orf", "rw2", "raf", "pef",
    "srw", "x3f", "3fr", "erf", "mrw",
];

/// The ending of a file that is a picture by its name, but is not read.
pub(super) fn unread_ending(path: &Path) -> Option<String> {
    let ending = path.extension()?.to_str()?.to_ascii_lowercase();
    let is_unread = PICTURES.contains(&ending.as_str()) && !is_picture_ending(&ending);
    is_unread.then_some(ending)
}

/// Files that stay unread, by the endings of their names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SkippedFiles(pub BTreeMap<String, u64>);

impl SkippedFiles {
    pub(super) fn add(&mut self, ending: String) {
        *self.0.entry(ending).or_default() += 1;
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for SkippedFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total: u64 = self.0.values().sum();
        let files = if total == 1 { "file" } else { "files" };
        write!(f, "{total} {files} skipped: ")?;
        let mut endings: Vec<_> = self.0.iter().collect();
        endings.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
        for (i, (ending, count)) in endings.iter().enumerate() {
            let comma = if i > 0 { ", " } else { "" };
            write!(f, "{comma}.{ending}")?;
            if endings.len() > 1 {
                write!(f, " ({count})")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_unread_is_named() {
        let mut skipped = SkippedFiles::default();
        for name in ["a.heic", "b.HEIC"] {
            skipped.add(unread_ending(name.as_ref()).unwrap());
        }
        assert_eq!(skipped.to_string(), "2 files skipped: .heic");
        skipped.add(unread_ending("c.cr2".as_ref()).unwrap());
        let both = "3 files skipped: .heic (2), .cr2 (1)";
        assert_eq!(skipped.to_string(), both);
        for name in ["a.jpg", "a.txt", "heic", ".heic"] {
            assert_eq!(unread_ending(name.as_ref()), None, "{name}");
        }
    }
}
