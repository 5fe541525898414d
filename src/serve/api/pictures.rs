//! Stored pictures: where they were seen, and their previews; and pictures that are uploaded to be
//! stored.

use axum::Json;
use axum::extract::{Request, State as Shared};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::extract::Path;
use super::files::taken_in;
use super::form::Form;
use crate::app::{Error, ListedFile, LocalFile, Receipt, ReceiptOutcome};
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
pub(super) fn id(text: &str) -> Result<PictureId, Problem> {
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
        (status = 304, description = "It is what `If-None-Match` names"),
        Refused
    )
)]
pub(super) async fn picture(
    Shared(state): Shared<State>,
    Path(text): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let id = id(&text)?;
    let collection = state.collection.clone();
    let answer = state.reads.run(move || {
        let store = collection.store();
        let record = store.picture(id)?.ok_or(Error::NoPicture(id))?;
        let provenance = store.provenance(id)?;
        let answer = PictureAnswer {
            id: id.to_string(),
            width: record.width,
            height: record.height,
            bytes: record.bytes,
            media_type: record.media_type,
            first_seen: record.first_seen,
            urls: provenance.urls,
            pages: provenance.pages,
            paths: provenance.paths.iter().map(LocalPath::to_string).collect(),
        };
        serde_json::to_vec(&answer).map_err(|error| Problem::bad(error.to_string()))
    });
    let json = answer.await??;
    // It may be seen elsewhere tomorrow.
    let known = [
        (ETAG, format!("\"{}\"", blake3::hash(&json).to_hex())),
        (CACHE_CONTROL, "private, no-cache".to_owned()),
    ];
    if is_known(&headers, &known[0].1) {
        return Ok((StatusCode::NOT_MODIFIED, known).into_response());
    }
    Ok((known, [(CONTENT_TYPE, "application/json")], json).into_response())
}

/// Whether the client has what bears this tag.
fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let tags = headers.get(IF_NONE_MATCH);
    let tags = tags.and_then(|tags| tags.to_str().ok());
    tags.is_some_and(|tags| tags.split(',').any(|one| one.trim() == tag))
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
        (status = 304, description = "It is what `If-None-Match` names"),
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
    let unchanged = is_known(&headers, &tag);
    let known = [(ETAG, tag), (CACHE_CONTROL, FOR_EVER.to_owned())];
    if unchanged {
        return Ok((StatusCode::NOT_MODIFIED, known).into_response());
    }
    let collection = state.collection.clone();
    let jpeg = state.reads.run(move || collection.thumbnail(id)).await??;
    if jpeg.is_empty() {
        return Err(Problem::not_found(format!("there is no preview of {id}")));
    }
    Ok((known, [(CONTENT_TYPE, "image/jpeg")], jpeg).into_response())
}

/// What is uploaded: files `image`.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub(super) struct UploadRequest {}

/// The same as a form.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it only describes the form")]
pub(super) struct UploadForm {
    /// A picture to be stored; may be there several times.
    #[schema(format = Binary, content_media_type = "application/octet-stream")]
    image: String,
}

/// What came of pictures that were uploaded.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct UploadAnswer {
    /// Of each, in their order.
    pictures: Vec<Uploaded>,
}

/// What came of a picture.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Uploaded {
    /// Its file's name.
    name: String,
    /// Its id, if it is stored.
    id: Option<String>,
    /// Whether it was not stored before.
    is_new: bool,
    /// Why it is not stored: a stable name.
    reason: Option<String>,
    /// The same in words.
    message: Option<String>,
}

impl Uploaded {
    fn of(name: String, outcome: ReceiptOutcome) -> Self {
        let is_new = matches!(outcome, ReceiptOutcome::Stored(_));
        let (id, problem) = match outcome {
            ReceiptOutcome::Stored(id)
            | ReceiptOutcome::Kept(id)
            | ReceiptOutcome::Duplicate(id)
            | ReceiptOutcome::Unchanged(id) => (Some(id.to_string()), None),
            ReceiptOutcome::Refused(reason, message)
            | ReceiptOutcome::Failed(reason, message)
            | ReceiptOutcome::Postponed(reason, message) => (None, Some((reason, message))),
        };
        let (reason, message) = problem.unzip();
        Self {
            name,
            id,
            is_new,
            reason,
            message,
        }
    }
}

/// Before the name of a file that was uploaded, where other pictures have a path or a URL.
const UPLOADED: &str = "upload:";
/// The longest name of a file that is kept, in characters.
const LONGEST_NAME: usize = 200;

/// The place of a file that was uploaded: no path, so that nobody takes it for a file here.
fn place(name: &str) -> String {
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let name = name.chars().filter(|c| !c.is_control());
    let name: String = name.take(LONGEST_NAME).collect();
    format!("{UPLOADED}{name}")
}

/// Stores pictures
///
/// They stay when other pictures are looked for on disk or on the web.
#[utoipa::path(
    post,
    path = "/pictures",
    tag = "store",
    request_body(content = UploadForm, content_type = "multipart/form-data"),
    responses(
        (status = 200, description = "What came of each; one at least is stored", body = UploadAnswer),
        Refused
    )
)]
pub(super) async fn upload(
    Shared(state): Shared<State>,
    request: Request,
) -> Result<Json<UploadAnswer>, Problem> {
    let mut form = Form::read(&state, request).await?;
    form.request::<UploadRequest>()?;
    let uploads = std::mem::take(&mut form.uploads);
    if uploads.is_empty() {
        return Err(Problem::bad(
            "there is nothing to store: send pictures as files `image`",
        ));
    }
    if let Some(other) = uploads.iter().find(|upload| upload.field != "image") {
        return Err(Problem::bad(format!("there is no file `{}`", other.field)));
    }
    let mut pictures = Vec::with_capacity(uploads.len());
    for upload in uploads {
        let path = std::path::PathBuf::from(place(&upload.name));
        let listed = ListedFile {
            file: LocalFile {
                bytes: upload.bytes.len() as u64,
                modified_ns: 0,
                path: path.clone(),
            },
            root: path,
        };
        let Receipt { outcome, .. } = taken_in(&state, listed, upload.bytes).await?;
        pictures.push(Uploaded::of(upload.name, outcome));
    }
    drop(form);
    match &pictures[..] {
        [first, rest @ ..] if first.id.is_none() && rest.iter().all(|one| one.id.is_none()) => {
            let message = first.message.clone().unwrap_or_default();
            Err(Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "picture",
                format!("{}: {message}", first.name),
            ))
        }
        _ => Ok(Json(UploadAnswer { pictures })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_becomes_no_path() {
        let places = [
            "cat.jpg",
            "../../etc/cat.jpg",
            "C:\\cat.jpg",
            "a\nb.jpg",
            "/",
        ]
        .map(place);
        let expected = ["cat.jpg", "cat.jpg", "cat.jpg", "ab.jpg", ""];
        assert_eq!(places, expected.map(|name| format!("upload:{name}")));
    }
}
