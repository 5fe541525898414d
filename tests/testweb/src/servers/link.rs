//! A link to a server that can be cut: nothing comes through then, and nobody says so.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The name that PostgreSQL gives its socket in its folder.
const SOCKET: &str = ".s.PGSQL.5432";

/// Passes on what comes to a port of 127.0.0.1, unless it is cut. It is there until the process ends.
#[derive(Debug)]
pub struct Link {
    port: u16,
    is_cut: Arc<AtomicBool>,
}

/// Either end of a connection.
trait End: Read + Write + Send + Sized + 'static {
    fn again(&self) -> io::Result<Self>;
    fn close(&self);
}

impl End for TcpStream {
    fn again(&self) -> io::Result<Self> {
        self.set_nodelay(true)?;
        self.try_clone()
    }

    fn close(&self) {
        // It may be closed already.
        let _ = self.shutdown(Shutdown::Both);
    }
}

impl End for UnixStream {
    fn again(&self) -> io::Result<Self> {
        self.try_clone()
    }

    fn close(&self) {
        let _ = self.shutdown(Shutdown::Both);
    }
}

impl Link {
    /// A link to the PostgreSQL whose socket is in the folder that its URL names.
    ///
    /// # Errors
    ///
    /// The URL names none, or no port is free.
    pub fn to_postgres(url: &str) -> io::Result<Self> {
        let url = url::Url::parse(url).map_err(io::Error::other)?;
        let folder = url.query_pairs().find(|(name, _)| name == "host");
        let (_, folder) = folder.ok_or(io::ErrorKind::InvalidInput)?;
        let socket = PathBuf::from(&*folder).join(SOCKET);
        Self::open(move || UnixStream::connect(&socket))
    }

    /// A link to a port of 127.0.0.1.
    ///
    /// # Errors
    ///
    /// No port is free.
    pub fn to_port(port: u16) -> io::Result<Self> {
        Self::open(move || TcpStream::connect(("127.0.0.1", port)))
    }

    fn open<S: End>(connect: impl Fn() -> io::Result<S> + Send + 'static) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let is_cut = Arc::new(AtomicBool::new(false));
        let shared = Arc::clone(&is_cut);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // Where there is no server, the client's connection ends.
                let _ = connect().and_then(|server| join(client, server, &shared));
            }
        });
        Ok(Self { port, is_cut })
    }

    /// Where it listens, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Cuts it, or mends it.
    pub fn set_cut(&self, is_cut: bool) {
        self.is_cut.store(is_cut, Ordering::Relaxed);
    }
}

/// Passes on both ways.
fn join<S: End>(client: TcpStream, server: S, is_cut: &Arc<AtomicBool>) -> io::Result<()> {
    pass_on(client.again()?, server.again()?, Arc::clone(is_cut));
    pass_on(server, client, Arc::clone(is_cut));
    Ok(())
}

/// Copies bytes on a thread of its own.
fn pass_on(mut from: impl End, mut to: impl End, is_cut: Arc<AtomicBool>) {
    std::thread::spawn(move || {
        let mut bytes = [0; 1 << 16];
        while let Ok(count) = from.read(&mut bytes) {
            while is_cut.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(5));
            }
            if count == 0 || to.write_all(&bytes[..count]).is_err() {
                break;
            }
        }
        from.close();
        to.close();
    });
}
