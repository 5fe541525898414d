//! What is said of results, and removals: both are taken back without scripts.

use simdex::demo::drawing::Motif;

use super::{Browser, attribute};
use crate::common::serving::Serving;
use crate::common::{Simdex, jpeg};

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
