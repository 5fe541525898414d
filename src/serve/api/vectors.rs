//! `vectors`: the numbers by which pictures are compared, a line of JSON each.

use axum::extract::State as Shared;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::Query;
use crate::app::{PictureVector, VectorKind};
use crate::serve::lines::{Lines, lines};
use crate::serve::problem::{Problem, Refused};
use crate::serve::state::State;

/// Which numbers.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
pub struct VectorsRequest {
    /// `embedding` (the network's pooled output) or `descriptor` (what the index compares).
    #[param(inline)]
    pub kind: VectorKind,
}

/// A line of the answer.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum VectorsLine {
    /// A picture's numbers.
    Picture {
        /// Its id.
        id: String,
        /// The numbers, at unit length: f32, little-endian, as base64.
        values: String,
    },
    /// The last line: the list is whole.
    End {
        /// Ids of pictures that cannot be read.
        unread: Vec<String>,
    },
}

impl VectorsLine {
    fn new(vector: &PictureVector) -> Self {
        let values = vector.values.iter();
        let bytes: Vec<u8> = values.flat_map(|value| value.to_le_bytes()).collect();
        Self::Picture {
            id: vector.id.to_string(),
            values: STANDARD.encode(bytes),
        }
    }

    /// The numbers that a line has as text; `None` if they are none.
    pub(in crate::serve) fn numbers(text: &str) -> Option<Vec<f32>> {
        let bytes = STANDARD.decode(text).ok()?;
        let (values, rest) = bytes.as_chunks();
        let values = values.iter().map(|value| f32::from_le_bytes(*value));
        rest.is_empty().then(|| values.collect())
    }
}

/// Lists the numbers by which pictures are compared, a line each, in the order of storing
#[utoipa::path(
    get,
    path = "/vectors",
    tag = "store",
    params(VectorsRequest),
    responses(
        (status = 200, description = "A line of JSON a picture", body = VectorsLine, content_type = "application/jsonl"),
        Refused
    )
)]
pub(super) async fn vectors(
    Shared(state): Shared<State>,
    Query(asked): Query<VectorsRequest>,
) -> Result<Response, Problem> {
    let collection = state.collection.clone();
    let list = move |(), lines: &Lines| {
        let each = |vector| lines.send(&VectorsLine::new(&vector));
        let unread = collection.vectors(asked.kind, each)?;
        lines.send(&VectorsLine::End { unread })
    };
    lines(&state, || Ok(()), list).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_the_same_behind_a_line() {
        let vector = PictureVector {
            id: crate::picture::PictureId::of(b"a picture"),
            values: vec![0.6, -0.8, 1.0e-30],
        };
        let VectorsLine::Picture { id, values } = VectorsLine::new(&vector) else {
            panic!("a picture has a line of its own");
        };
        assert_eq!(id, vector.id.to_string());
        assert_eq!(VectorsLine::numbers(&values), Some(vector.values));
        assert_eq!(VectorsLine::numbers("AAAA"), None, "three bytes");
        assert_eq!(VectorsLine::numbers("no base64"), None);
    }
}
