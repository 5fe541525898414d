//! Which path leads where, and what every answer carries.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State as Shared};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::guard::{self, Guard};
use super::problem::Problem;
use super::state::{Entrance, State};
use super::{api, drain, page};

/// What the socket answers: the API, and what only processes of the user are asked for.
pub(super) fn of_socket(state: State) -> Router {
    let routes = api::routes().merge(api::files::routes());
    let routes = Router::new().nest(api::BASE, routes);
    finished(routes, state, Entrance::Socket).layer(from_fn(drain::drained))
}

/// What TCP answers to whom the guard lets pass: the API, and pages.
pub(super) fn of_tcp(state: State, guard: Guard) -> Router {
    let routes = Router::new()
        .nest(api::BASE, api::routes())
        .merge(page::routes())
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .route(guard::LOGIN, get(page::login).with_state(guard.clone()));
    finished(routes, state, Entrance::Tcp)
        .layer(from_fn_with_state(guard, guard::guard))
        .layer(from_fn(page::readable))
        .layer(from_fn(guard::safe))
        .layer(from_fn(drain::drained))
}

/// Whether searches find everything ready.
async fn ready(Shared(state): Shared<State>) -> (StatusCode, &'static str) {
    if !state.ready.load(Ordering::Relaxed) {
        return (StatusCode::SERVICE_UNAVAILABLE, "opening the index\n");
    }
    match state.answers().await {
        true => (StatusCode::OK, "ready\n"),
        false => (
            StatusCode::SERVICE_UNAVAILABLE,
            "the store does not answer\n",
        ),
    }
}

async fn metrics(Shared(state): Shared<State>) -> Result<impl IntoResponse, Problem> {
    let pictures = state.picture_count().await?;
    let text = state.metrics.text(pictures, state.searches.load());
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(CONTENT_TYPE, kind)], text))
}

fn finished(routes: Router<State>, state: State, entrance: Entrance) -> Router {
    routes
        .fallback(async || Problem::not_found("there is nothing here"))
        .method_not_allowed_fallback(async |method: Method| {
            Problem::new(
                StatusCode::METHOD_NOT_ALLOWED,
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
        .layer(from_fn_with_state(state.clone(), numbered))
        .with_state(state)
}

static REQUESTS: AtomicU64 = AtomicU64::new(1);

/// Gives each request a number, by which its line in the log is found.
async fn numbered(Shared(state): Shared<State>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = format!(
        "{}-{}",
        std::process::id(),
        REQUESTS.fetch_add(1, Ordering::Relaxed)
    );
    let method = request.method().clone();
    // Never the query: what is in it is the user's.
    let path = request.extensions().get::<MatchedPath>().cloned();
    let in_hand = state.take_in_hand();
    let mut response = next.run(request).await;
    drop(in_hand);
    state.metrics.answered(response.status().as_u16());
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
