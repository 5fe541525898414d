//! A running `simdex serve`, and a client that says exactly what it is told.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::Child;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{Run, Simdex};

/// A running server. It is killed when a test ends early.
pub struct Serving {
    child: Child,
    /// Address and port.
    pub address: String,
    /// What was printed to be opened.
    pub login: String,
    pub token: String,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers.find_map(|(of, value)| (of == name).then_some(value.as_str()))
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{}", self.text()))
    }
}

impl Serving {
    pub fn start(simdex: &Simdex) -> Self {
        Self::start_with(simdex, &[])
    }

    /// The same with more flags.
    pub fn start_with(simdex: &Simdex, flags: &[&str]) -> Self {
        let serve = ["serve", "--listen", "127.0.0.1:0"];
        let mut child = simdex.start(&[&serve[..], flags].concat());
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let line = lines
            .find(|line| line.as_ref().unwrap().contains("/login?secret="))
            .expect("it has printed its link")
            .unwrap();
        // What else it says must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        let link = line
            .split(' ')
            .find(|word| word.starts_with("http://"))
            .unwrap();
        let (address, login) = link
            .strip_prefix("http://")
            .unwrap()
            .split_once('/')
            .unwrap();
        let token = std::fs::read_to_string(simdex.store().join("token")).unwrap();
        Self {
            child,
            address: address.to_owned(),
            login: format!("/{login}"),
            token: token.trim().to_owned(),
        }
    }

    /// A request of a script: with the token.
    pub fn get(&self, path: &str) -> Answer {
        let token = format!("Bearer {}", self.token);
        self.ask("GET", path, &[("authorization", &token)], b"")
    }

    pub fn post(&self, path: &str, kind: &str, body: &[u8]) -> Answer {
        let token = format!("Bearer {}", self.token);
        let headers = [("authorization", token.as_str()), ("content-type", kind)];
        self.ask("POST", path, &headers, body)
    }

    pub fn delete(&self, path: &str) -> Answer {
        let token = format!("Bearer {}", self.token);
        self.ask("DELETE", path, &[("authorization", &token)], b"")
    }

    /// A request as it is told, with the right `Host` unless another is given.
    pub fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        ask(&self.address, method, path, headers, body)
    }

    /// A browser's session: its cookie.
    pub fn session(&self) -> String {
        let answer = self.ask("GET", &self.login, &[], b"");
        assert_eq!(answer.status, 303, "{}", answer.text());
        let cookie = answer.header("set-cookie").unwrap();
        cookie.split(';').next().unwrap().to_owned()
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Kills it at once, as a failing machine would.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Ctrl-C, and its end.
    pub fn stop(mut self) -> i32 {
        interrupt(&self.child);
        let until = Instant::now() + Duration::from_secs(30);
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code().unwrap_or(-1);
            }
            assert!(Instant::now() < until, "it does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A request to an address, with the right `Host` unless another is given.
pub fn ask(
    address: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Answer {
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(120)))
        .unwrap();
    let mut head = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
    if !headers.iter().any(|(name, _)| *name == "host") {
        head += &format!("host: {address}\r\n");
    }
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    if method != "GET" {
        head += &format!("content-length: {}\r\n", body.len());
    }
    head += "\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    // Whoever is turned away is not read to the end.
    let _ = stream.write_all(body);
    let mut bytes = Vec::new();
    let mut piece = [0; 16 << 10];
    // Who has said how long an answer is need not end the connection: a browser's driver leaves it to
    // the browser that it starts.
    while length_of(&bytes).is_none_or(|length| bytes.len() < length) {
        match stream.read(&mut piece) {
            Ok(0) | Err(_) => break,
            Ok(read) => bytes.extend_from_slice(&piece[..read]),
        }
    }
    parsed(&bytes)
}

/// How long an answer is with its head, once that is there and says it.
fn length_of(bytes: &[u8]) -> Option<usize> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).ok()?;
    let mut headers = head.lines().filter_map(|line| line.split_once(':'));
    let (_, length) = headers.find(|(name, _)| name.eq_ignore_ascii_case("content-length"))?;
    Some(end + 4 + length.trim().parse::<usize>().ok()?)
}

/// Sends Ctrl-C.
pub fn interrupt(child: &Child) {
    let status = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(status.unwrap().success());
}

/// A form of text fields and files, and its type.
pub fn form(fields: &[(&str, &str)], files: &[(&str, &str, &[u8])]) -> (String, Vec<u8>) {
    let mut body = Vec::new();
    for (name, value) in fields {
        write!(
            body,
            "--b0\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
        )
        .unwrap();
    }
    for (name, file, bytes) in files {
        write!(
            body,
            "--b0\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{file}\"\r\n\
             Content-Type: image/jpeg\r\n\r\n"
        )
        .unwrap();
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--b0--\r\n");
    ("multipart/form-data; boundary=b0".to_owned(), body)
}

fn parsed(bytes: &[u8]) -> Answer {
    let end = bytes
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .expect("a head");
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut lines = head.lines();
    let status = lines
        .next()
        .unwrap()
        .split(' ')
        .nth(1)
        .unwrap()
        .parse()
        .unwrap();
    let headers: Vec<(String, String)> = lines
        .map(|line| line.split_once(':').unwrap())
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let is_chunked = headers
        .iter()
        .any(|(name, value)| name == "transfer-encoding" && value == "chunked");
    let mut rest = &bytes[end + 4..];
    let mut body = Vec::new();
    if !is_chunked {
        body.extend_from_slice(rest);
        rest = &[];
    }
    while !rest.is_empty() {
        let line = rest.iter().position(|byte| *byte == b'\n').unwrap();
        let length = std::str::from_utf8(&rest[..line]).unwrap().trim();
        let length = usize::from_str_radix(length, 16).unwrap();
        body.extend_from_slice(&rest[line + 1..line + 1 + length]);
        // The last piece is empty.
        rest = match length {
            0 => &[],
            _ => &rest[line + 1 + length + 2..],
        };
    }
    Answer {
        status,
        headers,
        body,
    }
}

/// What a command prints, but for how long it took and how much the store takes just then.
pub fn without_times(run: &Run) -> String {
    let lines = run.stdout.lines().map(|line| {
        let mut line = line.to_owned();
        for (beginning, end) in [("\"timing_ms\"", "}"), ("\"store_bytes\"", ",")] {
            cut(&mut line, beginning, end);
        }
        let is_page = line.contains("<section>");
        for took in [" result in ", " results in "] {
            let end = if is_page { "<div class" } else { "\n" };
            cut(&mut line, took, end);
        }
        line
    });
    lines.collect::<Vec<String>>().join("\n")
}

/// Takes out what is between a beginning and an end, or the line's.
fn cut(line: &mut String, beginning: &str, end: &str) {
    if let Some(place) = line.find(beginning) {
        let rest = &line[place..];
        let end = rest.find(end).unwrap_or(rest.len()) + place;
        line.replace_range(place..end, "");
    }
}
