//! Content codings (RFC 9110, section 8.4.1): which were applied to a body.

use std::fmt;

use encoding_rs::Encoding;
use reqwest::header::{CONTENT_ENCODING, HeaderMap, HeaderName, TRANSFER_ENCODING};

use crate::crawl::header_text::header_text;

/// The codings that are asked for (Accept-Encoding).
pub(super) const ACCEPTED: &str = "gzip, deflate, br, zstd";
/// Most codings of one body that are undone; nobody applies more than two.
const MOST: usize = 5;

/// A coding that is undone here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ContentCoding {
    /// RFC 1952.
    Gzip,
    /// RFC 1950; from some servers RFC 1951, without the wrapping.
    Deflate,
    /// RFC 7932.
    Brotli,
    /// RFC 8878.
    Zstd,
}

impl fmt::Display for ContentCoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            Self::Brotli => "br",
            Self::Zstd => "zstd",
        })
    }
}

/// The codings of an answer in the order in which they were applied. Their names have aliases,
/// come in any case and stand in lists, over several fields too. Names of character sets and
/// other words for bytes as they are, which servers send in this place, name no coding.
///
/// # Errors
/// The name of a coding that cannot be undone.
pub(super) fn content_codings(headers: &HeaderMap) -> Result<Vec<ContentCoding>, String> {
    let mut codings = names(headers, &CONTENT_ENCODING);
    // Few send codings as those of the transfer; the framing itself is the client's.
    let transfer = names(headers, &TRANSFER_ENCODING);
    codings.extend(transfer.into_iter().filter(|name| name != "chunked"));
    let codings = codings.into_iter().filter(|name| !is_identity(name));
    let codings: Vec<ContentCoding> = codings
        .map(|name| coding(&name))
        .collect::<Result<_, _>>()?;
    if codings.len() > MOST {
        return Err(format!("more than {MOST} codings"));
    }
    Ok(codings)
}

/// The names in all fields of this name, in lower case and without parameters.
fn names(headers: &HeaderMap, field: &HeaderName) -> Vec<String> {
    let values = headers.get_all(field).iter();
    let values: Vec<_> = values.map(|value| header_text(value.as_bytes())).collect();
    let names = values.iter().flat_map(|value| value.split(','));
    let names = names.map(|name| {
        let name = name.split(';').next().unwrap_or_default();
        let name = name.trim_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\''));
        name.to_ascii_lowercase()
    });
    names.filter(|name| !name.is_empty()).collect()
}

fn coding(name: &str) -> Result<ContentCoding, String> {
    match name.strip_prefix("x-").unwrap_or(name) {
        "gzip" | "gz" => Ok(ContentCoding::Gzip),
        "deflate" | "zlib" => Ok(ContentCoding::Deflate),
        "br" | "brotli" => Ok(ContentCoding::Brotli),
        "zstd" => Ok(ContentCoding::Zstd),
        _ => Err(name.chars().take(64).collect()),
    }
}

/// Whether a name stands for bytes as they are.
fn is_identity(name: &str) -> bool {
    matches!(
        name,
        // `aws-chunked` is what some stores of files forget to take away.
        "identity" | "none" | "null" | "binary" | "7bit" | "8bit" | "aws-chunked"
    ) || Encoding::for_label_no_replacement(name.as_bytes()).is_some()
}

#[cfg(test)]
mod tests {
    use super::ContentCoding::{Brotli, Deflate, Gzip, Zstd};
    use super::*;
    use reqwest::header::HeaderValue;

    fn read(values: &[&str]) -> Result<Vec<ContentCoding>, String> {
        let mut headers = HeaderMap::new();
        for value in values {
            let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
            headers.append(CONTENT_ENCODING, value);
        }
        content_codings(&headers)
    }

    #[test]
    fn names_have_aliases_cases_and_lists() {
        for (values, expected) in [
            (&["gzip"][..], &[Gzip][..]),
            (&["GZIP"], &[Gzip]),
            (&["x-gzip"], &[Gzip]),
            (&["X-GZip "], &[Gzip]),
            (&["Deflate"], &[Deflate]),
            (&["br"], &[Brotli]),
            (&["zstd"], &[Zstd]),
            (&["deflate, gzip"], &[Deflate, Gzip]),
            (&["gzip", "br"], &[Gzip, Brotli]),
            (&[" , gzip ,"], &[Gzip]),
            (&["gzip;q=1.0"], &[Gzip]),
            (&["\"gzip\""], &[Gzip]),
            (&["identity, gzip"], &[Gzip]),
            (&["identity"], &[]),
            (&["UTF-8"], &[]),
            (&["none"], &[]),
            (&["aws-chunked"], &[]),
            (&[""], &[]),
        ] {
            assert_eq!(read(values).unwrap(), expected, "{values:?}");
        }
    }

    #[test]
    fn what_cannot_be_undone_is_named() {
        for (value, name) in [
            ("compress", "compress"),
            ("gzip, foo", "foo"),
            ("gzip gzip", "gzip gzip"),
            ("gz\u{e9}p", "gz\u{e9}p"),
        ] {
            assert_eq!(read(&[value]), Err(name.to_owned()));
        }
        assert!(read(&["gzip, gzip, gzip, gzip, gzip, gzip"]).is_err());
    }

    #[test]
    fn codings_of_the_transfer_are_undone_first() {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("br"));
        headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("gzip, chunked"));
        assert_eq!(content_codings(&headers).unwrap(), [Brotli, Gzip]);
    }
}
