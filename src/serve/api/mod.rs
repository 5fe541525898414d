//! The API, one noun a file: what a request says, and what answers it.

mod compare;
mod duplicates;
mod failures;
pub(super) mod form;
mod head;
mod pictures;
mod removals;
pub(super) mod search;
mod status;

pub use compare::CompareRequest;
pub use duplicates::DuplicatesRequest;
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
        .route("/owner", get(status::owner))
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
