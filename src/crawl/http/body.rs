//! Reading bodies: capped in bytes after decoding, in silence and in total time.

use std::sync::Arc;

use reqwest::Response;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Duration, Instant, timeout, timeout_at};

use super::content_coding::{ContentCoding, content_codings};
use super::decoding::{Decoded, End, decode_all, looks_like};
use super::error::{FetchError, with_causes};
use crate::blocking;
use crate::crawl::archive::exchange::Cut;
use crate::picture::Format;

/// A body after decoding.
#[derive(Debug)]
pub(in crate::crawl) struct Body {
    pub(in crate::crawl) bytes: Vec<u8>,
    /// Why it is not whole.
    pub(in crate::crawl) cut: Option<Cut>,
    /// The turn of one that may be longer than most; it ends with the body.
    pub(in crate::crawl) turn: Option<OwnedSemaphorePermit>,
}

/// Bodies that may be longer than others, by what they begin with.
#[derive(Clone, Copy)]
pub(in crate::crawl) struct Longer<'a> {
    /// The cap of a body that begins so, if it is one of them.
    pub(in crate::crawl) cap: &'a (dyn Fn(&[u8]) -> Option<u64> + Send + Sync),
    /// How many of them may be in memory at once.
    pub(in crate::crawl) turns: &'a Arc<Semaphore>,
}

/// What becomes of a body that is over its cap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Overlong {
    /// It is an error.
    Refused,
    /// Its beginning counts; the rest is left unread.
    Cut,
}

/// How a body is read.
#[derive(Clone, Copy)]
pub(super) struct BodyRules<'a> {
    /// The most bytes after decoding.
    pub(super) cap: u64,
    /// What may have more.
    pub(super) longer: Option<Longer<'a>>,
    pub(super) overlong: Overlong,
    /// Longest silence.
    pub(super) idle: Duration,
    /// When it must be there.
    pub(super) deadline: Instant,
    /// Whether what a broken connection left of it is taken.
    pub(super) takes_broken: bool,
    /// Whether bytes that are not in the coding that is named count as they are: what is to be a
    /// picture is judged by its bytes anyway.
    pub(super) takes_uncoded: bool,
}

/// So many bytes are read of a body that is said to be too large, to see whether it is.
const TRIED: u64 = 1 << 20;
/// So many bytes tell what a body is.
const BEGINNING: usize = 64 << 10;

/// Reads a body and undoes its codings. One that ends early is no error if anything came of it.
pub(super) async fn read_body(
    mut response: Response,
    rules: BodyRules<'_>,
) -> Result<Body, FetchError> {
    let (codings, unknown) = match content_codings(response.headers()) {
        Ok(codings) => (codings, None),
        Err(name) if rules.takes_uncoded => (Vec::new(), Some(name)),
        Err(name) => return Err(FetchError::Undecodable(name)),
    };
    let (announced, cap) = (response.content_length(), rules.cap);
    // Announced too large: it is hardly worth reading. But lengths are wrong at times.
    let is_announced = announced.is_some_and(|length| length > rules.cap);
    let rules = BodyRules {
        cap: match rules.overlong {
            Overlong::Refused if is_announced => rules.cap.min(TRIED),
            _ => rules.cap,
        },
        ..rules
    };
    let mut received = receive(&mut response, &codings, &rules).await?;
    if let Some(name) = unknown
        && !may_be_uncoded(&received.bytes)
    {
        return Err(FetchError::Undecodable(name));
    }
    if !codings.is_empty() {
        received = decode(received, codings, &rules).await?;
    }
    match received.cut {
        Some(Cut::Length) if rules.overlong == Overlong::Refused => Err(FetchError::TooLarge(cap)),
        Some(Cut::Disconnected) if received.bytes.is_empty() => Err(FetchError::Transfer(
            "the body ends before it begins".to_owned(),
        )),
        _ => Ok(received),
    }
}

/// Reads what comes, up to the cap.
async fn receive(
    response: &mut Response,
    codings: &[ContentCoding],
    rules: &BodyRules<'_>,
) -> Result<Body, FetchError> {
    let mut bytes = Vec::new();
    let (mut cap, mut turn, mut cut) = (rules.cap, None, None);
    while cut.is_none() {
        let left = rules.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(FetchError::Timeout("whole body"));
        }
        let chunk = timeout(rules.idle.min(left), response.chunk())
            .await
            .map_err(|_| FetchError::Timeout("body"))?;
        let chunk = match chunk {
            Ok(Some(chunk)) => chunk,
            Ok(None) => break,
            Err(error) if ends_early(&error, rules.takes_broken) => {
                cut = Some(Cut::Disconnected);
                break;
            }
            Err(error) if has_odd_chunks(&error) => return Err(FetchError::OddChunks),
            Err(error) => return Err(FetchError::Transfer(with_causes(&error))),
        };
        bytes.extend_from_slice(&chunk);
        if bytes.len() as u64 > cap
            && turn.is_none()
            && let Some(longer) = longer_cap(&bytes, codings, rules)
        {
            cap = cap.max(longer);
            turn = longer_turn(rules).await?;
        }
        if bytes.len() as u64 > cap {
            // The cap is far below what a usize holds.
            bytes.truncate(cap as usize);
            cut = Some(Cut::Length);
        }
    }
    Ok(Body { bytes, cut, turn })
}

/// The cap of a body that may be longer than others, by what it begins with.
fn longer_cap(bytes: &[u8], codings: &[ContentCoding], rules: &BodyRules<'_>) -> Option<u64> {
    let longer = rules.longer?;
    let beginning = bytes[..bytes.len().min(BEGINNING)].to_vec();
    let beginning = decode_all(beginning, codings, BEGINNING).ok()?;
    (longer.cap)(&beginning.bytes)
}

/// Waits for the turn of such a body.
async fn longer_turn(rules: &BodyRules<'_>) -> Result<Option<OwnedSemaphorePermit>, FetchError> {
    let Some(longer) = rules.longer else {
        return Ok(None);
    };
    let turn = Arc::clone(longer.turns).acquire_owned();
    match timeout_at(rules.deadline, turn).await {
        // Nobody closes the turns.
        Ok(turn) => Ok(turn.ok()),
        Err(_) => Err(FetchError::Timeout("whole body")),
    }
}

/// Whether the connection was closed before the body's end. One that was broken is another
/// matter: what it left is taken when nothing better can be hoped for.
fn ends_early(error: &reqwest::Error, takes_broken: bool) -> bool {
    use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(cause) = source {
        if let Some(error) = cause.downcast_ref::<std::io::Error>() {
            match error.kind() {
                UnexpectedEof => return true,
                ConnectionReset | ConnectionAborted | BrokenPipe => return takes_broken,
                _ => {}
            }
        }
        if let Some(error) = cause.downcast_ref::<hyper::Error>()
            && error.is_incomplete_message()
        {
            return true;
        }
        source = cause.source();
    }
    false
}

/// Whether the chunks of a body are not as the client wants them.
fn has_odd_chunks(error: &reqwest::Error) -> bool {
    use std::io::ErrorKind::{InvalidData, InvalidInput};
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(cause) = source {
        if let Some(error) = cause.downcast_ref::<std::io::Error>() {
            return matches!(error.kind(), InvalidData | InvalidInput);
        }
        source = cause.source();
    }
    false
}

/// Decodes on a thread that may take its time.
async fn decode(
    received: Body,
    codings: Vec<ContentCoding>,
    rules: &BodyRules<'_>,
) -> Result<Body, FetchError> {
    let Body { bytes, cut, turn } = received;
    let outermost = codings.last().copied();
    if rules.takes_uncoded && outermost.is_some_and(|coding| !may_be(coding, &bytes)) {
        return Ok(Body { bytes, cut, turn });
    }
    let longer = longer_cap(&bytes, &codings, rules);
    let turn = match longer.is_some() && turn.is_none() {
        true => longer_turn(rules).await?,
        false => turn,
    };
    let cap = rules.cap.max(longer.unwrap_or_default());
    let names: Vec<_> = codings.iter().map(ToString::to_string).collect();
    let names = format!("{} (its bytes are not)", names.join(", "));
    let cap = cap as usize;
    let decoded = blocking::run(move || decode_all(bytes, &codings, cap)).await;
    let decoded = decoded.map_err(|error| FetchError::Transfer(error.to_string()))?;
    let Decoded { bytes, end } = decoded.map_err(|_| FetchError::Undecodable(names))?;
    let cut = match end {
        End::Overlong => Some(Cut::Length),
        End::Early => cut.or(Some(Cut::Disconnected)),
        // Whatever is missing was not needed.
        End::Whole => None,
    };
    Ok(Body { bytes, cut, turn })
}

/// Whether bytes say themselves what they are, so that they are in no coding.
fn may_be_uncoded(bytes: &[u8]) -> bool {
    bytes.is_empty() || Format::of(bytes).is_some() || bytes.trim_ascii_start().starts_with(b"<")
}

/// Whether bytes can be in a coding, by the marks of pictures and of codings.
fn may_be(coding: ContentCoding, bytes: &[u8]) -> bool {
    looks_like(coding, bytes) || image::guess_format(bytes).is_err()
}
