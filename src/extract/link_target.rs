//! What an address or a media type promises, before any request is spent on it.

use crate::canonical_url::CanonicalUrl;
use crate::picture::{Format, is_picture_ending, is_picture_type};

/// What is to be expected behind a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LinkTarget {
    /// A picture in a format that simdex decodes.
    Picture,
    /// A page, or a picture that does not say so.
    Page,
    /// A picture in a format that simdex may not decode. Servers often send such pictures in a
    /// format that the client accepts.
    Unread,
    /// Neither.
    Other,
}

/// Endings of documents of HTML, which scripts load into others.
const DOCUMENTS: [&str; 5] = ["html", "htm", "xhtml", "xht", "shtml"];

/// Endings of what makes pages, which is no picture whatever the query says.
const PROGRAMS: [&str; 8] = ["css", "js", "mjs", "map", "wasm", "woff", "woff2", "ttf"];

/// Endings of files that are neither pages nor pictures. Servers draw previews of some of them,
/// if the query asks for one.
const OTHERS: [&str; 48] = [
    "json", "xml", "rss", "atom", "pdf", "ps", "doc", "docx", "xls", "xlsx", "ppt", "pptx", "odt",
    "ods", "odp", "csv", "epub", "zip", "gz", "tgz", "bz2", "xz", "7z", "rar", "tar", "exe", "msi",
    "dmg", "iso", "apk", "deb", "rpm", "mp3", "m4a", "ogg", "oga", "wav", "flac", "mp4", "m4v",
    "webm", "ogv", "mov", "avi", "mkv", "flv", "swf", "eot",
];

/// Formats of pictures that servers convert for clients that do not read them.
const CONVERTED: [Format; 4] = [Format::Jpeg2000, Format::Avif, Format::Heic, Format::Jxl];

/// Endings of other pictures in formats that simdex does not decode. A server that is told by the
/// query in which format or size to send it may send another.
const UNREAD: [&str; 7] = ["svg", "svgz", "ico", "cur", "psd", "eps", "ai"];

/// Names of parameters that tell versions of a file apart, whose content is the same kind.
const VERSIONS: [&str; 10] = [
    "v", "ver", "version", "t", "ts", "_", "hash", "rev", "cb", "m",
];

/// Names of parameters by which servers are asked for a small picture of a file.
const DRAWN: [&str; 8] = [
    "thumb",
    "thumbnail",
    "preview",
    "poster",
    "snapshot",
    "width",
    "height",
    "size",
];

impl LinkTarget {
    /// By the ending of a path, or of a reference that is not yet resolved.
    pub(super) fn of_path(path: &str) -> Self {
        let path = path.split('#').next().unwrap_or_default();
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let file = path.rsplit('/').next().unwrap_or_default();
        let Some((name, ending)) = file.rsplit_once('.') else {
            return Self::Page;
        };
        // Wikis describe pictures on pages that end like them: /wiki/File:Fish.jpg.
        if name.contains(':') || name.contains("%3A") {
            Self::Page
        } else if is_picture_ending(ending) {
            Self::Picture
        } else if is_in(&PROGRAMS, ending) || (is_in(&OTHERS, ending) && !asks_for_picture(query)) {
            Self::Other
        } else if is_converted(ending) && !chooses(query) {
            Self::Unread
        } else if is_in(&UNREAD, ending) && !chooses(query) {
            Self::Other
        } else {
            Self::Page
        }
    }

    /// Whether the query of a reference asks for a picture of what the path names.
    pub(super) fn asks_for_picture(reference: &str) -> bool {
        let reference = reference.split('#').next().unwrap_or_default();
        let (path, query) = reference.split_once('?').unwrap_or((reference, ""));
        let ending = path.rsplit_once('.').map(|(_, ending)| ending);
        Self::of_path(reference) == Self::Page
            && (names_format(query)
                || asks_for_picture(query) && ending.is_some_and(|it| is_in(&OTHERS, it)))
    }

    /// Whether the path of a reference ends like a document of HTML.
    pub(super) fn is_document(reference: &str) -> bool {
        let path = reference.split(['#', '?']).next().unwrap_or_default();
        let ending = path.rsplit_once('.').map(|(_, ending)| ending);
        ending.is_some_and(|ending| is_in(&DOCUMENTS, ending))
    }

    /// By a URL.
    pub(super) fn of_url(url: &CanonicalUrl) -> Self {
        Self::of_path(&url.as_url()[url::Position::BeforePath..])
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

/// Whether a query may choose the format: not one that only tells versions apart.
fn chooses(query: &str) -> bool {
    query.split('&').any(|parameter| {
        parameter
            .split_once('=')
            .is_some_and(|(name, _)| !is_in(&VERSIONS, name))
    })
}

/// Whether a query asks for a picture of a document or a film.
fn asks_for_picture(query: &str) -> bool {
    query
        .split('&')
        .any(|parameter| is_in(&DRAWN, parameter.split('=').next().unwrap_or_default()))
        || names_format(query)
}

/// Whether a query names the format of a picture that is to be sent.
fn names_format(query: &str) -> bool {
    let mut parameters = query.split('&').filter_map(|it| it.split_once('='));
    parameters.any(|(name, value)| {
        is_in(&["format", "fm", "output", "fmt", "ext"], name) && is_picture_ending(value)
    })
}

fn is_converted(ending: &str) -> bool {
    let format = Format::of_ending(ending);
    format.is_some_and(|format| CONVERTED.contains(&format) && !format.is_read())
}

fn is_in(endings: &[&str], ending: &str) -> bool {
    endings
        .iter()
        .any(|known| ending.eq_ignore_ascii_case(known))
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
            #[cfg(feature = "heic")]
            ("/a.heic", LinkTarget::Picture),
            #[cfg(not(feature = "heic"))]
            ("/a.heic", LinkTarget::Unread),
            ("/a.jp2", LinkTarget::Unread),
            ("/a.jp2#x", LinkTarget::Unread),
            ("/a.jp2?", LinkTarget::Unread),
            // The query says otherwise.
            ("/a.jp2?format=1500w", LinkTarget::Page),
            ("a.svg?output=png#x", LinkTarget::Page),
            ("/doc.pdf?page=1&format=png", LinkTarget::Page),
            ("/x.mp4?thumb=1", LinkTarget::Page),
            ("/x.mp4?token=abc", LinkTarget::Other),
            ("/feed.xml?format=xml", LinkTarget::Other),
            ("/app.js?width=2", LinkTarget::Other),
            ("/app.js?v=2", LinkTarget::Other),
            ("/logo.svg?ver=6.1", LinkTarget::Other),
            ("/logo.svg?8a7f", LinkTarget::Other),
            ("/font.ttf?a=b", LinkTarget::Other),
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
