//! The one form in which URLs are compared, stored and fetched.

use std::fmt;

use serde::{Deserialize, Serialize};
use url::{Host, Url};

/// Longest URL that is kept, in bytes; longer ones are traps more often than pages.
const MAX_LEN: usize = 2_048;

/// An http or https URL in canonical form: lower-case host without a trailing dot, no
/// default port, no dot segments, no fragment, no user or password, percent-escapes in
/// upper case and only where needed (RFC 3986, section 6.2.2).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CanonicalUrl(Url);

/// The identity of a URL: the first 16 bytes of the BLAKE3 hash of its canonical form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct UrlId(pub(crate) [u8; 16]);

/// The identity of a host name or literal address, whatever its scheme and port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct HostId(pub(crate) [u8; 8]);

/// Why a text is no URL that simdex fetches.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// It does not parse.
    #[error("not a URL: {0}")]
    Parse(#[from] url::ParseError),
    /// It is neither http nor https.
    #[error("only http and https URLs are fetched, not {0}:")]
    Scheme(String),
    /// It names no host.
    #[error("the URL names no host")]
    NoHost,
    /// It is too long.
    #[error("the URL is longer than {MAX_LEN} bytes")]
    TooLong,
}

impl CanonicalUrl {
    /// Parses an absolute URL.
    ///
    /// # Errors
    /// If it is not an http or https URL with a host.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        Self::new(Url::parse(text.trim())?)
    }

    /// Resolves a reference found on a page against the page's base.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn join(base: &Url, reference: &str) -> Result<Self, UrlError> {
        Self::new(base.join(reference.trim())?)
    }

    fn new(mut url: Url) -> Result<Self, UrlError> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(UrlError::Scheme(url.scheme().to_owned()));
        }
        match url.host() {
            None => return Err(UrlError::NoHost),
            Some(Host::Domain(domain)) if domain.ends_with('.') => {
                let bare = domain.trim_end_matches('.').to_owned();
                url.set_host(Some(&bare))?;
            }
            Some(_) => {}
        }
        url.set_fragment(None);
        // An http URL with a host can always do without; the results say nothing new.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        let path = normalize_escapes(url.path());
        url.set_path(&path);
        if let Some(query) = url.query().map(normalize_escapes) {
            url.set_query((!query.is_empty()).then_some(query.as_str()));
        }
        if url.as_str().len() > MAX_LEN {
            return Err(UrlError::TooLong);
        }
        Ok(Self(url))
    }

    /// The URL.
    pub fn as_url(&self) -> &Url {
        &self.0
    }

    /// The canonical text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The URL's identity.
    pub fn id(&self) -> UrlId {
        UrlId(truncated(self.as_str().as_bytes()))
    }

    /// The host's name as text, brackets around IPv6.
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// The host's identity.
    pub fn host_id(&self) -> HostId {
        HostId::of(self.host())
    }

    /// Scheme, host and port: what one robots.txt governs (RFC 9309, section 2.3).
    pub fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }
}

impl fmt::Display for CanonicalUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl HostId {
    /// The identity of a host by its name.
    pub fn of(host: &str) -> Self {
        Self(truncated(host.as_bytes()))
    }
}

fn truncated<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut id = [0; N];
    id.copy_from_slice(&blake3::hash(bytes).as_bytes()[..N]);
    id
}

/// Escapes of unreserved characters are decoded, all others written in upper case.
fn normalize_escapes(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        let start = text.len() - rest.len() + at;
        let digit = |i: usize| bytes.get(start + i).and_then(|b| (*b as char).to_digit(16));
        match (digit(1), digit(2)) {
            (Some(high), Some(low)) => {
                // Two hexadecimal digits are below 256.
                let byte = (high * 16 + low) as u8;
                if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                    out.push(byte as char);
                } else {
                    out.push_str(&format!("%{byte:02X}"));
                }
                rest = &rest[at + 3..];
            }
            _ => {
                out.push('%');
                rest = &rest[at + 1..];
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(text: &str) -> String {
        CanonicalUrl::parse(text).unwrap().to_string()
    }

    #[test]
    fn equal_urls_become_one() {
        let expected = "http://example.org/a/c?q=%C3%A9";
        for text in [
            "HTTP://Example.ORG:80/a/b/../c?q=%c3%a9#part",
            "http://user:secret@example.org./%61/c?q=é",
            " http://example.org/./a/c?q=%C3%A9 ",
        ] {
            assert_eq!(canonical(text), expected);
        }
        assert_eq!(
            canonical("https://bücher.example"),
            "https://xn--bcher-kva.example/"
        );
        assert_eq!(canonical("http://example.org/?"), "http://example.org/");
    }

    #[test]
    fn reserved_escapes_stay() {
        assert_eq!(canonical("http://h/a%2fb%zz%7e"), "http://h/a%2Fb%zz~");
    }

    #[test]
    fn only_the_web() {
        for text in ["ftp://h/x", "file:///etc/passwd", "data:,x", "javascript:1"] {
            assert!(
                matches!(CanonicalUrl::parse(text), Err(UrlError::Scheme(_))),
                "{text}"
            );
        }
        assert!(matches!(
            CanonicalUrl::parse("no url"),
            Err(UrlError::Parse(_))
        ));
        let long = format!("http://h/{}", "x".repeat(MAX_LEN));
        assert_eq!(CanonicalUrl::parse(&long), Err(UrlError::TooLong));
    }

    #[test]
    fn references_resolve() {
        let base = Url::parse("https://h/a/b.html").unwrap();
        assert_eq!(
            CanonicalUrl::join(&base, "../c.jpg").unwrap().as_str(),
            "https://h/c.jpg"
        );
        assert_eq!(CanonicalUrl::join(&base, "//i/x").unwrap().host(), "i");
    }
}
