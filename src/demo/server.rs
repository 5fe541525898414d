//! A site over HTTP, on a free port of 127.0.0.1.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::site::{Content, Site, unescape};
use crate::blocking;

/// A running server; it stops when dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    /// The thread ends when the sender goes.
    running: Option<(oneshot::Sender<()>, thread::JoinHandle<()>)>,
}

impl Server {
    /// Starts a server on a thread with a small runtime of its own.
    ///
    /// # Errors
    ///
    /// If no port can be bound, or no thread or runtime started.
    pub fn start(site: Site) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = thread::Builder::new()
            .name("demo-server".into())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        () = serve(listener, site) => {}
                        // Nothing is sent: dropping the sender means stop.
                        _ = stopped => {}
                    }
                });
                // Not waiting for a file that is still being read.
                runtime.shutdown_background();
            })?;
        Ok(Self {
            address,
            running: Some((stop, thread)),
        })
    }

    /// The URL of a path that starts with a slash.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.running.take() {
            drop(stop);
            // A panic of that thread was reported when it happened.
            let _ = thread.join();
        }
    }
}

/// Serves until dropped; a connection that cannot be accepted is tried again.
async fn serve(listener: TcpListener, site: Site) {
    let listener = listener.tap_io(|stream| {
        // If it fails the server is only a little slower.
        let _ = stream.set_nodelay(true);
    });
    let answers = get(answer).with_state(Arc::new(site));
    if let Err(error) = axum::serve(listener, answers.into_make_service()).await {
        tracing::warn!(%error, "the demo's server has ended");
    }
}

async fn answer(State(site): State<Arc<Site>>, uri: Uri) -> Response {
    let path = unescape(uri.path());
    let Some(resource) = path.and_then(|path| site.resource(&path)) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let body = match &resource.content {
        Content::Bytes(bytes) => Body::from(bytes.to_vec()),
        Content::File(path) => {
            let path = path.clone();
            let read = blocking::run(move || {
                let read = std::fs::read(&path);
                read.inspect_err(|error| {
                    tracing::warn!(path = %path.display(), %error, "cannot read a file to serve");
                })
            });
            match read.await {
                Ok(Ok(bytes)) => Body::from(bytes),
                _ => return StatusCode::NOT_FOUND.into_response(),
            }
        }
    };
    ([(CONTENT_TYPE, resource.content_type)], body).into_response()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io::{Read, Write};
    use std::net::TcpStream;

    use super::super::site::Resource;
    use super::*;

    fn ask(server: &Server, method: &str, path: &str) -> String {
        let mut stream = TcpStream::connect(server.address).unwrap();
        let head = "HTTP/1.1\r\nHost: demo.test\r\nConnection: close\r\n\r\n";
        write!(stream, "{method} {path} {head}").unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        String::from_utf8_lossy(&answer).to_ascii_lowercase()
    }

    #[test]
    fn serves_bytes_and_files_and_nothing_else() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), vec![b'x'; 200_000]).unwrap();
        let of = |content| Resource {
            content_type: "image/jpeg",
            content,
        };
        let resources = BTreeMap::from([
            ("/".to_owned(), Resource::page("hello")),
            (
                "/a photo.jpg".to_owned(),
                of(Content::File(file.path().to_owned())),
            ),
            ("/gone.jpg".to_owned(), of(Content::File("/nowhere".into()))),
        ]);
        let server = Server::start(Site::new(resources, Vec::new())).unwrap();
        let page = ask(&server, "GET", "/?again=1");
        assert!(page.starts_with("http/1.1 200 "), "{page}");
        assert!(page.contains("content-type: text/html; charset=utf-8\r\n"));
        assert!(page.ends_with("\r\n\r\nhello"), "{page}");
        let head = ask(&server, "HEAD", "/");
        assert!(head.contains("content-length: 5\r\n") && head.ends_with("\r\n\r\n"));
        let photo = ask(&server, "GET", "/a%20photo.jpg");
        assert!(photo.contains("content-length: 200000\r\n"));
        assert!(photo.ends_with(&"x".repeat(200_000)));
        for path in ["/gone.jpg", "/other"] {
            assert!(ask(&server, "GET", path).starts_with("http/1.1 404 "));
        }
        assert!(ask(&server, "POST", "/").starts_with("http/1.1 405 "));
    }

    #[test]
    fn stops_when_dropped() {
        let server = Server::start(Site::new(BTreeMap::new(), Vec::new())).unwrap();
        let address = server.address;
        drop(server);
        assert!(TcpStream::connect(address).is_err());
    }
}
