//! `crawls`: begun, followed and stopped.

use std::time::Duration;

use axum::Json;
use axum::extract::{Request, State as Shared};
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use utoipa::ToSchema;

use super::BASE;
use super::extract::Path;
use super::form::Form;
use crate::app::{CrawlJob, Error};
use crate::canonical_url::CanonicalUrl;
use crate::serve::crawls::{CrawlProgress, crawl};
use crate::serve::problem::{Problem, Refused};
use crate::serve::state::State;
use crate::store::Again;

/// What is crawled. How politely, in which scope and from which addresses the owner's configuration says
/// alone.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct CrawlRequest {
    /// Pages to begin at; without any, the last crawl goes on.
    pub seeds: Vec<String>,
    /// Pictures at most, where that is less than the configuration says.
    pub max_images: Option<u64>,
}

impl CrawlRequest {
    fn job(&self) -> Result<CrawlJob, Problem> {
        let seed = |text: &String| {
            CanonicalUrl::given(text).map_err(|source| Error::Url {
                name: "a seed".to_owned(),
                source,
            })
        };
        let seeds: Result<Vec<CanonicalUrl>, Error> = self.seeds.iter().map(seed).collect();
        Ok(CrawlJob {
            seeds: seeds?,
            max_images: self.max_images,
            ..CrawlJob::default()
        })
    }
}

/// Begins a crawl.
pub(in crate::serve) async fn begun(
    state: &State,
    asked: &CrawlRequest,
) -> Result<CrawlProgress, Problem> {
    state.takes_work()?;
    begun_job(state, asked.job()?).await
}

/// Asks again for what is due.
pub(in crate::serve) async fn refreshed(state: &State) -> Result<CrawlProgress, Problem> {
    let job = CrawlJob {
        again: vec![Again::Due],
        ..CrawlJob::default()
    };
    begun_job(state, job).await
}

async fn begun_job(state: &State, job: CrawlJob) -> Result<CrawlProgress, Problem> {
    let (shared, collection) = (state.clone(), state.collection.clone());
    // The runtime may have to be found first.
    let begun = state.reads.run(move || {
        collection.extraction().engine()?;
        shared
            .crawls
            .begin(move |this| crawl(&collection, job, this))
    });
    begun.await?
}

/// Begins a crawl, or goes on with the last one
#[utoipa::path(
    post,
    path = "/crawls",
    tag = "crawl",
    request_body = CrawlRequest,
    responses(
        (status = 202, description = "It has begun; `Location` follows it", body = CrawlProgress),
        Refused
    )
)]
pub(super) async fn begin(
    Shared(state): Shared<State>,
    request: Request,
) -> Result<Response, Problem> {
    let mut form = Form::read(&state, request).await?;
    let progress = begun(&state, &form.request()?).await?;
    let location = format!("{BASE}/crawls/{}", progress.id);
    Ok((StatusCode::ACCEPTED, [(LOCATION, location)], Json(progress)).into_response())
}

/// Says how far a crawl is
#[utoipa::path(
    get,
    path = "/crawls/{id}",
    tag = "crawl",
    params(("id" = u64, Path, description = "Its number")),
    responses(
        (status = 200, description = "Its figures", body = CrawlProgress),
        Refused
    )
)]
pub(super) async fn progress(
    Shared(state): Shared<State>,
    Path(id): Path<u64>,
) -> Result<Json<CrawlProgress>, Problem> {
    state.crawls.progress(id).map(Json)
}

/// Stops a crawl; what is under way is stored first
#[utoipa::path(
    delete,
    path = "/crawls/{id}",
    tag = "crawl",
    params(("id" = u64, Path, description = "Its number")),
    responses(
        (status = 200, description = "Its figures", body = CrawlProgress),
        Refused
    )
)]
pub(super) async fn stop(
    Shared(state): Shared<State>,
    Path(id): Path<u64>,
) -> Result<Json<CrawlProgress>, Problem> {
    state.crawls.stop(id).map(Json)
}

/// Has a crawl rest; what is under way is stored first
#[utoipa::path(
    post,
    path = "/crawls/{id}/pause",
    tag = "crawl",
    params(("id" = u64, Path, description = "Its number")),
    responses(
        (status = 200, description = "Its figures", body = CrawlProgress),
        Refused
    )
)]
pub(super) async fn pause(
    Shared(state): Shared<State>,
    Path(id): Path<u64>,
) -> Result<Json<CrawlProgress>, Problem> {
    state.crawls.pause(id, true).map(Json)
}

/// Has a crawl go on that rests
#[utoipa::path(
    post,
    path = "/crawls/{id}/resume",
    tag = "crawl",
    params(("id" = u64, Path, description = "Its number")),
    responses(
        (status = 200, description = "Its figures", body = CrawlProgress),
        Refused
    )
)]
pub(super) async fn resume(
    Shared(state): Shared<State>,
    Path(id): Path<u64>,
) -> Result<Json<CrawlProgress>, Problem> {
    state.crawls.pause(id, false).map(Json)
}

/// Follows a crawl: server-sent events `progress`, until its end
#[utoipa::path(
    get,
    path = "/crawls/{id}/events",
    tag = "crawl",
    params(("id" = u64, Path, description = "Its number")),
    responses(
        (status = 200, description = "Its figures, as they change", body = CrawlProgress, content_type = "text/event-stream"),
        Refused
    )
)]
pub(super) async fn events(
    Shared(state): Shared<State>,
    Path(id): Path<u64>,
) -> Result<Response, Problem> {
    let watch = state.crawls.watch(id)?;
    let (sender, receiver) = async_channel::bounded(1);
    tokio::spawn(follow(watch, sender));
    Ok(Sse::new(receiver)
        .keep_alive(KeepAlive::default())
        .into_response())
}

/// How often figures are sent at most.
const EVERY: Duration = Duration::from_millis(500);

/// Sends figures until the crawl is over or nobody reads them any more.
async fn follow(
    mut watch: watch::Receiver<CrawlProgress>,
    sender: async_channel::Sender<Result<Event, axum::Error>>,
) {
    loop {
        let progress = watch.borrow_and_update().clone();
        let event = Event::default().event("progress").json_data(&progress);
        if sender.send(event).await.is_err() || progress.state.is_over() {
            return;
        }
        tokio::time::sleep(EVERY).await;
        tokio::select! {
            changed = watch.changed() => {
                if changed.is_err() {
                    return;
                }
            }
            () = sender.closed() => return,
        }
    }
}
