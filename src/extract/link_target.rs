//! What an address or a media type promises, before any request is spent on it.

use crate::picture::{is_picture_ending, is_picture_type};

/// What is to be expected behind a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LinkTarget {
    /// A picture in a format that simdex decodes.
    Picture,
    /// A page, or a picture that does not say so.
    Page,
    /// Neither.
    Other,
}

/// Endings of files that are neither pages nor pictures that simdex decodes.
const OTHERS: [&str; 69] = [
    "css", "js", "mjs", "json", "xml", "rss", "atom", "map", "wasm", "svg", "svgz", "ico", "cur",
    "avif", "avifs", "heic", "heif", "jxl", "jp2", "psd", "eps", "ai", "pdf", "ps", "doc", "docx",
    "xls", "xlsx", "ppt", "pptx", "odt", "ods", "odp", "csv", "epub", "zip", "gz", "tgz", "bz2",
    "xz", "7z", "rar", "tar", "exe", "msi", "dmg", "iso", "apk", "deb", "rpm", "mp3", "m4a", "ogg",
    "oga", "wav", "flac", "mp4", "m4v", "webm", "ogv", "mov", "avi", "mkv", "flv", "swf", "woff",
    "woff2", "ttf", "eot",
];

impl LinkTarget {
    /// By the ending of a path, or of a reference that is not yet resolved.
    pub(super) fn of_path(path: &str) -> Self {
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let file = path.rsplit('/').next().unwrap_or_default();
        let Some((name, ending)) = file.rsplit_once('.') else {
            return Self::Page;
        };
        // Wikis describe pictures on pages that end like them: /wiki/File:Fish.jpg.
        if name.contains(':') || name.contains("%3A") {
            Self::Page
        } else if is_picture_ending(ending) {
            Self::Picture
        } else if OTHERS
            .iter()
            .any(|known| ending.eq_ignore_ascii_case(known))
        {
            Self::Other
        } else {
            Self::Page
        }
    }

    /// By a media type, whose parameters do not matter. An empty one promises nothing.
    pub(super) fn of_media_type(media_type: &str) -> Self {
        let essence = media_type.split(';').next().unwrap_or_default().trim();
        if essence.is_empty() {
            Self::Page
        } else if is_picture_type(essence) {
            Self::Picture
        } else {
            Self::Other
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_request_is_spent_on_what_cannot_be_a_picture() {
        for (path, kind) in [
            ("/a/b.JPG", LinkTarget::Picture),
            ("b.webp?v=1.css#x", LinkTarget::Picture),
            ("/logo.svg", LinkTarget::Other),
            ("/film.mp4", LinkTarget::Other),
            ("/image.php?id=1.svg", LinkTarget::Page),
            ("/", LinkTarget::Page),
            ("", LinkTarget::Page),
            ("/a.jpg/", LinkTarget::Page),
            ("/wiki/File:Fish.jpg", LinkTarget::Page),
            ("/wiki/Datei%3AFish.jpg", LinkTarget::Page),
        ] {
            assert_eq!(LinkTarget::of_path(path), kind, "{path}");
        }
        assert_eq!(
            LinkTarget::of_media_type("IMAGE/PNG; x=y"),
            LinkTarget::Picture
        );
        assert_eq!(
            LinkTarget::of_media_type("image/svg+xml"),
            LinkTarget::Other
        );
        assert_eq!(LinkTarget::of_media_type(""), LinkTarget::Page);
    }
}
