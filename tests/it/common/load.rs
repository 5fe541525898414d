//! Many who search at once, beside a crawl: how long they wait, what the crawl loses, what memory it
//! takes. For the test of it and for the benchmark.

use std::fmt;
use std::ops::AddAssign;
use std::time::{Duration, Instant};

use serde_json::json;
use simdex::demo::drawing::Motif;
use testweb::reply::Reply;
use testweb::server::Server;

use super::serving::{Serving, form};
use super::{jpeg, numbered, serve};

/// Who searches.
const SESSIONS: u32 = 32;
/// How long a crawl goes on that was told to rest, or takes to run at its full rate again.
const SETTLING: Duration = Duration::from_secs(2);
/// Pictures on a page of the site.
const ON_A_PAGE: usize = 500;

/// How long each part of a round takes.
#[derive(Clone, Copy)]
pub struct Round {
    /// Searches while the crawl rests.
    pub idle: Duration,
    /// The crawl without searches.
    pub alone: Duration,
    /// Both.
    pub beside: Duration,
}

/// What sessions ask for, and how often.
#[derive(Clone, Copy)]
pub struct Asked {
    pub head: &'static str,
    pub candidates: usize,
    /// Searches a second, of all of them together.
    pub rate: u32,
}

/// What was measured.
#[derive(Debug, Default)]
pub struct Measured {
    pub idle: Searches,
    pub beside: Searches,
    pub crawl_alone: Crawled,
    pub crawl_beside: Crawled,
    /// Bytes of the server before the first round and after each, 0 where the system does not tell; and
    /// pictures that the crawl had stored by then.
    pub memory: Vec<(u64, u64)>,
}

/// Searches, by how long after they were due they were answered.
#[derive(Debug, Default)]
pub struct Searches {
    ms: Vec<f64>,
    /// Answers that are none.
    pub wrong: Vec<String>,
}

/// How much a crawl has stored.
#[derive(Debug, Default)]
pub struct Crawled {
    pub pictures: u64,
    seconds: f64,
}

/// A site of so many pictures, each another.
pub fn site(pictures: usize) -> Server {
    serve(move |request| {
        let page = match request.path() {
            "/" => 0,
            path => match path.strip_prefix("/page/").map(str::parse) {
                Some(Ok(page)) => page,
                _ => return numbered(request),
            },
        };
        let numbers = page * ON_A_PAGE..pictures.min((page + 1) * ON_A_PAGE);
        let more = numbers.end < pictures;
        let images = numbers.map(|number| format!("<img src='/{number}.jpg'>"));
        let next = more.then(|| format!("<a href='/page/{}'>more</a>", page + 1));
        Reply::html(images.chain(next).collect::<String>())
    })
}

/// What lets a crawl be as quick as the machine.
pub const CONFIG: &str = "[crawl]\nallow_private_addresses = true\ndelay_ms = 0\nlatency_factor = 0.0\nhost_concurrency = 8";

/// Begins a crawl of the site, and measures rounds of it.
pub fn measure(serving: &Serving, site: &Server, rounds: &[Round], asked: Asked) -> Measured {
    let crawl = json!({"seeds": [site.url("/")]}).to_string();
    let begun = serving.post("/api/v1/crawls", "application/json", crawl.as_bytes());
    assert_eq!(begun.status, 202, "{}", begun.text());
    std::thread::sleep(SETTLING);
    let mut measured = Measured::default();
    let memory = || (resident(serving.id()), stored(serving));
    measured.memory.push(memory());
    for round in rounds {
        tell(serving, "pause");
        std::thread::sleep(SETTLING);
        measured.idle += searched(serving, round.idle, asked);
        tell(serving, "resume");
        std::thread::sleep(SETTLING);
        measured.crawl_alone += crawled(serving, || std::thread::sleep(round.alone)).0;
        let both = || searched(serving, round.beside, asked);
        let (crawl, searches) = crawled(serving, both);
        measured.crawl_beside += crawl;
        measured.beside += searches;
        measured.memory.push(memory());
    }
    measured
}

fn tell(serving: &Serving, what: &str) {
    let told = serving.post(&format!("/api/v1/crawls/1/{what}"), "text/plain", b"");
    assert_eq!(told.status, 200, "{}", told.text());
}

/// Pictures that the crawl has stored.
fn stored(serving: &Serving) -> u64 {
    let crawl = serving.get("/api/v1/crawls/1").json();
    assert!(
        crawl["state"] != "done" && crawl["state"] != "failed",
        "{crawl}"
    );
    crawl["summary"]["images_indexed"].as_u64().unwrap()
}

fn crawled<R>(serving: &Serving, meanwhile: impl FnOnce() -> R) -> (Crawled, R) {
    let (before, started) = (stored(serving), Instant::now());
    let result = meanwhile();
    let crawled = Crawled {
        pictures: stored(serving) - before,
        seconds: started.elapsed().as_secs_f64(),
    };
    (crawled, result)
}

/// All sessions search for so long, at fixed times, so that one who waits makes nobody ask less often.
fn searched(serving: &Serving, during: Duration, asked: Asked) -> Searches {
    let started = Instant::now();
    let session = |number: u32| {
        let picture = jpeg(
            Motif::ALL[number as usize % Motif::ALL.len()],
            u64::from(number),
        );
        let candidates = asked.candidates.to_string();
        let fields = [
            ("limit", "10"),
            ("head", asked.head),
            ("candidates", candidates.as_str()),
        ];
        let (kind, body) = form(&fields, &[("image", "q.jpg", &picture)]);
        let mut searches = Searches::default();
        let mut due = started + Duration::from_secs(1) * number / asked.rate;
        while due < started + during {
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            let answer = serving.post("/api/v1/search", &kind, &body);
            searches.ms.push(due.elapsed().as_secs_f64() * 1e3);
            let found = answer.json();
            let is_right = answer.status == 200
                && found["results"]
                    .as_array()
                    .is_some_and(|results| !results.is_empty());
            if !is_right {
                searches.wrong.push(answer.text());
            }
            due += Duration::from_secs(1) * SESSIONS / asked.rate;
        }
        searches
    };
    std::thread::scope(|scope| {
        let session = &session;
        let sessions: Vec<_> = (0..SESSIONS)
            .map(|number| scope.spawn(move || session(number)))
            .collect();
        let mut all = Searches::default();
        for session in sessions {
            all += session.join().unwrap();
        }
        all
    })
}

/// Bytes of a process that are in memory, without those of files, which the system takes back when it
/// likes.
fn resident(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("RssAnon:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    kib.unwrap_or_default() << 10
}

impl Searches {
    pub fn count(&self) -> usize {
        self.ms.len()
    }

    /// The time that such a share of them took at most.
    pub fn within(&self, share: f64) -> f64 {
        let mut ms = self.ms.clone();
        ms.sort_unstable_by(f64::total_cmp);
        let place = (ms.len() as f64 * share).ceil() as usize;
        ms.get(place.max(1) - 1).copied().unwrap_or(f64::NAN)
    }
}

impl Crawled {
    pub fn rate(&self) -> f64 {
        self.pictures as f64 / self.seconds
    }
}

impl AddAssign for Searches {
    fn add_assign(&mut self, more: Self) {
        self.ms.extend(more.ms);
        self.wrong.extend(more.wrong);
    }
}

impl AddAssign for Crawled {
    fn add_assign(&mut self, more: Self) {
        self.pictures += more.pictures;
        self.seconds += more.seconds;
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, searches) in [("idle", &self.idle), ("beside the crawl", &self.beside)] {
            writeln!(
                f,
                "searches, {name}: {}, {} went wrong; p50 {:.0} ms, p90 {:.0} ms, p99 {:.0} ms, most {:.0} ms",
                searches.count(),
                searches.wrong.len(),
                searches.within(0.5),
                searches.within(0.9),
                searches.within(0.99),
                searches.within(1.0),
            )?;
        }
        let ratio = |share| self.beside.within(share) / self.idle.within(share);
        writeln!(
            f,
            "  beside the crawl against idle: p50 {:.2}, p99 {:.2} (aim: at most 3)",
            ratio(0.5),
            ratio(0.99)
        )?;
        let [alone, beside] = [&self.crawl_alone, &self.crawl_beside].map(Crawled::rate);
        writeln!(
            f,
            "crawl: {alone:.1} pictures/s alone, {beside:.1} beside searches; ratio {:.2} (aim: at least .75)",
            beside / alone
        )?;
        let megabytes =
            |(bytes, pictures): &(u64, u64)| format!("{} MB at {pictures}", bytes >> 20);
        let memory: Vec<String> = self.memory.iter().map(megabytes).collect();
        write!(f, "memory, at pictures of the crawl: {}", memory.join(", "))
    }
}
