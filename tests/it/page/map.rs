//! The map, as a browser without scripts and its script see it.

use super::Browser;
use crate::common::Simdex;
use crate::common::in_process::wait_for;
use crate::common::serving::Serving;

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
