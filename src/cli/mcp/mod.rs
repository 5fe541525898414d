//! `mcp`: tools for assistants, over stdin and stdout (Model Context Protocol): a JSON-RPC message a
//! line. Only what three tools need of the protocol is here, which is less than what a crate for it
//! would ask to be told.

mod tools;

use std::io::BufRead;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::Outcome;
use super::output;
use super::session::Session;
use tools::Tools;

/// The versions of the protocol that are spoken, the newest first.
const VERSIONS: [&str; 3] = ["2025-06-18", "2025-03-26", "2024-11-05"];
/// How often it is looked whether the user has asked to stop.
const EVERY: Duration = Duration::from_millis(50);

/// Codes of JSON-RPC.
const PARSE_ERROR: i64 = -32700;
const INVALID_REQUEST: i64 = -32600;
const METHOD_NOT_FOUND: i64 = -32601;
const INVALID_PARAMS: i64 = -32602;

/// A message of the assistant's.
#[derive(Debug, Deserialize)]
struct Message {
    /// None of a notification, which is not answered.
    id: Option<Value>,
    method: String,
    #[serde(default)]
    params: Value,
}

/// A request is not answered: a code of JSON-RPC, and words.
struct Refusal(i64, String);

pub(super) fn run(session: &Session) -> anyhow::Result<Outcome> {
    let mut tools = Tools::new(session);
    let lines = lines();
    loop {
        if session.shutdown.requested() {
            return Ok(Outcome::Interrupted);
        }
        let line = match lines.recv_timeout(EVERY) {
            Ok(line) => line?,
            Err(RecvTimeoutError::Timeout) => continue,
            Err(RecvTimeoutError::Disconnected) => return Ok(Outcome::Done),
        };
        if !line.trim().is_empty()
            && let Some(answer) = answered(&mut tools, &line)
        {
            output::json(&answer)?;
        }
    }
}

/// The lines of stdin, read by a thread that nobody waits for.
fn lines() -> Receiver<std::io::Result<String>> {
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    lines
}

/// The answer to a message; `None` where none is awaited.
fn answered(tools: &mut Tools<'_>, line: &str) -> Option<Value> {
    let refused = |id: Value, Refusal(code, message): Refusal| json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message}});
    let message: Value = match serde_json::from_str(line) {
        Ok(message) => message,
        Err(error) => {
            let refusal = Refusal(PARSE_ERROR, error.to_string());
            return Some(refused(Value::Null, refusal));
        }
    };
    let Message { id, method, params } = match serde_json::from_value(message) {
        Ok(message) => message,
        Err(error) => {
            let refusal = Refusal(INVALID_REQUEST, error.to_string());
            return Some(refused(Value::Null, refusal));
        }
    };
    let result = result(tools, &method, &params);
    let id = id?;
    Some(match result {
        Ok(result) => json!({"jsonrpc": "2.0", "id": id, "result": result}),
        Err(refusal) => refused(id, refusal),
    })
}

fn result(tools: &mut Tools<'_>, method: &str, params: &Value) -> Result<Value, Refusal> {
    match method {
        "initialize" => {
            let asked = params["protocolVersion"].as_str();
            let version = asked.filter(|asked| VERSIONS.contains(asked));
            Ok(json!({
                "protocolVersion": version.unwrap_or(VERSIONS[0]),
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "simdex", "version": env!("CARGO_PKG_VERSION")},
            }))
        }
        "ping" => Ok(json!({})),
        "tools/list" => Ok(json!({"tools": tools::described()})),
        "tools/call" => {
            let name = params["name"].as_str().unwrap_or_default();
            let content = tools.call(name, &params["arguments"]);
            let content = content
                .ok_or_else(|| Refusal(INVALID_PARAMS, format!("there is no tool `{name}`")))?;
            // What a tool cannot do is told to the assistant, which may try otherwise.
            Ok(match content {
                Ok(content) => json!({"content": content}),
                Err(error) => {
                    let text = crate::crawl::with_causes(error.as_ref());
                    json!({"content": [{"type": "text", "text": text}], "isError": true})
                }
            })
        }
        _ if method.starts_with("notifications/") => Ok(Value::Null),
        _ => Err(Refusal(
            METHOD_NOT_FOUND,
            format!("there is no method `{method}`"),
        )),
    }
}
