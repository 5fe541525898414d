//! The API, one noun a file: what a request says, and what answers it.

mod compare;
pub(super) mod crawls;
mod duplicates;
mod failures;
pub(super) mod form;
mod head;
pub(super) mod openapi;
mod pictures;
mod removals;
pub(super) mod search;
mod status;

pub use compare::CompareRequest;
pub use crawls::CrawlRequest;
pub use duplicates::{DuplicatesLine, DuplicatesRequest};
pub use failures::{FailuresAnswer, FailuresRequest};
pub use removals::RemovalAnswer;
pub use search::{Previews, SearchAnswer, SearchRequest};

use axum::Router;
use axum::routing::{get, post};

use super::state::State;

/// Where the API begins.
pub const BASE: &str = "/api/v1";

pub(super) fn routes() -> Router<State> {
    Router::new()
        .route("/openapi.json", get(openapi::openapi))
        .route("/owner", get(status::owner))
        .route("/crawls", post(crawls::begin))
        .route("/crawls/{id}", get(crawls::progress).delete(crawls::stop))
        .route("/crawls/{id}/events", get(crawls::events))
        .route("/status", get(status::status))
        .route("/search", post(search::search))
        .route("/compare", post(compare::compare))
        .route("/duplicates", post(duplicates::duplicates))
        .route("/failures", get(failures::failures))
        .route("/politeness", get(status::politeness))
        .route("/removals", post(removals::remove))
        .route("/pictures/{id}", get(pictures::picture))
        .route("/pictures/{id}/thumbnail", get(pictures::thumbnail))
}
