//! What lies between simdex and a server: proxies and TLS.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::common::{FAST, Run, Simdex, jpeg};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use serde_json::json;
use simdex::demo::drawing::Motif;
use testweb::reply::Reply;
use testweb::server::{Request, Server};

fn site() -> Server {
    let handler = |request: &Request| match request.path() {
        "/" => Reply::html("<img src=/cat.jpg>"),
        "/cat.jpg" => Reply::bytes("image/jpeg", jpeg(Motif::Cup, 1)),
        _ => Reply::not_found(),
    };
    Server::background(Arc::new(handler)).unwrap()
}

/// A SOCKS5 proxy (RFC 1928) that leads every name to `target` and notes the names that it
/// is asked for; an address in place of a name is noted as such.
fn socks5(target: SocketAddr) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let names = Arc::clone(&asked);
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let names = Arc::clone(&names);
            thread::spawn(move || relay(client, target, &names));
        }
    });
    (address, asked)
}

fn relay(mut client: TcpStream, target: SocketAddr, names: &Mutex<Vec<String>>) -> Option<()> {
    let read = |client: &mut TcpStream, length: usize| {
        let mut bytes = vec![0; length];
        client.read_exact(&mut bytes).ok().map(|()| bytes)
    };
    let methods = read(&mut client, 2)?[1];
    read(&mut client, methods.into())?;
    client.write_all(&[5, 0]).ok()?;
    let name = match read(&mut client, 4)?[3] {
        3 => {
            let length = read(&mut client, 1)?[0];
            String::from_utf8(read(&mut client, length.into())?).ok()?
        }
        kind => format!("address of kind {kind}"),
    };
    read(&mut client, 2)?;
    names.lock().unwrap().push(name);
    client.write_all(&[5, 0, 0, 1, 127, 0, 0, 1, 0, 0]).ok()?;
    let server = TcpStream::connect(target).ok()?;
    let (mut from, mut to) = (client.try_clone().ok()?, server.try_clone().ok()?);
    thread::spawn(move || std::io::copy(&mut from, &mut to));
    std::io::copy(&mut &server, &mut client).ok()?;
    Some(())
}

#[test]
fn a_system_without_certificates_can_crawl() {
    let simdex = Simdex::new();
    let site = site();
    let url = site.url("/");
    let mut command = simdex.command(&[&["crawl", url.as_str()], &FAST[..]].concat());
    command
        .env("SSL_CERT_FILE", simdex.path("none"))
        .env("SSL_CERT_DIR", simdex.path("none"));
    let run = Run::of(command.output().unwrap());
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(simdex.json(&["status"])["images"], 1);
}

#[test]
fn a_socks_proxy_resolves_the_names() {
    let server = site();
    let (proxy, names) = socks5(server.address());
    let simdex = Simdex::new();
    simdex.configure(&format!(
        "[crawl]\nproxy = \"socks5://{proxy}\"\ndelay_ms = 0\n"
    ));
    // The name exists nowhere, so a resolver of this machine would fail.
    let summary = simdex.json(&["crawl", "-q", "http://gallery.invalid/"]);
    assert_eq!(summary["images_indexed"], 1, "{summary}");
    let names = names.lock().unwrap();
    assert!(!names.is_empty());
    assert!(
        names.iter().all(|name| name == "gallery.invalid"),
        "{names:?}"
    );
}

#[test]
fn a_proxy_of_an_unknown_kind_is_refused_and_not_passed_by() {
    let server = site();
    let simdex = Simdex::new();
    simdex.configure("[crawl]\nproxy = \"ftp://127.0.0.1:9\"\nallow_private_addresses = true\n");
    let run = simdex.run(&["crawl", "-q", &server.url("/")]);
    assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
    assert!(run.stderr.contains("[crawl] proxy"), "{}", run.stderr);
    assert_eq!(server.total(), 0);
}

/// Accepts TLS with a certificate that nobody has reason to trust, and counts the tries.
fn tls() -> (SocketAddr, Arc<AtomicUsize>) {
    let file = |name: &str| {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/tls");
        std::fs::read(dir.join(name)).unwrap()
    };
    let certificate = CertificateDer::from(file("certificate.der"));
    let key = PrivatePkcs8KeyDer::from(file("key.der"));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key.into())
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let tries = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&tries);
    thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            counted.fetch_add(1, Ordering::Relaxed);
            let mut session = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            // The client hangs up in the middle.
            let _ = session.complete_io(&mut client);
        }
    });
    (address, tries)
}

#[test]
fn a_bad_certificate_is_told_as_one_and_not_tried_again() {
    let (address, tries) = tls();
    let simdex = Simdex::new();
    simdex.configure("[crawl]\nallow_private_addresses = true\ndelay_ms = 0\n");
    let run = simdex.run(&[
        "crawl",
        "-q",
        &format!("https://{address}/"),
        "--format",
        "json",
    ]);
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert_eq!(
        run.json()["failed"],
        json!({"certificate": 1}),
        "{}",
        run.stderr
    );
    assert_eq!(tries.load(Ordering::Relaxed), 1);
}

#[test]
fn a_server_that_speaks_no_tls_is_told_as_that() {
    let server = site();
    let simdex = Simdex::new();
    simdex.configure("[crawl]\nallow_private_addresses = true\ndelay_ms = 0\nmax_attempts = 1\n");
    let run = simdex.run(&["crawl", "-q", &server.url("/").replace("http:", "https:")]);
    assert!(run.stderr.contains("TLS failed"), "{}", run.stderr);
}
