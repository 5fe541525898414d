//! Reading bodies: capped in bytes after decompression, in silence and in total time.

use reqwest::Response;
use tokio::time::{Duration, Instant, timeout};

use super::error::{FetchError, with_causes};

/// What becomes of a body that is over its cap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Overlong {
    /// It is an error.
    Refused,
    /// Its beginning counts; the rest is left unread.
    Cut,
}

/// Reads a body of at most `cap` bytes.
pub(super) async fn read_body(
    mut response: Response,
    cap: u64,
    overlong: Overlong,
    idle: Duration,
    deadline: Instant,
) -> Result<Vec<u8>, FetchError> {
    let announced = response.content_length();
    // Announced too large: no need to read it.
    if overlong == Overlong::Refused && announced.is_some_and(|length| length > cap) {
        return Err(FetchError::TooLarge(cap));
    }
    let mut body = Vec::new();
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(FetchError::Timeout("whole body"));
        }
        let chunk = timeout(idle.min(left), response.chunk())
            .await
            .map_err(|_| FetchError::Timeout("body"))?
            .map_err(|error| FetchError::Transfer(with_causes(&error)))?;
        let Some(chunk) = chunk else {
            return Ok(body);
        };
        // The cap is far below what a usize holds.
        let room = (cap as usize).saturating_sub(body.len());
        if chunk.len() > room {
            if overlong == Overlong::Refused {
                return Err(FetchError::TooLarge(cap));
            }
            body.extend_from_slice(&chunk[..room]);
            return Ok(body);
        }
        body.extend_from_slice(&chunk);
    }
}
