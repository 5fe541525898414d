//! Ways to misbehave, each on a host of its own beside proper pictures.

use std::time::{Duration, SystemTime};

use super::bomb;
use super::feature::{Feature, Site};
use super::page::{Page, Shown};
use super::resource::{Content, Resource};
use crate::reply::{Body, Reply};

/// How a host misbehaves. Its first page shows `/good-1.png`, `/fault.png` and `/good-2.png`
/// and links `/fault.html` and `/fine.html`, which shows `/good-3.png`. What begins with
/// `/fault` misbehaves, the rest is as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fault {
    /// The connection is closed instead of an answer.
    Drop,
    /// The connection is reset instead of an answer.
    Reset,
    /// No answer ever comes.
    Hang,
    /// Nothing comes after the head.
    HangAfterHeaders,
    /// One byte comes each second.
    Drip,
    /// The body does not end before a gibibyte.
    Endless,
    /// A chunk is no chunk.
    BrokenChunks,
    /// The body is shorter than its length says, but it is all there.
    ShortBody,
    /// The body is longer than its length says.
    LongBody,
    /// A gibibyte in gzip.
    GzipBomb,
    /// A gibibyte in Brotli.
    BrotliBomb,
    /// Said to be gzip, but is not. A picture can be told all the same.
    BrokenGzip,
    /// A PNG that claims 3.6 billion pixels; a page 100,000 elements deep.
    Huge,
    /// Two URLs redirect to each other.
    Loop,
    /// Redirects that go on and on.
    Chain,
    /// Redirects to private addresses (RFC 1918) and to the one that clouds give metadata on.
    Private,
    /// A redirect to a closed port of this machine; one to a file.
    Closed,
    /// A redirect to nowhere.
    Nowhere,
    /// Always 500.
    Broken,
    /// Always 503, with `Retry-After: 1`.
    Unavailable,
    /// 429 once, and then what should be there.
    BusyOnce,
    /// 429 with `Retry-After` in seconds once, and then what should be there.
    BusySeconds,
    /// 503 once, and then what should be there.
    PauseOnce,
    /// 503 with `Retry-After` as a date once, and then what should be there.
    PauseDate,
    /// Headers that are none.
    BadHeaders,
    /// A head of a mebibyte.
    LongHead,
    /// Another protocol.
    NotHttp,
    /// A page that is said to be UTF-16 and is not; a charset that does not exist.
    Charset,
    /// A page where a picture should be, and a picture where a page should be.
    Swapped,
    /// Half a picture with its right length.
    Half,
}

impl Fault {
    /// The answer to both `/fault.png` and `/fault.html`, where it is the same.
    fn reply(self, site: &Site<'_>, target: &str) -> Reply {
        let picture = || site.picture_file(target, 0).bytes();
        let page = || Page::new("Never seen").bytes();
        let page_asked = target.ends_with(".html");
        let content_type = if page_asked { "text/html" } else { "image/png" };
        let content = if page_asked { page() } else { picture() };
        let length = content.len() as u64;
        let of = |body: Body| Reply::of(body).header("Content-Type", content_type);
        let bytes = || content.clone().into();
        let raw = |text: String| Reply::of(Body::Raw(text.into_bytes().into()));
        let away = |to: &str| Reply::redirect(302, to);
        match self {
            Self::Drop => raw(String::new()),
            Self::Reset => Reply::of(Body::Reset),
            Self::Hang => Reply::of(Body::HangBeforeHeaders),
            Self::HangAfterHeaders => of(Body::HangAfterHeaders),
            Self::Drip => of(Body::Drip {
                bytes: bytes(),
                every: Duration::from_secs(1),
            }),
            Self::Endless => of(Body::Endless),
            Self::BrokenChunks => of(Body::BrokenChunks),
            Self::ShortBody => of(Body::WrongLength {
                bytes: bytes(),
                claimed: length + 100_000,
            }),
            Self::LongBody => of(Body::WrongLength {
                bytes: bytes(),
                claimed: length / 2,
            }),
            Self::GzipBomb => {
                of(Body::Bytes(bomb::GZIP.clone())).header("Content-Encoding", "gzip")
            }
            Self::BrotliBomb => {
                of(Body::Bytes(bomb::BROTLI.clone())).header("Content-Encoding", "br")
            }
            Self::BrokenGzip => of(Body::Bytes(bytes())).header("Content-Encoding", "gzip"),
            Self::Huge if page_asked => Reply::html("<div>".repeat(100_000)),
            Self::Huge => of(Body::Bytes(bomb::PNG.clone())),
            Self::Loop if target.ends_with("?back") => away(target.trim_end_matches("?back")),
            Self::Loop => away(&format!("{target}?back")),
            Self::Chain => {
                let (path, step) = target.split_once('?').unwrap_or((target, "0"));
                let step: u64 = step.parse().unwrap_or(0);
                away(&format!("{path}?{}", step.wrapping_add(1)))
            }
            Self::Private if page_asked => away("http://169.254.169.254/latest/meta-data/"),
            Self::Private => away("http://10.0.0.1/picture.png"),
            Self::Closed if page_asked => away("file:///etc/passwd"),
            // The port of the discard service, which next to no machine offers.
            Self::Closed => away("http://127.0.0.1:9/picture.png"),
            Self::Nowhere => Reply::new(302),
            Self::Unavailable => Reply::new(503).header("Retry-After", "1"),
            Self::BadHeaders => {
                raw("HTTP/1.1 200 OK\r\nno colon here\r\n\x01\x02: \x03\r\n\r\nx".into())
            }
            Self::LongHead => raw(format!(
                "HTTP/1.1 200 OK\r\nX: {}\r\n\r\n",
                "x".repeat(1 << 20)
            )),
            Self::NotHttp => raw("220 mail.test ESMTP ready\r\n".into()),
            Self::Half => of(Body::Bytes(content[..content.len() / 2].into())),
            Self::Broken
            | Self::BusyOnce
            | Self::BusySeconds
            | Self::PauseOnce
            | Self::PauseDate
            | Self::Charset
            | Self::Swapped => Reply::new(500),
        }
    }

    /// What the faults that pass answer first.
    fn first(self) -> Option<Reply> {
        Some(match self {
            Self::BusyOnce => Reply::new(429),
            Self::BusySeconds => Reply::new(429).header("Retry-After", "1"),
            Self::PauseOnce => Reply::new(503),
            Self::PauseDate => {
                let soon = SystemTime::now() + Duration::from_secs(2);
                Reply::new(503).header("Retry-After", &httpdate::fmt_http_date(soon))
            }
            _ => return None,
        })
    }

    /// What misbehaves.
    fn fault(self, site: &Site<'_>, target: &str) -> Resource {
        let picture = || site.picture(target);
        let page =
            || Resource::page(Page::new("After all").show(Shown::Image, site.url("/behind.png")));
        match (self, target) {
            (Self::ShortBody | Self::BrokenGzip, "/fault.png") => {
                picture().sent_as(self.reply(site, target))
            }
            (Self::Swapped, "/fault.png") => {
                Resource::other(Reply::bytes("image/png", Page::new("Not here").bytes()))
            }
            (Self::Swapped, "/fault.html") => {
                picture().header("Content-Type", "text/html").optional()
            }
            (Self::Charset, "/fault.png") => picture()
                .header("Content-Type", "image/png; charset=klingon")
                .optional(),
            (Self::Charset, "/fault.html") => page()
                .header("Content-Type", "text/html; charset=utf-16le")
                .optional(),
            (_, "/fault.png" | "/fault.html") => match self.first() {
                Some(first) => {
                    let mut resource = if target == "/fault.png" {
                        picture()
                    } else {
                        page()
                    };
                    resource.first = Some(first);
                    resource
                }
                None => Resource::other(self.reply(site, target)),
            },
            _ => Resource::other(self.reply(site, target)),
        }
    }
}

impl Feature for Fault {
    const GROUP: &'static str = "bad";
    const ALL: &'static [Self] = &[
        Self::Drop,
        Self::Reset,
        Self::Hang,
        Self::HangAfterHeaders,
        Self::Drip,
        Self::Endless,
        Self::BrokenChunks,
        Self::ShortBody,
        Self::LongBody,
        Self::GzipBomb,
        Self::BrotliBomb,
        Self::BrokenGzip,
        Self::Huge,
        Self::Loop,
        Self::Chain,
        Self::Private,
        Self::Closed,
        Self::Nowhere,
        Self::Broken,
        Self::Unavailable,
        Self::BusyOnce,
        Self::BusySeconds,
        Self::PauseOnce,
        Self::PauseDate,
        Self::BadHeaders,
        Self::LongHead,
        Self::NotHttp,
        Self::Charset,
        Self::Swapped,
        Self::Half,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Drop => "drop",
            Self::Reset => "reset",
            Self::Hang => "hang",
            Self::HangAfterHeaders => "hang-after-headers",
            Self::Drip => "drip",
            Self::Endless => "endless",
            Self::BrokenChunks => "broken-chunks",
            Self::ShortBody => "short-body",
            Self::LongBody => "long-body",
            Self::GzipBomb => "gzip-bomb",
            Self::BrotliBomb => "brotli-bomb",
            Self::BrokenGzip => "broken-gzip",
            Self::Huge => "huge",
            Self::Loop => "loop",
            Self::Chain => "chain",
            Self::Private => "private",
            Self::Closed => "closed",
            Self::Nowhere => "nowhere",
            Self::Broken => "broken",
            Self::Unavailable => "unavailable",
            Self::BusyOnce => "busy-once",
            Self::BusySeconds => "busy-seconds",
            Self::PauseOnce => "pause-once",
            Self::PauseDate => "pause-date",
            Self::BadHeaders => "bad-headers",
            Self::LongHead => "long-head",
            Self::NotHttp => "not-http",
            Self::Charset => "charset",
            Self::Swapped => "swapped",
            Self::Half => "half",
        }
    }

    fn resource(self, site: &Site<'_>, target: &str) -> Option<Resource> {
        Some(match target {
            "/robots.txt" => Resource::other(Reply::not_found()),
            "/" => Resource::page(
                Page::new(self.name())
                    .show(Shown::Image, site.url("/good-1.png"))
                    .show(Shown::Image, site.url("/fault.png"))
                    .show(Shown::Image, site.url("/good-2.png"))
                    .show(Shown::Link, site.url("/fault.html"))
                    .show(Shown::Link, site.url("/fine.html")),
            ),
            "/good-1.png" | "/good-2.png" | "/good-3.png" => site.picture(target),
            "/behind.png" => Resource {
                optional: self == Self::Charset,
                ..Resource::new(Content::Picture(site.picture_file(target, 0)))
            },
            "/fine.html" => {
                Resource::page(Page::new("Fine").show(Shown::Image, site.url("/good-3.png")))
            }
            _ if target.starts_with("/fault.") => self.fault(site, target),
            _ => return None,
        })
    }
}
