//! What lines are shown on.

use std::io::{self, IsTerminal};

use super::colour::{ColourChoice, may_be_coloured};
use super::pictures::Cell;

/// How wide a terminal is that does not say so.
const USUAL: usize = 80;
/// Narrower than this nothing can be read, whatever a terminal says of itself.
const NARROWEST: usize = 20;

/// What stdout goes to: a terminal so wide, or something that takes lines of any length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Screen {
    /// Columns; none where it is no terminal.
    pub width: Option<usize>,
    /// Whether lines may be coloured.
    pub colours: bool,
}

impl Screen {
    /// Of stdout.
    pub fn of_stdout(choice: ColourChoice) -> Self {
        let variable = |name: &str| std::env::var(name).ok();
        let is_terminal = io::stdout().is_terminal();
        let can = is_terminal && takes_escapes();
        Self {
            width: is_terminal.then(|| {
                let said = terminal_size::terminal_size_of(io::stdout());
                let said = said.map(|(width, _)| usize::from(width.0));
                columns(variable("COLUMNS").as_deref(), said)
            }),
            colours: may_be_coloured(choice, can, &variable),
        }
    }

    /// Columns; as many as usual where it is no terminal.
    pub fn columns(self) -> usize {
        self.width.unwrap_or(USUAL)
    }

    /// The size of one letter on stdout's terminal, if that knows it.
    pub fn cell() -> Option<Cell> {
        cell_of_stdout()
    }
}

/// Columns: those that the user has set, else those that the terminal has.
fn columns(variable: Option<&str>, said: Option<usize>) -> usize {
    let set = variable.and_then(|text| text.trim().parse().ok());
    let columns = set.filter(|columns| *columns > 0).or(said);
    columns.unwrap_or(USUAL).max(NARROWEST)
}

/// Consoles of Windows have to be told that colours and pictures come.
#[cfg(windows)]
fn takes_escapes() -> bool {
    anstyle_query::windows::enable_ansi_colors().unwrap_or(true)
}

#[cfg(not(windows))]
fn takes_escapes() -> bool {
    true
}

#[cfg(unix)]
fn cell_of_stdout() -> Option<Cell> {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
    let side = |pixels: u16, count: u16| pixels.checked_div(count).filter(|side| *side > 1);
    Some(Cell {
        width: side(size.ws_xpixel, size.ws_col)?.into(),
        height: side(size.ws_ypixel, size.ws_row)?.into(),
    })
}

#[cfg(not(unix))]
fn cell_of_stdout() -> Option<Cell> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_user_has_set_goes_before_what_the_terminal_says() {
        assert_eq!(columns(Some("100"), Some(60)), 100);
        assert_eq!(columns(None, Some(60)), 60);
        for nonsense in ["", "0", "-4", "wide"] {
            assert_eq!(columns(Some(nonsense), Some(60)), 60, "{nonsense}");
        }
        assert_eq!(columns(None, None), USUAL);
        assert_eq!(columns(Some("3"), None), NARROWEST);
    }
}
