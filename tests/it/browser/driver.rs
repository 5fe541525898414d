//! Debian's chromium behind its driver, and what a person does with it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use url::Url;

use super::webdriver::{Element, WebDriver};

/// A browser at a time: each takes some hundred megabytes.
static ONE: Mutex<()> = Mutex::new(());

/// Set where a missing browser is a failure, as in CI.
const REQUIRED: &str = "SIMDEX_BROWSER";

/// How long is waited for what must come to be seen.
const PATIENCE: Duration = Duration::from_secs(60);

/// A browser with one window. It is closed when this is dropped.
pub struct Browser {
    session: WebDriver,
    driver: Child,
    _alone: MutexGuard<'static, ()>,
}

impl Browser {
    /// Starts one; `None`, with a word to whoever reads the tests, where there is no chromium.
    pub fn start() -> Option<Self> {
        let alone = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        let driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let mut driver = match driver {
            Ok(driver) => driver,
            Err(error) => {
                assert!(
                    std::env::var_os(REQUIRED).is_none(),
                    "there is no chromedriver: {error}"
                );
                eprintln!("skipped: no chromedriver (Debian: apt install chromium-driver)");
                return None;
            }
        };
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = lines
            .find_map(|line| {
                let line = line.unwrap();
                let port = line.split("successfully on port ").nth(1)?;
                Some(port.trim_end_matches('.').parse::<u16>().unwrap())
            })
            .expect("it has said its port");
        std::thread::spawn(move || lines.for_each(drop));
        let wanted = json!({
            "goog:chromeOptions": { "args": [
                "--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars",
                "--force-color-profile=srgb", "--window-size=1180,900",
            ] },
            "goog:loggingPrefs": { "browser": "ALL" },
        });
        Some(Self {
            session: WebDriver::start(format!("127.0.0.1:{port}"), &wanted),
            driver,
            _alone: alone,
        })
    }

    pub fn open(&self, url: &str) {
        self.session.post("/url", json!({ "url": url })).unwrap();
    }

    pub fn url(&self) -> Url {
        let url = self.session.get("/url").unwrap();
        Url::parse(url.as_str().unwrap()).unwrap()
    }

    /// Runs a script's body in the page, and gives what it returns.
    pub fn run(&self, script: &str) -> Value {
        self.try_run(script).unwrap()
    }

    fn try_run(&self, script: &str) -> Result<Value, String> {
        let script = json!({ "script": script, "args": [] });
        self.session.post("/execute/sync", script)
    }

    /// The same with a script that calls its last argument when it has an answer.
    pub fn run_async(&self, script: &str, arguments: Vec<Value>) -> Value {
        let script = json!({ "script": script, "args": arguments });
        self.session.post("/execute/async", script).unwrap()
    }

    /// Waits until a script's body returns something true.
    pub fn wait(&self, what: &str, script: &str) -> Value {
        let until = Instant::now() + PATIENCE;
        loop {
            // The page may be about to be replaced.
            let found = self.try_run(script).unwrap_or_default();
            if !matches!(found, Value::Null | Value::Bool(false)) {
                return found;
            }
            assert!(
                Instant::now() < until,
                "waited in vain for {what} at {}: {}",
                self.url(),
                self.text("body")
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits for an element.
    pub fn find(&self, css: &str) -> Element {
        let until = Instant::now() + PATIENCE;
        loop {
            // As above.
            let found = self.session.elements(css).unwrap_or_default();
            if let Some(first) = found.into_iter().next() {
                return first;
            }
            assert!(Instant::now() < until, "no {css} at {}", self.url());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    pub fn count(&self, css: &str) -> usize {
        self.session.elements(css).unwrap().len()
    }

    pub fn text(&self, css: &str) -> String {
        self.session.text(&self.find(css)).unwrap()
    }

    pub fn click(&self, css: &str) {
        self.session.click(&self.find(css)).unwrap();
    }

    /// Clicks what leads to another page, and waits for it.
    pub fn follow(&self, css: &str) {
        self.run("window.isOld = true");
        self.click(css);
        self.wait(
            "another page",
            "return !window.isOld && document.readyState === 'complete'",
        );
    }

    /// Types into a field, or gives a file to one that takes files.
    pub fn type_into(&self, css: &str, text: &str) {
        self.session.type_into(&self.find(css), text).unwrap();
    }

    /// Draws a line with the mouse, from point to point.
    pub fn draw(&self, points: &[(f64, f64)]) {
        let event = |kind: &str, (x, y): (f64, f64)| {
            let parameters = json!({
                "type": kind, "x": x, "y": y, "button": "left", "buttons": 1, "clickCount": 1,
            });
            self.chrome("Input.dispatchMouseEvent", parameters);
        };
        event("mousePressed", points[0]);
        points[1..]
            .iter()
            .for_each(|point| event("mouseMoved", *point));
        event("mouseReleased", points[points.len() - 1]);
    }

    /// A command of Chrome's own protocol.
    pub fn chrome(&self, command: &str, parameters: Value) -> Value {
        let command = json!({ "cmd": command, "params": parameters });
        self.session.post("/goog/cdp/execute", command).unwrap()
    }

    /// What the page, or the browser about it, has complained of since the last call.
    pub fn complaints(&self) -> Vec<String> {
        let wanted = json!({ "type": "browser" });
        let log = self.session.post("/se/log", wanted).unwrap();
        let lines = log.as_array().unwrap().iter();
        let bad = lines.filter(|line| line["level"] == "SEVERE" || line["level"] == "WARNING");
        bad.map(|line| line["message"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Shows pages as so large a screen does, in light or dark, and nothing on its way from one to the other.
    pub fn shown(&self, width: u32, height: u32, scheme: &str) {
        let mobile = width < 600;
        self.chrome(
            "Emulation.setDeviceMetricsOverride",
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile }),
        );
        self.chrome(
            "Emulation.setEmulatedMedia",
            json!({ "features": [
                { "name": "prefers-color-scheme", "value": scheme },
                { "name": "prefers-reduced-motion", "value": "reduce" },
            ] }),
        );
    }

    /// What is seen, as a PNG.
    pub fn seen(&self) -> Vec<u8> {
        let png = self.session.get("/screenshot").unwrap();
        BASE64_STANDARD.decode(png.as_str().unwrap()).unwrap()
    }

    /// Writes what is seen, as a PNG.
    pub fn screenshot(&self, path: &Path) {
        std::fs::write(path, self.seen()).unwrap();
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // A browser that does not answer ends with its driver.
        if let Ok(None) = self.driver.try_wait() {
            let _ = self.session.close();
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
