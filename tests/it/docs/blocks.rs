//! Blocks of code, what kind each is of, and that each kind is tried.

use super::{Page, pages};

/// A block of code.
pub struct Block {
    /// The line of the page on which it begins.
    pub line: usize,
    pub kind: Kind,
    pub text: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    Indented,
    /// A fence, with the language that it names.
    Fence(String),
}

/// The blocks of a page. An indented block stands below an empty line.
pub fn blocks(text: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut fence: Option<Block> = None;
    let mut indented: Option<Block> = None;
    let mut after_blank = true;
    for (number, line) in text.lines().enumerate() {
        if let Some(mut block) = fence.take() {
            if line.trim() == "```" {
                blocks.push(block);
            } else {
                block.text += &format!("{line}\n");
                fence = Some(block);
            }
        } else if let Some(language) = line.trim_start().strip_prefix("```") {
            blocks.extend(indented.take());
            fence = Some(Block {
                line: number + 1,
                kind: Kind::Fence(language.to_owned()),
                text: String::new(),
            });
        } else if line.starts_with("    ") && (after_blank || indented.is_some()) {
            let block = indented.get_or_insert(Block {
                line: number + 1,
                kind: Kind::Indented,
                text: String::new(),
            });
            block.text += &format!("{}\n", &line[4..]);
        } else if !line.trim().is_empty() {
            blocks.extend(indented.take());
        }
        after_blank = line.trim().is_empty();
    }
    assert!(fence.is_none(), "a fence that does not end");
    blocks.extend(indented);
    blocks
}

impl Block {
    pub fn is_configuration(&self) -> bool {
        self.kind == Kind::Indented && self.text.starts_with('[')
    }

    pub fn is_of(&self, language: &str) -> bool {
        matches!(&self.kind, Kind::Fence(of) if of == language)
    }
}

/// Pages whose blocks of Python are run, and by what.
const PYTHON: [(&str, &str); 2] = [
    ("docs/python.md", "packaging/python/tests/test_docs.py"),
    ("docs/serve.md", "tests/it/api_docs.rs"),
];

#[test]
fn every_block_is_of_a_kind_that_is_tried() {
    for Page { path, text } in pages() {
        let path = path.to_str().unwrap();
        for block in blocks(&text) {
            let place = format!("{path}:{}", block.line);
            match &block.kind {
                Kind::Indented => {}
                Kind::Fence(language) => match language.as_str() {
                    "console" | "sh" | "text" => {}
                    "json" => {
                        let values = serde_json::Deserializer::from_str(&block.text);
                        for value in values.into_iter::<serde_json::Value>() {
                            value.unwrap_or_else(|error| panic!("{place}: {error}"));
                        }
                    }
                    "python" => {
                        let (_, test) = PYTHON
                            .iter()
                            .find(|(page, _)| *page == path)
                            .unwrap_or_else(|| panic!("{place}: no test runs it"));
                        assert!(super::top().join(test).is_file(), "{test}");
                    }
                    other => panic!("{place}: blocks of \"{other}\" are not tried"),
                },
            }
        }
    }
}

#[test]
fn every_block_of_configuration_is_one() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("config.toml");
    let mut read = 0;
    for Page { path, text } in pages() {
        for block in blocks(&text).into_iter().filter(Block::is_configuration) {
            std::fs::write(&file, &block.text).unwrap();
            let place = format!("{}:{}", path.display(), block.line);
            simdex::config::Config::load(Some(&file))
                .unwrap_or_else(|error| panic!("{place}: {error}"));
            read += 1;
        }
    }
    assert!(read > 0);
}

#[test]
fn blocks_are_told_apart() {
    let page = "text\n    goes on\n\n    one\n\n    two\ntext\n```sh\nthree\n\n    four\n```\n";
    let found = blocks(page);
    let found: Vec<(usize, &str)> = found.iter().map(|it| (it.line, it.text.as_str())).collect();
    assert_eq!(found, [(4, "one\ntwo\n"), (8, "three\n\n    four\n")]);
}
