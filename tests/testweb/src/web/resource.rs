//! What stands at one URL.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::opt_out::OptOut;
use super::page::{Page, Ref};
use super::picture::Picture;
use crate::reply::{Body, Reply};
use crate::server::Request;

/// When everything was last changed at epoch 0: 2024-01-01, in seconds since 1970.
const FIRST_CHANGE: u64 = 1_704_067_200;
/// Seconds between two epochs, as far as Last-Modified tells.
const DAY: u64 = 86_400;

/// What stands at a URL, and what a crawler should make of it.
#[derive(Debug)]
pub(super) struct Resource {
    pub(super) content: Content,
    /// Headers beyond those of the content.
    pub(super) headers: Vec<(&'static str, String)>,
    /// What the headers or the site declare for it.
    pub(super) opt_out: Option<OptOut>,
    /// Whether a crawler may leave the picture out, since the standards say both.
    pub(super) optional: bool,
    /// The answer to the first request, if that is another.
    pub(super) first: Option<Reply>,
    /// What is sent, if not the content as it should be.
    pub(super) sent: Option<Reply>,
    /// The epoch that changed it last.
    pub(super) changed: u64,
}

#[derive(Debug)]
pub(super) enum Content {
    Page(Page),
    Picture(Picture),
    /// A file that names URLs: a feed, a sitemap, a style sheet.
    List(List),
    /// A status and where it leads.
    Redirect(u16, String),
    /// Anything that gives a crawler nothing.
    Other(Reply),
}

#[derive(Debug)]
pub(super) struct List {
    pub(super) content_type: &'static str,
    pub(super) bytes: Vec<u8>,
    pub(super) refs: Vec<Ref>,
}

impl Resource {
    pub(super) fn new(content: Content) -> Self {
        Self {
            content,
            headers: Vec::new(),
            opt_out: None,
            optional: false,
            first: None,
            sent: None,
            changed: 0,
        }
    }

    pub(super) fn page(page: Page) -> Self {
        Self::new(Content::Page(page))
    }

    pub(super) fn redirect(status: u16, url: impl Into<String>) -> Self {
        Self::new(Content::Redirect(status, url.into()))
    }

    pub(super) fn other(reply: Reply) -> Self {
        Self::new(Content::Other(reply))
    }

    pub(super) fn list(content_type: &'static str, bytes: Vec<u8>, refs: Vec<Ref>) -> Self {
        Self::new(Content::List(List {
            content_type,
            bytes,
            refs,
        }))
    }

    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(super) fn opted_out(mut self, by: OptOut) -> Self {
        self.opt_out = Some(by);
        self
    }

    pub(super) fn sent_as(mut self, reply: Reply) -> Self {
        self.sent = Some(reply);
        self
    }

    pub(super) fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// The reply to a request, or 304 if the client has what stands here (RFC 9110, 13.1).
    pub(super) fn reply(self, request: &Request) -> Reply {
        let changed = UNIX_EPOCH + Duration::from_secs(FIRST_CHANGE + DAY * self.changed);
        let opted = u64::from(self.opt_out.is_some());
        if let Some(sent) = self.sent {
            return sent;
        }
        let (tag, reply) = match self.content {
            Content::Other(reply) => (None, reply),
            Content::Redirect(status, to) => (None, Reply::redirect(status, &to)),
            Content::Picture(picture) => {
                let tag = format!("\"{:016x}-{opted}\"", picture.seed);
                if unchanged(request, &tag, changed) {
                    (Some(tag), Reply::new(304))
                } else {
                    let reply = Reply::bytes(picture.content_type(), picture.bytes());
                    (Some(tag), reply)
                }
            }
            Content::Page(page) => of_bytes(request, page.content_type(), page.bytes(), changed),
            Content::List(list) => of_bytes(request, list.content_type, list.bytes, changed),
        };
        let mut reply = reply;
        for (name, value) in self.headers {
            // One type only: a header of the resource stands for the one of its content.
            reply
                .headers
                .retain(|(other, _)| !(name == "Content-Type" && other == name));
            reply = reply.header(name, &value);
        }
        match tag {
            Some(tag) => reply
                .header("ETag", &tag)
                .header("Last-Modified", &httpdate::fmt_http_date(changed)),
            None => reply,
        }
    }
}

fn of_bytes(
    request: &Request,
    content_type: &str,
    bytes: Vec<u8>,
    changed: SystemTime,
) -> (Option<String>, Reply) {
    let tag = format!("\"{}\"", &blake3::hash(&bytes).to_hex()[..16]);
    if unchanged(request, &tag, changed) {
        (Some(tag), Reply::new(304))
    } else {
        let body = Body::Bytes(Arc::from(bytes));
        (
            Some(tag),
            Reply::of(body).header("Content-Type", content_type),
        )
    }
}

/// Whether the client names this version; its date counts only if it names no tag.
fn unchanged(request: &Request, tag: &str, changed: SystemTime) -> bool {
    if let Some(tags) = request.header("if-none-match") {
        let mut tags = tags
            .split(',')
            .map(|tag| tag.trim().trim_start_matches("W/"));
        return tags.any(|other| other == tag || other == "*");
    }
    request
        .header("if-modified-since")
        .and_then(|date| httpdate::parse_http_date(date).ok())
        .is_some_and(|date| date >= changed)
}
