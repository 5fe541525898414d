//! The API, one noun a file: what a request says, and what answers it.

mod classify;
mod compare;
pub(super) mod crawls;
mod cursor;
mod duplicates;
mod export;
mod extract;
mod failures;
pub(super) mod files;
pub(super) mod form;
mod head;
pub(super) mod labels;
pub(super) mod openapi;
mod pictures;
pub(super) mod removals;
pub(super) mod search;
mod status;
pub(super) mod trainings;
mod vectors;

pub use compare::CompareRequest;
pub use crawls::CrawlRequest;
pub use duplicates::{DuplicatesLine, DuplicatesRequest};
pub use failures::{FailuresAnswer, FailuresRequest};
pub(super) use files::{
    DropRequest, DroppedJson, FILE, FileRequest, MarkJson, MarksRequest, PlaceJson,
};
pub use removals::RemovalAnswer;
pub use search::{Previews, SearchAnswer, SearchRequest};
pub use vectors::{VectorsLine, VectorsRequest};

use axum::Router;
use axum::routing::{delete, get, post};

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
        .route("/crawls/{id}/pause", post(crawls::pause))
        .route("/crawls/{id}/resume", post(crawls::resume))
        .route("/status", get(status::status))
        .route("/search", post(search::search))
        .route("/compare", post(compare::compare))
        .route("/classify", post(classify::classify))
        .route("/export", post(export::export))
        .route("/duplicates", post(duplicates::duplicates))
        .route("/failures", get(failures::failures))
        .route("/politeness", get(status::politeness))
        .route("/labels", get(labels::labels).post(labels::say))
        .route("/labels/{id}", delete(labels::take_back))
        .route("/removals", get(removals::waiting).post(removals::remove))
        .route("/removals/{id}", delete(removals::undo))
        .route("/trainings", post(trainings::begin))
        .route(
            "/trainings/{id}",
            get(trainings::progress).delete(trainings::stop),
        )
        .route("/trainings/{id}/head", get(trainings::head))
        .route("/vectors", get(vectors::vectors))
        .route("/pictures", post(pictures::upload))
        .route("/pictures/{id}", get(pictures::picture))
        .route("/pictures/{id}/thumbnail", get(pictures::thumbnail))
}
