//! A web site to crawl: what it serves, and what a test may know about it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use image::ImageError;
use thiserror::Error;

use super::drawing::Motif;
use super::edit::Edit;
use super::reply::{Body, Reply};
use super::server::{Handler, Request};
use super::{gallery, photos};

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
    pub content_type: Cow<'static, str>,
    /// The bytes, or where they are.
    pub content: Content,
    /// Headers beyond the content type.
    pub headers: Vec<(String, String)>,
}

/// The bytes of a resource.
#[derive(Debug, Clone)]
pub enum Content {
    /// Bytes in memory.
    Bytes(Arc<[u8]>),
    /// A file, read when asked for.
    File(PathBuf),
}

/// How a page shows a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// `img src` with a path from the root.
    Image,
    /// `img src` with a path from the page or from its `base`.
    Relative,
    /// `img data-src`, as scripts that load late read it.
    Lazy,
    /// The large file of an `img srcset`.
    Srcset,
    /// The `source` of a `picture`.
    Source,
    /// An `og:image` of the page's head, and nowhere else.
    OpenGraph,
    /// An `a href` around a thumbnail.
    Linked,
    /// The small file that goes with one that is [`Shown::Srcset`], [`Shown::Source`] or
    /// [`Shown::Linked`]: the `img src` there.
    Companion,
}

/// A picture of the drawn site that a crawler may fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Where it is.
    pub path: String,
    /// The page that shows it.
    pub page: String,
    /// How that page shows it.
    pub shown: Shown,
    /// What it shows.
    pub motif: Motif,
    /// Which drawing of the motif it is; copies share it with their original.
    pub variation: u64,
    /// What was done to it, if it is a copy.
    pub edit: Option<Edit>,
    /// The size of the drawing, before any edit.
    pub size: (u32, u32),
}

/// What a test may know about a site.
#[derive(Debug, Clone, Default)]
pub struct Truth {
    /// The pictures that can be reached and may be fetched. Empty for a site of photos.
    pub pictures: Vec<Picture>,
    /// Paths that pages link but robots.txt forbids.
    pub closed: Vec<String>,
    /// Paths that pages link but that do not exist.
    pub missing: Vec<String>,
    /// The paths of two pictures with the same bytes.
    pub twins: Vec<(String, String)>,
    /// The pages that can be reached and may be fetched.
    pub pages: Vec<String>,
}

/// A picture to look for, which the site does not have.
#[derive(Debug, Clone)]
pub struct QueryPicture {
    /// A JPEG file.
    pub jpeg: Vec<u8>,
    /// What it shows, if it was drawn.
    pub motif: Option<Motif>,
    /// The path of the photo it is a cropped copy of, if it is one.
    pub copy_of: Option<String>,
}

/// A web site: paths and what is served there.
#[derive(Debug, Clone)]
pub struct Site {
    resources: BTreeMap<String, Resource>,
    truth: Truth,
    query: QueryPicture,
}

impl Site {
    /// The demo's own site of drawn pictures. Drawing them takes a moment.
    ///
    /// # Errors
    ///
    /// A picture could not be encoded.
    pub fn drawn() -> Result<Self, Error> {
        gallery::site()
    }

    /// A site of the pictures in a folder and the folders below, with a page for each folder.
    /// Links to other places are not followed and hidden files are left out.
    ///
    /// # Errors
    ///
    /// A folder could not be read, or no picture in it could be decoded.
    pub fn photos(folder: &Path) -> Result<Self, Error> {
        photos::site(folder)
    }

    pub(super) fn new(
        resources: BTreeMap<String, Resource>,
        truth: Truth,
        query: QueryPicture,
    ) -> Self {
        Self {
            resources,
            truth,
            query,
        }
    }

    /// What a test may know about the site.
    pub fn truth(&self) -> &Truth {
        &self.truth
    }

    /// A picture to look for: its look-alikes are on the site, itself is not.
    pub fn query_picture(&self) -> &QueryPicture {
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

impl Handler for Site {
    fn reply(&self, request: &Request) -> Reply {
        if !matches!(request.method.as_str(), "GET" | "HEAD") {
            return Reply::new(405).header("Allow", "GET, HEAD");
        }
        match unescape(request.path()).and_then(|path| self.resources.get(&path)) {
            Some(resource) => resource.reply(),
            None => Reply::not_found(),
        }
    }
}

impl Resource {
    /// Bytes in memory.
    pub(super) fn bytes(content_type: &'static str, bytes: impl Into<Arc<[u8]>>) -> Self {
        Self {
            content_type: Cow::Borrowed(content_type),
            content: Content::Bytes(bytes.into()),
            headers: Vec::new(),
        }
    }

    /// A page.
    pub(super) fn page(html: &str) -> Self {
        Self::bytes("text/html; charset=utf-8", html.as_bytes())
    }

    fn reply(&self) -> Reply {
        let body = match &self.content {
            Content::Bytes(bytes) => Body::Bytes(Arc::clone(bytes)),
            Content::File(path) => Body::File(path.clone()),
        };
        let mut reply = Reply::of(body).header("Content-Type", &self.content_type);
        reply.headers.extend(self.headers.iter().cloned());
        reply
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
fn unescape(path: &str) -> Option<String> {
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
