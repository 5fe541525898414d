//! Stored pictures: where they were seen, and their previews.

use axum::Json;
use axum::extract::{Path, State as Shared};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::Error;
use crate::local_path::LocalPath;
use crate::picture::PictureId;
use crate::serve::problem::{Problem, Refused};
use crate::serve::state::State;
use crate::store::SourcePage;

/// A stored picture.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PictureAnswer {
    /// BLAKE3 of its bytes in hexadecimal.
    id: String,
    /// Width in pixels.
    width: u32,
    /// Height in pixels.
    height: u32,
    /// Size of the file in bytes.
    bytes: u64,
    /// MIME type of the file.
    media_type: String,
    /// When it was first stored, in seconds since 1970.
    first_seen: u64,
    /// URLs that served it.
    urls: Vec<String>,
    /// Pages that showed it.
    pages: Vec<SourcePage>,
    /// Local paths at which its bytes are.
    paths: Vec<String>,
}

/// Ids are 64 hexadecimal digits, and nothing else is looked up.
fn id(text: &str) -> Result<PictureId, Problem> {
    text.parse()
        .map_err(|_| Problem::not_found("an id is 64 hexadecimal digits"))
}

/// Says where a picture was seen
#[utoipa::path(
    get,
    path = "/pictures/{id}",
    tag = "store",
    params(("id" = String, Path, description = "64 hexadecimal digits")),
    responses(
        (status = 200, description = "The picture", body = PictureAnswer),
        Refused
    )
)]
pub(super) async fn picture(
    Shared(state): Shared<State>,
    Path(text): Path<String>,
) -> Result<Json<PictureAnswer>, Problem> {
    let id = id(&text)?;
    let collection = state.collection.clone();
    let answer = state.reads.run(move || {
        let store = collection.store();
        let record = store.picture(id)?.ok_or(Error::NoPicture(id))?;
        let provenance = store.provenance(id)?;
        Ok::<_, Problem>(PictureAnswer {
            id: id.to_string(),
            width: record.width,
            height: record.height,
            bytes: record.bytes,
            media_type: record.media_type,
            first_seen: record.first_seen,
            urls: provenance.urls,
            pages: provenance.pages,
            paths: provenance.paths.iter().map(LocalPath::to_string).collect(),
        })
    });
    Ok(Json(answer.await??))
}

/// Bytes of a picture never change, so neither does its preview.
const FOR_EVER: &str = "private, max-age=31536000, immutable";

/// Gives a small JPEG
#[utoipa::path(
    get,
    path = "/pictures/{id}/thumbnail",
    tag = "store",
    params(("id" = String, Path, description = "64 hexadecimal digits")),
    responses(
        (status = 200, description = "The preview", body = Vec<u8>, content_type = "image/jpeg"),
        Refused
    )
)]
pub(super) async fn thumbnail(
    Shared(state): Shared<State>,
    Path(text): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let id = id(&text)?;
    let tag = format!("\"{id}\"");
    let unchanged = headers
        .get(IF_NONE_MATCH)
        .and_then(|tags| tags.to_str().ok());
    let known = [(ETAG, tag.clone()), (CACHE_CONTROL, FOR_EVER.to_owned())];
    if unchanged.is_some_and(|tags| tags.split(',').any(|one| one.trim() == tag)) {
        return Ok((StatusCode::NOT_MODIFIED, known).into_response());
    }
    let collection = state.collection.clone();
    let jpeg = state.reads.run(move || collection.thumbnail(id)).await??;
    if jpeg.is_empty() {
        return Err(Problem::not_found(format!("there is no preview of {id}")));
    }
    Ok((known, [(CONTENT_TYPE, "image/jpeg")], jpeg).into_response())
}
