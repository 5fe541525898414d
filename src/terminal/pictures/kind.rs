//! In which way a terminal shows pictures.

/// A way to show pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureKind {
    /// Kitty's graphics protocol.
    Kitty,
    /// iTerm2's inline pictures.
    Iterm,
    /// Sixels, as the VT340 had them.
    Sixel,
    /// Two pixels a letter, as half blocks in 24-bit colour.
    Blocks,
}

impl PictureKind {
    /// What a terminal can, by the variables that it sets: it is not asked, since what it answers late would
    /// be taken for what the user types. Within tmux and screen, which let no pictures through, it is blocks;
    /// where nothing can be shown, none.
    ///
    /// ```
    /// use simdex::terminal::PictureKind;
    ///
    /// let kitty = |name: &str| (name == "TERM").then(|| "xterm-kitty".to_owned());
    /// assert_eq!(PictureKind::of_terminal(&kitty), Some(PictureKind::Kitty));
    /// ```
    pub fn of_terminal(variable: &dyn Fn(&str) -> Option<String>) -> Option<Self> {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let is_set = |name: &str| set(name).is_some();
        let term = set("TERM").unwrap_or_default();
        let program = set("TERM_PROGRAM").unwrap_or_default();
        let terminal = set("LC_TERMINAL").unwrap_or_default();
        if term == "dumb" || (term.is_empty() && !cfg!(windows)) {
            return None;
        }
        let is_within = |name: &str| term == name || term.starts_with(&format!("{name}-"));
        if is_set("TMUX") || is_set("STY") || is_within("screen") || is_within("tmux") {
            return Some(Self::Blocks);
        }
        if is_set("KITTY_WINDOW_ID")
            || is_set("GHOSTTY_RESOURCES_DIR")
            || is_set("WEZTERM_PANE")
            || matches!(term.as_str(), "xterm-kitty" | "xterm-ghostty")
            || matches!(program.as_str(), "ghostty" | "WezTerm")
            || konsole(set("KONSOLE_VERSION").as_deref())
        {
            return Some(Self::Kitty);
        }
        if matches!(program.as_str(), "iTerm.app" | "mintty") || terminal == "iTerm2" {
            return Some(Self::Iterm);
        }
        let has_sixels = ["foot", "mlterm", "yaft", "contour"];
        if has_sixels.iter().any(|name| is_within(name))
            || term.contains("sixel")
            || program == "contour"
        {
            return Some(Self::Sixel);
        }
        Some(Self::Blocks)
    }
}

/// Konsole shows pictures from 22.04 on, which it writes as 220400.
fn konsole(version: Option<&str>) -> bool {
    let version = version.and_then(|version| version.parse::<u32>().ok());
    version.is_some_and(|version| version >= 220_400)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)]) -> Option<PictureKind> {
        PictureKind::of_terminal(&|name| {
            let found = variables.iter().find(|(other, _)| *other == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn terminals_are_known_by_what_they_set() {
        let xterm = ("TERM", "xterm-256color");
        for (variables, kind) in [
            (vec![("TERM", "xterm-kitty")], PictureKind::Kitty),
            (vec![xterm, ("KITTY_WINDOW_ID", "1")], PictureKind::Kitty),
            (vec![("TERM", "xterm-ghostty")], PictureKind::Kitty),
            (vec![xterm, ("TERM_PROGRAM", "WezTerm")], PictureKind::Kitty),
            (
                vec![xterm, ("KONSOLE_VERSION", "230804")],
                PictureKind::Kitty,
            ),
            (
                vec![xterm, ("KONSOLE_VERSION", "211200")],
                PictureKind::Blocks,
            ),
            (
                vec![xterm, ("TERM_PROGRAM", "iTerm.app")],
                PictureKind::Iterm,
            ),
            (vec![xterm, ("LC_TERMINAL", "iTerm2")], PictureKind::Iterm),
            (vec![("TERM", "foot")], PictureKind::Sixel),
            (vec![("TERM", "foot-extra")], PictureKind::Sixel),
            (vec![("TERM", "mlterm")], PictureKind::Sixel),
            (vec![xterm], PictureKind::Blocks),
            (vec![("TERM", "footloose")], PictureKind::Blocks),
        ] {
            assert_eq!(of(&variables), Some(kind), "{variables:?}");
        }
    }

    #[test]
    fn within_another_one_nothing_gets_through_but_text() {
        for inner in [
            ("TMUX", "/tmp/tmux,1,0"),
            ("STY", "1.pts"),
            ("TERM", "screen-256color"),
        ] {
            let variables = [inner, ("TERM", "xterm-kitty"), ("KITTY_WINDOW_ID", "1")];
            assert_eq!(of(&variables), Some(PictureKind::Blocks), "{inner:?}");
        }
    }

    #[test]
    fn what_is_dumb_or_has_no_name_shows_none() {
        assert_eq!(of(&[("TERM", "dumb"), ("KITTY_WINDOW_ID", "1")]), None);
        assert_eq!(of(&[]).is_none(), !cfg!(windows));
    }
}
