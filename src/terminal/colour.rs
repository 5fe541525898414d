//! Colours, and whether there may be any.

/// Whether output is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ColourChoice {
    /// On terminals that can, unless the user's environment says that none are wanted.
    #[default]
    Auto,
    /// Wherever it goes.
    Always,
    /// Nowhere.
    Never,
}

/// Whether what goes to a terminal, or to something else, may be coloured. `variable` tells those of the
/// environment: `NO_COLOR` of any length but none forbids it (no-color.org), and terminals that call
/// themselves dumb cannot.
///
/// ```
/// use simdex::terminal::{ColourChoice, may_be_coloured};
///
/// let dumb = |name: &str| (name == "TERM").then(|| "dumb".to_owned());
/// assert!(!may_be_coloured(ColourChoice::Auto, true, &dumb));
/// ```
pub fn may_be_coloured(
    choice: ColourChoice,
    is_terminal: bool,
    variable: &dyn Fn(&str) -> Option<String>,
) -> bool {
    match choice {
        ColourChoice::Always => true,
        ColourChoice::Never => false,
        ColourChoice::Auto => {
            let unwanted = variable("NO_COLOR").is_some_and(|value| !value.is_empty());
            is_terminal && !unwanted && knows_colours(variable("TERM").as_deref())
        }
    }
}

fn knows_colours(term: Option<&str>) -> bool {
    match term {
        Some(term) => term != "dumb",
        // Consoles of Windows name none.
        None => cfg!(windows),
    }
}

/// How a part of a line stands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// Bold: headings and scores.
    Strong,
    /// Dim: what is less important.
    Faint,
    /// Yellow: what needs to be looked at.
    Warning,
}

impl Colour {
    /// The text between what begins and what ends it.
    pub fn paint(self, text: &str) -> String {
        let code = match self {
            Self::Strong => "1",
            Self::Faint => "2",
            Self::Warning => "33",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coloured(choice: ColourChoice, is_terminal: bool, variables: &[(&str, &str)]) -> bool {
        may_be_coloured(choice, is_terminal, &|name| {
            let found = variables.iter().find(|(other, _)| *other == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn only_terminals_that_can_and_may_have_colours() {
        let xterm = ("TERM", "xterm-256color");
        let auto = |is_terminal, variables: &[(&str, &str)]| {
            coloured(ColourChoice::Auto, is_terminal, variables)
        };
        assert!(auto(true, &[xterm]));
        assert!(!auto(false, &[xterm]));
        assert!(!auto(true, &[xterm, ("NO_COLOR", "1")]));
        assert!(!auto(true, &[xterm, ("NO_COLOR", "0")]));
        // Set, but empty, says nothing.
        assert!(auto(true, &[xterm, ("NO_COLOR", "")]));
        assert!(!auto(true, &[("TERM", "dumb")]));
        assert_eq!(auto(true, &[]), cfg!(windows));
    }

    #[test]
    fn what_was_typed_goes_before_the_environment() {
        let no = [("NO_COLOR", "1"), ("TERM", "dumb")];
        assert!(coloured(ColourChoice::Always, false, &no));
        let yes = [("TERM", "xterm")];
        assert!(!coloured(ColourChoice::Never, true, &yes));
    }

    #[test]
    fn what_begins_ends() {
        assert_eq!(Colour::Strong.paint("a"), "\u{1b}[1ma\u{1b}[0m");
    }
}
