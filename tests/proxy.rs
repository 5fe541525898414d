//! Crawls through a proxy.

mod common;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use common::{Simdex, jpeg};
use simdex::demo::drawing::Motif;
use simdex::demo::reply::Reply;
use simdex::demo::server::{Request, Server};

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
