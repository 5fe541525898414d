//! `duplicates`: the groups of near-copies, a line of JSON each.

use std::sync::Arc;

use axum::extract::{Request, State as Shared};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::form::Form;
use super::head::head;
use super::search::SearchAnswer;
use crate::head::Ranking;
use crate::serve::lines::{Lines, lines};
use crate::serve::problem::{Problem, Refused};
use crate::serve::state::State;

/// Which groups, and how they are ranked.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct DuplicatesRequest {
    /// Only pictures seen on this host.
    pub host: Option<String>,
    /// `fused`, `mse18` or `embedding`, or what messages call the file `head`.
    pub head: Option<String>,
    /// Whether the answer is to have previews.
    pub previews: bool,
}

/// A line of the answer.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum DuplicatesLine {
    /// A group, as the answer to its original.
    Group(Box<SearchAnswer>),
    /// The last line: the list is whole.
    End {
        /// Ids of pictures that cannot be read.
        unread: Vec<String>,
    },
}

/// Lists the groups of near-copies, a line each
#[utoipa::path(
    post,
    path = "/duplicates",
    tag = "search",
    request_body = DuplicatesRequest,
    responses(
        (status = 200, description = "A line of JSON a group", body = DuplicatesLine, content_type = "application/jsonl"),
        Refused
    )
)]
pub(super) async fn duplicates(
    Shared(state): Shared<State>,
    request: Request,
) -> Result<Response, Problem> {
    let mut form = Form::read(&state, request).await?;
    let asked: DuplicatesRequest = form.request()?;
    let head_file = form.take_head();
    let (collection, shared) = (state.collection.clone(), state.collection.clone());
    let name = asked.head.clone();
    let begin = move || Ok(head(&shared, name.as_deref(), head_file)?);
    let list = move |head: Arc<Ranking>, lines: &Lines| {
        let each = |group| {
            let group = SearchAnswer::new(group, asked.previews);
            lines.send(&DuplicatesLine::Group(Box::new(group)))
        };
        let unread = collection.duplicates(asked.host.clone(), &head, each)?;
        lines.send(&DuplicatesLine::End { unread })
    };
    lines(&state, begin, list).await
}
