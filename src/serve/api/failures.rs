//! `failures`: what failed or was refused.

use axum::Json;
use axum::extract::State as Shared;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::cursor::Place;
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
    /// Those of each reason behind these: the `next` of the answer before.
    pub cursor: Option<String>,
}

/// What failed or was refused: what `failures --format json` prints.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct FailuresAnswer {
    /// By reason, the most frequent first.
    pub failures: Vec<Failures>,
    /// Where the list goes on, if of any reason it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// URLs listed of each reason.
const LISTED: usize = 20;

/// Lists what failed or was refused
///
/// While a crawl runs, a URL may come twice, or be passed over.
#[utoipa::path(
    get,
    path = "/failures",
    tag = "crawl",
    params(FailuresRequest),
    responses(
        (status = 200, description = "By reason; the header `Link` leads to the next ones", body = FailuresAnswer),
        Refused
    )
)]
pub(super) async fn failures(
    Shared(state): Shared<State>,
    Query(asked): Query<FailuresRequest>,
) -> Result<Response, Problem> {
    let place = Place::of(asked.cursor.as_deref(), asked.limit.unwrap_or(LISTED))?;
    let reasons = asked.reasons.iter().flat_map(|reasons| reasons.split(','));
    let filter = FailureFilter {
        host: asked.host.clone(),
        reasons: reasons.map(ToOwned::to_owned).collect(),
    };
    let collection = state.collection.clone();
    let listed = place.listed();
    let failures = state.jobs.run(move || collection.failures(&filter, listed));
    let failures = failures.await??;
    let most = failures.iter().map(|of| of.count).max().unwrap_or_default();
    let next = place.next(most);
    let pairs = [
        ("host", asked.host.as_deref()),
        ("reasons", asked.reasons.as_deref()),
    ];
    let link = place.link(next.as_deref(), "/failures", &pairs);
    Ok((link, Json(FailuresAnswer { failures, next })).into_response())
}
