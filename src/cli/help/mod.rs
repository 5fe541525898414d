//! `help`: of a command what `--help` says of it, of a topic the short form of its page in docs/.

pub(super) mod manuals;
mod plain;

use std::io;

use clap::builder::StyledStr;
use clap::error::ErrorKind;

use super::screen::screen;
use super::{Outcome, output};

/// A page of docs/ that can be read in the terminal.
struct Topic {
    name: &'static str,
    page: &'static str,
}

/// Guides first, then what they lead to. No topic may be called like a command.
const TOPICS: &[Topic] = &[
    Topic {
        name: "crawling",
        page: include_str!("../../../docs/guides/crawling.md"),
    },
    Topic {
        name: "dataset",
        page: include_str!("../../../docs/guides/dataset.md"),
    },
    Topic {
        name: "copies",
        page: include_str!("../../../docs/guides/copies.md"),
    },
    Topic {
        name: "labels",
        page: include_str!("../../../docs/guides/labels.md"),
    },
    Topic {
        name: "service",
        page: include_str!("../../../docs/guides/service.md"),
    },
    Topic {
        name: "python",
        page: include_str!("../../../docs/python.md"),
    },
    Topic {
        name: "how-it-works",
        page: include_str!("../../../docs/guides/how-it-works.md"),
    },
    Topic {
        name: "configuration",
        page: include_str!("../../../docs/configuration.md"),
    },
    Topic {
        name: "formats",
        page: include_str!("../../../docs/formats.md"),
    },
];

/// Where the short form of a page ends. A page without it is short.
const END: &str = "<!-- the short form ends here -->";

#[derive(Debug, clap::Args)]
pub(super) struct HelpArgs {
    /// A topic, or a command and its subcommand; without one, what there is
    #[arg(value_name = "TOPIC|COMMAND")]
    of: Vec<String>,
}

/// What stands below the program's commands and flags.
pub(super) fn below() -> StyledStr {
    let width = TOPICS.iter().map(|topic| topic.name.len()).max();
    let width = width.unwrap_or_default();
    let topics = TOPICS
        .iter()
        .map(|topic| format!("  {:width$}  {}\n", topic.name, topic.title()));
    format!(
        "Topics (simdex help TOPIC):\n{}\n\
         Exit codes: 0 done, 1 failed, 2 usage, 3 done but some inputs failed (listed on stderr), 130 interrupted cleanly.",
        topics.collect::<String>()
    )
    .into()
}

/// Prints what was asked for. What is neither topic nor command is wrong usage, a `clap::Error`.
pub(super) fn run(program: clap::Command, args: &HelpArgs) -> anyhow::Result<Outcome> {
    if let [name] = &args.of[..]
        && let Some(topic) = TOPICS.iter().find(|topic| topic.name == name)
    {
        let width = plain::WIDTH.min(screen().columns());
        return output::data(topic.text(width).as_bytes()).map(|()| Outcome::Done);
    }
    let mut command = &program;
    for name in &args.of {
        let Some(found) = command.find_subcommand(name) else {
            let wrong = format!(
                "there is neither a topic nor a command '{}'; `simdex help` lists both",
                args.of.join(" ")
            );
            return Err(program.clone().error(ErrorKind::InvalidValue, wrong).into());
        };
        command = found;
    }
    // What its own flag says.
    let names = args.of.iter().map(String::as_str);
    let typed: Vec<&str> = ["simdex"]
        .into_iter()
        .chain(names)
        .chain(["--help"])
        .collect();
    let Err(help) = program.try_get_matches_from(typed) else {
        unreachable!("--help is answered by an error");
    };
    match help.print() {
        // Whoever read it has gone.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Outcome::Done),
        printed => Ok(printed.map(|()| Outcome::Done)?),
    }
}

impl Topic {
    /// The page's heading.
    fn title(&self) -> &'static str {
        let heading = self.page.lines().next().unwrap_or_default();
        heading.trim_start_matches("# ")
    }

    /// The short form of the page, without marks.
    fn text(&self, width: usize) -> String {
        let short = self.page.split(END).next().unwrap_or_default();
        plain::text(short, width)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_are_no_commands_and_print_without_marks() {
        let program = super::super::command();
        for topic in TOPICS {
            assert!(
                program.find_subcommand(topic.name).is_none(),
                "{}",
                topic.name
            );
            assert!(topic.page.starts_with("# "), "{}", topic.name);
            let text = topic.text(plain::WIDTH);
            for mark in ["](", "```", "**", "<!--", "\n|"] {
                assert!(!text.contains(mark), "{}: {mark} in {text}", topic.name);
            }
            // Nobody reads what scrolls by for long.
            let lines = text.lines().count();
            assert!((10..=150).contains(&lines), "{}: {lines}", topic.name);
        }
    }
}
