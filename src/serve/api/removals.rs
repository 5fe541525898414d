//! `removals`: deleting pictures, files and hosts, at once or later.

use std::time::Duration;

use axum::Json;
use axum::extract::{Request, State as Shared};
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::BASE;
use super::extract::Path;
use super::form::Form;
use crate::app::{RemovalAsked, Removed};
use crate::serve::gate::Shut;
use crate::serve::problem::{Problem, Refused};
use crate::serve::removals::WaitingRemoval;
use crate::serve::state::{Entrance, State};

/// What was removed: what `remove --format json` prints, and more.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct RemovalAnswer {
    /// The figures.
    #[serde(flatten)]
    pub removed: Removed,
    /// What was named and is not there, in words.
    pub not_there: Vec<String>,
}

/// The longest that a removal waits, in seconds.
const LONGEST_WAIT_S: u64 = 86_400;

/// Deletes pictures, files and hosts
///
/// With `wait_s`, later: until then what is named is hidden, and it can be undone.
#[utoipa::path(
    post,
    path = "/removals",
    tag = "store",
    request_body = RemovalAsked,
    responses(
        (status = 200, description = "What was deleted", body = RemovalAnswer),
        (status = 202, description = "What is hidden, and deleted later", body = WaitingRemoval),
        Refused
    )
)]
pub(super) async fn remove(
    Shared(state): Shared<State>,
    request: Request,
) -> Result<Response, Problem> {
    let entrance = request.extensions().get().copied();
    let mut form = Form::read(&state, request).await?;
    let asked: RemovalAsked = form.request()?;
    // It looks for files on this machine.
    if asked.gone_below.is_some() && entrance != Some(Entrance::Socket) {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "only_here",
            "files that are not there any more are only looked for by `simdex remove --missing`",
        ));
    }
    if asked.wait_s.is_some() {
        let waiting = postponed(&state, asked).await?;
        let location = format!("{BASE}/removals/{}", waiting.id);
        return Ok((StatusCode::ACCEPTED, [(LOCATION, location)], Json(waiting)).into_response());
    }
    let collection = state.collection.clone();
    let removal = state.jobs.run(move || {
        let what = collection.removal(&asked)?;
        let mut not_there = Vec::new();
        let removed =
            collection.remove(&what, &mut |missing| not_there.push(missing.to_owned()))?;
        Ok::<_, Problem>(RemovalAnswer { removed, not_there })
    });
    Ok(Json(removal.await??).into_response())
}

/// Hides what is to be removed, and removes it when its time has come.
pub(in crate::serve) async fn postponed(
    state: &State,
    asked: RemovalAsked,
) -> Result<WaitingRemoval, Problem> {
    let wait_s = asked.wait_s.unwrap_or_default();
    if !(1..=LONGEST_WAIT_S).contains(&wait_s) {
        return Err(Problem::bad(format!(
            "`wait_s` takes 1 to {LONGEST_WAIT_S} seconds"
        )));
    }
    let wait = Duration::from_secs(wait_s);
    let shared = state.clone();
    let waiting = state.jobs.run(move || {
        let removals = &shared.removals;
        removals.postpone(&shared.collection, asked, wait)
    });
    let waiting = waiting.await??;
    let (shared, id) = (state.clone(), waiting.id);
    tokio::spawn(async move {
        tokio::time::sleep(wait).await;
        loop {
            let state = shared.clone();
            let work = move || state.removals.carry_out(&state.collection, id);
            match shared.jobs.run(work).await {
                Err(Shut::Busy) => {}
                Ok(()) | Err(Shut::Panicked | Shut::Late(_)) => return,
            }
        }
    });
    Ok(waiting)
}

/// The removals that wait.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WaitingRemovals {
    /// The oldest first.
    removals: Vec<WaitingRemoval>,
}

/// Lists the removals that wait
#[utoipa::path(
    get,
    path = "/removals",
    tag = "store",
    responses(
        (status = 200, description = "Those that can be undone", body = WaitingRemovals),
        Refused
    )
)]
pub(super) async fn waiting(Shared(state): Shared<State>) -> Json<WaitingRemovals> {
    let removals = state.removals.list();
    Json(WaitingRemovals { removals })
}

/// Undoes a removal that waits
#[utoipa::path(
    delete,
    path = "/removals/{id}",
    tag = "store",
    params(("id" = u64, Path, description = "Its number")),
    responses(
        (status = 200, description = "What is shown again", body = WaitingRemoval),
        Refused
    )
)]
pub(super) async fn undo(
    Shared(state): Shared<State>,
    Path(id): Path<u64>,
) -> Result<Json<WaitingRemoval>, Problem> {
    let undone = state.removals.undo(id);
    let undone = undone.ok_or_else(|| {
        Problem::not_found(format!(
            "no removal {id} waits: it was undone, or is carried out"
        ))
    });
    undone.map(Json)
}
