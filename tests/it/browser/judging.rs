//! Judging results by keys, in a real browser.

use super::driver::Browser;
use super::{LOADED, Visit};
use crate::common::Simdex;

/// Waits for what is done without a new page.
fn judged(browser: &Browser, card: usize, class: &str) {
    let script = format!(
        "const card = document.querySelector('[data-grid] > li:nth-child({card})'); \
         return ['is-right', 'is-wrong'].filter(name => card.classList.contains(name)).join() === '{class}'"
    );
    browser.wait(class, &script);
}

#[test]
fn results_are_judged_by_keys_and_the_ranking_learns() {
    let simdex = Simdex::filled(4, 6);
    let ids: Vec<String> = simdex.stored().iter().map(|it| it.id.to_string()).collect();
    let Some(visit) = Visit::begin(&simdex) else {
        return;
    };
    let browser = &visit.browser;
    let look = format!("/look?like={}", ids[0]);
    visit.open(&look);
    browser.wait("the script", JUDGES);
    let card = |number: usize| format!("[data-grid] > li:nth-child({number}) a.picture");
    browser.type_into(&card(2), "a");
    judged(browser, 2, "is-right");
    // The next one has the focus.
    browser.type_into(&card(3), "r");
    judged(browser, 3, "is-wrong");
    browser.type_into("body", "u");
    judged(browser, 3, "");
    browser.wait("pictures", LOADED);
    visit.check("look-judged");
    // It was kept.
    visit.open(&look);
    judged(browser, 2, "is-right");
    judged(browser, 3, "");
    visit.open("/labels");
    assert_eq!(browser.count(".member"), 1);
    browser.follow(".member button");
    assert_eq!(browser.count(".member"), 0);
    visit.check("labels-empty");

    // Pictures of a motif are alike, others are not.
    let pairs = (0..24)
        .flat_map(|a| (a + 1..24).map(move |b| (a, b)))
        .filter(|(a, b)| (a + b) % 3 == 0);
    let said: Vec<serde_json::Value> = pairs
        .map(|(a, b)| {
            let kind = if a / 6 == b / 6 { "same" } else { "different" };
            serde_json::json!({ "kind": kind, "a": ids[a], "b": ids[b] })
        })
        .collect();
    let body = serde_json::json!({ "labels": said }).to_string();
    let kept = visit
        .serving
        .post("/api/v1/labels", "application/json", body.as_bytes());
    assert_eq!(kept.status, 200, "{}", kept.text());
    visit.open("/labels");
    browser.follow("form[action='/labels/train'] button");
    browser.wait(
        "what it has brought",
        "return document.querySelector('.panel .figures')",
    );
    visit.check("labels");
    visit.open(&look);
    assert_eq!(browser.count("input[name=head]"), 1);
}

const JUDGES: &str = "return performance.getEntriesByType('resource').some(it => it.name.endsWith('/verdicts.js')) \
    && document.readyState === 'complete'";
