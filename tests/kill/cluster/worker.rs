//! A worker: a process with a folder, a name and links of its own.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use testweb::server::Hit;
use testweb::servers::{Bucket, Link, Postgres};

use super::contents::BLOCKS;
use crate::common::Simdex;

/// How long a worker that is told to end is waited for.
const PATIENCE: Duration = Duration::from_secs(180);

/// One machine of the cluster.
pub struct Worker {
    simdex: Simdex,
    child: Option<Child>,
    contact: String,
    seeds: Vec<String>,
    /// How it reaches the servers.
    pub database: Link,
    pub bucket: Link,
}

impl Worker {
    /// A worker that has not begun. `crawl` are the settings of all crawlers.
    pub fn new(
        number: usize,
        crawl: &str,
        seeds: Vec<String>,
        postgres: &Postgres,
        bucket: &Bucket,
    ) -> Self {
        let simdex = Simdex::new();
        let database = Link::to_postgres(postgres.url()).unwrap();
        let contact = format!("https://worker-{number}.example/");
        let url = format!(
            "postgresql://postgres@127.0.0.1:{}/postgres",
            database.port()
        );
        simdex.configure(&format!(
            "{crawl}contact = \"{contact}\"\n[store]\nurl = \"{url}\"\nblocks = \"{BLOCKS}\"\n"
        ));
        Self {
            simdex,
            child: None,
            contact,
            seeds,
            database,
            bucket: Link::to_port(bucket.port()).unwrap(),
        }
    }

    pub fn begin(&mut self) {
        let seeds = self.seeds.iter().map(String::as_str);
        let words: Vec<&str> = ["work", "--role", "all"].into_iter().chain(seeds).collect();
        let mut command = self.simdex.command(&words);
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.simdex.path("log"));
        command
            .envs(Bucket::environment(self.bucket.port()))
            .stdout(Stdio::null())
            .stderr(log.unwrap());
        self.child = Some(command.spawn().unwrap());
    }

    pub fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// It must not end by itself.
    pub fn assert_works(&mut self) {
        let end = self.child.as_mut().unwrap().try_wait().unwrap();
        assert!(
            end.is_none(),
            "{}{} ended: {end:?}",
            self.log(),
            self.contact
        );
    }

    /// Ends it as an operator does.
    pub fn stop(&mut self) {
        let child = self.child.as_mut().unwrap();
        let process = child.id().to_string();
        let told = Command::new("kill").args(["-TERM", &process]).status();
        assert!(told.unwrap().success());
        let until = Instant::now() + PATIENCE;
        let end = loop {
            if let Some(end) = child.try_wait().unwrap() {
                break end;
            }
            assert!(Instant::now() < until, "{} does not end", self.contact);
            std::thread::sleep(Duration::from_millis(20));
        };
        assert_eq!(end.code(), Some(130), "{}", self.log());
    }

    /// What it has said.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.simdex.path("log")).unwrap_or_default()
    }

    /// Whether it has sent a request.
    pub fn has_sent(&self, hit: &Hit) -> bool {
        let agent = hit.request.header("user-agent");
        agent.is_some_and(|agent| agent.contains(&self.contact))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Where the test has failed, it still runs.
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
