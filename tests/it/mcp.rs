//! The tools for assistants, spoken to as an assistant does.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use simdex::demo::drawing::Motif;

use crate::common::serving::Serving;
use crate::common::{Simdex, jpeg};

struct Assistant {
    child: Child,
    to: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
    asked: u64,
}

impl Assistant {
    fn start(simdex: &Simdex) -> Self {
        let mut command = simdex.command(&["mcp"]);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let from = BufReader::new(child.stdout.take().unwrap());
        let to = child.stdin.take();
        let mut assistant = Self {
            child,
            to,
            from,
            asked: 0,
        };
        let hello = json!({"protocolVersion": "2025-06-18", "capabilities": {},
                           "clientInfo": {"name": "test", "version": "1"}});
        let answer = assistant.ask("initialize", hello);
        assert_eq!(answer["result"]["protocolVersion"], "2025-06-18");
        assert_eq!(answer["result"]["serverInfo"]["name"], "simdex");
        assistant.send(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
        assistant
    }

    fn send(&mut self, line: &str) {
        writeln!(self.to.as_mut().unwrap(), "{line}").unwrap();
    }

    fn receive(&mut self) -> Value {
        let mut line = String::new();
        self.from.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }

    fn ask(&mut self, method: &str, params: Value) -> Value {
        self.asked += 1;
        let id = self.asked;
        let message = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        self.send(&message.to_string());
        let answer = self.receive();
        assert_eq!(
            (&answer["jsonrpc"], &answer["id"]),
            (&"2.0".into(), &id.into())
        );
        answer
    }

    fn call(&mut self, tool: &str, arguments: Value) -> Value {
        let mut answer = self.ask("tools/call", json!({"name": tool, "arguments": arguments}));
        answer["result"].take()
    }

    /// Hangs up.
    fn end(mut self) -> i32 {
        drop(self.to.take());
        self.child.wait().unwrap().code().unwrap()
    }
}

#[test]
fn an_assistant_finds_compares_and_counts() {
    let simdex = Simdex::filled(2, 3);
    std::fs::write(simdex.path("new.jpg"), jpeg(Motif::ALL[0], 50)).unwrap();
    let id = simdex.stored()[0].id.to_string();
    let serving = std::cell::OnceCell::new();
    for is_served in [false, true] {
        if is_served {
            serving.get_or_init(|| Serving::start(&simdex));
        }
        let mut assistant = Assistant::start(&simdex);
        let tools = assistant.ask("tools/list", json!({}));
        let tools = tools["result"]["tools"].as_array().unwrap();
        let names: Vec<&Value> = tools.iter().map(|tool| &tool["name"]).collect();
        assert_eq!(names, ["find_similar", "compare", "status"]);
        for picture in ["new.jpg", &id] {
            let found = assistant.call("find_similar", json!({"picture": picture, "limit": 2}));
            assert!(found.get("isError").is_none(), "{found}");
            let content = found["content"].as_array().unwrap();
            let kinds: Vec<&Value> = content.iter().map(|block| &block["type"]).collect();
            assert_eq!(kinds, ["text", "image", "text", "image"]);
            assert!(
                content[0]["text"]
                    .as_str()
                    .unwrap()
                    .starts_with("1. score ")
            );
            let preview = STANDARD
                .decode(content[1]["data"].as_str().unwrap())
                .unwrap();
            assert!(image::load_from_memory(&preview).is_ok());
        }
        for b in ["new.jpg", &id] {
            let compared = assistant.call("compare", json!({"a": "new.jpg", "b": b}));
            let json = compared["content"][1]["text"].as_str().unwrap();
            let compared: Value = serde_json::from_str(json).unwrap();
            assert!(compared["score"].as_f64().unwrap() > 0.0, "{compared}");
        }
        let status = assistant.call("status", json!({}));
        let status: Value =
            serde_json::from_str(status["content"][0]["text"].as_str().unwrap()).unwrap();
        assert_eq!(status["images"], 6);
        // Nobody waits for an assistant.
        assert_eq!(simdex.json(&["status"])["images"], 6);
        // What is wrong is said, and the talk goes on.
        let wrong = assistant.call("find_similar", json!({"picture": "missing.jpg"}));
        assert_eq!(wrong["isError"], true);
        let wrong = assistant.call("find_similar", json!({"picture": id, "best": 1}));
        assert!(
            wrong["content"][0]["text"]
                .as_str()
                .unwrap()
                .contains("best"),
            "{wrong}"
        );
        let unknown = assistant.ask("tools/call", json!({"name": "delete", "arguments": {}}));
        assert_eq!(unknown["error"]["code"], -32602);
        assert_eq!(
            assistant.ask("resources/list", json!({}))["error"]["code"],
            -32601
        );
        for (line, code) in [("{", -32700), (r#"{"id": 1}"#, -32600)] {
            assistant.send(line);
            assert_eq!(assistant.receive()["error"]["code"], code);
        }
        assert_eq!(assistant.ask("ping", json!({}))["result"], json!({}));
        assert_eq!(assistant.end(), 0);
    }
}
