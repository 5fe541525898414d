//! What the API finds, stores and writes beside plain searches: filters, boxes, uploads, exports.

use serde_json::{Value, json};
use simdex::demo::drawing::Motif;
use simdex::edit::jpeg as jpeg_of;
use testweb::reply::Reply;

use crate::common::serving::{Answer, Serving, form};
use crate::common::{FAST, Simdex, jpeg, numbered, picture, serve};

fn post(serving: &Serving, path: &str, body: &Value) -> Answer {
    serving.post(path, "application/json", body.to_string().as_bytes())
}

fn names(found: &Value) -> Vec<String> {
    let results = found["results"].as_array().unwrap().iter();
    results
        .map(|result| {
            let place = result["urls"][0].as_str().or(result["paths"][0].as_str());
            place.unwrap().rsplit('/').next().unwrap().to_owned()
        })
        .collect()
}

#[test]
fn results_are_filtered_by_size_time_and_words() {
    let site = serve(|request| match request.path() {
        "/" => Reply::html(
            "<title>Harbour life</title><figure><img src=1.jpg alt='a Red boat'>\
             <figcaption>At dawn</figcaption></figure><img src=2.jpg alt='a blue boat'>",
        ),
        _ => numbered(request),
    });
    let simdex = Simdex::new();
    simdex.json(&[&["crawl", &site.url("/")], &FAST[..]].concat());
    let large = jpeg_of(&simdex::demo::drawing::draw(Motif::ALL[0], 3, 500, 400), 90).unwrap();
    std::fs::write(simdex.path("large.jpg"), large).unwrap();
    simdex.json(&["add", "large.jpg"]);
    std::fs::write(simdex.path("query.jpg"), jpeg(Motif::ALL[0], 5)).unwrap();
    let query = |flags: &[&str]| {
        let query = ["query", "query.jpg", "--format", "json"];
        let run = simdex.run(&[&query[..], flags].concat());
        assert_eq!(run.code, 0, "{}", run.stderr);
        let mut names = names(&run.json());
        names.sort();
        names
    };
    let all = ["1.jpg", "2.jpg", "large.jpg"];
    let cases: [(&[&str], &[&str]); 10] = [
        (&[], &all),
        (&["--min-width", "300"], &["large.jpg"]),
        (&["--min-height", "400"], &["large.jpg"]),
        (&["--min-width", "501"], &[]),
        (&["--text", "boat"], &["1.jpg", "2.jpg"]),
        (&["--text", "RED harbour"], &["1.jpg"]),
        (&["--text", "dawn"], &["1.jpg"]),
        (&["--text", "boat", "--min-width", "300"], &[]),
        (&["--since", "2020-01-01"], &all),
        (&["--until", "2020-01-01T00:00:00Z"], &[]),
    ];
    for (flags, expected) in cases {
        assert_eq!(query(flags), expected, "{flags:?}");
    }
    assert_eq!(
        simdex.run(&["query", "query.jpg", "--since", "soon"]).code,
        2
    );
    let serving = Serving::start(&simdex);
    for (flags, expected) in cases {
        assert_eq!(query(flags), expected, "{flags:?}");
    }
    let files: [(&str, &str, &[u8]); 1] = [("image", "q.jpg", &jpeg(Motif::ALL[0], 5))];
    let (kind, body) = form(&[("min_width", "300"), ("text", "")], &files);
    let found = serving.post("/api/v1/search", &kind, &body).json();
    assert_eq!(names(&found), ["large.jpg"]);
    let wrong = json!({"positive": ["x"], "since": "soon"});
    assert_eq!(post(&serving, "/api/v1/search", &wrong).status, 400);
}

#[test]
fn a_box_asks_for_a_part_of_a_picture() {
    let simdex = Simdex::filled(2, 4);
    // Two motifs side by side.
    let (left, right) = (picture(Motif::ALL[0], 91), picture(Motif::ALL[1], 92));
    let mut both = image::RgbImage::new(left.width() + right.width(), left.height());
    image::imageops::replace(&mut both, &left, 0, 0);
    image::imageops::replace(&mut both, &right, i64::from(left.width()), 0);
    std::fs::write(simdex.path("both.jpg"), jpeg_of(&both, 92).unwrap()).unwrap();
    let first_of = |serving: Option<&Serving>, part: &str| {
        let args = [
            "query", "both.jpg", "--box", part, "--format", "json", "-k", "3",
        ];
        let run = simdex.run(&args);
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert_eq!(run.stderr.contains("answered by"), serving.is_some());
        let path = run.json()["results"][0]["paths"][0]
            .as_str()
            .unwrap()
            .to_owned();
        path.rsplit('/').nth(1).unwrap().to_owned()
    };
    let motifs = [Motif::ALL[0], Motif::ALL[1]].map(Motif::name);
    let parts = ["0,0,0.5,1", "0.5,0,0.5,1"];
    assert_eq!(parts.map(|part| first_of(None, part)), motifs);
    let serving = Serving::start(&simdex);
    assert_eq!(parts.map(|part| first_of(Some(&serving), part)), motifs);
    // Of a stored picture the preview is looked at.
    simdex.json(&["add", "both.jpg"]);
    let id = simdex::picture::PictureId::of(&std::fs::read(simdex.path("both.jpg")).unwrap());
    let id = id.to_string();
    let found = post(
        &serving,
        "/api/v1/search",
        &json!({"positive": [id], "box": parts[1]}),
    );
    assert_eq!(found.status, 200, "{}", found.text());
    assert!(!found.json()["results"].as_array().unwrap().is_empty());
    for (asked, words) in [
        (
            json!({"positive": [id], "box": "0,0,2,1"}),
            "shares of the picture",
        ),
        (
            json!({"positive": [id, id], "box": "0,0,1,1"}),
            "one picture",
        ),
    ] {
        let answer = post(&serving, "/api/v1/search", &asked);
        assert_eq!(answer.status, 400, "{}", answer.text());
        assert!(answer.text().contains(words), "{}", answer.text());
    }
    assert_eq!(simdex.run(&["query", "both.jpg", "--box", "1,2"]).code, 2);
}

#[test]
fn uploads_are_stored_and_never_taken_for_files_here() {
    let simdex = Simdex::filled(1, 3);
    let serving = Serving::start(&simdex);
    let (new, known) = (jpeg(Motif::ALL[1], 7), jpeg(Motif::ALL[0], 1));
    let files: [(&str, &str, &[u8]); 3] = [
        ("image", "../x/new.jpg", &new),
        ("image", "known.jpg", &known),
        ("image", "broken.jpg", b"no picture"),
    ];
    let (kind, body) = form(&[], &files);
    let answer = serving.post("/api/v1/pictures", &kind, &body);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let answer = answer.json();
    let [new, known, broken] = [0, 1, 2].map(|i| &answer["pictures"][i]);
    assert_eq!(
        (&new["is_new"], &known["is_new"]),
        (&true.into(), &false.into())
    );
    assert!(
        known["id"].is_string() && broken["id"].is_null(),
        "{answer}"
    );
    assert_eq!(broken["reason"], "unknown_format");
    let path = format!("/api/v1/pictures/{}", new["id"].as_str().unwrap());
    assert_eq!(
        serving.get(&path).json()["paths"],
        json!(["upload:new.jpg"])
    );
    assert_eq!(simdex.json(&["status"])["images"], 4);
    // Nobody looks for it on disk.
    simdex.json(&["add", "pictures"]);
    let run = simdex.run(&["remove", "--missing", "--format", "json"]);
    assert_eq!(
        (run.code, &run.json()["files"]),
        (0, &0.into()),
        "{}",
        run.stderr
    );
    assert_eq!(simdex.json(&["status"])["images"], 4);
    let (kind, body) = form(&[], &files[2..]);
    let answer = serving.post("/api/v1/pictures", &kind, &body);
    assert_eq!(
        (answer.status, &answer.json()["code"]),
        (422, &"picture".into())
    );
    let (kind, body) = form(&[], &[("image2", "a.jpg", files[0].2)]);
    assert_eq!(serving.post("/api/v1/pictures", &kind, &body).status, 400);
}

#[test]
fn lists_are_exported_in_every_format_as_the_command_writes_them() {
    let simdex = Simdex::filled(2, 3);
    let picture = jpeg(Motif::ALL[0], 50);
    std::fs::write(simdex.path("new.jpg"), &picture).unwrap();
    let serving = Serving::start(&simdex);
    for (format, kind) in [
        ("csv", "text/csv; charset=utf-8"),
        ("json", "application/json"),
        ("jsonl", "application/jsonl"),
        ("html", "text/html; charset=utf-8"),
        ("trec", "text/plain; charset=utf-8"),
    ] {
        let files: [(&str, &str, &[u8]); 1] = [("image", "new.jpg", &picture)];
        let (sent, body) = form(&[("format", format), ("limit", "3")], &files);
        let answer = serving.post("/api/v1/export", &sent, &body);
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.header("content-type"), Some(kind));
        let args = [
            "export",
            "--queries",
            "new.jpg",
            "--format",
            format,
            "-k",
            "3",
            "-o",
            "-",
        ];
        let mut printed = simdex.run(&args);
        assert_eq!(printed.code, 0, "{}", printed.stderr);
        let expected = crate::common::serving::without_times(&printed);
        printed.stdout = answer.text();
        assert_eq!(crate::common::serving::without_times(&printed), expected);
    }
    for (format, is_there, begins) in [
        ("png", true, &b"\x89PNG"[..]),
        ("parquet", cfg!(feature = "parquet"), b"PAR1"),
        ("xlsx", cfg!(feature = "xlsx"), b"PK"),
    ] {
        let files: [(&str, &str, &[u8]); 1] = [("image", "new.jpg", &picture)];
        let (sent, body) = form(&[("format", format), ("limit", "3")], &files);
        let answer = serving.post("/api/v1/export", &sent, &body);
        match is_there {
            true => assert!(answer.body.starts_with(begins), "{}", answer.text()),
            false => assert!(answer.text().contains("--features"), "{}", answer.text()),
        }
    }
    let none = post(&serving, "/api/v1/export", &json!({"format": "csv"}));
    assert_eq!(none.status, 400, "{}", none.text());
    let wrong = post(&serving, "/api/v1/export", &json!({"format": "pdf"}));
    assert_eq!(wrong.status, 400, "{}", wrong.text());
}
