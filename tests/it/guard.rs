//! Who may come in over TCP, and what no answer lets a browser do.

use simdex::demo::drawing::Motif;

use crate::common::serving::{Answer, Serving, form};
use crate::common::{Simdex, jpeg};

/// A picture for a request.
fn any() -> Vec<u8> {
    jpeg(Motif::ALL[0], 99)
}

fn code(answer: &Answer) -> String {
    answer.json()["code"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

#[test]
fn nothing_but_health_is_open_and_the_link_lets_in_once() {
    let simdex = Simdex::filled(1, 2);
    let serving = Serving::start(&simdex);
    let open = |path| serving.ask("GET", path, &[], b"");
    assert_eq!(open("/healthz").status, 200);
    assert!(matches!(open("/readyz").status, 200 | 503));
    for path in [
        "/",
        "/look",
        "/metrics",
        "/style.css",
        "/api/v1/owner",
        "/api/v1/status",
        "/none",
    ] {
        let answer = open(path);
        assert_eq!(
            (answer.status, code(&answer)),
            (401, "unauthorized".to_owned()),
            "{path}"
        );
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        assert_eq!(
            answer.header("content-type"),
            Some("application/problem+json")
        );
    }
    let entered = open(&serving.login);
    assert_eq!(
        (entered.status, entered.header("location")),
        (303, Some("/"))
    );
    assert_eq!(entered.header("referrer-policy"), Some("no-referrer"));
    let cookie = entered.header("set-cookie").unwrap();
    for part in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains(&serving.token) && !serving.login.contains(&serving.token));
    let again = open(&serving.login);
    assert_eq!((again.status, again.header("set-cookie")), (401, None));
    let cookie = cookie.split(';').next().unwrap();
    let page = serving.ask("GET", "/", &[("cookie", cookie)], b"");
    assert_eq!(page.status, 200);
    assert!(page.text().contains("Find pictures like yours"));
    assert_eq!(serving.get("/api/v1/owner").json()["pictures"], 2);
    // A person gets a page, with the same status.
    let told = serving.ask("GET", "/", &[("accept", "text/html")], b"");
    assert_eq!(told.status, 401);
    assert!(
        told.text().contains("<h1>Log in first</h1>"),
        "{}",
        told.text()
    );
}

#[test]
fn other_names_other_pages_and_unknown_senders_are_turned_away() {
    let simdex = Simdex::filled(1, 2);
    let serving = Serving::start(&simdex);
    let session = serving.session();
    let token = format!("Bearer {}", serving.token);
    let (cookie, bearer) = (
        ("cookie", session.as_str()),
        ("authorization", token.as_str()),
    );
    // DNS rebinding: the name is another's, whatever else is right.
    for host in ["evil.example", "127.0.0.1", "localhost:1"] {
        for path in ["/", "/healthz"] {
            let answer = serving.ask("GET", path, &[("host", host), cookie], b"");
            assert_eq!(answer.status, 421, "{host}");
        }
    }
    let own = format!("http://{}", serving.address);
    let (kind, body) = form(&[], &[("image", "a.jpg", &any())]);
    let post = |headers: &[(&str, &str)]| {
        let headers = [headers, &[("content-type", kind.as_str())]].concat();
        serving.ask("POST", "/api/v1/search", &headers, &body)
    };
    let same = ("sec-fetch-site", "same-origin");
    for origin in ["null", "https://evil.example", "http://127.0.0.1:1"] {
        let answer = post(&[cookie, ("origin", origin), same]);
        assert_eq!(
            (answer.status, code(&answer)),
            (403, "origin".to_owned()),
            "{origin}"
        );
        let read = serving.ask("GET", "/", &[cookie, ("origin", origin)], b"");
        assert_eq!(read.status, 403, "{origin}");
    }
    assert_eq!(post(&[cookie]).status, 403);
    assert_eq!(post(&[cookie, ("origin", &own)]).status, 403);
    assert_eq!(
        post(&[cookie, ("origin", &own), ("sec-fetch-site", "same-site")]).status,
        403
    );
    assert_eq!(post(&[cookie, ("origin", &own), same]).status, 200);
    assert_eq!(post(&[bearer]).status, 200);
    assert_eq!(post(&[]).status, 401);
}

#[test]
fn no_answer_lets_a_browser_run_or_show_it_elsewhere() {
    let simdex = Simdex::filled(1, 2);
    let id = simdex.stored()[0].id;
    let serving = Serving::start(&simdex);
    for path in [
        "/",
        "/healthz",
        "/none",
        "/api/v1/status",
        "/page.js",
        &format!("/look?like={id}"),
    ] {
        let answer = serving.get(path);
        let policy = answer.header("content-security-policy").unwrap();
        for part in [
            "default-src 'none'",
            "script-src 'self'",
            "frame-ancestors 'none'",
        ] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(
            answer.header("x-content-type-options"),
            Some("nosniff"),
            "{path}"
        );
        assert_eq!(
            answer.header("cross-origin-resource-policy"),
            Some("same-origin"),
            "{path}"
        );
        let text = answer.text();
        if text.starts_with("<!DOCTYPE") {
            for inline in ["<script>", "<style>", "style=", "onclick=", "javascript:"] {
                assert!(!text.contains(inline), "{path}: {inline}");
            }
        }
    }
}

#[test]
fn requests_open_no_paths_and_ids_are_hexadecimal() {
    let simdex = Simdex::filled(1, 2);
    let serving = Serving::start(&simdex);
    let file = simdex.path("pictures").join(Motif::ALL[0].name());
    let file = file.join("0.jpg");
    assert!(file.is_file());
    let json = |body: String| serving.post("/api/v1/search", "application/json", body.as_bytes());
    for name in [
        file.to_str().unwrap(),
        "pictures",
        "file:///etc/passwd",
        "../store/token",
        "",
    ] {
        let answer = json(serde_json::json!({ "positive": [name] }).to_string());
        assert_eq!(answer.status, 400, "{name}: {}", answer.text());
    }
    let (kind, body) = form(
        &[("head", file.to_str().unwrap())],
        &[("image", "a.jpg", &any())],
    );
    let answer = serving.post("/api/v1/search", &kind, &body);
    assert_eq!((answer.status, code(&answer)), (422, "head".to_owned()));
    for path in [
        "/api/v1/pictures/..%2F..%2Ftoken/thumbnail",
        "/api/v1/pictures/token",
        "/examples/..%2Ftoken",
        "/..%2Ftoken",
        "/style.css/../token",
    ] {
        assert_eq!(serving.get(path).status, 404, "{path}");
    }
    let removal = r#"{"names": [{"name": "x", "path": "relative.jpg"}]}"#;
    let answer = serving.post("/api/v1/removals", "application/json", removal.as_bytes());
    assert_eq!(answer.status, 400);
    let removal = r#"{"gone_below": ["/"]}"#;
    let answer = serving.post("/api/v1/removals", "application/json", removal.as_bytes());
    assert_eq!(answer.status, 403);
}

#[test]
fn urls_are_fetched_by_the_crawler_s_rules_which_no_request_loosens() {
    let simdex = Simdex::filled(1, 2);
    let serving = Serving::start(&simdex);
    for url in [
        format!("http://{}/api/v1/owner", serving.address),
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        "http://[::1]/a.jpg".to_owned(),
        "http://user:hunter2@127.0.0.1/a.jpg".to_owned(),
    ] {
        let body = serde_json::json!({ "positive": [url] }).to_string();
        let answer = serving.post("/api/v1/search", "application/json", body.as_bytes());
        assert_eq!(answer.status, 422, "{url}: {}", answer.text());
        assert!(!answer.text().contains("hunter2"), "{}", answer.text());
    }
    let loosened = r#"{"positive": ["http://127.0.0.1/"], "allow_private_addresses": true}"#;
    let answer = serving.post("/api/v1/search", "application/json", loosened.as_bytes());
    assert_eq!(answer.status, 400, "{}", answer.text());
}

#[test]
fn uploads_are_bounded_and_taken_as_they_are() {
    let simdex = Simdex::filled(1, 2);
    simdex.configure("[picture]\nmax_bytes = 100000\nmax_file_bytes = 100000");
    let serving = Serving::start(&simdex);
    let send = |files: &[(&str, &str, &[u8])]| {
        let (kind, body) = form(&[], files);
        serving.post("/api/v1/search", &kind, &body)
    };
    let large = vec![0; 100_001];
    assert_eq!(send(&[("image", "large.jpg", &large)]).status, 413);
    let many = [("image", "a.jpg", &large[..90_000]); 5];
    assert_eq!(send(&many).status, 413);
    let broken = send(&[("image", "broken.jpg", b"no picture")]);
    assert_eq!((broken.status, code(&broken)), (422, "picture".to_owned()));
    assert_eq!(send(&[]).status, 400);
    let token = format!("Bearer {}", serving.token);
    let (kind, body) = form(&[], &[("image", "a.jpg", &any())]);
    let headers = [
        ("authorization", token.as_str()),
        ("content-type", kind.as_str()),
        ("content-encoding", "gzip"),
    ];
    assert_eq!(
        serving
            .ask("POST", "/api/v1/search", &headers, &body)
            .status,
        415
    );
    assert_eq!(
        serving.post("/api/v1/search", "text/plain", &body).status,
        415
    );
    // All the same it goes on.
    assert_eq!(send(&[("image", "a.jpg", &any())]).status, 200);
}

#[test]
fn the_token_is_the_user_s_alone_and_a_weak_one_is_refused() {
    let simdex = Simdex::filled(1, 2);
    let run = crate::common::Run::of(
        simdex
            .command(&["serve", "--listen", "127.0.0.1:0"])
            .env("SIMDEX_TOKEN", "short")
            .output()
            .unwrap(),
    );
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("SIMDEX_TOKEN"), "{}", run.stderr);
    let serving = Serving::start(&simdex);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = simdex
            .store()
            .join("token")
            .metadata()
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let first = serving.token.clone();
    assert_eq!(serving.stop(), 130);
    assert_eq!(Serving::start(&simdex).token, first);
}
