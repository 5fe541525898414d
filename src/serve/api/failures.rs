//! `failures`: what failed or was refused.

use axum::Json;
use axum::extract::State as Shared;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::Query;
use crate::app::{FailureFilter, Failures};
use crate::serve::problem::{Problem, Refused};
use crate::serve::state::State;

/// Which URLs are listed.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema, IntoParams)]
#[serde(default, deny_unknown_fields)]
pub struct FailuresRequest {
    /// Only those of this host.
    pub host: Option<String>,
    /// Only those with one of these reasons, with commas between them.
    pub reasons: Option<String>,
    /// How many of each reason are listed; 20.
    pub limit: Option<usize>,
}

/// What failed or was refused: what `failures --format json` prints.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct FailuresAnswer {
    /// By reason, the most frequent first.
    pub failures: Vec<Failures>,
}

/// URLs listed of each reason.
const LISTED: usize = 20;

/// Lists what failed or was refused
#[utoipa::path(
    get,
    path = "/failures",
    tag = "crawl",
    params(FailuresRequest),
    responses(
        (status = 200, description = "By reason", body = FailuresAnswer),
        Refused
    )
)]
pub(super) async fn failures(
    Shared(state): Shared<State>,
    Query(asked): Query<FailuresRequest>,
) -> Result<Json<FailuresAnswer>, Problem> {
    let reasons = asked.reasons.iter().flat_map(|reasons| reasons.split(','));
    let filter = FailureFilter {
        host: asked.host,
        reasons: reasons.map(ToOwned::to_owned).collect(),
    };
    let most = asked.limit.unwrap_or(LISTED);
    let collection = state.collection.clone();
    let failures = state
        .jobs
        .run(move || collection.failures(&filter, most))
        .await??;
    Ok(Json(FailuresAnswer { failures }))
}
