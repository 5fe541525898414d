//! Answers that are long lists, read line by line.

use axum::body::Body;
use axum::http::{Method, Request};
use http_body_util::BodyExt;
use serde::de::DeserializeOwned;

use super::{AskError, Connection, form, of_head, request, send};
use crate::app::{PictureVector, VectorKind};
use crate::search::QueryResult;
use crate::serve::api::{DuplicatesLine, DuplicatesRequest, VectorsLine};

impl Connection {
    /// The groups of near-copies; gives the ids of pictures that cannot be read.
    ///
    /// # Errors
    /// As listing them alone, if there is no answer, or `each` fails.
    pub fn duplicates<E: From<AskError>>(
        &self,
        asked: &DuplicatesRequest,
        head: Option<&[u8]>,
        mut each: impl FnMut(QueryResult) -> Result<(), E>,
    ) -> Result<Vec<String>, E> {
        let request = form("/duplicates", asked, head.into_iter().map(of_head));
        self.lines(request, |line| match line {
            DuplicatesLine::Group(group) => each(group.into_result()).map(|()| None),
            DuplicatesLine::End { unread } => Ok(Some(unread)),
        })
    }

    /// The numbers of all pictures; gives the ids of pictures that cannot be read.
    ///
    /// # Errors
    /// As listing them alone, if there is no answer, or `each` fails.
    pub fn vectors<E: From<AskError>>(
        &self,
        kind: VectorKind,
        mut each: impl FnMut(PictureVector) -> Result<(), E>,
    ) -> Result<Vec<String>, E> {
        let path = format!("/vectors?kind={}", kind.name());
        self.lines(request(Method::GET, &path, Body::empty()), |line| {
            let (id, values) = match line {
                VectorsLine::Picture { id, values } => (id, values),
                VectorsLine::End { unread } => return Ok(Some(unread)),
            };
            match (id.parse(), VectorsLine::numbers(&values)) {
                (Ok(id), Some(values)) => each(PictureVector { id, values }).map(|()| None),
                _ => Err(self.lost(&"a line of the list has no numbers").into()),
            }
        })
    }

    /// Reads lines until `each` gives something.
    fn lines<L: DeserializeOwned, T, E: From<AskError>>(
        &self,
        request: Request<Body>,
        mut each: impl FnMut(L) -> Result<Option<T>, E>,
    ) -> Result<T, E> {
        let lost = |error: &dyn std::fmt::Display| self.lost(error);
        let response = self.wait(send(&self.socket, request))?;
        let response = response.map_err(|error| lost(&error))?;
        let mut body = self.successful(response)?;
        let mut line = Vec::new();
        while let Some(frame) = self.wait(body.frame())? {
            let frame = frame.map_err(|error| lost(&error))?;
            for byte in frame.into_data().unwrap_or_default() {
                if byte != b'\n' {
                    line.push(byte);
                    continue;
                }
                let read = serde_json::from_slice(&line).map_err(|error| lost(&error))?;
                if let Some(end) = each(read)? {
                    return Ok(end);
                }
                line.clear();
            }
        }
        Err(lost(&"the list has no end").into())
    }
}
