//! What a crawl says beside the URL, and what it says of URLs that do not work.

use crate::common::{FAST, Simdex, crawl, numbered, serve};
use serde_json::json;
use testweb::reply::Reply;
use testweb::server::{Request, Server};

fn flags<'a>(args: &[&'a str]) -> Vec<&'a str> {
    [args, &FAST[..], &["--fetch-only", "--format", "json"]].concat()
}

fn elsewhere(request: &Request, path: &str) -> String {
    format!(
        "http://{}{path}",
        request.host.replace("127.0.0.1", "localhost")
    )
}

/// The Referer of each picture that was asked for.
fn referers(server: &Server) -> Vec<(String, Option<String>)> {
    let log = server.log().into_iter();
    let pictures = log.filter(|hit| hit.request.path().ends_with(".jpg"));
    let referers = pictures.map(|hit| {
        let referer = hit.request.header("referer").map(str::to_owned);
        (hit.host.clone(), referer)
    });
    let mut referers: Vec<_> = referers.collect();
    referers.sort();
    referers
}

#[test]
fn pages_are_sent_as_referers_where_the_user_lets_them() {
    let site = |request: &Request| match request.path() {
        "/robots.txt" => Reply::not_found(),
        "/gallery" => Reply::html(format!(
            "<img src=1.jpg><img src={}>",
            elsewhere(request, "/2.jpg")
        )),
        _ => numbered(request),
    };
    let own = |server: &Server| Some(server.url("/gallery"));
    let origin = |server: &Server| Some(server.url("/"));
    for (config, [near, far]) in [
        ("", [false, false]),
        ("send_referer = true", [true, true]),
        (
            "send_referer = true\nhost.\"localhost\" = { send_referer = false }",
            [true, false],
        ),
        (
            "host.\"localhost\" = { send_referer = true }",
            [false, true],
        ),
    ] {
        let server = serve(site);
        let simdex = Simdex::new();
        simdex.configure(&format!("[crawl]\nsitemaps = false\n{config}\n"));
        crawl(&simdex, &server.url("/gallery"), &["--fetch-only"]);
        let expected = [
            ("127.0.0.1".to_owned(), own(&server).filter(|_| near)),
            ("localhost".to_owned(), origin(&server).filter(|_| far)),
        ];
        assert_eq!(referers(&server), expected, "{config}");
        let pages = server.log().into_iter();
        let mut pages = pages.filter(|hit| hit.request.path() == "/gallery");
        assert!(pages.all(|hit| hit.request.header("referer").is_none()));
    }
    let server = serve(site);
    let simdex = Simdex::new();
    simdex.configure(
        "[crawl]\nsitemaps = false\nsend_referer = true\n[crawl.headers]\nReferer = \"http://own/\"\n",
    );
    crawl(&simdex, &server.url("/gallery"), &["--fetch-only"]);
    let own = Some("http://own/".to_owned());
    assert!(referers(&server).iter().all(|(_, referer)| *referer == own));
}

#[test]
fn redirects_that_set_cookies_say_what_may_help() {
    let gate = |request: &Request| match (request.path(), request.header("cookie")) {
        ("/", None) => Reply::redirect(302, "/").header("Set-Cookie", "seen=1"),
        ("/", Some(_)) => Reply::html("<img src=/1.jpg>"),
        ("/plain", _) => Reply::redirect(302, "/plain"),
        _ => numbered(request),
    };
    let server = serve(gate);
    let simdex = Simdex::new();
    simdex.configure("[crawl]\nsitemaps = false\n");
    let run = simdex.run(&flags(&["crawl", &server.url("/")]));
    assert_eq!(run.code, 3);
    assert_eq!(run.json()["failed"], json!({"too_many_redirects": 1}));
    let said =
        run.stderr.contains("more than 5 redirects") && run.stderr.contains("`cookies = true`");
    assert!(said, "{}", run.stderr);
    let run = simdex.run(&flags(&["crawl", &server.url("/plain")]));
    assert!(!run.stderr.contains("cookies"), "{}", run.stderr);
    let simdex = Simdex::new();
    simdex.configure("[crawl]\nsitemaps = false\ncookies = true\n");
    let summary = crawl(&simdex, &server.url("/"), &["--fetch-only"]);
    assert_eq!(summary["images_fetched"], 1, "{summary}");
}

#[test]
fn a_seed_that_leads_out_of_the_scope_says_where_to() {
    let away = |request: &Request| {
        let target = elsewhere(request, "/new");
        match request.path() {
            "/moved" => Reply::redirect(301, &target),
            "/refreshed" => Reply::html(format!(
                "<meta http-equiv=refresh content='0; url={target}'><p>Moved"
            )),
            "/headed" => Reply::html("Moved").header("Refresh", &format!("1;url={target}")),
            "/later" => Reply::html(format!(
                "<meta http-equiv=refresh content='600; url={target}'><img src=1.jpg>"
            )),
            "/new" => Reply::html("<img src=1.jpg>"),
            _ => numbered(request),
        }
    };
    for (path, code) in [
        ("/moved", 3),
        ("/refreshed", 3),
        ("/headed", 3),
        ("/later", 0),
    ] {
        let server = serve(away);
        let simdex = Simdex::new();
        simdex.configure("[crawl]\nsitemaps = false\n");
        let run = simdex.run(&flags(&["crawl", &server.url(path)]));
        assert_eq!(run.code, code, "{path}: {}", run.stderr);
        if code == 0 {
            continue;
        }
        assert_eq!(run.json()["refused"], json!({"out_of_scope": 1}), "{path}");
        let target = server.url("/new").replace("127.0.0.1", "localhost");
        for word in [target.as_str(), "--scope", "name that URL"] {
            assert!(run.stderr.contains(word), "{path}: {}", run.stderr);
        }
        let run = simdex.run(&flags(&["crawl", &server.url(path), "--scope", "any"]));
        assert_eq!(run.code, 0, "{path}: {}", run.stderr);
        // What was fetched before is known, so its link is followed only when it is read again.
        let run = simdex.run(&flags(&["crawl", "--refresh", "all", "--scope", "any"]));
        assert_eq!(run.code, 0, "{path}: {}", run.stderr);
        assert_eq!(simdex.json(&["status"])["waiting"], 1, "{path}");
    }
}

#[test]
fn passwords_in_urls_are_refused_with_advice() {
    let server = serve(|request| match request.path() {
        "/" => Reply::html("<img src=1.jpg>"),
        _ => numbered(request),
    });
    let simdex = Simdex::new();
    simdex.configure("[crawl]\nsitemaps = false\nallow_private_addresses = true\n");
    let url = server.url("/").replace("127", "me:secret@127");
    let run = simdex.run(&flags(&["crawl", &url]));
    assert_eq!(run.code, 2, "{}", run.stderr);
    assert!(
        run.stderr.contains("[crawl.host.\"127.0.0.1\"]"),
        "{}",
        run.stderr
    );
    std::fs::write(
        simdex.path("seeds.txt"),
        format!("{url}\n{}\n", server.url("/")),
    )
    .unwrap();
    let run = simdex.run(&flags(&["crawl", "--seeds", "seeds.txt"]));
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert_eq!(run.json()["images_fetched"], 1);
    let says = run.stderr.contains("seeds.txt, line 1") && !run.stderr.contains("secret");
    assert!(says, "{}", run.stderr);
    let picture = format!("{url}1.jpg");
    for command in ["query", "remove"] {
        let run = simdex.run(&[command, &picture]);
        assert_eq!(run.code, 2, "{command}: {}", run.stderr);
        let says = run.stderr.contains("Authorization") && !run.stderr.contains("secret");
        assert!(says, "{command}: {}", run.stderr);
    }
}

#[test]
fn a_list_of_seeds_is_read_as_editors_write_it() {
    let server = serve(|request| match request.path() {
        "/a" => Reply::html("<img src=1.jpg>"),
        "/b" => Reply::html("<img src=2.jpg>"),
        _ => numbered(request),
    });
    let [a, b] = ["/a", "/b"].map(|path| server.url(path));
    let lists = [
        (
            format!("\u{feff}{a}\r\n# a note\r\n{b}\r\n").into_bytes(),
            0,
        ),
        (format!("{a}\nhttp://[x/\nftp://h/\n{b}\n").into_bytes(), 3),
        (format!("{a}\r{b}\r").into_bytes(), 0),
        (
            format!("\u{feff}{a}\r\n{b}\r\n")
                .encode_utf16()
                .flat_map(u16::to_le_bytes)
                .collect(),
            0,
        ),
    ];
    for (list, code) in lists {
        let simdex = Simdex::new();
        simdex.configure("[crawl]\nsitemaps = false\n");
        std::fs::write(simdex.path("seeds.txt"), list).unwrap();
        let run = simdex.run(&flags(&["crawl", "--seeds", "seeds.txt"]));
        assert_eq!(run.code, code, "{}", run.stderr);
        assert_eq!(run.json()["images_fetched"], 2, "{}", run.stderr);
        if code == 3 {
            for said in [
                "seeds.txt, line 2: http://[x/",
                "seeds.txt, line 3: ftp://h/",
            ] {
                assert!(run.stderr.contains(said), "{}", run.stderr);
            }
        }
    }
    let simdex = Simdex::new();
    // A file of another kind was named, which ends nowhere.
    #[cfg(unix)]
    {
        let run = simdex.run(&flags(&["crawl", "--seeds", "/dev/zero"]));
        assert_eq!(run.code, 1, "{}", run.stderr);
        assert!(run.stderr.contains("no list"), "{}", run.stderr);
    }
    std::fs::write(simdex.path("seeds.txt"), "http://[x/\n").unwrap();
    let run = simdex.run(&flags(&["crawl", "--seeds", "seeds.txt"]));
    assert_eq!(run.code, 1, "{}", run.stderr);
}

#[test]
fn header_fields_lead_on_as_elements_do() {
    let server = serve(|request| match request.path() {
        "/robots.txt" => Reply::not_found(),
        "/" => Reply::html("<p>Nothing here")
            .header(
                "Link",
                "</1.jpg>; rel=preload; as=image, </more>; rel=\"next\"",
            )
            .header("Link", "</script.js>; rel=preload; as=script"),
        "/more" => Reply::html("<p>Nor here").header("Refresh", "0; url=/last"),
        "/last" => Reply::html("<img src=2.jpg>"),
        _ => numbered(request),
    });
    let simdex = Simdex::new();
    simdex.configure("[crawl]\nsitemaps = false\nrespect = { tdm = false }\n");
    let summary = crawl(&simdex, &server.url("/"), &["--fetch-only"]);
    assert_eq!(summary["images_fetched"], 2, "{summary}");
    assert_eq!(summary["pages_fetched"], 3);
    let asked = server.log().into_iter();
    assert!(
        !asked
            .map(|hit| hit.request.target)
            .any(|it| it.ends_with(".js"))
    );
}
