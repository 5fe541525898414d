//! axe-core, which finds what keeps people out of a page.

use std::path::PathBuf;

use serde_json::Value;

use super::driver::Browser;

/// Names the file `axe.min.js` of the npm package axe-core, which CI fetches.
const AXE: &str = "SIMDEX_AXE";

/// The script, if there is one.
pub struct Axe(String);

impl Axe {
    /// Reads it; `None`, with a word to whoever reads the tests, where it is not named.
    pub fn load() -> Option<Self> {
        let Some(path) = std::env::var_os(AXE).map(PathBuf::from) else {
            eprintln!("skipped: axe-core, since {AXE} does not name its axe.min.js");
            return None;
        };
        Some(Self(std::fs::read_to_string(path).unwrap()))
    }

    /// What it finds wrong with the page that is shown, a line each.
    pub fn violations(&self, browser: &Browser) -> Vec<String> {
        browser.run(&format!("if (!window.axe) {{ {} }}", self.0));
        let script = "const done = arguments[0]; \
                      axe.run(document, { resultTypes: ['violations'] }) \
                      .then(found => done(found.violations), error => done([{ id: String(error), nodes: [] }]))";
        let found = browser.run_async(script, Vec::new());
        let found = found.as_array().expect("a list of violations").iter();
        found.flat_map(lines).collect()
    }
}

fn lines(violation: &Value) -> Vec<String> {
    let id = violation["id"].as_str().unwrap_or_default();
    let nodes = violation["nodes"].as_array().unwrap().iter();
    let lines = nodes.map(|node| format!("{id}: {} {}", node["html"], node["failureSummary"]));
    std::iter::once(id.to_owned()).chain(lines).collect()
}
