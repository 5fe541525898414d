//! The style sheet and the script, compiled in.

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::IntoResponse;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("page.js");

/// Another version of simdex may have another at the same port.
const FOR_AN_HOUR: &str = "private, max-age=3600";

pub(super) async fn style() -> impl IntoResponse {
    let head = [
        (CONTENT_TYPE, "text/css; charset=utf-8"),
        (CACHE_CONTROL, FOR_AN_HOUR),
    ];
    (head, STYLE)
}

pub(super) async fn script() -> impl IntoResponse {
    let head = [
        (CONTENT_TYPE, "text/javascript; charset=utf-8"),
        (CACHE_CONTROL, FOR_AN_HOUR),
    ];
    (head, SCRIPT)
}
