//! What people see who sit before a terminal, run on a pseudo-terminal; and that nobody else sees it.

use std::fs::File;
use std::io::Read;
use std::process::{Command, Stdio};

use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use simdex::terminal::text_width;

use crate::common::{Run, Simdex};

/// Which of a program's outputs are the terminal.
#[derive(Clone, Copy, PartialEq)]
enum Shown {
    Stdout,
    Stderr,
}

/// Runs a command before a terminal so wide: what comes out there, and from the other output.
fn before_terminal(mut command: Command, columns: u16, shown: Shown) -> (String, String) {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let size = Winsize {
        ws_row: 24,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(&master, size).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    let slave = rustix::fs::open(&name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
    let (terminal, piped) = (Stdio::from(slave), Stdio::piped());
    match shown {
        Shown::Stdout => command.stdout(terminal).stderr(piped),
        Shown::Stderr => command.stdout(piped).stderr(terminal),
    };
    let child = command.spawn().unwrap();
    // The terminal ends with the last who has it open.
    drop(command);
    let reader = std::thread::spawn(move || {
        let (mut seen, mut bytes) = (Vec::new(), [0; 4096]);
        let mut master = File::from(master);
        // On Linux its end is an error.
        while let Ok(count @ 1..) = master.read(&mut bytes) {
            seen.extend_from_slice(&bytes[..count]);
        }
        String::from_utf8(seen).unwrap().replace("\r\n", "\n")
    });
    let run = Run::of(child.wait_with_output().unwrap());
    let seen = reader.join().unwrap();
    assert_eq!(run.code, 0, "{seen}{}{}", run.stdout, run.stderr);
    match shown {
        Shown::Stdout => (seen, run.stderr),
        Shown::Stderr => (seen, run.stdout),
    }
}

/// A command for a terminal that can show colours, of which nothing else is known.
fn command(simdex: &Simdex, args: &[&str]) -> Command {
    let mut command = simdex.command(args);
    command.env("TERM", "xterm-256color");
    for name in ["COLUMNS", "NO_COLOR", "TMUX", "STY"] {
        command.env_remove(name);
    }
    command
}

fn on_stdout(simdex: &Simdex, columns: u16, args: &[&str]) -> String {
    before_terminal(command(simdex, args), columns, Shown::Stdout).0
}

/// A text without what colours it.
fn bare(text: &str) -> String {
    let mut bare = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("\u{1b}[") {
        bare += &rest[..start];
        let end = rest[start..].find('m').unwrap();
        rest = &rest[start + end + 1..];
    }
    bare + rest
}

/// A store of pictures in a folder with a long name, and one of them.
fn filled() -> (Simdex, String) {
    let simdex = Simdex::filled(3, 2);
    let folder = "pictures of a long summer by the sea/and of the journey home";
    std::fs::create_dir_all(simdex.path(folder)).unwrap();
    let folder = simdex.path(folder);
    let mut first = None;
    for motif in std::fs::read_dir(simdex.path("pictures")).unwrap() {
        let motif = motif.unwrap();
        let name = motif.file_name().into_string().unwrap();
        let to = folder.join(format!("{name}-of-the-summer.jpg"));
        std::fs::copy(motif.path().join("0.jpg"), &to).unwrap();
        first.get_or_insert(to);
    }
    let folder = folder.to_str().unwrap();
    assert_eq!(simdex.run(&["add", folder]).code, 0);
    let first = first.unwrap().to_str().unwrap().to_owned();
    (simdex, first)
}

#[test]
fn lists_fit_a_narrow_terminal_and_are_whole_elsewhere() {
    let (simdex, query) = filled();
    for args in [
        &["query", &query, "-k", "3"][..],
        &["query", &query, "-k", "3", "--explain"],
        &["duplicates"],
        &["status"],
        &["help", "copies"],
    ] {
        let seen = bare(&on_stdout(&simdex, 60, args));
        // What is typed, and what it prints, is shown as it is in guides.
        let is_code = |line: &str| args[0] == "help" && line.starts_with("    ");
        for line in seen.lines().filter(|line| !is_code(line)) {
            assert!(text_width(line) <= 60, "{args:?}: {line:?}\n{seen}");
        }
    }
    let seen = bare(&on_stdout(&simdex, 60, &["query", &query, "-k", "3"]));
    assert!(seen.contains('…'), "{seen}");
    assert!(seen.contains("-of-the-summer.jpg"), "{seen}");
    let whole = simdex.run(&["query", &query, "-k", "3"]).stdout;
    assert!(whole.contains(&query) && !whole.contains('…'), "{whole}");
    // A pipe has no width, whatever the user has set for terminals.
    let mut piped = command(&simdex, &["duplicates"]);
    let piped = Run::of(piped.env("COLUMNS", "40").output().unwrap());
    assert_eq!(piped.stdout, simdex.run(&["duplicates"]).stdout);
    // JSON is one line on terminals, too.
    let json = on_stdout(&simdex, 60, &["status", "--format", "json"]);
    assert_eq!(json.lines().count(), 1, "{json}");
}

#[test]
fn colours_are_for_terminals_that_want_them() {
    let simdex = Simdex::filled(2, 2);
    let folder = simdex.path("pictures");
    let folder = std::fs::read_dir(folder).unwrap().next().unwrap().unwrap();
    let query = folder.path().join("0.jpg");
    let args = &["query", query.to_str().unwrap()][..];
    assert!(on_stdout(&simdex, 100, args).contains("\u{1b}[1m"));
    let without = |name: &str, value: &str| {
        let mut command = command(&simdex, args);
        command.env(name, value);
        before_terminal(command, 100, Shown::Stdout).0
    };
    assert!(!without("NO_COLOR", "1").contains('\u{1b}'));
    assert!(!without("TERM", "dumb").contains('\u{1b}'));
    // Set, but empty, forbids nothing.
    assert!(without("NO_COLOR", "").contains('\u{1b}'));
    let typed = [args, &["--color", "never"]].concat();
    assert!(!on_stdout(&simdex, 100, &typed).contains('\u{1b}'));
    assert!(!simdex.run(args).stdout.contains('\u{1b}'));
    let typed = [args, &["--color=always"]].concat();
    assert!(simdex.run(&typed).stdout.contains("\u{1b}[1m"));
    let help = on_stdout(&simdex, 100, &["query", "--help", "--color=never"]);
    assert!(!help.contains('\u{1b}'), "{help}");
}

#[test]
fn pictures_are_shown_where_they_are_asked_for() {
    let (simdex, query) = filled();
    let asked = ["query", &query, "-k", "2"];
    let with = |kind: &str| {
        let flag = format!("--pictures={kind}");
        on_stdout(&simdex, 80, &[&asked[..], &[&flag]].concat())
    };
    let kitty = with("kitty");
    assert_eq!(kitty.matches("\u{1b}_Ga=T,f=100,").count(), 2, "{kitty}");
    assert!(with("iterm").contains("\u{1b}]1337;File=inline=1;"));
    assert!(with("sixel").contains("\u{1b}P0;1;0q\"1;1;"));
    // What is known of this terminal is not more.
    let blocks = on_stdout(&simdex, 60, &[&asked[..], &["--pictures"]].concat());
    assert!(blocks.contains('▀') && blocks.contains("\u{1b}[38;2;"));
    for line in bare(&blocks).lines() {
        assert!(text_width(line) <= 60, "{line:?}");
    }
    assert!(!on_stdout(&simdex, 80, &asked).contains('▀'));
    assert!(!with("none").contains('▀'));
    // Into a pipe only what was named.
    let piped = simdex.run(&[&asked[..], &["--pictures"]].concat()).stdout;
    let after_times = |text: &str| text.split_once('\n').unwrap().1.to_owned();
    assert_eq!(after_times(&piped), after_times(&simdex.run(&asked).stdout));
    let named = simdex.run(&[&asked[..], &["--pictures=kitty"]].concat());
    assert!(named.stdout.contains("\u{1b}_G"));
    let json = [&asked[..], &["--pictures=kitty", "--format", "json"]].concat();
    assert!(!simdex.run(&json).stdout.contains("\u{1b}_G"));

    let compared = ["compare", &query, &query, "--pictures=kitty"];
    let seen = on_stdout(&simdex, 80, &compared);
    assert_eq!(seen.matches("\u{1b}_Ga=T").count(), 2, "{seen}");
    let copies = on_stdout(&simdex, 80, &["duplicates", "--pictures=kitty"]);
    let members = simdex.json(&["duplicates"]);
    let members = members.as_array().unwrap().iter();
    let members = members.map(|group| group["results"].as_array().unwrap().len());
    assert_eq!(
        copies.matches("\u{1b}_Ga=T").count(),
        members.sum::<usize>()
    );
}

#[test]
fn a_server_sends_pictures_too() {
    let (simdex, query) = filled();
    let _serving = crate::common::serving::Serving::start(&simdex);
    let args = ["query", &query, "-k", "2", "--pictures=kitty"];
    let (seen, stderr) = before_terminal(command(&simdex, &args), 80, Shown::Stdout);
    assert!(stderr.contains("answered by process"), "{stderr}");
    assert_eq!(seen.matches("\u{1b}_Ga=T").count(), 2, "{seen}");
}

#[test]
fn who_sits_before_a_terminal_is_told_what_comes_next() {
    let simdex = Simdex::filled(2, 2);
    let on_stderr = |args: &[&str]| {
        let seen = before_terminal(command(&simdex, args), 100, Shown::Stderr).0;
        bare(&seen)
    };
    let store = simdex.store().to_str().unwrap().to_owned();
    let told = on_stderr(&["status"]);
    let expected = format!("next: `simdex --data-dir {store} query FILE` finds");
    assert!(told.contains(&expected), "{told}");
    assert!(on_stderr(&["add", "pictures"]).contains("next: "));
    assert!(!on_stderr(&["status", "-q"]).contains("next: "));
    assert!(!on_stderr(&["status", "--format", "json"]).contains("next: "));
    let piped = simdex.run(&["status"]);
    assert!(!piped.stderr.contains("next: "), "{}", piped.stderr);
}
