use std::collections::HashSet;

use super::super::reply::Body;
use super::super::server::{Handler, Request};
use super::super::site::Content;
use super::pages::relative;
use super::*;

fn get(site: &Site, target: &str) -> (u16, Vec<u8>) {
    let request = Request {
        method: "GET".to_owned(),
        target: target.to_owned(),
        host: String::new(),
        headers: Vec::new(),
    };
    let reply = site.reply(&request);
    match reply.body {
        Body::Bytes(bytes) => (reply.status, bytes.to_vec()),
        other => panic!("the drawn site is in memory, but {target} is {other:?}"),
    }
}

#[test]
fn relative_paths_lead_back() {
    assert_eq!(relative("/a/b/c.jpg", "/a/b/"), "c.jpg");
    assert_eq!(relative("/a/b/c.jpg", "/a/page.html"), "b/c.jpg");
    assert_eq!(
        relative("/pictures/x.jpg", "/topics/lake/"),
        "../../pictures/x.jpg"
    );
}

#[test]
fn plans_enough_pictures_of_every_kind() {
    let plan = plan();
    let paths: HashSet<_> = plan.iter().map(|picture| &picture.path).collect();
    assert!(plan.len() >= 60);
    assert_eq!(
        paths.len(),
        plan.len(),
        "every picture has a path of its own"
    );
    for edit in Edit::ALL {
        assert!(
            plan.iter().any(|picture| picture.edit == Some(edit)),
            "{edit}"
        );
    }
    for motif in Motif::ALL {
        let drawn = plan
            .iter()
            .filter(|it| it.motif == motif && it.edit.is_none());
        let variations: HashSet<_> = drawn.map(|it| it.variation).collect();
        assert!(variations.len() >= 4, "{motif}");
    }
    assert!(!plan.iter().any(|it| (it.motif, it.variation) == QUERY));
}

#[test]
fn pages_show_every_picture() {
    let plan = plan();
    let pages: BTreeMap<_, _> = pages(&plan).into_iter().collect();
    for picture in plan {
        // The name alone, since the page may give the path from elsewhere.
        let name = picture.path.rsplit('/').next().unwrap();
        assert!(pages[&picture.page].contains(name), "{}", picture.path);
    }
    let about = &pages[ABOUT];
    assert!(CLOSED.iter().all(|(path, _)| about.contains(path)) && about.contains(DIARY));
    assert!(pages[TRAVEL].contains(MISSING));
}

#[test]
fn serves_what_the_truth_tells() {
    let site = site().unwrap();
    let truth = site.truth();
    for picture in &truth.pictures {
        let (status, bytes) = get(&site, &picture.path);
        assert_eq!(status, 200, "{}", picture.path);
        let format = image::guess_format(&bytes).unwrap();
        assert_eq!(
            format,
            ImageFormat::from_path(&picture.path).unwrap(),
            "{}",
            picture.path
        );
        if picture.edit.is_none() {
            let decoded = image::load_from_memory(&bytes).unwrap();
            assert_eq!(
                (decoded.width(), decoded.height()),
                picture.size,
                "{}",
                picture.path
            );
        }
    }
    for path in truth.pages.iter().chain(&truth.closed) {
        assert_eq!(get(&site, path).0, 200, "{path}");
    }
    for path in &truth.missing {
        assert_eq!(get(&site, path).0, 404, "{path}");
    }
    for (one, other) in &truth.twins {
        assert_eq!(get(&site, one).1, get(&site, other).1, "{one}");
    }
    let query = &site.query_picture().jpeg;
    for path in site.picture_paths() {
        match &site.resource(path).unwrap().content {
            Content::Bytes(bytes) => assert_ne!(bytes[..], query[..], "{path}"),
            Content::File(file) => panic!("{path} is {}", file.display()),
        }
    }
}
