//! Pages that tell of work under way, in a real browser.

use std::time::Duration;

use testweb::reply::Reply;

use super::Visit;
use crate::common::{Simdex, numbered, serve};

#[test]
fn hosts_and_failures_of_a_crawl_come_by_themselves() {
    let site = serve(|request| match request.path() {
        "/" => {
            let pictures = (0..400).map(|number| format!("<img src='/{number}.jpg'>"));
            Reply::html(
                pictures
                    .chain(["<img src='/gone.gif'>".to_owned()])
                    .collect::<String>(),
            )
        }
        _ => {
            std::thread::sleep(Duration::from_millis(150));
            numbered(request)
        }
    });
    let simdex = Simdex::new();
    simdex.configure("[crawl]\nallow_private_addresses = true\ndelay_ms = 0\nmax_attempts = 1");
    let Some(visit) = Visit::begin(&simdex) else {
        return;
    };
    let browser = &visit.browser;
    visit.open("/crawl");
    browser.type_into("#seeds", &site.url("/"));
    browser.follow("form[action='/crawl'] button");
    visit.open("/crawl/hosts");
    let more_than = |count: f64| {
        format!(
            "const cell = document.querySelector('[data-part=rows] tr td'); \
             const count = Number(cell?.textContent); return count > {count} && count"
        )
    };
    let before = browser.wait("a host", &more_than(0.0)).as_f64().unwrap();
    browser.run("window.same = true");
    browser.wait("more requests", &more_than(before));
    // It is the same page, not another one.
    assert_eq!(browser.run("return window.same === true"), true);
    visit.check("crawl-hosts-live");
}
