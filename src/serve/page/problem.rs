//! Problems, as pages for people.

use axum::extract::Request;
use axum::http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use maud::html;

use super::layout;
use crate::serve::problem::Problem;

/// Shows a problem as a page to whoever takes pages, with the same status and headers.
pub(in crate::serve) async fn readable(request: Request, next: Next) -> Response {
    let accepted = request.headers().get(ACCEPT);
    let accepted = accepted.and_then(|accepted| accepted.to_str().ok());
    let takes_pages = accepted.is_some_and(|accepted| accepted.contains("text/html"));
    let response = next.run(request).await;
    match response.extensions().get::<Problem>() {
        Some(problem) if takes_pages => {
            let page = page(problem);
            let (mut head, _) = response.into_parts();
            let kind = HeaderValue::from_static("text/html; charset=utf-8");
            head.headers.insert(CONTENT_TYPE, kind);
            head.headers.remove(CONTENT_LENGTH);
            (head, page).into_response()
        }
        _ => response,
    }
}

fn page(problem: &Problem) -> String {
    let title = match problem.status {
        StatusCode::UNAUTHORIZED => "Log in first",
        StatusCode::NOT_FOUND => "Not there",
        StatusCode::SERVICE_UNAVAILABLE => "Busy",
        status if status.is_client_error() => "That did not work",
        _ => "simdex failed",
    };
    let main = html! {
        h1 { (title) }
        p.trouble role="alert" { (problem.detail) }
        p { a.button href="/" { "Ask for something else" } }
    };
    layout::page("", title, &main).into_string()
}
