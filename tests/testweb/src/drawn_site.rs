//! The site of `simdex demo` behind the server that keeps a log, and what a test may know of it.

use std::sync::Arc;

use simdex::demo::gallery;
use simdex::demo::site::{Content, Error, Resource, Site, unescape};

use crate::reply::{Body, Reply};
use crate::server::{Handler, Request};

/// Paths that pages link but robots.txt forbids.
pub const CLOSED: [&str; 3] = [
    "/private/sunset.jpg",
    "/private/car.jpg",
    "/private/diary.html",
];
/// Paths that pages link but that do not exist.
pub const MISSING: [&str; 1] = ["/pictures/lost.jpg"];
/// The paths of two pictures with the same bytes.
pub const TWINS: [(&str, &str); 1] = [("/pictures/lake-0.jpg", "/travel/north/lake.jpg")];
/// The icon, a picture that no page shows.
const ICON: &str = "/favicon.png";

/// The site of drawn pictures.
#[derive(Debug, Clone)]
pub struct DrawnSite(Site);

impl DrawnSite {
    /// Draws the pictures, which takes a moment.
    ///
    /// # Errors
    ///
    /// A picture could not be encoded.
    pub fn draw() -> Result<Self, Error> {
        gallery::site().map(Self)
    }

    /// The paths of the pictures that a crawler should fetch: open ones, and of those in
    /// several sizes only the largest.
    pub fn pictures(&self) -> impl Iterator<Item = &str> {
        let wanted =
            |path: &&str| *path != ICON && !CLOSED.contains(path) && !path.ends_with("-small.jpg");
        self.0.picture_paths().filter(wanted)
    }
}

impl Handler for DrawnSite {
    fn reply(&self, request: &Request) -> Reply {
        if !matches!(request.method.as_str(), "GET" | "HEAD") {
            return Reply::new(405).header("Allow", "GET, HEAD");
        }
        let path = unescape(request.path());
        match path.and_then(|path| self.0.resource(&path).map(reply)) {
            Some(reply) => reply,
            None => Reply::not_found(),
        }
    }
}

fn reply(resource: &Resource) -> Reply {
    let body = match &resource.content {
        Content::Bytes(bytes) => Body::Bytes(Arc::clone(bytes)),
        Content::File(path) => Body::File(path.clone()),
    };
    Reply::of(body).header("Content-Type", resource.content_type)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tests_know_of_the_site_is_so() {
        let site = DrawnSite::draw().unwrap();
        let bytes = |path: &str| match &site.0.resource(path)?.content {
            Content::Bytes(bytes) => Some(Arc::clone(bytes)),
            Content::File(_) => None,
        };
        assert!(CLOSED.iter().all(|path| bytes(path).is_some()));
        assert!(MISSING.iter().all(|path| bytes(path).is_none()));
        for (one, other) in TWINS {
            assert!(bytes(one).is_some() && bytes(one) == bytes(other), "{one}");
        }
        assert!(site.pictures().count() > 60);
    }
}
