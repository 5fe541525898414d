//! The plan, the pages and the files of the drawn site.

use std::collections::HashSet;

use super::super::site::Content;
use super::pages::relative;
use super::*;

fn bytes<'a>(site: &'a Site, path: &str) -> Option<&'a [u8]> {
    match &site.resource(path)?.content {
        Content::Bytes(bytes) => Some(bytes),
        Content::File(file) => panic!("the drawn site is in memory, not in {}", file.display()),
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
    for edit in Retouch::ALL {
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
fn has_what_was_planned() {
    let site = site().unwrap();
    for picture in plan() {
        let path = &picture.path;
        let file = bytes(&site, path).unwrap();
        let format = image::guess_format(file).unwrap();
        assert_eq!(format, ImageFormat::from_path(path).unwrap(), "{path}");
        if picture.edit.is_none() {
            let decoded = image::load_from_memory(file).unwrap();
            assert_eq!((decoded.width(), decoded.height()), picture.size, "{path}");
        }
    }
    let pages = pages(&plan()).into_iter().map(|(path, _)| path);
    let closed = CLOSED.iter().map(|(path, _)| *path).chain([DIARY]);
    for path in pages.chain(closed.map(str::to_owned)) {
        assert!(bytes(&site, &path).is_some(), "{path}");
    }
    assert_eq!(bytes(&site, MISSING), None);
    assert_eq!(bytes(&site, "/pictures/lake-0.jpg"), bytes(&site, TWIN));
    for path in site.picture_paths() {
        assert_ne!(bytes(&site, path), Some(site.query_picture()), "{path}");
    }
}
