//! `removals`: deleting pictures, files and hosts.

use axum::Json;
use axum::extract::{Request, State as Shared};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::form::Form;
use crate::app::{RemovalAsked, Removed};
use crate::serve::problem::{Problem, Refused};
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

/// Deletes pictures, files and hosts
#[utoipa::path(
    post,
    path = "/removals",
    tag = "store",
    request_body = RemovalAsked,
    responses(
        (status = 200, description = "What was deleted", body = RemovalAnswer),
        Refused
    )
)]
pub(super) async fn remove(
    Shared(state): Shared<State>,
    request: Request,
) -> Result<Json<RemovalAnswer>, Problem> {
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
    let collection = state.collection.clone();
    let removal = state.jobs.run(move || {
        let what = collection.removal(&asked)?;
        let mut not_there = Vec::new();
        let removed =
            collection.remove(&what, &mut |missing| not_there.push(missing.to_owned()))?;
        Ok::<_, Problem>(RemovalAnswer { removed, not_there })
    });
    Ok(Json(removal.await??))
}
