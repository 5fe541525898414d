//! What stdout goes to, and `--color`.

pub(super) mod pictures;

use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal};
use std::sync::OnceLock;

use clap::{ColorChoice, ValueEnum};

use crate::terminal::{ColourChoice, Screen, may_be_coloured};

/// When what is printed is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum ColourArg {
    /// On terminals, unless NO_COLOR is set
    #[default]
    Auto,
    /// Also into files and pipes
    Always,
    /// Nowhere
    Never,
}

impl From<ColourArg> for ColourChoice {
    fn from(arg: ColourArg) -> Self {
        match arg {
            ColourArg::Auto => Self::Auto,
            ColourArg::Always => Self::Always,
            ColourArg::Never => Self::Never,
        }
    }
}

impl From<ColourArg> for ColorChoice {
    fn from(arg: ColourArg) -> Self {
        match arg {
            ColourArg::Auto => Self::Auto,
            ColourArg::Always => Self::Always,
            ColourArg::Never => Self::Never,
        }
    }
}

impl ColourArg {
    /// What was typed, before it is known whether the rest of the command line is right: help and what is
    /// wrong with a command line are printed while it is parsed.
    pub(super) fn typed(words: impl IntoIterator<Item = OsString>) -> Self {
        let mut words = words.into_iter().take_while(|word| word != "--");
        let mut last = None;
        while let Some(word) = words.next() {
            last = match word.to_str().and_then(|word| word.strip_prefix("--color")) {
                Some("") => words.next().as_deref().and_then(Self::named),
                Some(value) => value
                    .strip_prefix('=')
                    .map(OsStr::new)
                    .and_then(Self::named),
                None => continue,
            };
        }
        last.unwrap_or_default()
    }

    fn named(name: &OsStr) -> Option<Self> {
        Self::from_str(name.to_str()?, false).ok()
    }
}

static SCREEN: OnceLock<Screen> = OnceLock::new();
static CHOICE: OnceLock<ColourChoice> = OnceLock::new();

/// Takes what the user wants, before anything is printed.
pub(super) fn start(colour: ColourArg) {
    // It is called once.
    let _ = CHOICE.set(colour.into());
}

fn choice() -> ColourChoice {
    CHOICE.get().copied().unwrap_or_default()
}

/// What stdout goes to.
pub(super) fn screen() -> Screen {
    *SCREEN.get_or_init(|| Screen::of_stdout(choice()))
}

/// Whether stderr may be coloured.
pub(super) fn stderr_has_colours() -> bool {
    let variable = |name: &str| std::env::var(name).ok();
    may_be_coloured(choice(), io::stderr().is_terminal(), &variable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_colour_is_known_before_the_rest() {
        for (line, expected) in [
            ("simdex --help", ColourArg::Auto),
            ("simdex --color never --help", ColourArg::Never),
            ("simdex query --color=always a.jpg", ColourArg::Always),
            ("simdex --color never --color=always", ColourArg::Always),
            ("simdex --color", ColourArg::Auto),
            ("simdex --color=green --help", ColourArg::Auto),
            ("simdex query -- --color=never", ColourArg::Auto),
        ] {
            let words = line.split(' ').map(OsString::from);
            assert_eq!(ColourArg::typed(words), expected, "{line}");
        }
    }
}
