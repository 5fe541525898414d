//! Who has the store open, and what is in it.

use axum::Json;
use axum::extract::State as Shared;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::cursor::Place;
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
    /// Those behind these: the `next` of the answer before.
    cursor: Option<String>,
}

impl Default for PolitenessRequest {
    fn default() -> Self {
        Self {
            limit: 20,
            cursor: None,
        }
    }
}

/// How politely hosts were asked: what `politeness --format json` prints.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PolitenessAnswer {
    /// The report.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    report: Report,
    /// Where the lists of hosts and addresses go on, if one does.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// Proves how politely hosts were asked
///
/// While a crawl runs, hosts change places, so that one may come twice, or be passed over.
#[utoipa::path(
    get,
    path = "/politeness",
    tag = "crawl",
    params(PolitenessRequest),
    responses(
        (status = 200, description = "The report; the header `Link` leads to further hosts", body = PolitenessAnswer),
        Refused
    )
)]
pub(super) async fn politeness(
    Shared(state): Shared<State>,
    Query(asked): Query<PolitenessRequest>,
) -> Result<Response, Problem> {
    let place = Place::of(asked.cursor.as_deref(), asked.limit)?;
    let listed = place.listed();
    let config = state.collection.config().clone();
    let report = state.jobs.run(move || politeness_of(&config, listed.end));
    let mut report = report.await??;
    for rows in [&mut report.by_host, &mut report.by_address] {
        rows.drain(..rows.len().min(listed.start));
    }
    let next = place.next(report.hosts.max(report.addresses));
    let link = place.link(next.as_deref(), "/politeness", &[]);
    Ok((link, Json(PolitenessAnswer { report, next })).into_response())
}
