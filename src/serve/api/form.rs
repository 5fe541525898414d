//! A request's body: a form with files, or JSON. Bounded in bytes, in memory that all requests
//! share, and in time.

use axum::body::to_bytes;
use axum::extract::multipart::Field;
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use crate::serve::limits::{BODY_DEADLINE, MOST_HEAD_BYTES, MOST_PICTURES, MOST_TEXT_BYTES};
use crate::serve::problem::Problem;
use crate::serve::state::{Entrance, State};

/// A body, read.
pub(in crate::serve) struct Form {
    fields: Map<String, Value>,
    /// Its files, in their order.
    pub(in crate::serve) uploads: Vec<Upload>,
    /// Room for it; given back when it is dropped.
    _room: OwnedSemaphorePermit,
}

/// A file of a form.
pub(in crate::serve) struct Upload {
    /// The form's field.
    pub(in crate::serve) field: String,
    /// What the client calls it. Nothing of this name is ever opened.
    pub(in crate::serve) name: String,
    pub(in crate::serve) bytes: Vec<u8>,
}

/// The field of a head file.
const HEAD: &str = "head";
/// The field of a part that has all other fields, as JSON.
const REQUEST: &str = "request";

impl Form {
    pub(in crate::serve) async fn read(state: &State, request: Request) -> Result<Self, Problem> {
        match timeout(BODY_DEADLINE, Self::read_slowly(state, request)).await {
            Ok(form) => form,
            Err(_) => Err(Problem::new(
                StatusCode::REQUEST_TIMEOUT,
                "timeout",
                "the request's body did not come in a minute",
            )),
        }
    }

    async fn read_slowly(state: &State, request: Request) -> Result<Self, Problem> {
        let headers = request.headers();
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        if headers.contains_key(CONTENT_ENCODING) {
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "content_encoding",
                "bodies are taken as they are, without a Content-Encoding",
            ));
        }
        let kind = text(CONTENT_TYPE).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        let (is_form, is_json) = (
            kind.eq_ignore_ascii_case("multipart/form-data"),
            kind.eq_ignore_ascii_case("application/json"),
        );
        let caps = Caps::of(state, &request);
        let length = text(CONTENT_LENGTH).and_then(|length| length.parse().ok());
        let length: usize = match (length, is_json) {
            (Some(length), _) if length > caps.all => {
                return Err(caps.exceeded());
            }
            (Some(length), _) => length,
            (None, true) => MOST_TEXT_BYTES,
            (None, false) => caps.all,
        };
        let room = state.room(length).await?;
        let mut form = Self {
            fields: Map::new(),
            uploads: Vec::new(),
            _room: room,
        };
        if is_json {
            let bytes = to_bytes(request.into_body(), MOST_TEXT_BYTES).await;
            let bytes = bytes.map_err(|_| {
                Problem::too_large(format!(
                    "JSON may have {MOST_TEXT_BYTES} bytes, and must come whole"
                ))
            })?;
            form.fields = object(&bytes)?;
        } else if is_form {
            let multipart = Multipart::from_request(request, &()).await;
            let multipart = multipart.map_err(|error| Problem::bad(error.body_text()))?;
            form.take_parts(multipart, &caps).await?;
        } else {
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "content_type",
                "send multipart/form-data or application/json",
            ));
        }
        Ok(form)
    }

    async fn take_parts(&mut self, mut parts: Multipart, caps: &Caps) -> Result<(), Problem> {
        let mut left = caps.all;
        let broken =
            |error: axum::extract::multipart::MultipartError| Problem::bad(error.body_text());
        while let Some(part) = parts.next_field().await.map_err(broken)? {
            let field = part.name().unwrap_or_default().to_owned();
            let name = part.file_name().map(ToOwned::to_owned);
            let most = match (&name, field.as_str()) {
                (None, _) => MOST_TEXT_BYTES,
                (Some(_), HEAD) => MOST_HEAD_BYTES,
                (Some(_), _) => caps.picture,
            };
            let bytes = part_bytes(part, most.min(left)).await?;
            left -= bytes.len();
            match name {
                Some(name) if self.uploads.len() < MOST_PICTURES => {
                    self.uploads.push(Upload { field, name, bytes });
                }
                Some(_) => {
                    return Err(Problem::too_large(format!(
                        "a request may have {MOST_PICTURES} files"
                    )));
                }
                None if field == REQUEST => self.fields.append(&mut object(&bytes)?),
                None => self.add_field(field, &bytes)?,
            }
        }
        Ok(())
    }

    /// A field as HTML forms and curl send it: numbers and booleans are text there, and one that is given
    /// again is a list.
    fn add_field(&mut self, field: String, bytes: &[u8]) -> Result<(), Problem> {
        let text = std::str::from_utf8(bytes)
            .map_err(|_| Problem::bad(format!("the field `{field}` is no UTF-8")))?;
        // An empty field of a form says nothing.
        if text.is_empty() {
            return Ok(());
        }
        if LISTS.contains(&field.as_str()) {
            let list = self
                .fields
                .entry(field)
                .or_insert_with(|| Value::Array(Vec::new()));
            if let Value::Array(list) = list {
                list.push(text.into());
            }
            return Ok(());
        }
        let value = match SCALARS.contains(&field.as_str()) {
            true if text == "on" => Value::Bool(true),
            true => serde_json::from_str(text)
                .map_err(|_| Problem::bad(format!("`{field}` cannot be `{text}`")))?,
            false => text.into(),
        };
        self.fields.insert(field, value);
        Ok(())
    }

    /// What the fields say. A field that a request of this kind does not have is refused: it would be a
    /// slip that nobody notices.
    pub(super) fn request<R: DeserializeOwned + Serialize + Default>(
        &mut self,
    ) -> Result<R, Problem> {
        let known = serde_json::to_value(R::default()).unwrap_or_default();
        let unknown = self
            .fields
            .keys()
            .find(|field| known.get(field.as_str()).is_none());
        if let Some(unknown) = unknown {
            return Err(Problem::bad(format!("there is no field `{unknown}`")));
        }
        let fields = std::mem::take(&mut self.fields);
        serde_json::from_value(Value::Object(fields))
            .map_err(|error| Problem::bad(error.to_string()))
    }

    /// The text of a field, if it is there.
    pub(in crate::serve) fn take_text(&mut self, field: &str) -> Option<String> {
        match self.fields.remove(field) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    /// The number of a field, if it is there.
    pub(in crate::serve) fn take_number(&mut self, field: &str) -> Result<Option<u64>, Problem> {
        let value = self.fields.remove(field);
        let number = value.map(|value| {
            value
                .as_u64()
                .ok_or_else(|| Problem::bad(format!("`{field}` takes a number")))
        });
        number.transpose()
    }

    /// The head file, if there is one.
    pub(super) fn take_head(&mut self) -> Option<Upload> {
        let place = self
            .uploads
            .iter()
            .position(|upload| upload.field == HEAD)?;
        Some(self.uploads.remove(place))
    }
}

/// Fields that are no text.
const SCALARS: [&str; 10] = [
    "limit",
    "candidates",
    "explain",
    "all_copies",
    "previews",
    "max_images",
    "min_width",
    "min_height",
    "wait_s",
    "neighbours",
];
/// Fields that may be given several times.
const LISTS: [&str; 3] = ["positive", "negative", "names"];

fn object(bytes: &[u8]) -> Result<Map<String, Value>, Problem> {
    serde_json::from_slice(bytes).map_err(|error| Problem::bad(error.to_string()))
}

async fn part_bytes(mut part: Field<'_>, most: usize) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    while let Some(chunk) = part
        .chunk()
        .await
        .map_err(|error| Problem::bad(error.body_text()))?
    {
        if bytes.len() + chunk.len() > most {
            let name = part.name().unwrap_or_default();
            return Err(Problem::too_large(format!(
                "`{name}` may have {most} bytes"
            )));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// How many bytes a request may bring.
struct Caps {
    picture: usize,
    all: usize,
}

impl Caps {
    /// Other processes of the user may send what they may read themselves, others what may come from
    /// the web.
    fn of(state: &State, request: &Request) -> Self {
        let picture = &state.collection.config().picture;
        let (picture, all) = match request.extensions().get() {
            Some(Entrance::Socket) => (picture.limits().max_bytes, picture.limits().max_bytes * 2),
            _ => (picture.max_bytes, picture.max_bytes * 4),
        };
        let size = |bytes| usize::try_from(bytes).unwrap_or(usize::MAX);
        Self {
            picture: size(picture),
            all: size(all),
        }
    }

    fn exceeded(&self) -> Problem {
        Problem::too_large(format!("a request may have {} bytes", self.all))
    }
}
