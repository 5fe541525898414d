//! Whose page a request comes from, by what browsers say of it.

use axum::http::header::ORIGIN;
use axum::http::{HeaderMap, Method};

use super::{Wrong, changes, one};

const SITE: &str = "sec-fetch-site";

/// A page of another origin is refused, and for what changes anything another page than our own.
pub(super) fn check(headers: &HeaderMap, method: &Method, host: &str) -> Result<(), Wrong> {
    let foreign = headers.contains_key(ORIGIN) && !is_own_origin(headers, host);
    let other_page = headers.contains_key(SITE) && one(headers, SITE) != Some("same-origin");
    match foreign || (changes(method) && other_page) {
        true => Err(Wrong::Origin),
        false => Ok(()),
    }
}

/// Whether a browser says that it is our own page.
pub(super) fn is_own(headers: &HeaderMap, host: &str) -> bool {
    is_own_origin(headers, host) && one(headers, SITE) == Some("same-origin")
}

fn is_own_origin(headers: &HeaderMap, host: &str) -> bool {
    let origin = one(headers, ORIGIN.as_str());
    let origin = origin.and_then(|origin| origin.strip_prefix("http://"));
    origin.is_some_and(|origin| origin.eq_ignore_ascii_case(host))
}
