//! Answers that are long lists: a line of JSON each, sent as they are made.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::gate::Shut;
use super::problem::Problem;
use super::state::State;
use crate::app::Error;
use crate::search::SearchError;

/// Lines that wait to be sent.
const WAITING: usize = 16;
/// How long whoever reads them may take for one.
const PATIENCE: Duration = Duration::from_secs(60);

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

/// Where the lines of a list go.
pub(super) struct Lines {
    runtime: Handle,
    sender: async_channel::Sender<Result<Bytes, Stopped>>,
}

impl Lines {
    /// Sends a line. Whoever does not read keeps nobody waiting for ever.
    pub(super) fn send(&self, line: &impl Serialize) -> Result<(), Stopped> {
        let mut line = serde_json::to_vec(line)?;
        line.push(b'\n');
        let sent = timeout(PATIENCE, self.sender.send(Ok(line.into())));
        match self.runtime.block_on(sent) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Stopped::Unread),
        }
    }
}

/// Answers with the lines that `list` sends, as a job, once `begin` has made what it takes: why that
/// cannot be made is the answer then.
pub(super) async fn lines<B>(
    state: &State,
    begin: impl FnOnce() -> Result<B, Problem> + Send + 'static,
    list: impl FnOnce(B, &Lines) -> Result<(), Stopped> + Send + 'static,
) -> Result<Response, Problem> {
    let (sender, receiver) = async_channel::bounded(WAITING);
    let lines = Lines {
        runtime: Handle::current(),
        sender,
    };
    let shared = state.clone();
    let (ready, begun) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        let in_hand = shared.take_in_hand();
        let work = move || {
            let _in_hand = in_hand;
            let made = match begin() {
                Ok(made) => made,
                Err(problem) => return drop(ready.send(Err(problem))),
            };
            // Whoever has gone does not wait for it.
            if ready.send(Ok(())).is_err() {
                return;
            }
            if let Err(stopped) = list(made, &lines) {
                // Where nobody reads any more, there is nobody to be told.
                let _ = lines.sender.try_send(Err(stopped));
            }
        };
        // A shut gate drops `ready`, which says so.
        let _ = shared.jobs.run(work).await;
    });
    match begun.await {
        Ok(begun) => begun?,
        Err(_) => return Err(Shut::Busy.into()),
    }
    let lines = Body::from_stream(receiver);
    Ok(([(CONTENT_TYPE, "application/jsonl")], lines).into_response())
}
