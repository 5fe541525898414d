//! The command line: a contract (docs/cli.md). stdout is data, stderr is for people.

mod add;
mod classify;
mod crawl;
mod dataset;
mod demo;
mod doctor;
mod eval;
mod failures;
mod follow;
mod help;
mod input;
mod mcp;
mod opened;
mod output;
mod politeness;
mod progress;
mod remove;
mod screen;
mod search;
mod serve;
mod session;
mod status;
mod train;
mod upkeep;
mod vectors;
#[cfg(feature = "cluster")]
mod work;

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

use crate::app;
use crate::config::Config;
use crate::crawl::with_causes;
use crate::serve::AskError;
use crate::shutdown::{INTERRUPTED, Shutdown};
use crate::store::StoreError;
use screen::ColourArg;
use search::{compare, duplicates, export, query};
use session::Session;

/// The heading of flags that every command has.
const GLOBAL: &str = "Options of every command";

/// Gathers pictures from the web and finds the ones that look alike.
#[derive(Debug, Parser)]
#[command(
    version,
    about,
    after_help = help::below(),
    disable_help_subcommand = true
)]
struct Args {
    /// Configuration file, which may set every key [default: the user's, and over it the harmless
    /// keys of config.toml here]
    #[arg(long, global = true, value_name = "FILE", help_heading = GLOBAL)]
    config: Option<PathBuf>,
    /// Folder of the store and the index
    #[arg(long, global = true, value_name = "DIR", help_heading = GLOBAL)]
    data_dir: Option<PathBuf>,
    /// Take the ONNX Runtime library that lies beside the program, and remember its checksum
    #[arg(long, global = true, help_heading = GLOBAL)]
    trust: bool,
    /// Say more on stderr (-v: what is done, -vv: everything)
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = GLOBAL)]
    verbose: u8,
    /// Say only errors on stderr
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = GLOBAL)]
    quiet: bool,
    /// When to colour what is printed: auto (on terminals, unless NO_COLOR is set), always, never
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t, hide_possible_values = true, help_heading = GLOBAL)]
    color: ColourArg,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Crawl web pages and index the pictures they show
    Crawl(crawl::CrawlArgs),
    /// Index local files and folders
    Add(add::AddArgs),
    /// Find stored pictures like the given ones
    Query(query::QueryArgs),
    /// Compare two pictures
    Compare(compare::CompareArgs),
    /// Say to which class of labelled pictures pictures belong, and how sure that is
    Classify(classify::ClassifyArgs),
    /// Write ranked lists for many queries
    Export(export::ExportArgs),
    /// List the near-copies among the stored pictures
    Duplicates(duplicates::DuplicatesArgs),
    /// Write the numbers by which pictures are compared, for NumPy
    Vectors(vectors::VectorsArgs),
    /// Train a head on your own labels
    Train(train::TrainArgs),
    /// Measure how well heads tell same from different
    Eval(eval::EvalArgs),
    /// Show pages to a browser, answer an API, and all other commands while it runs
    Serve(serve::ServeArgs),
    /// Offer tools to an assistant, over stdin and stdout (Model Context Protocol)
    Mcp,
    /// Count what is stored
    Status(status::StatusArgs),
    /// List the URLs that failed or were refused, why, and what can be done
    Failures(failures::FailuresArgs),
    /// Prove from the log of requests how politely hosts were asked
    Politeness(politeness::PolitenessArgs),
    /// Show which runtime is used, how fast it is, and the state of store and index
    Doctor(doctor::DoctorArgs),
    /// Read every record and check that every picture is found
    Verify(upkeep::VerifyArgs),
    /// Delete pictures everywhere
    Remove(remove::RemoveArgs),
    /// Copy the store, also while it is in use; again, it copies what is new
    Backup(upkeep::BackupArgs),
    /// Make a store of a backup
    Restore(upkeep::RestoreArgs),
    /// Make a damaged store whole again from what is left of it
    Repair(upkeep::RepairArgs),
    /// Give back all space of what was removed
    Compact(upkeep::CompactArgs),
    /// Prepare the server of a cluster's store, copy a store to or from one
    #[cfg(feature = "cluster")]
    Store(upkeep::StoreArgs),
    /// Work on a cluster's store, beside other machines, until stopped
    #[cfg(feature = "cluster")]
    Work(work::WorkArgs),
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Write the manual pages into a folder
    #[command(hide = true)]
    Manuals {
        /// The folder
        dir: PathBuf,
    },
    /// Serve a small site, crawl it, ask a query: the whole way in a minute
    Demo(demo::DemoArgs),
    /// Say more of a topic, or of a command
    Help(help::HelpArgs),
}

/// How a command prints its result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// For programs; schemas in docs/cli.md
    Json,
}

/// How a command ended, short of failing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Done,
    SomeFailed,
    Interrupted,
}

/// The definition of the command line: what is parsed, completed, printed as manual pages, and what the
/// commands of the documentation are held against.
pub fn command() -> clap::Command {
    Args::command()
}

/// Parses the command line and runs the command.
pub fn run() -> ExitCode {
    crate::picture::silence_decoder_panics();
    crate::store::silence_caught_panics();
    let mut parser = command().color(ColourArg::typed(std::env::args_os()).into());
    let matches = parser.try_get_matches_from_mut(std::env::args_os());
    let parsed = matches.and_then(|matches| {
        let args = Args::from_arg_matches(&matches);
        args.map_err(|error| error.format(&mut parser))
    });
    let args = match parsed {
        Ok(args) => args,
        Err(error) if error.use_stderr() => return wrong_usage(&error),
        // --help and --version.
        Err(error) => error.exit(),
    };
    screen::start(args.color);
    progress::start_logging(args.verbose, args.quiet);
    match dispatch(args) {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::SomeFailed) => ExitCode::from(3),
        Ok(Outcome::Interrupted) => ExitCode::from(INTERRUPTED),
        Err(error) if output::is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) if is_interrupted(&error) => ExitCode::from(INTERRUPTED),
        Err(error) => match error.downcast_ref() {
            Some(error) => wrong_usage(error),
            None => {
                say(&error);
                ExitCode::FAILURE
            }
        },
    }
}

/// Whether the user has stopped it where there was nothing to tell yet.
fn is_interrupted(error: &anyhow::Error) -> bool {
    let of_index = app::Error::is_interrupted;
    matches!(error.downcast_ref(), Some(AskError::Interrupted))
        || error.downcast_ref::<app::Error>().is_some_and(of_index)
}

/// Says what is wrong with the command line. What was typed may be the name of a file, and what is wrong
/// takes more than one line.
fn wrong_usage(error: &clap::Error) -> ExitCode {
    error.to_string().lines().for_each(progress::line);
    ExitCode::from(2)
}

/// Says why a command has failed: in one line, but for what package managers had to say.
fn say(error: &anyhow::Error) {
    let text = format!("simdex: {}", with_causes(error.as_ref()));
    match error.downcast_ref() {
        Some(app::Error::Engine(_)) => text.lines().for_each(progress::line),
        Some(app::Error::Store(StoreError::Locked { .. })) => {
            progress::line(&text);
            progress::line(&format!("then run: {}", again(std::env::args_os())));
        }
        _ => progress::line(&text),
    }
}

/// The command that was typed, as a shell takes it.
fn again(args: impl Iterator<Item = OsString>) -> String {
    let words = args.map(|word| shell_word(&word));
    words.collect::<Vec<String>>().join(" ")
}

/// A word as a shell takes it.
fn shell_word(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+~".contains(c);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.into_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

/// How the program is called with the same store and configuration.
fn same(args: &Args) -> String {
    let mut words = vec!["simdex".to_owned()];
    for (flag, path) in [("--config", &args.config), ("--data-dir", &args.data_dir)] {
        if let Some(path) = path {
            words.extend([flag.to_owned(), shell_word(path.as_os_str())]);
        }
    }
    words.join(" ")
}

fn dispatch(args: Args) -> anyhow::Result<Outcome> {
    let colour = args.color;
    if let Command::Completions { shell } = args.command {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut command(), "simdex", &mut script);
        return output::data(&script).map(|()| Outcome::Done);
    }
    if let Command::Manuals { dir } = &args.command {
        return help::manuals::write(command(), dir).map(|()| Outcome::Done);
    }
    if let Command::Help(args) = &args.command {
        return help::run(command().color(colour.into()), args);
    }
    let program = same(&args);
    let mut config = Config::load(args.config.as_deref())?;
    if args.data_dir.is_some() {
        config.data_dir = args.data_dir;
    }
    config.network.trust_library = args.trust;
    let shutdown = Shutdown::on_signals()?;
    let session = Session::new(config, shutdown, program);
    match args.command {
        Command::Crawl(args) => crawl::run(session, args),
        Command::Add(args) => add::run(&session, args),
        Command::Query(args) => query::run(&session, args),
        Command::Compare(args) => compare::run(&session, args),
        Command::Classify(args) => classify::run(&session, args),
        Command::Export(args) => export::run(&session, args),
        Command::Duplicates(args) => duplicates::run(&session, args),
        Command::Vectors(args) => vectors::run(&session, &args),
        Command::Train(args) => train::run(&session, args),
        Command::Eval(args) => eval::run(&session, args),
        Command::Serve(args) => serve::run(&session, &args),
        Command::Mcp => mcp::run(&session),
        Command::Status(args) => status::run(&session, args),
        Command::Failures(args) => failures::run(&session, args),
        Command::Politeness(args) => politeness::run(&session, args),
        Command::Doctor(args) => doctor::run(&session, args),
        Command::Verify(args) => upkeep::verify(&session, args),
        Command::Remove(args) => remove::run(&session, args),
        Command::Backup(args) => upkeep::backup(&session, &args),
        Command::Restore(args) => upkeep::restore(&session, &args),
        Command::Repair(args) => upkeep::repair(&session, &args),
        Command::Compact(args) => upkeep::compact(&session, &args),
        #[cfg(feature = "cluster")]
        Command::Store(args) => upkeep::store(&session, &args),
        #[cfg(feature = "cluster")]
        Command::Work(args) => work::run(&session, args),
        Command::Demo(args) => demo::run(session, args),
        Command::Completions { .. } | Command::Manuals { .. } | Command::Help(_) => {
            unreachable!("handled above")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_told_as_a_shell_takes_it() {
        let words = ["simdex", "add", "my pictures", "it's", "~/a.jpg", ""];
        let told = again(words.into_iter().map(OsString::from));
        assert_eq!(told, r"simdex add 'my pictures' 'it'\''s' ~/a.jpg ''");
    }

    #[test]
    fn the_same_store_is_named_again() {
        let parse = |line: &str| Args::try_parse_from(line.split(' ')).unwrap();
        assert_eq!(same(&parse("simdex status")), "simdex");
        let named = parse("simdex status --data-dir my|store --config a.toml");
        assert_eq!(same(&named), "simdex --config a.toml --data-dir 'my|store'");
    }

    #[test]
    fn the_flags_are_consistent() {
        command().debug_assert();
    }
}
