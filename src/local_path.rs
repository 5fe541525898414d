//! Paths of this machine: kept as bytes, and written so that the file can be found again.

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A path of this machine.
///
/// It is stored as the bytes by which the system knows it. Written as text it is itself where
/// it is UTF-8; where it is not, the `file:` URL (RFC 8089) of its absolute form, in which
/// `%NN` stands for a byte. No absolute path begins like that, and [`Self::named`] takes both
/// back.
///
/// ```
/// use std::path::Path;
/// use simdex::local_path::LocalPath;
///
/// assert_eq!(LocalPath::new("/a b/c.jpg").to_string(), "/a b/c.jpg");
/// let url = LocalPath::named("file:///a%20b/c.jpg".as_ref());
/// assert_eq!(url.as_path(), Path::new("/a b/c.jpg"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LocalPath(PathBuf);

/// What a path that is not UTF-8 begins with when it is written.
const FILE: &str = "file://";

impl LocalPath {
    /// A path.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// The path that an argument or a line of a list names: by itself or by its `file:` URL.
    pub fn named(name: &OsStr) -> Self {
        let of_url = name.to_str().and_then(|name| name.strip_prefix(FILE));
        let path = of_url.filter(|path| path.starts_with('/')).and_then(bytes);
        match path.and_then(from_bytes) {
            Some(path) => Self(path),
            None => Self::new(name),
        }
    }

    /// The path that a line of a list names, which may be no UTF-8.
    pub fn named_by(line: &[u8]) -> Self {
        match from_bytes(line.to_vec()) {
            Some(name) => Self::named(name.as_os_str()),
            None => Self::named(String::from_utf8_lossy(line).as_ref().as_ref()),
        }
    }

    /// The path, to open the file.
    pub fn as_path(&self) -> &Path {
        &self.0
    }
}

impl fmt::Display for LocalPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(text) = self.0.to_str() {
            return f.pad(text);
        }
        let absolute = std::path::absolute(&self.0);
        let path = absolute.as_deref().unwrap_or(&self.0);
        match to_bytes(path) {
            Some(bytes) => f.pad(&url(bytes)),
            None => f.pad(&path.to_string_lossy()),
        }
    }
}

/// How a path is written as text.
pub fn path_text(path: &Path) -> String {
    LocalPath::new(path).to_string()
}

fn url(path: &[u8]) -> String {
    let mut url = FILE.to_owned();
    for &byte in path {
        match byte {
            // The characters that RFC 3986 lets stand for themselves, and what parts folders.
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                url.push(char::from(byte));
            }
            _ => url += &format!("%{byte:02X}"),
        }
    }
    url
}

/// The bytes that a URL's path stands for; `None` if a `%` begins no byte.
fn bytes(path: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        bytes.push(match first {
            b'%' => {
                let digits = std::str::from_utf8(rest.get(..2)?).ok()?;
                rest = &rest[2..];
                let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
                is_hex.then(|| u8::from_str_radix(digits, 16).ok())??
            }
            _ => first,
        });
    }
    Some(bytes)
}

/// The bytes of a path; `None` if this system's paths are none.
#[cfg(unix)]
fn to_bytes(path: &Path) -> Option<&[u8]> {
    Some(std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str()))
}

#[cfg(not(unix))]
fn to_bytes(path: &Path) -> Option<&[u8]> {
    path.to_str().map(str::as_bytes)
}

#[cfg(unix)]
fn from_bytes(bytes: Vec<u8>) -> Option<PathBuf> {
    let name: std::ffi::OsString = std::os::unix::ffi::OsStringExt::from_vec(bytes);
    Some(name.into())
}

#[cfg(not(unix))]
fn from_bytes(bytes: Vec<u8>) -> Option<PathBuf> {
    String::from_utf8(bytes).ok().map(PathBuf::from)
}

/// As bytes: in the store's records a text is its bytes too, so that what older versions wrote
/// is read in the same way.
impl Serialize for LocalPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match to_bytes(&self.0) {
            Some(bytes) => serializer.serialize_bytes(bytes),
            None => serializer.serialize_bytes(self.0.to_string_lossy().as_bytes()),
        }
    }
}

impl<'de> Deserialize<'de> for LocalPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_byte_buf(PathVisitor)
    }
}

struct PathVisitor;

impl<'de> Visitor<'de> for PathVisitor {
    type Value = LocalPath;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the bytes of a path")
    }

    fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<LocalPath, E> {
        let path = from_bytes(bytes);
        path.map(LocalPath)
            .ok_or_else(|| E::custom("this system has no such paths"))
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<LocalPath, E> {
        self.visit_byte_buf(bytes.to_vec())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut bytes: A) -> Result<LocalPath, A::Error> {
        let mut all = Vec::new();
        while let Some(byte) = bytes.next_element()? {
            all.push(byte);
        }
        self.visit_byte_buf(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_utf_8_is_written_as_it_is() {
        for path in [
            "/a/b.jpg",
            "b.jpg",
            "/100%25.jpg",
            "/\\xff/ä %FF.jpg",
            "file:x",
        ] {
            assert_eq!(path_text(Path::new(path)), path);
            assert_eq!(LocalPath::named(path.as_ref()).as_path(), Path::new(path));
        }
    }

    #[test]
    fn a_record_of_a_text_is_a_record_of_its_bytes() {
        let text = "/pictures/b\u{e4}r.jpg".to_owned();
        let old = postcard::to_stdvec(&text).unwrap();
        let path = LocalPath::new(text.clone());
        assert_eq!(postcard::to_stdvec(&path).unwrap(), old);
        assert_eq!(postcard::from_bytes::<LocalPath>(&old).unwrap(), path);
    }

    #[cfg(unix)]
    #[test]
    fn any_bytes_are_found_again() {
        let mut all: Vec<u8> = (1..=255).filter(|byte| *byte != b'/').collect();
        all.insert(0, b'/');
        let path = LocalPath(from_bytes(all.clone()).unwrap());
        let text = path.to_string();
        assert!(
            text.starts_with("file:///%01%02") && text.is_ascii(),
            "{text}"
        );
        assert_eq!(LocalPath::named(text.as_ref()), path);
        assert_eq!(LocalPath::named_by(text.as_bytes()), path);
        assert_eq!(LocalPath::named_by(&all), path);
        let record = postcard::to_stdvec(&path).unwrap();
        assert_eq!(postcard::from_bytes::<LocalPath>(&record).unwrap(), path);
        // A relative one is written with its folder, or the URL would name another file.
        let relative = LocalPath(from_bytes(b"\xff.jpg".to_vec()).unwrap());
        let named = LocalPath::named(relative.to_string().as_ref());
        assert_eq!(named.as_path(), std::path::absolute(&relative.0).unwrap());
    }

    #[test]
    fn what_is_no_url_of_a_file_is_a_path() {
        for name in ["file:///%", "file:///%f", "file:///%+1", "file://host/x"] {
            assert_eq!(LocalPath::named(name.as_ref()), LocalPath::new(name));
        }
    }
}
