//! What a request may bring.

use std::time::Duration;

/// Pictures in one request.
pub(super) const MOST_PICTURES: usize = 32;
/// Labels in one request or answer.
pub(super) const MOST_LABELS: usize = 1000;
/// Bytes of a head file: those that `train` writes are a tenth of it.
pub(super) const MOST_HEAD_BYTES: usize = 64 << 20;
/// Bytes of JSON and of form fields.
pub(super) const MOST_TEXT_BYTES: usize = 1 << 20;
/// How long decoding pictures and searching for them may take.
pub const SEARCH_DEADLINE: Duration = Duration::from_secs(60);
/// How long a request's body may take to come.
pub(super) const BODY_DEADLINE: Duration = Duration::from_secs(60);
