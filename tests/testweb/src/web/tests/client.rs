//! A plain client, and a walk that knows nothing of how the web is made.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use url::Url;

use crate::server::Server;
use crate::web::Truth;
use simdex::picture::PictureId;

/// An answer as it came in.
pub(super) struct Answer {
    pub(super) head: String,
    pub(super) body: Vec<u8>,
}

impl Answer {
    pub(super) fn status(&self) -> u16 {
        self.head
            .get(9..12)
            .and_then(|status| status.parse().ok())
            .unwrap_or(0)
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

fn address(server: &Server, host: &str) -> SocketAddr {
    let (_, number) = host
        .strip_suffix(".test")
        .unwrap()
        .rsplit_once(".a")
        .unwrap();
    server.addresses()[number.parse::<usize>().unwrap() - 1]
}

/// Asks for a URL and reads what comes until the server closes, or for `patience`.
pub(super) fn ask(
    server: &Server,
    url: &str,
    headers: &str,
    patience: Duration,
) -> std::io::Result<Answer> {
    let (host, target) = url
        .strip_prefix("http://")
        .unwrap()
        .split_once('/')
        .unwrap();
    let mut stream = TcpStream::connect(address(server, host))?;
    stream.set_read_timeout(Some(patience))?;
    write!(
        stream,
        "GET /{target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}\r\n"
    )?;
    let mut bytes = Vec::new();
    let limit = Instant::now() + patience;
    let mut piece = [0; 65_536];
    while bytes.len() < 32 << 20 && Instant::now() < limit {
        match stream.read(&mut piece) {
            Ok(0) => break,
            Ok(count) => bytes.extend_from_slice(&piece[..count]),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return Err(error),
            // Silence: what came before it counts.
            Err(_) => break,
        }
    }
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
    let body = end.map_or(Vec::new(), |end| bytes[end + 4..].to_vec());
    let head = String::from_utf8_lossy(&bytes[..end.unwrap_or(bytes.len())]).into_owned();
    Ok(Answer { head, body })
}

pub(super) fn get(server: &Server, url: &str) -> Answer {
    ask(server, url, "", Duration::from_secs(10)).unwrap()
}

/// The URLs in a file, told by how they are written and not by what the web knows: absolute
/// ones anywhere but on a line with nofollow, and relative ones in `src`.
pub(super) fn named(answer: &Answer, url: &str) -> Vec<String> {
    let mut body = answer.body.clone();
    if answer.header("content-type") == Some("application/gzip") {
        body.clear();
        flate2::read::GzDecoder::new(&answer.body[..])
            .read_to_end(&mut body)
            .unwrap();
    }
    let text = match String::from_utf8(body) {
        Ok(text) => text,
        // Not UTF-8, so the test reads it as Latin-1.
        Err(error) => error.into_bytes().into_iter().map(char::from).collect(),
    };
    let attribute = |name: &str| {
        let start = format!(" {name}=\"");
        let found = text
            .match_indices(&start)
            .map(|(at, start)| &text[at + start.len()..]);
        found
            .filter_map(|rest| rest.split('"').next().map(str::to_owned))
            .collect::<Vec<_>>()
    };
    let base = text
        .split_once("<base href=\"")
        .map(|(_, rest)| rest.split('"').next().unwrap());
    let base = Url::parse(url).unwrap().join(base.unwrap_or("")).unwrap();
    let mut found = Vec::new();
    for line in text
        .lines()
        .filter(|line| !line.contains("rel=\"nofollow\""))
    {
        for (at, _) in line.match_indices("http://") {
            let end = |c: char| " \"')<>".contains(c);
            let link = line[at..].split(end).next().unwrap_or_default();
            // Namespaces and vocabularies are no links.
            if link.contains(".test/") {
                found.push(Url::parse(link).unwrap().to_string());
            }
        }
    }
    let relative = attribute("src").into_iter().filter(|it| !it.contains(':'));
    found.extend(relative.map(|path| base.join(&path).unwrap().to_string()));
    found
}

/// A walk over a server that knows nothing of the web but its robots files.
pub(super) fn walk(
    server: &Server,
    truth: &Truth,
    seeds: Vec<String>,
) -> BTreeMap<String, PictureId> {
    let mut queue: VecDeque<String> = seeds.into();
    let mut seen: BTreeSet<String> = queue.iter().cloned().collect();
    let mut hosts = BTreeSet::new();
    let mut pictures = BTreeMap::new();
    while let Some(url) = queue.pop_front() {
        let mut at = url.clone();
        let mut answer = None;
        for _ in 0..6 {
            let host = Url::parse(&at).unwrap().host_str().unwrap().to_owned();
            if truth.forbidden(&format!("http://{host}/")).is_some() {
                break;
            }
            if hosts.insert(host.clone()) {
                let robots = get(server, &format!("http://{host}/robots.txt"));
                let text = String::from_utf8_lossy(&robots.body).into_owned();
                let maps = text
                    .lines()
                    .filter_map(|line| line.strip_prefix("Sitemap: "));
                queue.extend(maps.map(str::to_owned));
            }
            if truth.forbidden(&at).is_some() {
                break;
            }
            let got = get(server, &at);
            match got
                .header("location")
                .filter(|_| (300..400).contains(&got.status()))
            {
                Some(to) => at = to.to_owned(),
                None => {
                    answer = Some(got);
                    break;
                }
            }
        }
        let Some(answer) = answer.filter(|answer| answer.status() == 200) else {
            continue;
        };
        if answer
            .header("content-type")
            .is_some_and(|kind| kind.starts_with("image/"))
        {
            pictures.insert(url, PictureId::of(&answer.body));
        } else if truth.trap(&at).is_none() {
            for link in named(&answer, &at) {
                if seen.insert(link.clone()) {
                    queue.push_back(link);
                }
            }
        }
    }
    pictures
}
