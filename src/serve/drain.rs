//! What is left of a request's body that was refused is read, so that its sender reads the answer
//! instead of a connection that breaks.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http_body_util::BodyExt;
use hyper::body::{Frame, SizeHint};
use tokio::sync::oneshot;
use tokio::time::timeout;

/// Bytes that are read for nothing.
const MOST: usize = 32 << 20;
/// And how long.
const PATIENCE: Duration = Duration::from_secs(2);

pub(super) async fn drained(request: Request, next: Next) -> Response {
    let (head, body) = request.into_parts();
    let (back, left) = oneshot::channel();
    let lent = Lent {
        body: Some(body),
        back: Some(back),
    };
    let request = Request::from_parts(head, Body::new(lent));
    let response = next.run(request).await;
    if let Ok(body) = left.await {
        // Whoever is slower than that has to do without the answer.
        let _ = timeout(PATIENCE, read(body)).await;
    }
    response
}

async fn read(mut body: Body) {
    let mut bytes = 0;
    while let Some(Ok(frame)) = body.frame().await {
        bytes += frame.data_ref().map_or(0, Bytes::len);
        if bytes > MOST {
            return;
        }
    }
}

/// A body that goes back where it came from, unless it was read to its end.
struct Lent {
    /// Empty only while it is dropped.
    body: Option<Body>,
    back: Option<oneshot::Sender<Body>>,
}

impl HttpBody for Lent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        match &mut self.body {
            Some(body) => Pin::new(body).poll_frame(context),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body
            .as_ref()
            .map(HttpBody::size_hint)
            .unwrap_or_default()
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let (Some(body), Some(back)) = (self.body.take(), self.back.take())
            && !body.is_end_stream()
        {
            // Nobody waits for it where the connection is gone.
            let _ = back.send(body);
        }
    }
}
