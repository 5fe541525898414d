//! `compare`: two pictures.

use axum::Json;
use axum::extract::{Request, State as Shared};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::form::Form;
use super::head::head;
use super::search::{examples, name_uploads};
use crate::app::{Example, NamedPicture};
use crate::head::Mode;
use crate::search::Comparison;
use crate::serve::problem::{Problem, Refused};
use crate::serve::state::State;

/// How two pictures are compared: the two that are named, one that is named and a file, or two
/// files, `a` and `b`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct CompareRequest {
    /// The first: a stored picture, by its id, or a URL.
    pub a: Option<String>,
    /// The second.
    pub b: Option<String>,
    /// `fused`, `mse18` or `embedding`, or what messages call the file `head`.
    pub head: Option<String>,
    /// What "alike" means: `same-subject`, `look-alike` or `copy`.
    #[schema(value_type = String)]
    pub mode: Mode,
    /// What messages call the files, in their order.
    pub names: Vec<String>,
}

/// The same as a form.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it only describes the form")]
pub(super) struct CompareForm {
    /// The first picture.
    #[schema(format = Binary, content_media_type = "application/octet-stream")]
    a: String,
    /// The second picture.
    #[schema(format = Binary, content_media_type = "application/octet-stream")]
    b: String,
}

/// Compares two pictures
#[utoipa::path(
    post,
    path = "/compare",
    tag = "search",
    request_body(content((CompareRequest = "application/json"), (CompareForm = "multipart/form-data"))),
    responses(
        (status = 200, description = "What they have in common", body = Comparison),
        Refused
    )
)]
pub(super) async fn compare(
    Shared(state): Shared<State>,
    request: Request,
) -> Result<Json<Comparison>, Problem> {
    let mut form = Form::read(&state, request).await?;
    let asked: CompareRequest = form.request()?;
    let head_file = form.take_head();
    name_uploads(&mut form.uploads, &asked.names);
    let mut sides = Vec::new();
    for (field, named) in [("a", &asked.a), ("b", &asked.b)] {
        let place = form.uploads.iter().position(|upload| upload.field == field);
        sides.push(match (named, place) {
            (Some(name), _) => examples(&state, std::slice::from_ref(name))
                .await?
                .remove(0),
            (None, Some(place)) => {
                let upload = form.uploads.remove(place);
                Example::Given(NamedPicture {
                    name: upload.name,
                    bytes: upload.bytes,
                })
            }
            (None, None) => {
                return Err(Problem::bad(format!("there is no picture `{field}`")));
            }
        });
    }
    let collection = state.collection.clone();
    let comparison = state.searched(move |_| {
        let _form = form;
        let head = head(&collection, asked.head.as_deref(), head_file)?;
        Ok::<_, Problem>(collection.compare(&sides[0], &sides[1], &head, asked.mode)?)
    });
    Ok(Json(comparison.await??))
}
