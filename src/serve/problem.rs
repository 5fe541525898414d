//! Why a request was not answered: RFC 9457.

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoResponses, ToSchema};

use super::gate::{PATIENCE, Shut};
use crate::app::Error;
use crate::config::ConfigError;
use crate::crawl::with_causes;
use crate::search::SearchError;
use crate::store::StoreError;

/// The code of refusals that pass.
pub(super) const BUSY: &str = "busy";
/// The code of what takes too long.
const TOO_SLOW: &str = "too_slow";

/// A request was not answered.
#[derive(Debug, Clone)]
pub(super) struct Problem {
    pub(super) status: StatusCode,
    /// A stable name of the reason.
    pub(super) code: &'static str,
    /// What is wrong, and what to do.
    pub(super) detail: String,
}

/// The body of a refusal, `application/problem+json`.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ProblemJson {
    /// `about:blank`: the status says what kind of problem it is.
    #[serde(rename = "type")]
    pub kind: String,
    /// The status in words.
    pub title: String,
    /// The status.
    pub status: u16,
    /// A stable name of the reason.
    pub code: String,
    /// What is wrong, and what to do.
    pub detail: String,
}

/// How any request that takes a turn may be refused, in the description of the API.
#[derive(IntoResponses)]
#[allow(dead_code, reason = "it only describes answers")]
pub(super) enum Refused {
    /// What is wrong
    #[response(status = "4XX", content_type = "application/problem+json")]
    Wrong(ProblemJson),
    /// Too many wait; try again after `Retry-After`
    #[response(status = 503, content_type = "application/problem+json")]
    Busy(ProblemJson),
}

impl Problem {
    pub(super) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            code,
            detail: detail.into(),
        }
    }

    /// The request is wrong.
    pub(super) fn bad(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", detail)
    }

    pub(super) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", detail)
    }

    /// The request is too large.
    pub(super) fn too_large(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = ProblemJson {
            kind: "about:blank".to_owned(),
            title: self.status.canonical_reason().unwrap_or("").to_owned(),
            status: self.status.as_u16(),
            code: self.code.to_owned(),
            detail: self.detail.clone(),
        };
        // A struct of text and a number is always JSON.
        let body = serde_json::to_vec(&body).unwrap_or_default();
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        let json = HeaderValue::from_static("application/problem+json");
        headers.insert(CONTENT_TYPE, json);
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, PATIENCE.as_secs().into());
        }
        // For those who show it to people.
        response.extensions_mut().insert(self);
        response
    }
}

impl From<Shut> for Problem {
    fn from(shut: Shut) -> Self {
        match shut {
            Shut::Busy => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                BUSY,
                "too many requests wait for a core; try again in ten seconds",
            ),
            Shut::Late(deadline) => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                TOO_SLOW,
                format!(
                    "that takes longer than {} seconds: the pictures are too many, or too large to be \
                     decoded in that time, or what the store is on does not answer",
                    deadline.as_secs()
                ),
            ),
            Shut::Panicked => Self::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "panicked",
                "simdex failed on this request; please report it",
            ),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Error::Store(error).into()
    }
}

impl From<SearchError> for Problem {
    fn from(error: SearchError) -> Self {
        Error::Search(error).into()
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let (status, code) = match &error {
            Error::Picture { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "picture"),
            Error::Fetch { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "fetch"),
            Error::Url { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "url"),
            Error::Late => (StatusCode::UNPROCESSABLE_ENTITY, TOO_SLOW),
            Error::Head(_)
            | Error::NoThreshold
            | Error::FewLabels
            | Error::NoClasses
            | Error::NotTrained => (StatusCode::UNPROCESSABLE_ENTITY, "head"),
            Error::NoPicture(_) | Error::NoSuchId(_) | Error::NothingAsked => {
                (StatusCode::NOT_FOUND, "not_found")
            }
            Error::AmbiguousId { .. } | Error::IdOrPath(_) => (StatusCode::CONFLICT, "ambiguous"),
            Error::RelativePath
            | Error::Id(_)
            | Error::OnePicture
            | Error::CannotWait
            | Error::PartOfSeveral
            | Error::ClassName(_)
            | Error::Config(ConfigError::Range { .. }) => (StatusCode::BAD_REQUEST, "bad_request"),
            _ => (StatusCode::INTERNAL_SERVER_ERROR, "failed"),
        };
        let detail = with_causes(&error);
        if status == StatusCode::INTERNAL_SERVER_ERROR {
            tracing::warn!(error = %detail, "a request failed");
        }
        Self::new(status, code, detail)
    }
}
