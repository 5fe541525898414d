//! Reading bodies: capped in bytes after decompression, in silence and in total time.

use reqwest::Response;
use tokio::time::{Duration, Instant, timeout};

use super::error::{FetchError, with_causes};

/// Reads a body of at most `cap` bytes.
pub(super) async fn read_body(
    response: Response,
    cap: u64,
    idle: Duration,
    deadline: Instant,
) -> Result<Vec<u8>, FetchError> {
    // Announced too large: no need to read it.
    if response.content_length().is_some_and(|length| length > cap) {
        return Err(FetchError::TooLarge(cap));
    }
    match read(response, cap, idle, deadline).await? {
        (body, false) => Ok(body),
        (_, true) => Err(FetchError::TooLarge(cap)),
    }
}

/// Reads at most the first `cap` bytes of a body; the rest is left unread.
pub(super) async fn read_prefix(
    response: Response,
    cap: u64,
    idle: Duration,
    deadline: Instant,
) -> Result<Vec<u8>, FetchError> {
    Ok(read(response, cap, idle, deadline).await?.0)
}

/// The body up to the cap, and whether it went on.
async fn read(
    mut response: Response,
    cap: u64,
    idle: Duration,
    deadline: Instant,
) -> Result<(Vec<u8>, bool), FetchError> {
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
            return Ok((body, false));
        };
        // The cap is far below what a usize holds.
        let room = (cap as usize).saturating_sub(body.len());
        if chunk.len() > room {
            body.extend_from_slice(&chunk[..room]);
            return Ok((body, true));
        }
        body.extend_from_slice(&chunk);
    }
}
