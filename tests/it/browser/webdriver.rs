//! As much of WebDriver (W3C recommendation of 2018) as the tests ask for. A crate for it would bring
//! second versions of twenty others, and build what all builds share with other features.

use serde_json::{Value, json};

use crate::common::serving::ask;

/// The key of an element's name (section 12.2).
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser's session.
pub struct WebDriver {
    address: String,
    /// Where it is asked.
    path: String,
}

/// An element of the page.
pub struct Element(String);

impl WebDriver {
    /// Starts a browser behind the driver that listens at `address`.
    pub fn start(address: String, capabilities: &Value) -> Self {
        let mut driver = Self {
            address,
            path: "/session".to_owned(),
        };
        let wanted = json!({ "capabilities": { "alwaysMatch": capabilities } });
        let started = driver.post("", wanted).expect("chromium starts");
        driver.path += "/";
        driver.path += started["sessionId"].as_str().unwrap();
        driver
    }

    /// What it answers to a question.
    pub fn get(&self, path: &str) -> Result<Value, String> {
        self.ask("GET", path, b"")
    }

    /// What it answers to a command.
    pub fn post(&self, path: &str, parameters: Value) -> Result<Value, String> {
        self.ask("POST", path, parameters.to_string().as_bytes())
    }

    /// Ends the session and the browser.
    pub fn close(&self) -> Result<Value, String> {
        self.ask("DELETE", "", b"")
    }

    /// The elements that a selector names, in the order of the page.
    pub fn elements(&self, css: &str) -> Result<Vec<Element>, String> {
        let wanted = json!({ "using": "css selector", "value": css });
        let found = self.post("/elements", wanted)?;
        let names = found.as_array().unwrap().iter();
        Ok(names
            .map(|name| Element(name[ELEMENT].as_str().unwrap().to_owned()))
            .collect())
    }

    /// The text of an element, as it is seen.
    pub fn text(&self, Element(name): &Element) -> Result<String, String> {
        let text = self.get(&format!("/element/{name}/text"))?;
        Ok(text.as_str().unwrap().to_owned())
    }

    /// Clicks an element.
    pub fn click(&self, Element(name): &Element) -> Result<Value, String> {
        self.post(&format!("/element/{name}/click"), json!({}))
    }

    /// Types into an element.
    pub fn type_into(&self, Element(name): &Element, text: &str) -> Result<Value, String> {
        self.post(&format!("/element/{name}/value"), json!({ "text": text }))
    }

    fn ask(&self, method: &str, path: &str, body: &[u8]) -> Result<Value, String> {
        let path = format!("{}{path}", self.path);
        let json = [("content-type", "application/json")];
        let answer = ask(&self.address, method, &path, &json, body);
        let mut said = answer.json();
        match answer.status {
            200 => Ok(said["value"].take()),
            _ => Err(said["value"]["message"].to_string()),
        }
    }
}
