//! Every key of the configuration: docs/configuration.md is made of config.toml, and must be what would be made
//! of it today.

use std::path::Path;

use super::{WRITE, page, top};

const PAGE: &str = "docs/configuration.md";
/// Behind it stands what is made.
const MADE: &str = "SIMDEX_WRITE_DOCS is set. -->\n";

/// Keys that one comment speaks of.
#[derive(Default)]
struct Group {
    keys: Vec<String>,
    defaults: Vec<String>,
    comment: String,
}

#[derive(Default)]
struct Section {
    /// `[crawl]`; empty at the top.
    name: String,
    comment: String,
    groups: Vec<Group>,
}

/// What stands behind this is a key without a default, or an example of a section.
const EXAMPLE: &str = "#= ";

/// The sections of the commented file, in its order.
fn sections(config: &str) -> Vec<Section> {
    let mut sections = vec![Section::default()];
    let mut comment = String::new();
    // The first comment is of the file.
    for line in config.split_once("\n\n").unwrap().1.lines() {
        let (line, is_example) = match line.strip_prefix(EXAMPLE) {
            Some(line) => (line, true),
            None => (line, false),
        };
        if let Some(more) = line.strip_prefix("# ") {
            comment += &format!("{more} ");
        } else if line.starts_with('[') {
            sections.push(Section {
                name: line.to_owned(),
                comment: std::mem::take(&mut comment),
                groups: Vec::new(),
            });
        } else if let Some((key, value)) = line.split_once(" = ") {
            let section = sections.last_mut().unwrap();
            if !comment.is_empty() || section.groups.is_empty() {
                section.groups.push(Group {
                    comment: std::mem::take(&mut comment),
                    ..Group::default()
                });
            }
            let group = section.groups.last_mut().unwrap();
            group.keys.push(format!("`{key}`"));
            let default = format!("`{value}`");
            group
                .defaults
                .push(if is_example { "-".to_owned() } else { default });
        } else {
            assert!(line.is_empty(), "what is this? {line}");
        }
    }
    sections
}

/// Who may set it, and the rest of a comment.
fn marked(comment: &str) -> (&str, &str) {
    let inner = comment.strip_prefix("(own").and_then(|rest| rest.find(')'));
    match inner {
        Some(end) => {
            let end = "(own".len() + end;
            (&comment[1..end], comment[end + 1..].trim())
        }
        None => ("", comment.trim()),
    }
}

/// Text as Markdown that shows it as it is.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        if "*|<[".contains(character) {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

fn made(config: &str) -> String {
    let mut page = String::new();
    for section in sections(config) {
        let title = match section.name.as_str() {
            "" => "Outside of all sections".to_owned(),
            name => format!("`{name}`"),
        };
        page += &format!("\n## {title}\n");
        let (who, what) = marked(&section.comment);
        if !what.is_empty() {
            let who = if who.is_empty() {
                String::new()
            } else {
                format!("({who}) ")
            };
            page += &format!("\n{}\n", escaped(&format!("{who}{what}")));
        }
        page += "\n| key | default | set by | |\n|---|---|---|---|\n";
        for group in section.groups {
            let (who, what) = marked(&group.comment);
            page += &format!(
                "| {} | {} | {who} | {} |\n",
                group.keys.join(", "),
                group.defaults.join(", "),
                escaped(what)
            );
        }
    }
    page
}

#[test]
fn the_page_of_keys_is_made_of_the_configuration() {
    let config = std::fs::read_to_string(top().join("config.toml")).unwrap();
    let page = page(Path::new(PAGE)).text;
    let (by_hand, now) = page.split_once(MADE).unwrap();
    let made = made(&config);
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(top().join(PAGE), format!("{by_hand}{MADE}{made}")).unwrap();
        return;
    }
    assert!(
        now == made,
        "{PAGE} is not of this config.toml: {WRITE}=1 writes it anew"
    );
    assert!(made.contains("| `delay_ms` | `1000` | own, unless larger |"));
}

#[test]
fn keys_are_read_with_their_comments() {
    let config = "# The file.\n\n# (own) One.\n#= a = 1\n\n# Of s.\n[s]\n# (own, unless smaller) Two,\n# three.\n\
                  b = 2\nc = [3]\n";
    let made = made(config);
    assert!(made.contains("| `a` | - | own | One. |"), "{made}");
    assert!(made.contains("## `[s]`\n\nOf s.\n"), "{made}");
    assert!(
        made.contains("| `b`, `c` | `2`, `[3]` | own, unless smaller | Two, three. |"),
        "{made}"
    );
}
