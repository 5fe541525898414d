//! The server asked over plain sockets.

use std::io::{Read, Write};
use std::net;
use std::time::Instant;

use super::request::LONGEST_HEAD;
use super::*;
use crate::reply::Body;

/// A server that answers every path with what `reply` makes of it.
fn serve_with(reply: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Server {
    Server::background(Arc::new(reply)).unwrap()
}

fn connect(server: &Server) -> net::TcpStream {
    let stream = net::TcpStream::connect(server.address()).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(5)))
        .unwrap();
    stream
}

/// Sends one request that closes the connection and reads all that comes back.
fn ask(server: &Server, method: &str, target: &str) -> io::Result<String> {
    let mut stream = connect(server);
    write!(
        stream,
        "{method} {target} HTTP/1.1\r\nHost: demo.test\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// The answer to a GET when the server sends this body.
fn answer(body: Body) -> io::Result<String> {
    ask(&serve_with(move |_| Reply::of(body.clone())), "GET", "/")
}

fn bytes(text: &str) -> Arc<[u8]> {
    Arc::from(text.as_bytes())
}

#[test]
fn serves_and_logs() {
    let server = serve_with(|request| match request.path() {
        "/hello" => Reply::text("hello"),
        _ => Reply::not_found(),
    });
    let hello = ask(&server, "GET", "/hello?again=1").unwrap();
    assert!(hello.starts_with("HTTP/1.1 200 OK\r\n"), "{hello}");
    assert!(hello.ends_with("\r\n\r\nhello"), "{hello}");
    let head = ask(&server, "HEAD", "/hello").unwrap();
    assert!(
        head.contains("Content-Length: 5\r\n") && head.ends_with("\r\n\r\n"),
        "{head}"
    );
    assert!(
        ask(&server, "GET", "/other")
            .unwrap()
            .starts_with("HTTP/1.1 404 ")
    );

    let log = server.log();
    let targets: Vec<_> = log.iter().map(|hit| hit.request.target.as_str()).collect();
    assert_eq!(targets, ["/hello?again=1", "/hello", "/other"]);
    assert_eq!(log[0].request.host, "demo.test");
    assert_eq!(log[1].request.method, "HEAD");
    assert_eq!(server.total(), 3);
}

#[test]
fn keeps_a_connection() {
    let server = serve_with(|request| Reply::text(&request.target));
    let mut stream = connect(&server);
    // Two requests in one packet: the second must not get lost behind the first.
    write!(
        stream,
        "GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answers = String::new();
    stream.read_to_string(&mut answers).unwrap();
    assert!(
        answers.contains("\r\n\r\n/aHTTP/1.1 200 OK") && answers.ends_with("/b"),
        "{answers}"
    );
    assert!(server.log().iter().all(|hit| hit.connection == 0));
}

#[test]
fn refuses_what_is_no_request() {
    let server = serve_with(|_| Reply::text("fine"));
    let say = |words: &str| {
        let mut stream = connect(&server);
        stream.write_all(words.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    assert!(say("what is this\r\n\r\n").starts_with("HTTP/1.1 400 "));
    let endless = format!("GET / HTTP/1.1\r\nX: {}", "x".repeat(LONGEST_HEAD));
    assert!(say(&endless).starts_with("HTTP/1.1 431 "));
}

#[test]
fn waits_before_a_delayed_reply() {
    let delay = Duration::from_millis(80);
    let server = serve_with(move |_| Reply::text("late").after(delay));
    let start = Instant::now();
    ask(&server, "GET", "/").unwrap();
    assert!(start.elapsed() >= delay);
}

#[test]
fn sends_a_file_or_404() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), vec![b'x'; 200_000]).unwrap();
    let served = answer(Body::File(file.path().to_owned())).unwrap();
    assert!(served.contains("Content-Length: 200000\r\n"));
    assert!(served.ends_with(&"x".repeat(200_000)));
    assert!(
        answer(Body::File("/nowhere".into()))
            .unwrap()
            .starts_with("HTTP/1.1 404 ")
    );
}

#[test]
fn ends_bodies_as_told() {
    let chunked = answer(Body::Chunked(bytes("abcde"), 3)).unwrap();
    assert!(
        chunked.ends_with("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"),
        "{chunked}"
    );
    let open = answer(Body::UntilClose(bytes("abc"))).unwrap();
    assert!(
        !open.contains("Content-Length") && open.ends_with("\r\n\r\nabc"),
        "{open}"
    );
    let wrong = answer(Body::WrongLength {
        bytes: bytes("abc"),
        claimed: 10,
    })
    .unwrap();
    assert!(
        wrong.contains("Content-Length: 10\r\n") && wrong.ends_with("\r\n\r\nabc"),
        "{wrong}"
    );
    let broken = answer(Body::BrokenChunks).unwrap();
    assert!(
        broken.ends_with("so far so good\r\nnot a length\r\n"),
        "{broken}"
    );
    assert_eq!(
        answer(Body::Raw(bytes("SSH-2.0-demo\r\n"))).unwrap(),
        "SSH-2.0-demo\r\n"
    );
    let every = Duration::from_millis(5);
    let drip = answer(Body::Drip {
        bytes: bytes("drop"),
        every,
    })
    .unwrap();
    assert!(drip.ends_with("\r\n\r\ndrop"), "{drip}");
}

#[test]
fn hangs_and_resets_as_told() {
    for body in [Body::HangBeforeHeaders, Body::HangAfterHeaders] {
        let server = serve_with(move |_| Reply::of(body.clone()));
        let mut stream = connect(&server);
        stream
            .set_read_timeout(Some(Duration::from_millis(150)))
            .unwrap();
        write!(stream, "GET / HTTP/1.1\r\n\r\n").unwrap();
        let error = stream.read_to_end(&mut Vec::new()).unwrap_err();
        // Which of the two a timeout is depends on the system.
        let kinds = [io::ErrorKind::WouldBlock, io::ErrorKind::TimedOut];
        assert!(kinds.contains(&error.kind()), "{error}");
    }
    let error = answer(Body::Reset).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
}

#[test]
fn sends_without_end() {
    let server = serve_with(|_| Reply::of(Body::Endless));
    let mut stream = connect(&server);
    write!(stream, "GET / HTTP/1.1\r\n\r\n").unwrap();
    let mut taken = vec![0; 4 << 20];
    stream.read_exact(&mut taken).unwrap();
}

#[test]
fn stops_when_dropped() {
    let server = serve_with(|_| Reply::of(Body::HangBeforeHeaders));
    let mut stream = connect(&server);
    write!(stream, "GET / HTTP/1.1\r\n\r\n").unwrap();
    while server.total() == 0 {
        thread::sleep(Duration::from_millis(1));
    }
    drop(server);
    match stream.read(&mut [0; 8]) {
        Ok(count) => assert_eq!(count, 0),
        Err(error) => assert_eq!(error.kind(), io::ErrorKind::ConnectionReset),
    }
}

#[test]
fn runs_on_the_callers_runtime() {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(1).enable_all().build().unwrap();
    let server = runtime
        .block_on(Server::start(Arc::new(|_: &Request| Reply::text("hi"))))
        .unwrap();
    assert!(ask(&server, "GET", "/").unwrap().ends_with("hi"));
}

#[test]
fn listens_on_several_addresses_and_tells_which_was_asked() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let options = ServerOptions {
        addresses: 3,
        log_limit: 2,
        log_file: Some(file.path().to_owned()),
    };
    let delay = Duration::from_millis(40);
    let handler = Arc::new(move |_: &Request| Reply::text("late").status(201).after(delay));
    let server = Server::background_with(handler, &options).unwrap();
    let addresses = server.addresses().to_vec();
    for address in &addresses {
        let mut stream = net::TcpStream::connect(address).unwrap();
        write!(
            stream,
            "GET /x HTTP/1.1\r\nHost: A.Test:81\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        stream.read_to_end(&mut Vec::new()).unwrap();
    }
    let log = server.log();
    assert_eq!((log.len(), server.total()), (2, 3), "the oldest is let go");
    for (hit, address) in log.iter().zip(&addresses[1..]) {
        assert_eq!((hit.local, hit.host.as_str()), (address.ip(), "a.test"));
        assert_eq!(hit.status, Some(201));
        let taken = hit.ended.unwrap() - hit.at;
        // Not the time that the connection took to close.
        assert!(
            taken >= delay && taken < Duration::from_secs(1),
            "{taken:?}"
        );
        assert!(hit.ended_ms.unwrap() >= hit.at_ms + 39);
    }
    drop(server);
    let lines = std::fs::read_to_string(file.path()).unwrap();
    let lines: Vec<serde_json::Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[0]["local"], "127.0.0.1");
    assert_eq!(
        (&lines[2]["target"], &lines[2]["status"]),
        (&"/x".into(), &201.into())
    );
}

#[test]
fn a_hang_has_no_status_and_ends_when_the_client_leaves() {
    let server = serve_with(|_| Reply::of(Body::HangBeforeHeaders));
    let mut stream = connect(&server);
    write!(stream, "GET / HTTP/1.1\r\n\r\n").unwrap();
    while server.total() == 0 {
        thread::sleep(Duration::from_millis(1));
    }
    assert!(server.log()[0].ended.is_none());
    drop(stream);
    while server.log()[0].ended.is_none() {
        thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(server.log()[0].status, None);
}
