//! Who has the store open, and what is in it.

use axum::Json;
use axum::extract::State as Shared;
use serde::Deserialize;
use utoipa::IntoParams;

use super::extract::Query;
use crate::app::{Status, politeness as politeness_of};
use crate::serve::problem::{Problem, Refused};
use crate::serve::state::{Owner, State};
use crate::store::ledger::Report;

/// Says who has the store open
#[utoipa::path(
    get,
    path = "/owner",
    tag = "store",
    responses(
        (status = 200, description = "The process", body = Owner),
        Refused
    )
)]
pub(super) async fn owner(Shared(state): Shared<State>) -> Result<Json<Owner>, Problem> {
    let shared = state.clone();
    // Counting waits while a picture is stored.
    Ok(Json(state.reads.run(move || shared.owner()).await?))
}

/// Counts what is stored
#[utoipa::path(
    get,
    path = "/status",
    tag = "store",
    responses(
        (status = 200, description = "The counts", body = Status),
        Refused
    )
)]
pub(super) async fn status(Shared(state): Shared<State>) -> Result<Json<Status>, Problem> {
    let collection = state.collection.clone();
    Ok(Json(state.jobs.run(move || collection.status()).await??))
}

/// How much of the log of requests is listed.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
pub(super) struct PolitenessRequest {
    /// Hosts and addresses listed.
    limit: usize,
}

impl Default for PolitenessRequest {
    fn default() -> Self {
        Self { limit: 20 }
    }
}

/// Proves how politely hosts were asked
#[utoipa::path(
    get,
    path = "/politeness",
    tag = "crawl",
    params(PolitenessRequest),
    responses(
        (status = 200, description = "The report", body = Object),
        Refused
    )
)]
pub(super) async fn politeness(
    Shared(state): Shared<State>,
    Query(asked): Query<PolitenessRequest>,
) -> Result<Json<Report>, Problem> {
    let config = state.collection.config().clone();
    let report = state.jobs.run(move || politeness_of(&config, asked.limit));
    Ok(Json(report.await??))
}
