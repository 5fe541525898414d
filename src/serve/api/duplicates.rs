//! `duplicates`: the groups of near-copies, a line of JSON each.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State as Shared};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;
use tokio::time::timeout;
use utoipa::ToSchema;

use super::form::Form;
use super::head::head;
use super::search::SearchAnswer;
use crate::app::Error;
use crate::search::SearchError;
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

/// Groups that wait to be sent.
const WAITING: usize = 16;
/// How long whoever reads them may take for one.
const PATIENCE: Duration = Duration::from_secs(60);

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
    let collection = state.collection.clone();
    let (sender, receiver) = async_channel::bounded::<Result<Bytes, Stopped>>(WAITING);
    let shared = state.clone();
    let runtime = Handle::current();
    let (ready, begun) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        let in_hand = shared.take_in_hand();
        let work = move || {
            let _in_hand = in_hand;
            let head = match head(&collection, asked.head.as_deref(), head_file) {
                Ok(head) => head,
                Err(error) => return drop(ready.send(Err(Problem::from(error)))),
            };
            // Whoever has gone does not wait for it.
            if ready.send(Ok(())).is_err() {
                return;
            }
            let send = |line| send(&runtime, &sender, &line);
            let each = |group| {
                let group = SearchAnswer::new(group, asked.previews);
                send(DuplicatesLine::Group(Box::new(group)))
            };
            let unread = collection.duplicates(asked.host.clone(), &head, each);
            let end = unread.and_then(|unread| send(DuplicatesLine::End { unread }));
            if let Err(stopped) = end {
                // Where nobody reads any more, there is nobody to be told.
                let _ = sender.try_send(Err(stopped));
            }
        };
        // A shut gate drops `ready`, which says so.
        let _ = shared.jobs.run(work).await;
    });
    match begun.await {
        Ok(begun) => begun?,
        Err(_) => return Err(crate::serve::gate::Shut::Busy.into()),
    }
    let lines = Body::from_stream(receiver);
    Ok(([(CONTENT_TYPE, "application/jsonl")], lines).into_response())
}

/// A list ended early.
#[derive(Debug, thiserror::Error)]
pub(super) enum Stopped {
    #[error("nobody reads the list any more")]
    Unread,
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    #[error(transparent)]
    App(#[from] Error),
    #[error(transparent)]
    Search(#[from] SearchError),
}

/// Sends a line. Whoever does not read keeps nobody waiting for ever.
fn send(
    runtime: &Handle,
    sender: &async_channel::Sender<Result<Bytes, Stopped>>,
    line: &DuplicatesLine,
) -> Result<(), Stopped> {
    let mut line = serde_json::to_vec(line)?;
    line.push(b'\n');
    let sent = timeout(PATIENCE, sender.send(Ok(line.into())));
    match runtime.block_on(sent) {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(Stopped::Unread),
    }
}
