//! The one form in which URLs are compared, stored and fetched.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};
use url::{Host, Url};

/// Longest URL that is kept, in bytes; longer ones are traps more often than pages.
const MAX_LEN: usize = 2_048;

/// An http or https URL in canonical form (RFC 3986, section 6.2, as far as no resource is
/// mistaken for another): lower-case ASCII host without a trailing dot, no default port, no dot
/// segments, no fragment, no user or password, no empty query, percent-escapes in upper case,
/// for every character that is not allowed in a URL and for no unreserved one.
///
/// Canonicalising twice changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CanonicalUrl(Url);

/// The identity of a URL: the first 16 bytes of the BLAKE3 hash of its canonical form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct UrlId(pub(crate) [u8; 16]);

/// The identity of a host name or literal address, whatever its scheme and port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct HostId(pub(crate) [u8; 8]);

/// Why a text is not a URL that simdex fetches.
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
    /// Its host is no name that can be resolved (RFC 1035, section 2.3.4).
    #[error("no name that can be resolved: {0}")]
    HostName(String),
    /// Its port is 0, where nobody listens.
    #[error("nobody listens on port 0")]
    Port,
    /// It has a user name or a password.
    #[error(
        "user names and passwords in URLs are not sent; put them into the configuration as \
         [crawl.host.\"{0}\"] headers = {{ Authorization = \"Basic ...\" }}, with the base64 of \
         NAME:PASSWORD"
    )]
    Credentials(String),
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

    /// Parses an absolute URL that the user names, who is to know that a password in it is not
    /// sent.
    ///
    /// # Errors
    /// As [`Self::parse`], and if it has a user name or a password.
    pub fn given(text: &str) -> Result<Self, UrlError> {
        let url = Url::parse(text.trim())?;
        let has_credentials = !url.username().is_empty() || url.password().is_some();
        let url = Self::new(url)?;
        match has_credentials {
            true => Err(UrlError::Credentials(url.host().to_owned())),
            false => Ok(url),
        }
    }

    /// Resolves a reference found on a page against the page's base.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn join(base: &Url, reference: &str) -> Result<Self, UrlError> {
        Self::new(base.join(reference.trim())?)
    }

    /// The same, with the characters of the query as bytes in the page's encoding (URL standard,
    /// "query state"): `encode` gives those of a text that is not ASCII.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn join_encoded(
        base: &Url,
        reference: &str,
        encode: &dyn Fn(&str) -> Cow<'_, [u8]>,
    ) -> Result<Self, UrlError> {
        let options = Url::options().base_url(Some(base));
        let options = options.encoding_override(Some(encode));
        Self::new(options.parse(reference.trim())?)
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
        // The dots may have hidden an address, so this comes after them.
        if let Some(Host::Domain(domain)) = url.host()
            && !is_resolvable(domain)
        {
            return Err(UrlError::HostName(domain.to_owned()));
        }
        if url.port() == Some(0) {
            return Err(UrlError::Port);
        }
        url.set_fragment(None);
        // An http URL with a host can always be without them, so these calls cannot fail.
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
        UrlId::of(self.as_str())
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

impl UrlId {
    /// The identity of a text in canonical form.
    pub(crate) fn of(text: &str) -> Self {
        Self(truncated(text.as_bytes()))
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

/// Whether a name has only labels of 1 to 63 bytes and at most 253 bytes in all.
fn is_resolvable(domain: &str) -> bool {
    domain.len() <= 253
        && domain
            .split('.')
            .all(|label| (1..=63).contains(&label.len()))
}

/// Escapes of unreserved characters are decoded, all others written in upper case.
/// Characters that RFC 3986 has no place for, though the URL standard leaves them in paths
/// or queries, are escaped.
fn normalize_escapes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    // Where the last `%` that begins no escape ends.
    let mut stray = None::<usize>;
    let mut rest = text;
    while let Some(at) = rest.find(|c| c == '%' || is_misplaced(c)) {
        out.push_str(&rest[..at]);
        let found = rest.as_bytes()[at];
        let digit = |i: usize| {
            let digit = rest.as_bytes().get(at + i)?;
            (*digit as char).to_digit(16)
        };
        if found != b'%' {
            out.push_str(&format!("%{found:02X}"));
            rest = &rest[at + 1..];
        } else if let (Some(high), Some(low)) = (digit(1), digit(2)) {
            // Two hexadecimal digits are below 256.
            let byte = (high * 16 + low) as u8;
            let is_unreserved = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
            // Decoded digits must not turn a stray `%` into a new escape: `%%34%31`.
            let would_escape = byte.is_ascii_hexdigit()
                && stray.is_some_and(|end| {
                    let since = &out[end..];
                    since.len() < 2 && since.bytes().all(|c| c.is_ascii_hexdigit())
                });
            if is_unreserved && !would_escape {
                out.push(byte as char);
            } else {
                out.push_str(&format!("%{byte:02X}"));
            }
            rest = &rest[at + 3..];
        } else {
            out.push('%');
            stray = Some(out.len());
            rest = &rest[at + 1..];
        }
    }
    out.push_str(rest);
    out
}

/// Visible ASCII that is neither reserved nor unreserved nor `%`.
fn is_misplaced(c: char) -> bool {
    matches!(c, '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '|' | '}')
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
    fn what_is_not_sent_is_refused_to_users() {
        for text in ["http://u:p@h/", "https://u@h/", "http://:p@h/"] {
            let error = CanonicalUrl::given(text).unwrap_err();
            assert_eq!(error, UrlError::Credentials("h".to_owned()));
            assert!(error.to_string().contains("[crawl.host.\"h\"]"), "{error}");
        }
        for text in ["http://h/", "http://h/u:p@h", "http://@h/"] {
            assert!(CanonicalUrl::given(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn reserved_escapes_stay() {
        assert_eq!(canonical("http://h/a%2fb%zz%7e"), "http://h/a%2Fb%zz~");
    }

    #[test]
    fn hosts_have_one_form() {
        for (text, expected) in [
            ("http://EXAMPLE.org:80", "http://example.org/"),
            ("https://example.org:443/", "https://example.org/"),
            ("http://example.org:/", "http://example.org/"),
            ("http://example.org:0080/", "http://example.org/"),
            ("http://example.org:443/", "http://example.org:443/"),
            ("http://example.org...:8080/", "http://example.org:8080/"),
            ("http://ex%61mple.org/", "http://example.org/"),
            ("http://\u{ff45}xample\u{3002}org/", "http://example.org/"),
            ("http://FA\u{df}.example/", "http://xn--fa-hia.example/"),
            (
                "http://XN--Bcher-KVA.example/",
                "http://xn--bcher-kva.example/",
            ),
            ("http://my_host/", "http://my_host/"),
            ("http://2130706433/", "http://127.0.0.1/"),
            ("http://0x7f.1/", "http://127.0.0.1/"),
            ("http://127.0.0.1../", "http://127.0.0.1/"),
            ("http://[0:0::0001]:80/", "http://[::1]/"),
            ("http://@example.org", "http://example.org/"),
            ("http://user@example.org", "http://example.org/"),
            ("http://:secret@example.org", "http://example.org/"),
            ("http:\\\\example.org\\a", "http://example.org/a"),
        ] {
            assert_eq!(canonical(text), expected, "{text}");
        }
    }

    #[test]
    fn hosts_that_cannot_be() {
        let long_label = format!("http://{}.example/", "a".repeat(64));
        let long_name = format!("http://{}example/", "a.".repeat(124));
        for text in ["http://a..b/", "http://.a/", &long_label, &long_name] {
            let error = CanonicalUrl::parse(text).unwrap_err();
            assert!(matches!(error, UrlError::HostName(_)), "{text}: {error}");
        }
        assert_eq!(CanonicalUrl::parse("http://h:0/"), Err(UrlError::Port));
        for text in [
            "http://",
            "http://./",
            "http://h:65536/",
            "http://a b/",
            "http://1.2.3.256/",
            "http://[::1%25eth0]/",
            "http://xn--/",
            "http://a%2Fb/",
        ] {
            let error = CanonicalUrl::parse(text).unwrap_err();
            assert!(matches!(error, UrlError::Parse(_)), "{text}: {error}");
        }
    }

    #[test]
    fn paths_and_queries_have_one_form() {
        for (text, expected) in [
            ("/a/./b/../c", "/a/c"),
            ("/../../a", "/a"),
            ("/a/%2e/b/%2E%2e/c/.%2e", "/a/"),
            ("/a/...", "/a/..."),
            ("//a//", "//a//"),
            ("/A/b", "/A/b"),
            ("/a\\b", "/a/b"),
            ("/a%5cb", "/a%5Cb"),
            ("/\u{fc}", "/%C3%BC"),
            ("/%c3%bc%41%7E", "/%C3%BCA~"),
            ("/a b\tc\nd", "/a%20bcd"),
            ("/a;b=1,2", "/a;b=1,2"),
            ("/a%3Bb%3d1%2c2", "/a%3Bb%3D1%2C2"),
            ("/{a}|b^`c`", "/%7Ba%7D%7Cb%5E%60c%60"),
            ("/?q={a}|b^`c`\\", "/?q=%7Ba%7D%7Cb%5E%60c%60%5C"),
            ("/?q='a'", "/?q=%27a%27"),
            ("/?q=a+b%20c%2B", "/?q=a+b%20c%2B"),
            ("/?b=2&a=1", "/?b=2&a=1"),
            ("/?a=%26%3d%23", "/?a=%26%3D%23"),
            ("/a??", "/a??"),
            ("/a?#b", "/a"),
            ("/a#", "/a"),
            ("/50%", "/50%"),
            ("/%%34%31", "/%%341"),
            ("/%4%31", "/%4%31"),
            ("/%zz%2541", "/%zz%2541"),
        ] {
            let text = format!("http://h{text}");
            let once = canonical(&text);
            assert_eq!(once.strip_prefix("http://h"), Some(expected), "{text}");
        }
    }

    #[test]
    fn the_canonical_form_is_its_own() {
        // All texts of five of these, which is where escapes meet.
        let parts = ["%", "4", "1", "%2", "e", "/", "?", "%25", "|", "."];
        for n in 0..parts.len().pow(5) {
            let mut text = String::from("http://h/");
            let mut left = n;
            for _ in 0..5 {
                text.push_str(parts[left % parts.len()]);
                left /= parts.len();
            }
            let once = canonical(&text);
            assert_eq!(canonical(&once), once, "{text}");
        }
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
