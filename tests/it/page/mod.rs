//! The pages, as a browser without scripts sees them.

mod crawl;
mod duplicates;
mod map;
mod verdicts;

use simdex::demo::drawing::Motif;
use testweb::reply::Reply;

use crate::common::serving::{Answer, Serving, form};
use crate::common::{FAST, Simdex, jpeg, serve};

/// A browser that has logged in.
struct Browser<'a> {
    serving: &'a Serving,
    cookie: String,
}

impl<'a> Browser<'a> {
    fn of(serving: &'a Serving) -> Self {
        let cookie = serving.session();
        Self { serving, cookie }
    }

    fn open(&self, path: &str) -> Answer {
        let headers = [("cookie", self.cookie.as_str()), ("accept", "text/html")];
        self.serving.ask("GET", path, &headers, b"")
    }

    fn send(&self, path: &str, fields: &[(&str, &str)], files: &[(&str, &str, &[u8])]) -> Answer {
        let (kind, body) = form(fields, files);
        let origin = format!("http://{}", self.serving.address);
        let headers = [
            ("cookie", self.cookie.as_str()),
            ("accept", "text/html"),
            ("content-type", &kind),
            ("origin", &origin),
            ("sec-fetch-site", "same-origin"),
        ];
        self.serving.ask("POST", path, &headers, &body)
    }
}

/// The value of the first `attribute` behind `beginning`, as a browser reads it.
fn attribute(page: &str, beginning: &str, attribute: &str) -> String {
    let place = page
        .find(beginning)
        .unwrap_or_else(|| panic!("no {beginning} in {page}"));
    let rest = &page[place..];
    let named = format!("{attribute}=\"");
    let start = rest.find(&named).unwrap() + named.len();
    let value = &rest[start..];
    value[..value.find('"').unwrap()].replace("&amp;", "&")
}

#[test]
fn a_picture_is_asked_for_looked_at_and_explained_without_scripts() {
    let simdex = Simdex::filled(3, 4);
    let serving = Serving::start(&simdex);
    let browser = Browser::of(&serving);
    let ask = browser.open("/").text();
    assert!(
        ask.contains("12 pictures can be found") && ask.contains("enctype=\"multipart/form-data\"")
    );
    let picture = jpeg(Motif::ALL[0], 60);
    let sent = browser.send(
        "/ask",
        &[("url", ""), ("mode", "look-alike")],
        &[("image", "my.jpg", &picture)],
    );
    assert_eq!(sent.status, 303, "{}", sent.text());
    let url = sent.header("location").unwrap();
    assert!(url.contains("mode=look-alike"), "{url}");
    let look = browser.open(url);
    assert_eq!(look.status, 200, "{}", look.text());
    let look = look.text();
    assert_eq!(look.matches("<li class=\"card\"").count(), 12);
    // The page is a URL: the same again.
    assert_eq!(browser.open(url).text(), look);
    let preview = browser.open(&attribute(&look, "class=\"asked\"", "src"));
    assert_eq!(preview.header("content-type"), Some("image/jpeg"));
    let why = browser.open(&attribute(&look, "class=\"picture\"", "href"));
    assert_eq!(why.status, 200, "{}", why.text());
    let why = why.text();
    for part in [
        "What speaks for and against",
        "Where it was found",
        "How near they are",
        "Back to the results",
    ] {
        assert!(why.contains(part), "{part}: {why}");
    }
    let liked = browser
        .open(&attribute(&look, "class=\"feedback", "href"))
        .text();
    assert!(
        liked.contains("100 %"),
        "its own picture comes first: {liked}"
    );
}

#[test]
fn nothing_is_fetched_before_a_click() {
    let simdex = Simdex::filled(1, 2);
    let serving = Serving::start(&simdex);
    let browser = Browser::of(&serving);
    let site = serve(|_| Reply::bytes("image/jpeg", jpeg(Motif::ALL[0], 1)));
    let url = site.url("/a.jpg?x=\"><script>alert(1)</script>");
    let query: String = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("url", &url)
        .finish();
    let page = browser.open(&format!("/?{query}")).text();
    assert!(page.contains("&quot;&gt;&lt;script&gt;alert(1)"), "{page}");
    assert!(!page.contains("<script>alert"));
    assert_eq!(site.log().len(), 0);
    // The crawler refuses loopback, and so does the page.
    let sent = browser.send("/ask", &[("url", &url)], &[]);
    assert_eq!(sent.status, 422, "{}", sent.text());
    assert!(sent.text().contains("<h1>That did not work</h1>"));
}

#[test]
fn text_from_the_web_is_text() {
    let evil = "<img src=x onerror=alert(1)>";
    let site = serve(|request| match request.path() {
        "/" => Reply::html(
            "<title>&lt;script&gt;alert(1)&lt;/script&gt;</title>\
             <img src='/1.jpg' alt='&lt;img src=x onerror=alert(1)&gt;'>",
        ),
        "/1.jpg" => Reply::bytes("image/jpeg", jpeg(Motif::ALL[0], 1)),
        _ => Reply::not_found(),
    });
    let simdex = Simdex::new();
    let url = site.url("/");
    simdex.json(&[&["crawl", url.as_str()], &FAST[..]].concat());
    let id = simdex.stored()[0].id;
    let serving = Serving::start(&simdex);
    let browser = Browser::of(&serving);
    for path in [
        format!("/look?like={id}"),
        format!("/why?like={id}&picture={id}"),
    ] {
        let page = browser.open(&path).text();
        assert!(
            page.contains("&lt;img src=x onerror=alert(1)&gt;"),
            "{page}"
        );
        assert!(!page.contains(evil) && !page.contains("<script>"), "{page}");
    }
}

#[test]
fn empty_and_wrong_states_have_a_page() {
    let simdex = Simdex::new();
    let serving = Serving::start(&simdex);
    let browser = Browser::of(&serving);
    let first = browser.open("/").text();
    assert!(first.contains("There are no pictures yet") && first.contains("simdex add"));
    let hosts = browser.open("/crawl/hosts");
    assert!(hosts.status == 200 && hosts.text().contains("Nothing was crawled yet"));
    for (path, status) in [
        ("/look", 400),
        ("/look?like=x", 400),
        (
            "/look?like=0000000000000000000000000000000000000000000000000000000000000000",
            404,
        ),
        ("/why", 400),
        ("/nothing", 404),
    ] {
        let answer = browser.open(path);
        assert_eq!(answer.status, status, "{path}");
        assert!(answer.text().contains("role=\"alert\""), "{path}");
    }
    assert_eq!(
        browser
            .send("/ask", &[("url", "")], &[("image", "", b"")])
            .status,
        400
    );
}
