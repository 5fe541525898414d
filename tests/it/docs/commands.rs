//! Every command of the documentation, parsed by the program's own parser.

use clap::error::ErrorKind;

use super::blocks::{Block, Kind, blocks};
use super::shell::commands;
use super::{Page, pages};

/// What else is typed on these pages.
const OTHERS: [&str; 15] = [
    "apt",
    "cargo",
    "curl",
    "head",
    "journalctl",
    "cat",
    "ls",
    "mdbook",
    "npm",
    "packaging/check.sh",
    "pip",
    "podman",
    "systemctl",
    "tar",
    "token=$(cat",
];

/// The command lines of a block: of console those behind `$ `, else all.
fn lines(block: &Block) -> Vec<String> {
    let joined = block.text.replace("\\\n", " ");
    let lines = joined.lines();
    let typed: Vec<&str> = match block.is_of("console") {
        true => lines.filter_map(|line| line.strip_prefix("$ ")).collect(),
        false => lines.collect(),
    };
    typed.into_iter().map(str::to_owned).collect()
}

/// The command without what runs it: `sudo -u simdex simdex status` is `simdex status`.
fn bare(mut words: &[String]) -> &[String] {
    loop {
        let first = |many: usize| words.iter().take(many).map(String::as_str);
        words = if first(2).eq(["sudo", "-u"]) {
            &words[3..]
        } else if first(3).eq(["podman", "exec", "-it"]) {
            &words[4..]
        } else if first(1).eq(["sudo"]) || first(1).eq(["npx"]) {
            &words[1..]
        } else if first(4).eq(["cargo", "run", "--release", "--"]) {
            &words[3..]
        } else {
            return words;
        };
    }
}

/// The words as they would be typed: `...` stands for more of the same, and the file of a head is there.
fn typed(words: &[String]) -> Vec<String> {
    let words = words.iter().filter(|word| *word != "...");
    let mut words: Vec<String> = words.cloned().collect();
    for place in 1..words.len() {
        if words[place - 1] == "--head" && words[place].ends_with(".json") {
            words[place] = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml").to_owned();
        }
    }
    words
}

/// Why the program would not take a command; `None` if it would.
fn refusal(words: &[String]) -> Option<String> {
    let program = simdex::cli::command();
    match program.try_get_matches_from(words) {
        Ok(_) => None,
        Err(error) => match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => None,
            _ => Some(error.to_string()),
        },
    }
}

#[test]
fn every_command_is_one_that_the_program_takes() {
    let (mut parsed, mut wrong) = (0, Vec::new());
    for Page { path, text } in pages() {
        let of_commands = blocks(&text).into_iter().filter(|block| {
            let is_indented = block.kind == Kind::Indented && !block.is_configuration();
            is_indented || block.is_of("sh") || block.is_of("console")
        });
        for block in of_commands {
            for line in lines(&block) {
                for words in commands(&line) {
                    let place = format!("{}:{}: {line}", path.display(), block.line);
                    let words = typed(bare(&words));
                    // Behind `cargo run --release --` stands what simdex is given.
                    if ["simdex", "--"].contains(&words[0].as_str()) {
                        parsed += 1;
                        wrong.extend(refusal(&words).map(|why| format!("{place}\n{why}")));
                    } else if !OTHERS.contains(&words[0].as_str()) {
                        wrong.push(format!("{place}\n{} is no known program", words[0]));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(parsed > 60, "only {parsed} commands were found");
}

#[test]
fn commands_in_running_text_have_the_flags_that_they_name() {
    let mut program = simdex::cli::command();
    program.build();
    let (mut found, mut wrong) = (0, Vec::new());
    for Page { path, text } in pages() {
        let prose = without_blocks(&text);
        // Every other piece is code.
        for code in prose.split('`').skip(1).step_by(2) {
            let code = code.split_whitespace().collect::<Vec<_>>().join(" ");
            let Some(rest) = code.strip_prefix("simdex ") else {
                continue;
            };
            found += 1;
            let mut command = &program;
            for word in rest.split(' ') {
                let word = word.trim_matches(['[', ']']);
                let stands_for_another = word.chars().all(|c| c.is_ascii_uppercase());
                if let Some(sub) = command.find_subcommand(word) {
                    command = sub;
                } else if let Some(flag) = word.strip_prefix("--") {
                    let flag = flag.split('=').next().unwrap();
                    let is_there = command
                        .get_arguments()
                        .any(|it| it.get_long() == Some(flag));
                    if !is_there {
                        wrong.push(format!("{}: `{code}`: no --{flag}", path.display()));
                    }
                } else if command.get_name() == "simdex" && !stands_for_another {
                    wrong.push(format!("{}: `{code}`: no command {word}", path.display()));
                    break;
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(found > 30, "only {found} commands were found");
}

/// The page without its blocks.
fn without_blocks(text: &str) -> String {
    let mut is_code = false;
    let lines = text.lines().filter(|line| {
        let is_fence = line.starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence && !line.starts_with("    ")
    });
    lines.map(|line| format!("{line}\n")).collect()
}

#[test]
fn what_is_wrong_is_told() {
    let words = |line: &str| -> Vec<String> { line.split(' ').map(str::to_owned).collect() };
    assert!(refusal(&words("simdex query a.jpg --no-such-flag")).is_some());
    assert!(refusal(&words("simdex qurey a.jpg")).is_some());
    assert_eq!(refusal(&words("simdex query a.jpg -k 3")), None);
    let run = words("sudo -u simdex simdex status");
    assert_eq!(bare(&run), ["simdex", "status"]);
    assert_eq!(
        typed(&words("train DIR ... --head fused")),
        words("train DIR --head fused")
    );
    assert_eq!(
        refusal(&typed(&words("simdex query a.jpg --head mine.json"))),
        None
    );
}
