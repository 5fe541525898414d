//! How files of rules are read, and how often they are asked for.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::canonical_url::HostId;
use crate::store::Store;

#[test]
fn only_half_a_line_of_a_robots_txt_is_left_out() {
    let kept = |text: &str, kind| whole_rules(text.as_bytes().to_vec(), kind);
    assert_eq!(kept("a\nb\rc", &ROBOTS_TXT), b"a\nb\r");
    assert_eq!(kept("no line", &ROBOTS_TXT), b"no line");
    // Cut JSON reserves everything; without its beginning it would reserve nothing.
    let json = "[{\"location\": \"/\",\n \"tdm";
    assert_eq!(kept(json, &TDMREP_JSON), json.as_bytes());
}

/// Answers everything with a redirect, and counts.
fn redirects_to(host: &'static str) -> (u16, Arc<AtomicUsize>) {
    use std::io::{Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            count.fetch_add(1, Ordering::Relaxed);
            let _ = stream.read(&mut [0; 4096]).unwrap();
            let answer = format!(
                "HTTP/1.1 301 Moved\r\nLocation: http://{host}:{port}/robots.txt\r\n\
                 Content-Length: 0\r\nConnection: close\r\n\r\n"
            );
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    (port, asked)
}

#[tokio::test]
async fn rules_on_another_workers_host_are_asked_for_once_in_a_while() {
    let (port, asked) = redirects_to("localhost");
    let config = CrawlConfig {
        allow_private_addresses: true,
        delay_ms: 0,
        ..CrawlConfig::default()
    };
    let config = Arc::new(config);
    let store = Arc::new(Store::beside_another(HostId::of("localhost")));
    let transport = Arc::new(Transport::new(&config, Arc::default()).unwrap());
    let rules = RuleFiles::new(&transport, Some(AsyncStore::new(store)), &config);
    for n in 0..5 {
        let url = format!("http://127.0.0.1:{port}/{n}");
        let url = CanonicalUrl::parse(&url).unwrap();
        let refusal = rules.rules(&url, WaitPolicy::Never).await.unwrap_err();
        let Refusal::NotDue(until) = refusal else {
            panic!("{refusal}");
        };
        assert!(until > Instant::now() + ANOTHER_WORKERS / 2);
    }
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}
