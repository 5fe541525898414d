//! The web against a walk that knows nothing of how it is made.

use std::collections::BTreeSet;
use std::time::Duration;

use client::{ask, get, named, walk};

use super::*;
use crate::server::Hit;
use simdex::picture::PictureId;

mod client;

fn web(plan: WebPlan) -> (Arc<Web>, Server) {
    let web = Arc::new(Web::new(plan));
    let server = web.serve(&ServerOptions::default()).unwrap();
    (web, server)
}

fn everything(seed: u64) -> WebPlan {
    WebPlan {
        seed,
        faults: true,
        traps: true,
        opt_outs: true,
        robots: true,
        ..WebPlan::default()
    }
}

/// Compares what a walk finds with the truth.
fn compare(web: &Web, server: &Server) {
    let truth = web.truth();
    let found = walk(server, &truth, web.seeds());
    for (url, id) in &truth.pictures {
        assert_eq!(found.get(url), Some(id), "{url}");
    }
    for url in found.keys() {
        let known = truth.pictures.contains_key(url)
            || truth.optional.contains_key(url)
            || truth.opted_out.contains_key(url);
        assert!(known, "{url} should not have been found");
    }
    let log = server.log();
    assert_eq!(violations(&log, &truth), []);
    let asked: BTreeSet<String> = log.iter().map(Hit::url).collect();
    assert!(truth.pages.iter().all(|page| asked.contains(page)));
}

#[test]
fn a_walk_finds_what_the_truth_says() {
    let plan = WebPlan {
        faults: false,
        ..everything(5)
    };
    let (web, server) = web(plan);
    compare(&web, &server);
    let truth = web.truth();
    let reasons: BTreeSet<OptOut> = truth.opted_out.values().copied().collect();
    assert_eq!(reasons.len(), OptOut::ALL.len(), "{reasons:?}");
    assert!(truth.pictures.len() > 150 && truth.closed.len() > 20 && truth.inline.len() > 3);
    assert!(truth.pictures.keys().any(|url| url.contains("caf%C3%A9")));
    let distinct: BTreeSet<_> = truth.pictures.values().collect();
    assert!(
        distinct.len() * 100 > truth.pictures.len() * 90,
        "only moved ones are two"
    );
}

#[test]
fn pages_name_things_in_every_way() {
    let web = Web::new(everything(8));
    let mut ways = BTreeSet::new();
    for url in &web.truth().pages {
        let (host, target) = url
            .strip_prefix("http://")
            .unwrap()
            .split_once('/')
            .unwrap();
        let resource = resource(web.plan(), host, &format!("/{target}"), 0).unwrap();
        if let resource::Content::Page(page) = resource.content {
            ways.extend(page.refs.iter().map(|it| it.shown));
        }
    }
    // All but what only lists do.
    assert_eq!(ways.len(), 15, "{ways:?}");
    assert!(!ways.contains(&Shown::Listed));
}

#[test]
fn each_epoch_has_its_truth() {
    let plan = WebPlan {
        seed: 1,
        pages_per_host: 20,
        ..WebPlan::default()
    };
    let (web, server) = web(plan);
    let before = web.truth();
    assert_eq!(web.advance(), 1);
    compare(&web, &server);
    let after = web.truth();
    let url_of = |wanted: &dyn Fn(&str, &PictureId) -> bool| {
        let picture = before.pictures.iter().find(|(url, id)| wanted(url, id));
        picture.map(|(url, _)| url.clone()).unwrap()
    };
    let direct = |url: &str| url.contains("/i/");
    let same = url_of(&|url, id| direct(url) && after.pictures.get(url) == Some(id));
    let changed =
        url_of(&|url, id| direct(url) && after.pictures.get(url).is_some_and(|other| other != id));
    let opted = url_of(&|url, _| direct(url) && after.opted_out.contains_key(url));
    let gone = url_of(&|url, _| {
        direct(url) && !after.pictures.contains_key(url) && !after.opted_out.contains_key(url)
    });
    assert!(
        after
            .pictures
            .keys()
            .any(|url| !before.pictures.contains_key(url)),
        "a new one"
    );
    assert!(matches!(get(&server, &gone).status(), 200 | 404 | 410));
    assert_eq!(get(&server, &opted).header("x-robots-tag"), Some("noindex"));
    // Who has a version gets another only if there is one.
    for (url, status) in [(&same, 304), (&changed, 200), (&opted, 200)] {
        let old = Web::new(web.plan().clone());
        let server_before = Arc::new(old).serve(&ServerOptions::default()).unwrap();
        let had = get(&server_before, url);
        for (name, condition) in [
            ("ETag", "If-None-Match"),
            ("Last-Modified", "If-Modified-Since"),
        ] {
            let header = format!("{condition}: {}\r\n", had.header(name).unwrap());
            let answer = ask(&server, url, &header, Duration::from_secs(5)).unwrap();
            assert_eq!(answer.status(), status, "{url} {header}");
            assert_eq!(answer.body.is_empty(), status == 304);
        }
    }
}

#[test]
fn the_seed_settles_everything() {
    let truth = |seed| {
        let truth = Web::new(everything(seed)).truth();
        (
            truth.pictures,
            truth.optional,
            truth.opted_out,
            truth.pages,
            truth.closed,
        )
    };
    assert_eq!(truth(3), truth(3));
    assert_ne!(truth(3).0, truth(4).0);
}

#[test]
fn the_table_leads_to_the_addresses() {
    let (_, server) = web(WebPlan::default());
    let port = server.address().port();
    assert_eq!(
        Web::resolve_table(&server),
        format!(
            "resolve = {{ \"*.a1.test\" = \"127.0.0.1:{port}\", \"*.a2.test\" = \"127.0.0.2:{port}\" }}\n"
        )
    );
}

#[test]
fn a_hundred_thousand_hosts_cost_nothing() {
    let plan = WebPlan {
        hosts: 100_000,
        addresses: 8,
        pictures: PictureStyle::Photo,
        ..WebPlan::default()
    };
    let last = format!("http://{}/", plan.host_name(99_999));
    let (_, server) = web(plan);
    let page = get(&server, &last);
    assert_eq!(page.status(), 200);
    let picture = named(&page, &last)
        .into_iter()
        .find(|url| url.contains("/i/"))
        .unwrap();
    let jpeg = get(&server, &picture).body;
    assert!(image::load_from_memory(&jpeg).is_ok());
    assert_eq!(get(&server, "http://h100000.a1.test/").status(), 404);
    assert_eq!(
        get(&server, "http://h99999.a1.test/").status(),
        404,
        "not its address"
    );
}

#[test]
fn traps_have_no_end() {
    let (web, server) = web(everything(2));
    let truth = web.truth();
    for trap in Trap::ALL {
        let mut url = format!("http://{}/", trap.host(web.plan()));
        let mut seen = BTreeSet::new();
        for _ in 0..30 {
            assert!(seen.insert(url.clone()), "{url} comes back");
            let page = get(&server, &url);
            assert_eq!(page.status(), 200, "{url}");
            url = named(&page, &url)
                .into_iter()
                .find(|link| !link.ends_with(".png") && truth.trap(link).is_some())
                .unwrap();
            assert_eq!(truth.trap(&url), Some(*trap));
        }
        assert!(!truth.pages.contains(&url));
    }
}

#[test]
fn misbehaves_by_order() {
    let (web, server) = web(everything(6));
    let short = Duration::from_secs(1);
    let truth = web.truth();
    for fault in Fault::ALL {
        let host = fault.host(web.plan());
        let url = format!("http://{host}/fault.png");
        let got = ask(&server, &url, "", short);
        if *fault == Fault::Reset {
            assert_eq!(
                got.err().unwrap().kind(),
                std::io::ErrorKind::ConnectionReset
            );
            continue;
        }
        let got = got.unwrap();
        let location = got.header("location").unwrap_or_default();
        let claimed: Option<usize> = got.header("content-length").and_then(|n| n.parse().ok());
        let as_told = match fault {
            Fault::Reset => unreachable!("dealt with above"),
            Fault::Drop | Fault::Hang => got.head.is_empty(),
            Fault::HangAfterHeaders => got.status() == 200 && got.body.is_empty(),
            Fault::Drip => got.status() == 200 && got.body.len() < 3 && claimed > Some(100),
            Fault::Endless => got.body.len() > 1 << 20,
            Fault::BrokenChunks => got.body.ends_with(b"not a length\r\n"),
            Fault::ShortBody => claimed > Some(got.body.len()),
            Fault::LongBody => claimed < Some(got.body.len()),
            Fault::GzipBomb => {
                got.header("content-encoding") == Some("gzip") && got.body[..2] == [0x1f, 0x8b]
            }
            Fault::BrotliBomb => {
                got.header("content-encoding") == Some("br") && got.body.len() < 1 << 20
            }
            Fault::BrokenGzip => {
                got.header("content-encoding") == Some("gzip") && got.body[..2] != [0x1f, 0x8b]
            }
            Fault::Huge => got.body.len() < 200 && got.body.starts_with(b"\x89PNG"),
            Fault::Loop => {
                location == "/fault.png?back" && {
                    get(&server, &format!("{url}?back")).header("location") == Some("/fault.png")
                }
            }
            Fault::Chain => location == "/fault.png?1",
            Fault::Private => location.starts_with("http://10."),
            Fault::Closed => location.starts_with("http://127.0.0.1:9/"),
            Fault::Nowhere => got.status() == 302 && location.is_empty(),
            Fault::Broken => got.status() == 500,
            Fault::Unavailable => got.status() == 503 && got.header("retry-after") == Some("1"),
            Fault::BusyOnce => got.status() == 429 && got.header("retry-after").is_none(),
            Fault::BusySeconds => got.status() == 429 && got.header("retry-after") == Some("1"),
            Fault::PauseOnce => got.status() == 503 && got.header("retry-after").is_none(),
            Fault::PauseDate => {
                let date = httpdate::parse_http_date(got.header("retry-after").unwrap());
                got.status() == 503 && date.is_ok()
            }
            Fault::BadHeaders => got.head.contains("no colon here"),
            Fault::LongHead => got.head.len() > 1 << 20,
            Fault::NotHttp => got.head.starts_with("220 "),
            Fault::Charset => got.header("content-type") == Some("image/png; charset=klingon"),
            Fault::Swapped => {
                got.body.starts_with(b"<!doctype")
                    && got.header("content-type") == Some("image/png")
            }
            Fault::Half => image::load_from_memory(&got.body).is_err(),
        };
        assert!(
            as_told,
            "{fault:?}: {} and {} bytes",
            got.head,
            got.body.len()
        );
        // The rest goes on, and what passes has passed.
        let good = |path: &str| {
            let url = format!("http://{host}{path}");
            let body = get(&server, &url).body;
            truth.pictures.get(&url) == Some(&PictureId::of(&body))
        };
        assert!(
            ["/good-1.png", "/good-2.png", "/good-3.png"]
                .into_iter()
                .all(good)
        );
        let behind = format!("http://{host}/behind.png");
        // Found only by those who read a page's charset from its bytes.
        assert_eq!(
            truth.optional.contains_key(&behind),
            *fault == Fault::Charset
        );
        let passing = [
            Fault::BusyOnce,
            Fault::BusySeconds,
            Fault::PauseOnce,
            Fault::PauseDate,
        ];
        // Whole in spite of what its header says.
        let whole = [Fault::ShortBody, Fault::BrokenGzip];
        assert_eq!(
            truth.pictures.contains_key(&url),
            passing.contains(fault) || whole.contains(fault),
            "{fault:?}"
        );
        if passing.contains(fault) {
            assert!(good("/fault.png"));
        }
    }
}

#[test]
fn robots_answer_as_their_kind() {
    let (web, server) = web(everything(1));
    let robots = |kind: RobotsKind| {
        let url = format!("http://{}/robots.txt", kind.host(web.plan()));
        ask(&server, &url, "", Duration::from_millis(400))
    };
    for (kind, status) in [
        (RobotsKind::Absent, 404),
        (RobotsKind::Unauthorized, 401),
        (RobotsKind::Forbidden, 403),
        (RobotsKind::Broken, 500),
        (RobotsKind::Busy, 429),
        (RobotsKind::Hang, 0),
    ] {
        assert_eq!(robots(kind).unwrap().status(), status, "{kind:?}");
    }
    assert!(robots(RobotsKind::Reset).is_err());
    for (kind, redirects) in [(RobotsKind::Chain, 5), (RobotsKind::LongChain, 6)] {
        let mut answer = robots(kind).unwrap();
        let mut followed = 0;
        while let Some(to) = answer.header("location") {
            answer = get(&server, to);
            followed += 1;
        }
        assert_eq!(followed, redirects);
        assert!(answer.body.starts_with(b"User-agent: *"));
    }
    let long = robots(RobotsKind::Long).unwrap().body;
    let beyond = long.windows(8).position(|it| it == b"/beyond/").unwrap();
    assert!(
        beyond > 500 << 10 && robots(RobotsKind::Marked).unwrap().body[..3] == *b"\xef\xbb\xbf"
    );
}

#[test]
fn a_log_tells_bad_manners() {
    let (web, server) = web(WebPlan::default());
    let truth = web.truth();
    for url in [
        "http://h0.a1.test/p/1.html",
        "http://h0.a1.test/robots.txt",
        "http://h0.a1.test/p/2.html",
        "http://h0.a1.test/private/0.html",
        "http://h2.a1.test/robots.txt",
    ] {
        get(&server, url);
        std::thread::sleep(Duration::from_millis(30));
    }
    let mut log = server.log();
    let url = |path: &str| format!("http://h0.a1.test{path}");
    let expected = [
        Violation::BeforeRobots {
            url: url("/p/1.html"),
        },
        Violation::Forbidden {
            url: url("/private/0.html"),
            reason: Reason::Robots,
        },
    ];
    assert_eq!(violations(&log, &truth), expected);
    let by_host = gaps(&log, GapKey::Host);
    assert_eq!(by_host.keys().collect::<Vec<_>>(), ["h0.a1.test"]);
    assert!(by_host["h0.a1.test"].gap >= Duration::from_millis(30));
    // An answer that lasted until after the next head leaves no gap.
    log[3].ended = Some(log[4].at + Duration::from_millis(1));
    let gap = gaps(&log, GapKey::Address)["127.0.0.1"];
    assert_eq!((gap.gap, gap.before, gap.after), (Duration::ZERO, 3, 4));
    assert!(gap.between_heads >= Duration::from_millis(30));
    // The right name at the wrong door.
    log[4].local = "127.0.0.2".parse().unwrap();
    assert!(matches!(
        violations(&log, &truth)[2],
        Violation::WrongAddress { .. }
    ));
}
