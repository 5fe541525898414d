//! Which path leads where, and what every answer carries.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request};
use axum::http::{HeaderValue, Method};
use axum::middleware::{Next, from_fn};
use axum::response::Response;

use super::api;
use super::problem::Problem;
use super::state::{Entrance, State};

/// What the socket answers: the API alone.
pub(super) fn of_socket(state: State) -> Router {
    finished(
        Router::new().nest(api::BASE, api::routes()),
        state,
        Entrance::Socket,
    )
}

fn finished(routes: Router<State>, state: State, entrance: Entrance) -> Router {
    routes
        .fallback(async || Problem::not_found("there is nothing here"))
        .method_not_allowed_fallback(async |method: Method| {
            Problem::new(
                axum::http::StatusCode::METHOD_NOT_ALLOWED,
                "method",
                format!("{method} is not for this"),
            )
        })
        // Bodies have limits of their own, by who sends them.
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn(move |mut request: Request, next: Next| {
            request.extensions_mut().insert(entrance);
            next.run(request)
        }))
        .layer(from_fn(numbered))
        .with_state(state)
}

static REQUESTS: AtomicU64 = AtomicU64::new(1);

/// Gives each request a number, by which its line in the log is found.
async fn numbered(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = format!(
        "{}-{}",
        std::process::id(),
        REQUESTS.fetch_add(1, Ordering::Relaxed)
    );
    let method = request.method().clone();
    // Never the query: what is in it is the user's.
    let path = request.extensions().get::<MatchedPath>().cloned();
    let mut response = next.run(request).await;
    tracing::info!(
        request = id,
        method = method.as_str(),
        path = path.as_ref().map_or("", MatchedPath::as_str),
        status = response.status().as_u16(),
        ms = started.elapsed().as_millis() as u64,
        "answered"
    );
    // Digits and a dash are a header's value.
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert("x-request-id", id);
    }
    response
}
