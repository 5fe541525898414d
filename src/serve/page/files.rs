//! The style sheet, the scripts and the icon, compiled in.

use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};

use crate::serve::problem::Problem;

const STYLE: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

macro_rules! file {
    ($name:literal, $kind:expr) => {
        ($name, $kind, include_str!(concat!("files/", $name)))
    };
}

/// All of them: name, type, text.
const FILES: [(&str, &str, &str); 14] = [
    file!("icon.svg", "image/svg+xml"),
    file!("style.css", STYLE),
    file!("page.js", SCRIPT),
    file!("drop.js", SCRIPT),
    file!("grid.js", SCRIPT),
    file!("refine.js", SCRIPT),
    file!("pair.js", SCRIPT),
    file!("follow.js", SCRIPT),
    file!("map.js", SCRIPT),
    file!("groups.js", SCRIPT),
    file!("box.js", SCRIPT),
    file!("verdicts.js", SCRIPT),
    file!("reload.js", SCRIPT),
    file!("renew.js", SCRIPT),
];

/// Another version of simdex may have another at the same port.
const FOR_AN_HOUR: &str = "private, max-age=3600";

pub(super) async fn file(Path(asked): Path<String>) -> Result<Response, Problem> {
    let found = FILES.iter().find(|(name, _, _)| *name == asked);
    let (_, kind, text) = found.ok_or_else(|| Problem::not_found("there is no such file"))?;
    let head = [(CONTENT_TYPE, *kind), (CACHE_CONTROL, FOR_AN_HOUR)];
    Ok((head, *text).into_response())
}
