//! The other side of a store's socket: whether somebody has the store open, and asking them.

mod files;
mod jobs;
mod lines;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::header::{CONTENT_TYPE, HOST};
use axum::http::{Method, Request, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::api::{
    BASE, CompareRequest, FailuresAnswer, FailuresRequest, RemovalAnswer, SearchAnswer,
    SearchRequest,
};
use super::problem::ProblemJson;
use super::socket;
use super::state::{Owner, PROTOCOL};
use crate::app::{Example, NamedPicture, RemovalAsked, Status};
use crate::search::{Comparison, QueryResult};
use crate::shutdown::Shutdown;
use crate::store::Store;
use crate::store::ledger::Report;

/// How long whoever has the store open may take to say so.
const PING: Duration = Duration::from_secs(1);

/// A process that has a store open, ready to be asked.
pub struct Connection {
    socket: PathBuf,
    owner: Owner,
    runtime: tokio::runtime::Runtime,
    shutdown: Shutdown,
}

/// A question was not answered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AskError {
    /// It was refused; the text is that of the error there.
    #[error("{}", .0.detail)]
    Refused(ProblemJson),
    /// The user has asked to stop.
    #[error("interrupted")]
    Interrupted,
    /// There is no answer.
    #[error("process {process}, which has the store open, has not answered: {message}; try again")]
    Lost {
        /// The process.
        process: u32,
        /// Why.
        message: String,
    },
    /// It speaks otherwise.
    #[error(
        "the store is in use by process {}, simdex {} (protocol {}), which this simdex does not understand \
         (protocol {PROTOCOL}); use that version, or wait for the process to end",
        .0.process, .0.simdex, .0.protocol
    )]
    OtherProtocol(Box<Owner>),
    /// There is no runtime.
    #[error(transparent)]
    Runtime(#[from] io::Error),
}

/// A file that goes with a question.
#[derive(Clone, Copy)]
struct Part<'a> {
    field: &'a str,
    bytes: &'a [u8],
}

impl Connection {
    /// Whoever has the store in `dir` open and answers; `None` if nobody does.
    ///
    /// # Errors
    /// If somebody answers who cannot be understood.
    pub fn to(dir: &Path, shutdown: &Shutdown) -> Result<Option<Self>, AskError> {
        let Some(socket) = socket::find(dir) else {
            return Ok(None);
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let request = request(Method::GET, "/owner", Body::empty());
        let answer =
            runtime.block_on(async { timeout(PING, answer_bytes(&socket, request)).await });
        // A process that was killed has left its socket; one that is starting or ending is not there.
        let Ok(Ok(Ok(bytes))) = answer else {
            return Ok(None);
        };
        let Ok(owner) = serde_json::from_slice::<Owner>(&bytes) else {
            return Ok(None);
        };
        if owner.protocol != PROTOCOL {
            return Err(AskError::OtherProtocol(Box::new(owner)));
        }
        // A socket that came with a copied folder, or another store's.
        if Store::id_in(dir).is_none_or(|id| id != owner.store) {
            return Ok(None);
        }
        Ok(Some(Self {
            socket,
            owner,
            runtime,
            shutdown: shutdown.clone(),
        }))
    }

    /// Who it is.
    pub fn owner(&self) -> &Owner {
        &self.owner
    }

    /// What is like some pictures. `head` is the text of a head file.
    ///
    /// # Errors
    /// As the search alone, or if there is no answer.
    pub fn search(
        &self,
        asked: &SearchRequest,
        wanted: &[NamedPicture],
        unwanted: &[NamedPicture],
        head: Option<&[u8]>,
    ) -> Result<QueryResult, AskError> {
        let names = wanted.iter().chain(unwanted);
        let asked = SearchRequest {
            names: names.map(|picture| picture.name.clone()).collect(),
            ..asked.clone()
        };
        let part = |field| move |picture| part_of(field, picture);
        let parts = wanted.iter().map(part("positive"));
        let parts = parts.chain(unwanted.iter().map(part("negative")));
        let request = form("/search", &asked, parts.chain(head.map(of_head)));
        let answer: SearchAnswer = self.ask(request)?;
        Ok(answer.into_result())
    }

    /// Two pictures, compared.
    ///
    /// # Errors
    /// As comparing alone, or if there is no answer.
    pub fn compare(
        &self,
        asked: &CompareRequest,
        a: &Example,
        b: &Example,
        head: Option<&[u8]>,
    ) -> Result<Comparison, AskError> {
        let mut asked = asked.clone();
        let mut parts = Vec::new();
        for (field, side) in [("a", a), ("b", b)] {
            match (field, side) {
                (_, Example::Given(picture)) => {
                    asked.names.push(picture.name.clone());
                    parts.push(part_of(field, picture));
                }
                ("a", Example::Stored(id)) => asked.a = Some(id.to_string()),
                (_, Example::Stored(id)) => asked.b = Some(id.to_string()),
            }
        }
        let parts = parts.into_iter().chain(head.map(of_head));
        self.ask(form("/compare", &asked, parts))
    }

    /// What failed or was refused.
    ///
    /// # Errors
    /// As listing it alone, or if there is no answer.
    pub fn failures(&self, asked: &FailuresRequest) -> Result<FailuresAnswer, AskError> {
        let limit = asked.limit.map(|limit| limit.to_string());
        let pairs = [
            ("host", asked.host.as_deref()),
            ("reasons", asked.reasons.as_deref()),
            ("limit", limit.as_deref()),
            ("cursor", asked.cursor.as_deref()),
        ];
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in pairs {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        }
        let path = format!("/failures?{}", query.finish());
        self.ask(request(Method::GET, &path, Body::empty()))
    }

    /// How politely hosts were asked.
    ///
    /// # Errors
    /// As reading it alone, or if there is no answer.
    pub fn politeness(&self, limit: usize) -> Result<Report, AskError> {
        let path = format!("/politeness?limit={limit}");
        self.ask(request(Method::GET, &path, Body::empty()))
    }

    /// What is stored, counted.
    ///
    /// # Errors
    /// As counting it alone, or if there is no answer.
    pub fn status(&self) -> Result<Status, AskError> {
        self.ask(request(Method::GET, "/status", Body::empty()))
    }

    /// Deletes what is named.
    ///
    /// # Errors
    /// As deleting it alone, or if there is no answer.
    pub fn remove(&self, asked: &RemovalAsked) -> Result<RemovalAnswer, AskError> {
        self.ask(json("/removals", asked))
    }

    fn ask<A: DeserializeOwned>(&self, request: Request<Body>) -> Result<A, AskError> {
        let bytes = self.wait(answer_bytes(&self.socket, request))?;
        self.understood(bytes)
    }

    fn ask_to_the_end<A: DeserializeOwned>(&self, request: Request<Body>) -> Result<A, AskError> {
        let bytes = self.runtime.block_on(answer_bytes(&self.socket, request));
        self.understood(bytes)
    }

    fn understood<A: DeserializeOwned>(
        &self,
        bytes: Result<Result<Vec<u8>, ProblemJson>, SendError>,
    ) -> Result<A, AskError> {
        let bytes = bytes
            .map_err(|error| self.lost(&error))?
            .map_err(AskError::Refused)?;
        serde_json::from_slice(&bytes).map_err(|error| self.lost(&error))
    }

    fn successful(&self, response: Response<Body>) -> Result<Body, AskError> {
        if response.status().is_success() {
            return Ok(response.into_body());
        }
        let bytes = self.wait(to_bytes(response.into_body(), usize::MAX))?;
        let bytes = bytes.map_err(|error| self.lost(&error))?;
        Err(match serde_json::from_slice(&bytes) {
            Ok(problem) => AskError::Refused(problem),
            Err(error) => self.lost(&error),
        })
    }

    /// Waits for an answer, or until the user asks to stop; what is dropped then ends there, too.
    fn wait<T>(&self, answer: impl Future<Output = T>) -> Result<T, AskError> {
        let mut shutdown = self.shutdown.clone();
        self.runtime.block_on(async {
            tokio::select! {
                answer = answer => Ok(answer),
                () = shutdown.wait() => Err(AskError::Interrupted),
            }
        })
    }

    fn lost(&self, error: &dyn std::fmt::Display) -> AskError {
        AskError::Lost {
            process: self.owner.process,
            message: error.to_string(),
        }
    }
}

type SendError = Box<dyn std::error::Error + Send + Sync>;

/// The whole answer; inside, why it was refused.
async fn answer_bytes(
    socket: &Path,
    request: Request<Body>,
) -> Result<Result<Vec<u8>, ProblemJson>, SendError> {
    let response = send(socket, request).await?;
    let is_answer = response.status().is_success();
    let bytes = to_bytes(response.into_body(), usize::MAX).await?;
    match is_answer {
        true => Ok(Ok(bytes.to_vec())),
        false => Ok(Err(serde_json::from_slice(&bytes)?)),
    }
}

#[cfg(unix)]
async fn send(socket: &Path, request: Request<Body>) -> Result<Response<Body>, SendError> {
    let stream = tokio::net::UnixStream::connect(socket).await?;
    let stream = hyper_util::rt::TokioIo::new(stream);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await?;
    tokio::spawn(connection);
    let response = sender.send_request(request).await?;
    Ok(response.map(Body::new))
}

#[cfg(not(unix))]
async fn send(_: &Path, _: Request<Body>) -> Result<Response<Body>, SendError> {
    Err("there are no sockets of this kind here".into())
}

fn request(method: Method, path: &str, body: Body) -> Request<Body> {
    let request = Request::builder()
        .method(method)
        .uri(format!("{BASE}{path}"))
        .header(HOST, "simdex");
    request.body(body).expect("paths of the API are URIs")
}

fn json(path: &str, asked: &impl Serialize) -> Request<Body> {
    let body = serde_json::to_vec(asked).expect("requests are plain structs");
    let mut request = request(Method::POST, path, body.into());
    let json = axum::http::HeaderValue::from_static("application/json");
    request.headers_mut().insert(CONTENT_TYPE, json);
    request
}

/// Parts cannot hold it: it is as random as a key.
fn form<'a>(
    path: &str,
    asked: &impl Serialize,
    parts: impl Iterator<Item = Part<'a>>,
) -> Request<Body> {
    let boundary = format!("simdex-{:032x}", rand::random::<u128>());
    let asked = serde_json::to_vec(asked).expect("requests are plain structs");
    let mut body = Vec::new();
    let mut add = |head: &str, bytes: &[u8]| {
        let head = format!("--{boundary}\r\nContent-Disposition: form-data; {head}\r\n\r\n");
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    };
    add("name=\"request\"", &asked);
    for part in parts {
        // Names that may be anything are in the request.
        add(
            &format!("name=\"{}\"; filename=\"file\"", part.field),
            part.bytes,
        );
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    let mut request = request(Method::POST, path, body.into());
    let kind = format!("multipart/form-data; boundary={boundary}");
    let kind = axum::http::HeaderValue::from_str(&kind).expect("a boundary is hexadecimal");
    request.headers_mut().insert(CONTENT_TYPE, kind);
    request
}

fn part_of<'a>(field: &'a str, picture: &'a NamedPicture) -> Part<'a> {
    Part {
        field,
        bytes: &picture.bytes,
    }
}

fn of_head(text: &[u8]) -> Part<'_> {
    Part {
        field: "head",
        bytes: text,
    }
}
