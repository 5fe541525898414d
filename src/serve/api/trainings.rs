//! `trainings`: heads that learn from the labels of the store.

use axum::Json;
use axum::extract::State as Shared;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, LOCATION};
use axum::response::{IntoResponse, Response};

use super::BASE;
use super::extract::Path;
use crate::serve::problem::{Problem, Refused};
use crate::serve::state::State;
use crate::serve::trainings::{TrainingProgress, train};

/// Begins a training from the labels of the store.
pub(in crate::serve) fn begun(state: &State) -> Result<TrainingProgress, Problem> {
    let collection = state.collection.clone();
    state.trainings.begin(move |this| train(&collection, this))
}

/// Begins to teach a head what the labels of the store say
///
/// When it is done, searches may ask for it as the head `trained`.
#[utoipa::path(
    post,
    path = "/trainings",
    tag = "labels",
    responses(
        (status = 202, description = "It has begun; `Location` tells how far it is", body = TrainingProgress),
        Refused
    )
)]
pub(super) async fn begin(Shared(state): Shared<State>) -> Result<Response, Problem> {
    let progress = begun(&state)?;
    let location = format!("{BASE}/trainings/{}", progress.id);
    Ok((StatusCode::ACCEPTED, [(LOCATION, location)], Json(progress)).into_response())
}

/// Says how far a training is, and what it has brought
#[utoipa::path(
    get,
    path = "/trainings/{id}",
    tag = "labels",
    params(("id" = u64, Path, description = "Its number")),
    responses(
        (status = 200, description = "How far it is", body = TrainingProgress),
        Refused
    )
)]
pub(super) async fn progress(
    Shared(state): Shared<State>,
    Path(id): Path<u64>,
) -> Result<Json<TrainingProgress>, Problem> {
    state.trainings.progress(id).map(Json)
}

/// Stops a training
#[utoipa::path(
    delete,
    path = "/trainings/{id}",
    tag = "labels",
    params(("id" = u64, Path, description = "Its number")),
    responses(
        (status = 200, description = "How far it is", body = TrainingProgress),
        Refused
    )
)]
pub(super) async fn stop(
    Shared(state): Shared<State>,
    Path(id): Path<u64>,
) -> Result<Json<TrainingProgress>, Problem> {
    state.trainings.stop(id).map(Json)
}

/// Gives the head of a training that is done: a file, as `simdex train` writes it
#[utoipa::path(
    get,
    path = "/trainings/{id}/head",
    tag = "labels",
    params(("id" = u64, Path, description = "Its number")),
    responses(
        (status = 200, description = "The head", body = Object),
        Refused
    )
)]
pub(super) async fn head(
    Shared(state): Shared<State>,
    Path(id): Path<u64>,
) -> Result<Response, Problem> {
    let head = state.trainings.progress(id)?.figures.head;
    let head = head.ok_or_else(|| Problem::not_found(format!("training {id} is not done")))?;
    Ok(([(CONTENT_TYPE, "application/json")], head.to_string()).into_response())
}
