//! The pages in a real browser: Debian's chromium, headless. Without it these tests say what they skip.

mod axe;
mod driver;
mod film;
mod judging;
mod live;
mod webdriver;

use std::path::{Path, PathBuf};

use simdex::demo::{gallery, server};

use crate::common::Simdex;
use crate::common::serving::Serving;
use axe::Axe;
use driver::Browser;
use film::Film;

/// Names a folder to put pictures of the pages into, for README and docs.
const SCREENSHOTS: &str = "SIMDEX_SCREENSHOTS";

/// A browser that has logged in to a server, and what its pages are held against.
struct Visit {
    browser: Browser,
    serving: Serving,
    axe: Option<Axe>,
}

impl Visit {
    fn begin(simdex: &Simdex) -> Option<Self> {
        let browser = Browser::start()?;
        let serving = Serving::start(simdex);
        browser.shown(1180, 900, "light");
        let visit = Self {
            axe: Axe::load(),
            browser,
            serving,
        };
        let login = visit.serving.login.clone();
        visit.open(&login);
        Some(visit)
    }

    fn open(&self, path: &str) {
        self.browser
            .open(&format!("http://{}{path}", self.serving.address));
    }

    /// Holds the page that is shown against what all pages must be: nothing complained of, nothing cut off
    /// on a phone, nothing that keeps people out, in light on a phone and in dark on a desk. Keeps pictures of it
    /// where they are wanted, of all four.
    fn check(&self, name: &str) {
        for (width, height, scheme) in [(390, 844, "light"), (1180, 900, "dark")] {
            self.browser.shown(width, height, scheme);
            let too_wide = self.browser.run(
                "const wide = document.documentElement.scrollWidth; return wide > innerWidth ? wide : 0",
            );
            assert_eq!(too_wide, 0, "{name} at {width}");
            if let Some(axe) = &self.axe {
                let found = axe.violations(&self.browser);
                assert!(found.is_empty(), "{name} at {width}, {scheme}: {found:#?}");
            }
        }
        if std::env::var_os(SCREENSHOTS).is_some() {
            for (width, height, scheme) in [
                (390, 844, "light"),
                (390, 844, "dark"),
                (1180, 900, "dark"),
                (1180, 900, "light"),
            ] {
                self.browser.shown(width, height, scheme);
                self.keep(&format!("{name}-{width}-{scheme}"));
            }
        }
        self.browser.shown(1180, 900, "light");
        let complaints = self.browser.complaints();
        assert!(complaints.is_empty(), "{name}: {complaints:#?}");
    }

    /// Adds what is seen to a film, and goes on as before.
    fn shoot(&self, film: &mut Film, milliseconds: u16) {
        self.browser.shown(film::SIZE.0, film::SIZE.1, "light");
        film.shoot(&self.browser, milliseconds);
        self.browser.shown(1180, 900, "light");
    }

    fn keep(&self, name: &str) {
        if let Some(dir) = std::env::var_os(SCREENSHOTS) {
            let path = Path::new(&dir).join(format!("{name}.png"));
            self.browser.screenshot(&path);
        }
    }
}

/// Whoever keeps pictures waits until all of them have come.
const LOADED: &str =
    "return [...document.images].every(it => it.complete || it.loading === 'lazy')";

/// A file with the demo's query.
fn query_file(simdex: &Simdex, bytes: &[u8]) -> PathBuf {
    let path = simdex.path("query.jpg");
    std::fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn from_an_empty_store_over_a_crawl_to_a_result_and_why() {
    let simdex = Simdex::new();
    simdex.configure("[crawl]\nallow_private_addresses = true\ndelay_ms = 0\nhost_concurrency = 4");
    let Some(visit) = Visit::begin(&simdex) else {
        return;
    };
    let site = gallery::site().unwrap();
    let query = query_file(&simdex, site.query_picture());
    let site = server::Server::start(site).unwrap();
    let browser = &visit.browser;

    // Nothing is there yet: the page leads to a crawl.
    visit.check("first");
    browser.follow("a[href='/crawl']");
    visit.check("crawl-empty");
    browser.type_into("#seeds", &site.url("/"));
    browser.follow("form[action='/crawl'] button");
    // Figures come by themselves, until the end.
    browser.wait(
        "figures",
        "const figure = document.querySelector('[data-figure=images_indexed]'); \
         return figure && figure.textContent !== '0'",
    );
    browser.wait(
        "the end",
        "return document.querySelector('[data-state]')?.textContent === 'done'",
    );
    visit.check("crawl");

    browser.follow("header a[href='/']");
    visit.check("ask");
    let mut film = Film::default();
    visit.shoot(&mut film, 1200);
    browser.type_into("#image", query.to_str().unwrap());
    // It is sent as soon as it is chosen.
    browser.wait(
        "results",
        "return location.pathname === '/look' && document.readyState === 'complete'",
    );
    browser.wait("pictures", LOADED);
    visit.check("look");
    visit.shoot(&mut film, 2500);

    // The grid grows as one scrolls.
    let before = browser.count("[data-grid] > li");
    browser.run("document.querySelector('[data-more]').scrollIntoView()");
    browser.wait(
        "more results",
        &format!("return document.querySelectorAll('[data-grid] > li').length > {before}"),
    );

    // Arrow keys lead through it.
    browser.type_into("[data-grid] > li:nth-child(1) a.picture", RIGHT);
    let focused = browser.run("return document.activeElement.closest('li').value");
    assert_eq!(focused, 2);

    browser.follow("[data-grid] > li:nth-child(2) a.picture");
    browser.wait("pictures", LOADED);
    visit.check("why");
    visit.shoot(&mut film, 3000);
    let first = browser.run(FIRST_OF_PAIR);
    for (way, button) in [("slide", 2), ("over", 3)] {
        browser.click(&format!(".compare button:nth-of-type({button})"));
        assert_eq!(browser.count(&format!("[data-pair].{way}")), 1);
        assert_eq!(
            browser.run("return document.querySelector('.compare input').hidden"),
            false
        );
        visit.check(&format!("why-{way}"));
        for share in [0.25, 0.75] {
            browser.run(&format!(
                "{SHARE} {share}; share.dispatchEvent(new Event('input'))"
            ));
            visit.shoot(&mut film, 500);
        }
    }
    let film = film.png();
    assert!(film.len() < MOST_OF_A_FILM, "{} bytes", film.len());
    if let Some(dir) = std::env::var_os(SCREENSHOTS) {
        std::fs::write(Path::new(&dir).join("tour.png"), film).unwrap();
    }
    browser.click(".compare button:nth-of-type(4)");
    assert_ne!(browser.run(FIRST_OF_PAIR), first, "they are swapped");
    browser.follow("main p.row a.button:nth-child(2)");
    assert_eq!(browser.count(".asked figure.like"), 2);
    visit.check("look-two");
}

/// The key of the arrow to the right, as WebDriver writes it.
const RIGHT: &str = "\u{E014}";
/// Before how far the slider of two pictures is drawn.
const SHARE: &str = "const share = document.querySelector('.compare input'); share.value = ";
/// README shows it to whoever looks, so it must not take long to come.
const MOST_OF_A_FILM: usize = 1_500_000;
const FIRST_OF_PAIR: &str = "return document.querySelector('[data-pair] img').src";

/// A picture as an event has it that drops or pastes it.
const PICTURE: &str = "const done = arguments[0]; const canvas = document.createElement('canvas'); \
    canvas.width = canvas.height = 96; const pen = canvas.getContext('2d'); \
    pen.fillStyle = '#c40'; pen.fillRect(0, 0, 96, 96); pen.fillStyle = '#08c'; pen.fillRect(20, 20, 40, 40); \
    const picture = new DataTransfer(); \
    canvas.toBlob(blob => { picture.items.add(new File([blob], 'a.png', { type: 'image/png' })); ";

#[test]
fn pictures_are_dropped_and_pasted_and_addresses_wait_for_a_click() {
    let simdex = Simdex::filled(2, 4);
    let Some(visit) = Visit::begin(&simdex) else {
        return;
    };
    let browser = &visit.browser;
    for event in [
        "new DragEvent('drop', { dataTransfer: picture, bubbles: true, cancelable: true })",
        "new ClipboardEvent('paste', { clipboardData: picture, bubbles: true, cancelable: true })",
    ] {
        visit.open("/");
        browser.wait("the script", READY);
        let script =
            format!("{PICTURE} document.body.dispatchEvent({event}); done(true); }}, 'image/png')");
        browser.run_async(&script, Vec::new());
        browser.wait(
            "results",
            "return location.pathname === '/look' && document.readyState === 'complete'",
        );
        assert_eq!(browser.count(".asked figure"), 1, "{event}");
    }
    visit.open("/");
    browser.wait("the script", READY);
    browser.run(
        "const data = new DataTransfer(); data.setData('text/uri-list', 'http://127.0.0.1:9/a.jpg'); \
         document.body.dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }))",
    );
    let written = browser.run("return [location.pathname, document.getElementById('url').value]");
    assert_eq!(
        written,
        serde_json::json!(["/", "http://127.0.0.1:9/a.jpg"])
    );
    // The crawler's refusal is a page, too.
    browser.follow("form.ask button");
    let complaints = browser.complaints();
    assert!(
        complaints.iter().all(|line| line.contains("422")),
        "{complaints:?}"
    );
    visit.check("refused");
}

/// The parts that a page has use for are loaded: the browser has run them.
const READY: &str = "return performance.getEntriesByType('resource').some(it => it.name.endsWith('/drop.js')) \
    && document.readyState === 'complete'";

#[test]
fn duplicates_and_the_map_are_looked_over() {
    let simdex = Simdex::filled(8, 6);
    let folder = simdex.path("pictures");
    for motif in ["again", "more"] {
        std::fs::create_dir(folder.join(motif)).unwrap();
    }
    let large = simdex::demo::drawing::draw(simdex::demo::drawing::Motif::ALL[0], 90, 640, 480);
    large.save(folder.join("again/large.jpg")).unwrap();
    image::imageops::thumbnail(&large, 320, 240)
        .save(folder.join("more/small.jpg"))
        .unwrap();
    simdex.json(&["add", "pictures"]);
    let Some(visit) = Visit::begin(&simdex) else {
        return;
    };
    let browser = &visit.browser;
    visit.open("/duplicates");
    browser.wait("pictures", LOADED);
    visit.check("duplicates");
    // By keys: to the first group, and its second picture.
    browser.type_into("body", "j2");
    let chosen = browser
        .run("return document.querySelectorAll('.group')[0].querySelectorAll('input')[1].checked");
    assert_eq!(chosen, true);

    for path in ["/api", "/crawl/hosts", "/removals", "/labels"] {
        visit.open(path);
        visit.check(&path[1..].replace('/', "-"));
    }

    visit.open("/map");
    browser.wait(
        "the map",
        "return document.querySelector('[data-status]').textContent === '50 pictures'",
    );
    visit.open("/map");
    browser.wait(
        "the map",
        "return document.querySelector('[data-status]').textContent === '50 pictures'",
    );
    browser.wait("pictures", LOADED);
    visit.check("map");
    browser.click("[data-lasso]");
    let at = browser.run("const at = document.querySelector('canvas').getBoundingClientRect(); return [at.x, at.y, at.width, at.height]");
    let at: Vec<f64> = at
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it.as_f64().unwrap())
        .collect();
    let corner = |across: f64, down: f64| (at[0] + across * at[2], at[1] + down * at[3]);
    browser.draw(&[
        corner(0.01, 0.01),
        corner(0.99, 0.01),
        corner(0.99, 0.99),
        corner(0.01, 0.99),
    ]);
    browser.wait(
        "the selection",
        "return document.querySelector('[data-count]').textContent === '50'",
    );
    visit.check("map-selected");
    browser.follow("[data-like]");
    assert_eq!(browser.url().path(), "/look");
}

#[test]
fn a_part_is_drawn_and_a_picture_is_removed_and_comes_back() {
    let simdex = Simdex::filled(3, 4);
    let id = simdex.stored()[0].id;
    let Some(visit) = Visit::begin(&simdex) else {
        return;
    };
    let browser = &visit.browser;
    visit.open(&format!("/look?like={id}"));
    browser.wait(
        "the script",
        "return performance.getEntriesByType('resource').some(it => it.name.endsWith('/box.js'))",
    );
    let at = browser.run("const at = document.querySelector('[data-box]').getBoundingClientRect(); return [at.x, at.y, at.width, at.height]");
    let at: Vec<f64> = at
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it.as_f64().unwrap())
        .collect();
    let corner = |across: f64, down: f64| (at[0] + across * at[2], at[1] + down * at[3]);
    browser.draw(&[corner(0.25, 0.1), corner(0.5, 0.5), corner(0.75, 0.9)]);
    browser.wait(
        "its results",
        "return location.search.includes('box=') && document.readyState === 'complete'",
    );
    let part = browser
        .run("return new URLSearchParams(location.search).get('box').split(',').map(Number)");
    for (found, expected) in part.as_array().unwrap().iter().zip([0.25, 0.1, 0.5, 0.8]) {
        assert!((found.as_f64().unwrap() - expected).abs() < 0.03, "{part}");
    }
    browser.wait("pictures", LOADED);
    visit.check("look-part");
    browser.follow("[data-grid] > li:nth-child(1) a.picture");
    browser.wait("pictures", LOADED);
    visit.check("why-part");

    visit.open(&format!("/why?like={id}&picture={id}"));
    browser.follow("form[action='/removals'] button");
    visit.check("removed");
    visit.open(&format!("/look?like={id}"));
    let shown =
        format!("return document.querySelectorAll('[data-grid] a[href*=\"picture={id}\"]').length");
    assert_eq!(browser.run(&shown), 0);
    visit.open("/removals");
    browser.follow("form[action='/removals/undo'] button");
    visit.open(&format!("/look?like={id}"));
    assert_eq!(browser.run(&shown), 1);
}
