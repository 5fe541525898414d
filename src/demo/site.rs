//! A web site in memory: paths and what is served there.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use image::ImageError;
use thiserror::Error;

/// Why a site could not be made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// A drawn picture could not be written in its format.
    #[error("cannot encode {path}")]
    Encode {
        /// The picture's path on the site.
        path: String,
        /// What the encoder said.
        source: ImageError,
    },
    /// A folder of photos could not be read.
    #[error("cannot read the folder {}", path.display())]
    Folder {
        /// The folder, or what lies in it.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A folder holds no photo, or none that can be decoded.
    #[error("no picture that can be decoded in {}", .0.display())]
    NoPhoto(PathBuf),
}

/// What is served under one path.
#[derive(Debug, Clone)]
pub struct Resource {
    /// The content type.
    pub content_type: &'static str,
    /// The bytes, or where they are.
    pub content: Content,
}

/// The bytes of a resource.
#[derive(Debug, Clone)]
pub enum Content {
    /// Bytes in memory.
    Bytes(Arc<[u8]>),
    /// A file, read when asked for.
    File(PathBuf),
}

/// A web site: paths and what is served there.
#[derive(Debug, Clone)]
pub struct Site {
    resources: BTreeMap<String, Resource>,
    query: Vec<u8>,
}

impl Site {
    pub(super) fn new(resources: BTreeMap<String, Resource>, query: Vec<u8>) -> Self {
        Self { resources, query }
    }

    /// A picture to look for, as a JPEG file. Pictures like it are on the site; the picture
    /// itself is not.
    pub fn query_picture(&self) -> &[u8] {
        &self.query
    }

    /// What is served under a path, which is given without percent escapes.
    pub fn resource(&self, path: &str) -> Option<&Resource> {
        self.resources.get(path)
    }

    /// The paths of all picture files, with closed ones and the icon.
    pub fn picture_paths(&self) -> impl Iterator<Item = &str> {
        let pictures = self
            .resources
            .iter()
            .filter(|(_, it)| it.content_type.starts_with("image/"));
        pictures.map(|(path, _)| path.as_str())
    }
}

impl Resource {
    /// Bytes in memory.
    pub(super) fn bytes(content_type: &'static str, bytes: impl Into<Arc<[u8]>>) -> Self {
        Self {
            content_type,
            content: Content::Bytes(bytes.into()),
        }
    }

    /// A page.
    pub(super) fn page(html: &str) -> Self {
        Self::bytes("text/html; charset=utf-8", html.as_bytes())
    }
}

/// The content type of a picture file by its extension in any case; nothing for other files.
pub(super) fn picture_type(path: &Path) -> Option<&'static str> {
    let extension = path.extension()?.to_str()?.to_ascii_lowercase();
    Some(match extension.as_str() {
        "jpg" | "jpeg" => "image/jpeg",
        "png" => "image/png",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "bmp" => "image/bmp",
        "tif" | "tiff" => "image/tiff",
        _ => return None,
    })
}

/// A path with percent escapes for all that a URL or an HTML attribute might misread.
pub(super) fn escape(path: &str) -> String {
    let mut escaped = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                escaped.push(char::from(byte));
            }
            _ => escaped += &format!("%{byte:02X}"),
        }
    }
    escaped
}

/// A path without its percent escapes; nothing if they make no UTF-8.
pub fn unescape(path: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let digit = |place: usize| char::from(*after.get(place)?).to_digit(16);
        match (first, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push((high * 16 + low) as u8);
                rest = &after[2..];
            }
            _ => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

/// Text for HTML, in attributes too.
pub(super) fn html(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            _ => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_go_both_ways() {
        let path = "/Übersicht/50% & more/a?b#c\"<d>.jpg";
        assert_eq!(unescape(&escape(path)).as_deref(), Some(path));
        assert_eq!(unescape("/100%").as_deref(), Some("/100%"));
        assert_eq!(unescape("/%+1x").as_deref(), Some("/%+1x"));
        assert_eq!(unescape("/%ff"), None);
    }
}
