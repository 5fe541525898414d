//! `labels`: what the user says of pictures.

use axum::Json;
use axum::extract::{Request, State as Shared};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::cursor::link_to;
use super::extract::{Path, Query};
use super::form::Form;
use super::pictures::id;
use crate::app::{KeptLabel, LabelPage, Said};
use crate::serve::limits::MOST_LABELS;
use crate::serve::problem::{Problem, Refused};
use crate::serve::state::State;
use crate::store::LabelId;

/// What is said.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub(super) struct LabelsRequest {
    /// At most 1,000, all or none of which are kept.
    labels: Vec<Said>,
}

/// What was said.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LabelsAnswer {
    /// As they are kept, in the order in which they were said.
    labels: Vec<KeptLabel>,
}

/// Which labels are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
pub(super) struct LabelsQuery {
    /// Only those of this picture, by its id.
    picture: Option<String>,
    /// Those behind this one: the `next` of the answer before.
    cursor: Option<String>,
    /// At most so many, 1 to 1,000.
    limit: usize,
}

impl Default for LabelsQuery {
    fn default() -> Self {
        Self {
            picture: None,
            cursor: None,
            limit: 100,
        }
    }
}

/// Keeps what the user says of pictures
///
/// Whatever is said again of the same takes the place of what was said before.
#[utoipa::path(
    post,
    path = "/labels",
    tag = "labels",
    request_body = LabelsRequest,
    responses(
        (status = 200, description = "What is kept", body = LabelsAnswer),
        Refused
    )
)]
pub(super) async fn say(
    Shared(state): Shared<State>,
    request: Request,
) -> Result<Json<LabelsAnswer>, Problem> {
    let mut form = Form::read(&state, request).await?;
    let asked: LabelsRequest = form.request()?;
    if asked.labels.is_empty() || asked.labels.len() > MOST_LABELS {
        return Err(Problem::bad(format!(
            "`labels` takes 1 to {MOST_LABELS} labels"
        )));
    }
    let collection = state.collection.clone();
    let kept = state.reads.run(move || collection.say(&asked.labels));
    let labels = kept.await??;
    Ok(Json(LabelsAnswer { labels }))
}

/// Lists what the user has said of pictures
#[utoipa::path(
    get,
    path = "/labels",
    tag = "labels",
    params(LabelsQuery),
    responses(
        (status = 200, description = "Some of the labels; the header `Link` leads to the next ones", body = LabelPage),
        Refused
    )
)]
pub(super) async fn labels(
    Shared(state): Shared<State>,
    Query(asked): Query<LabelsQuery>,
) -> Result<Response, Problem> {
    if !(1..=MOST_LABELS).contains(&asked.limit) {
        return Err(Problem::bad(format!("`limit` takes 1 to {MOST_LABELS}")));
    }
    let of = asked.picture.as_deref().map(id).transpose()?;
    let after = asked.cursor.as_deref().map(label_id).transpose()?;
    let collection = state.collection.clone();
    let page = state
        .reads
        .run(move || collection.labels(of, after, asked.limit));
    let page = page.await??;
    let link = page.next.as_ref().map(|next| {
        let limit = asked.limit.to_string();
        let picture = asked.picture.as_deref();
        let pairs = [("picture", picture), ("limit", Some(limit.as_str()))];
        link_to(next, "/labels", &pairs)
    });
    Ok((link, Json(page)).into_response())
}

/// Takes a label back
#[utoipa::path(
    delete,
    path = "/labels/{id}",
    tag = "labels",
    params(("id" = String, Path, description = "32 hexadecimal digits")),
    responses(
        (status = 200, description = "What it was", body = KeptLabel),
        Refused
    )
)]
pub(super) async fn take_back(
    Shared(state): Shared<State>,
    Path(text): Path<String>,
) -> Result<Json<KeptLabel>, Problem> {
    let id = label_id(&text)?;
    let collection = state.collection.clone();
    let taken = state.reads.run(move || collection.take_back_label(id));
    let taken = taken.await??;
    let label = taken.ok_or_else(|| Problem::not_found(format!("there is no label {id}")))?;
    Ok(Json(label))
}

fn label_id(text: &str) -> Result<LabelId, Problem> {
    text.parse()
        .map_err(|_| Problem::not_found("a label's id is 32 hexadecimal digits"))
}
