//! What a picture's own metadata say of its licence and of who made it.

mod exif;
mod iptc;
mod jpeg;
mod xmp;

/// What a picture's own metadata say of its licence and of who made it. The bytes may come from
/// anyone: all of it is bounded, and what cannot be read says nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rights {
    /// `cc:license`, `xmpRights:WebStatement` or `xmpRights:UsageTerms` of XMP, the first there is.
    pub license: Option<String>,
    /// The notice of copyright: `dc:rights` of XMP, that of IPTC, or of Exif.
    pub copyright: Option<String>,
    /// Who made it: `dc:creator` of XMP, the by-line of IPTC, or the artist of Exif.
    pub creator: Option<String>,
}

/// Longest text that is taken, in bytes.
const LONGEST: usize = 2_048;

impl Rights {
    /// Reads the metadata in a picture's file.
    pub fn in_bytes(bytes: &[u8]) -> Self {
        let mut rights = xmp::rights(bytes);
        for more in [iptc::rights(bytes), exif::rights(bytes)] {
            rights.copyright = rights.copyright.or(more.copyright);
            rights.creator = rights.creator.or(more.creator);
        }
        rights
    }
}

/// A text in one line; `None` if there is nothing in it.
fn text(text: &str) -> Option<String> {
    let words: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect();
    let mut line = words.join(" ");
    line.truncate(line.floor_char_boundary(LONGEST));
    (!line.is_empty()).then_some(line)
}

/// Text of which nobody says what it is encoded in.
fn decoded(bytes: &[u8]) -> Option<String> {
    let bytes = &bytes[..bytes.len().min(LONGEST)];
    match str::from_utf8(bytes) {
        Ok(utf8) => text(utf8),
        Err(_) => text(&encoding_rs::mem::decode_latin1(bytes)),
    }
}

/// Where `needle` begins in `bytes`, from `from` on.
fn find(bytes: &[u8], needle: &[u8], from: usize) -> Option<usize> {
    let (first, rest) = needle.split_first()?;
    let mut at = from;
    loop {
        at += bytes.get(at..)?.iter().position(|byte| byte == first)?;
        if bytes.get(at + 1..)?.starts_with(rest) {
            return Some(at);
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests;
