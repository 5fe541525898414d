//! The pages, as a browser without scripts sees them.

use simdex::demo::drawing::{Motif, draw};

use crate::common::in_process::wait_for;
use crate::common::serving::{Answer, Serving, form};
use crate::common::{FAST, Simdex, jpeg, numbered, serve};
use testweb::reply::Reply;

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

#[test]
fn a_crawl_is_begun_from_the_page() {
    let site = serve(|request| match request.path() {
        "/" => Reply::html("<img src='/1.jpg'><img src='/2.jpg'><img src='/missing.gif'>"),
        _ => numbered(request),
    });
    let simdex = Simdex::new();
    simdex.configure("[crawl]\nallow_private_addresses = true\ndelay_ms = 0");
    let serving = Serving::start(&simdex);
    let browser = Browser::of(&serving);
    assert!(browser.open("/crawl").text().contains("Pages to begin at"));
    let seeds = format!("{}\n\n", site.url("/"));
    let sent = browser.send("/crawl", &[("seeds", &seeds), ("max_images", "10")], &[]);
    assert_eq!(
        (sent.status, sent.header("location")),
        (303, Some("/crawl"))
    );
    let page = wait_for("the end", || {
        let page = browser.open("/crawl").text();
        page.contains("data-state>done").then_some(page)
    });
    assert!(page.contains("pictures stored"), "{page}");
    for (act, status) in [
        ("pause", 303),
        ("resume", 303),
        ("stop", 303),
        ("burn", 404),
    ] {
        assert_eq!(
            browser
                .send(&format!("/crawl/{act}"), &[("id", "1")], &[])
                .status,
            status,
            "{act}"
        );
    }
    assert_eq!(browser.send("/crawl/stop", &[("id", "7")], &[]).status, 404);
    assert!(browser.open("/crawl/hosts").text().contains("127.0.0.1"));
    assert_eq!(simdex.json(&["status"])["images"], 2);
    for seeds in ["file:///etc/passwd", "http://me:hunter2@127.0.0.1/"] {
        let sent = browser.send("/crawl", &[("seeds", seeds)], &[]);
        assert_eq!(sent.status, 422, "{seeds}");
        assert!(!sent.text().contains("hunter2"), "{}", sent.text());
    }
}

/// A folder with one picture in two sizes under a hostile name each, the smaller one twice, and another picture.
fn copies(simdex: &Simdex) -> [std::path::PathBuf; 4] {
    let dir = simdex.path("pictures");
    std::fs::create_dir(&dir).unwrap();
    let files = [
        "large.jpg",
        "it's $(touch x) small.jpg",
        "again\nsmall.jpg",
        "other.jpg",
    ]
    .map(|name| dir.join(name));
    let large = draw(Motif::ALL[0], 1, 640, 480);
    large.save(&files[0]).unwrap();
    let small = image::imageops::thumbnail(&large, 320, 240);
    small.save(&files[1]).unwrap();
    std::fs::copy(&files[1], &files[2]).unwrap();
    draw(Motif::ALL[1], 1, 640, 480).save(&files[3]).unwrap();
    simdex.json(&["add", "pictures"]);
    files
}

#[test]
fn duplicates_have_a_choice_with_its_reason_and_a_plan() {
    let simdex = Simdex::new();
    let files = copies(&simdex);
    let serving = Serving::start(&simdex);
    let browser = Browser::of(&serving);
    let page = browser.open("/duplicates");
    assert_eq!(page.status, 200, "{}", page.text());
    let page = page.text();
    assert_eq!(page.matches("class=\"group\"").count(), 1, "{page}");
    assert!(page.contains("Kept: the largest, 640 x 480."), "{page}");
    let chosen = browser.open(&format!(
        "/duplicates?prefer=largest&keep={}",
        smaller(&page)
    ));
    assert!(
        chosen.text().contains("Kept: your choice."),
        "{}",
        chosen.text()
    );
    for wrong in ["prefer=best", "from=x", "keep=x"] {
        assert_eq!(
            browser.open(&format!("/duplicates?{wrong}")).status,
            400,
            "{wrong}"
        );
    }

    let table = browser.open("/duplicates/plan.csv");
    assert_eq!(
        table.header("content-type"),
        Some("text/csv; charset=utf-8")
    );
    let mut lines = csv::Reader::from_reader(&table.body[..]);
    let lines: Vec<csv::StringRecord> = lines.records().map(Result::unwrap).collect();
    let action = |file: &std::path::Path| {
        let line = lines.iter().find(|line| Some(&line[3]) == file.to_str());
        line.map(|line| line[1].to_owned())
    };
    assert_eq!(action(&files[0]).as_deref(), Some("keep"));
    assert_eq!(action(&files[1]).as_deref(), Some("delete"));
    assert_eq!(action(&files[2]).as_deref(), Some("delete"));
    assert_eq!(action(&files[3]), None);
}

/// The id of the picture that a group does not keep.
fn smaller(page: &str) -> String {
    let choices = page
        .split("type=\"radio\"")
        .filter(|choice| choice.contains("name=\"keep-"));
    let ids = choices.map(|choice| attribute(choice, "value", "value"));
    ids.into_iter().find(|id| !id.is_empty()).unwrap()
}

#[test]
#[cfg(unix)]
fn the_script_of_the_plan_deletes_what_it_says_and_nothing_that_has_changed() {
    let simdex = Simdex::new();
    let files = copies(&simdex);
    let serving = Serving::start(&simdex);
    let browser = Browser::of(&serving);
    let script = browser.open("/duplicates/plan.sh");
    std::fs::write(simdex.path("plan.sh"), &script.body).unwrap();
    // One of the two has changed since it was read.
    std::fs::write(&files[2], b"something else").unwrap();
    let run = std::process::Command::new("sh")
        .arg("plan.sh")
        .current_dir(simdex.dir.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(
        run.status.success() && said.contains("left alone"),
        "{said}"
    );
    assert_eq!(
        files.each_ref().map(|file| file.exists()),
        [true, false, true, true]
    );
    assert!(!simdex.path("x").exists(), "nothing in a name is run");
    // What is kept is gone: nothing else goes.
    draw(Motif::ALL[0], 1, 10, 10).save(&files[1]).unwrap();
    std::fs::remove_file(&files[0]).unwrap();
    std::process::Command::new("sh")
        .arg("plan.sh")
        .current_dir(simdex.dir.path())
        .output()
        .unwrap();
    assert_eq!(
        files.each_ref().map(|file| file.exists()),
        [false, true, true, true]
    );
}

#[test]
fn all_pictures_come_onto_a_map_and_those_that_go_leave_it() {
    let simdex = Simdex::filled(4, 6);
    let serving = Serving::start(&simdex);
    let browser = Browser::of(&serving);
    assert_eq!(browser.open("/map").status, 200);
    let (version, points) = wait_for("the map", || {
        let body = browser.open("/map/points").body;
        // Nothing comes while there is nothing.
        if body.is_empty() {
            return None;
        }
        let number = |at: usize| <[u8; 4]>::try_from(&body[at..at + 4]).unwrap();
        let is_made = f32::from_le_bytes(number(4)) >= 1.0 && u32::from_le_bytes(number(8)) == 24;
        is_made.then(|| (u32::from_le_bytes(number(0)), body.clone()))
    });
    assert_eq!(points.len(), 12 + 24 * (8 + 4 + 32));
    assert!(
        points[12..12 + 24 * 8]
            .chunks(4)
            .all(|at| f32::from_le_bytes(at.try_into().unwrap()).is_finite())
    );
    let unchanged = browser.open(&format!("/map/points?seen={version}"));
    assert_eq!(unchanged.status, 204);
    let page = browser.open("/map").text();
    assert!(
        page.contains("class=\"group\"") && page.contains("/look?like="),
        "{page}"
    );
    let listed = browser.send("/map/list.csv", &[("pictures", "0,3")], &[]);
    assert_eq!(listed.status, 200);
    let mut lines = csv::Reader::from_reader(&listed.body[..]);
    let lines: Vec<csv::StringRecord> = lines.records().map(Result::unwrap).collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(
        lines.iter().all(|line| line[1].ends_with(".jpg")),
        "{lines:?}"
    );
    let called = browser.send("/map/label", &[("pictures", "0,3"), ("class", "cat")], &[]);
    assert_eq!(called.status, 303, "{}", called.text());
    assert_eq!(
        browser.open("/labels").text().matches("<p>cat</p>").count(),
        2
    );
    let nameless = browser.send("/map/label", &[("pictures", "0,3"), ("class", " ")], &[]);
    assert_eq!(nameless.status / 100, 4);
    assert_eq!(
        browser
            .send("/map/list.csv", &[("pictures", "x")], &[])
            .status,
        400
    );

    simdex.json(&["remove", &lines[0][0]]);
    let body = wait_for("the map without it", || {
        let body = browser.open("/map/points").body;
        (body[8..12] == 23_u32.to_le_bytes()).then_some(body)
    });
    let gone = &lines[0][0];
    let ids = body[12 + 23 * 12..].chunks(32);
    let ids = ids.map(|id| {
        simdex::picture::PictureId::from_slice(id)
            .unwrap()
            .to_string()
    });
    assert!(ids.into_iter().all(|id| id != *gone));
}

#[test]
fn results_are_judged_and_what_was_said_is_taken_back_without_scripts() {
    let simdex = Simdex::filled(2, 3);
    let ids: Vec<String> = simdex.stored().iter().map(|it| it.id.to_string()).collect();
    let serving = Serving::start(&simdex);
    let browser = Browser::of(&serving);
    let look = format!("/look?like={}", ids[0]);
    let say = |say: &str, back: &str| {
        let fields = [
            ("a", ids[0].as_str()),
            ("b", &ids[1]),
            ("mode", "same-subject"),
            ("say", say),
            ("back", back),
        ];
        browser.send("/verdicts", &fields, &[])
    };
    let marked = |class: &str| browser.open(&look).text().matches(class).count();
    for (word, right, wrong) in [("same", 1, 0), ("different", 0, 1), ("nothing", 0, 0)] {
        let said = say(word, &look);
        assert_eq!(
            (said.status, said.header("location")),
            (303, Some(look.as_str())),
            "{}",
            said.text()
        );
        assert_eq!(
            [marked("is-right"), marked("is-wrong")],
            [right, wrong],
            "{word}"
        );
    }
    // No form leads away from here.
    for back in [
        "https://evil.example/",
        "//evil.example/look?",
        "/look",
        "javascript:alert(1)",
    ] {
        assert_eq!(say("same", back).status, 400, "{back}");
    }
    assert_eq!(say("perhaps", &look).status, 400);
    // Of the same in another sense nothing was said.
    assert_eq!(say("same", &look).status, 303);
    let other = browser.open(&format!("{look}&mode=copy")).text();
    assert!(!other.contains("is-right"));
    let labels = browser.open("/labels").text();
    assert!(
        labels.contains("right for the same kind of thing"),
        "{labels}"
    );
    let id = attribute(&labels, "name=\"id\"", "value");
    assert_eq!(
        browser
            .send("/labels/take-back", &[("id", &id)], &[])
            .status,
        303
    );
    assert!(!browser.open("/labels").text().contains("Take back"));
    // Nothing can be said of what is not stored.
    let sent = browser.send(
        "/ask",
        &[],
        &[("image", "my.jpg", &jpeg(Motif::ALL[0], 60))],
    );
    let look = browser.open(sent.header("location").unwrap()).text();
    assert!(!look.contains("action=\"/verdicts\""));
}

#[test]
fn what_is_no_duplicate_is_grouped_no_more() {
    let simdex = Simdex::new();
    copies(&simdex);
    let serving = Serving::start(&simdex);
    let browser = Browser::of(&serving);
    let page = browser.open("/duplicates").text();
    let apart = attribute(&page, "name=\"apart\"", "value");
    let said = browser.send(
        "/duplicates/apart",
        &[("apart", &apart), ("back", "/duplicates?from=0")],
        &[],
    );
    assert_eq!(said.status, 303, "{}", said.text());
    // What is left of the group is one picture in two files.
    wait_for("the group to fall apart", || {
        let page = browser.open("/duplicates").text();
        page.contains("One picture in several files").then_some(())
    });
    assert!(
        browser
            .open("/labels")
            .text()
            .contains("no near-copies of each other")
    );
}

#[test]
fn a_removal_from_the_page_is_undone() {
    let simdex = Simdex::filled(1, 3);
    let id = simdex.stored()[0].id.to_string();
    let serving = Serving::start(&simdex);
    let browser = Browser::of(&serving);
    let is_shown = || {
        browser
            .open(&format!("/look?like={id}"))
            .text()
            .contains(&format!("picture={id}"))
    };
    assert!(is_shown());
    assert_eq!(browser.send("/removals", &[], &[]).status, 400);
    let sent = browser.send("/removals", &[("picture", &id)], &[]);
    assert_eq!(
        (sent.status, sent.header("location")),
        (303, Some("/removals")),
        "{}",
        sent.text()
    );
    assert!(!is_shown());
    let page = browser.open("/removals").text();
    assert!(page.contains("1 picture, in 10 min"), "{page}");
    let number = attribute(&page, "name=\"id\"", "value");
    assert_eq!(
        browser
            .send("/removals/undo", &[("id", &number)], &[])
            .status,
        303
    );
    assert!(is_shown());
    assert_eq!(
        browser
            .send("/removals/undo", &[("id", &number)], &[])
            .status,
        404
    );
}
