//! `--pictures`: small pictures beside what a list says of them.

use std::io::Write;

use clap::{Args, ValueEnum};
use image::{ImageFormat, RgbImage};

use super::screen;
use crate::report::TextLines;
use crate::terminal::{Drawing, PictureKind, Screen};

/// The flag of commands that list pictures.
#[derive(Debug, Clone, Copy, Args)]
pub(in crate::cli) struct PicturesArgs {
    /// Show small pictures beside the text: as the terminal can, or as is said [default: none]
    #[arg(
        long,
        value_name = "KIND",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "auto",
        help_heading = "Output"
    )]
    pictures: Option<PicturesArg>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum PicturesArg {
    /// As the terminal can; nothing where there is none
    Auto,
    /// By kitty's protocol, which Ghostty, Konsole and WezTerm speak, too
    Kitty,
    /// By iTerm2's protocol
    Iterm,
    /// As sixels
    Sixel,
    /// As half blocks in 24-bit colour
    Blocks,
    /// Not at all
    None,
}

/// Columns and rows of a picture, where the screen is wide.
const LARGEST: (usize, usize) = (24, 12);
/// Columns between a picture's room and the text.
const GAP: usize = 2;

/// How pictures are put beside lines.
#[derive(Debug, Clone, Copy)]
pub(in crate::cli) struct Pictures {
    kind: PictureKind,
    screen: Screen,
}

impl PicturesArgs {
    /// How pictures are shown; `None` if they are not.
    pub(in crate::cli) fn shown(self) -> Option<Pictures> {
        let screen = screen();
        let kind = match self.pictures? {
            PicturesArg::None => return None,
            PicturesArg::Kitty => PictureKind::Kitty,
            PicturesArg::Iterm => PictureKind::Iterm,
            PicturesArg::Sixel => PictureKind::Sixel,
            PicturesArg::Blocks => PictureKind::Blocks,
            PicturesArg::Auto => {
                screen.width?;
                PictureKind::of_terminal(&|name| std::env::var(name).ok())?
            }
        };
        Some(Pictures { kind, screen })
    }
}

impl Pictures {
    /// A stored preview with lines beside it; without one that can be read, the lines alone.
    pub(in crate::cli) fn preview_beside(self, jpeg: &[u8], lines: &TextLines) -> Vec<u8> {
        let preview = image::load_from_memory_with_format(jpeg, ImageFormat::Jpeg);
        self.beside(
            preview.ok().map(|preview| preview.into_rgb8()).as_ref(),
            lines,
        )
    }

    /// A picture with lines beside it.
    pub(in crate::cli) fn beside(self, picture: Option<&RgbImage>, lines: &TextLines) -> Vec<u8> {
        let columns = self.screen.columns();
        let room = (LARGEST.0.min(columns / 3), LARGEST.1);
        let at = room.0 + GAP;
        let text = Screen {
            width: Some(columns - at),
            ..self.screen
        };
        let lines = lines.shown_on(text);
        let mut shown = Vec::new();
        let written = match picture {
            Some(picture) => {
                let drawing = Drawing::new(picture, self.kind, room, Screen::cell());
                shown.write_all(drawing.beside(&lines, at).as_bytes())
            }
            None => lines.iter().try_for_each(|line| match line.is_empty() {
                true => writeln!(shown),
                false => writeln!(shown, "{:at$}{line}", ""),
            }),
        };
        written.expect("memory takes what is written");
        // The next one begins a line lower.
        shown.push(b'\n');
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::thumbnail;
    use crate::report::Line;

    const ESCAPE: char = '\u{1b}';

    fn shown(kind: PictureKind, jpeg: &[u8]) -> String {
        let pictures = Pictures {
            kind,
            screen: Screen {
                width: Some(60),
                colours: false,
            },
        };
        let mut lines = TextLines::default();
        lines.push_line(Line::default().plain("a\u{1b}[2Jb"));
        String::from_utf8(pictures.preview_beside(jpeg, &lines)).unwrap()
    }

    #[test]
    fn what_comes_from_outside_steers_nothing_beside_a_picture() {
        let jpeg = thumbnail(&RgbImage::new(64, 48));
        for kind in [
            PictureKind::Kitty,
            PictureKind::Iterm,
            PictureKind::Sixel,
            PictureKind::Blocks,
        ] {
            let shown = shown(kind, &jpeg);
            assert!(shown.contains(ESCAPE), "{kind:?}");
            assert!(shown.contains(r"a\u{1b}[2Jb"), "{shown:?}");
            assert!(!shown.contains("\u{1b}[2J"), "{shown:?}");
        }
    }

    #[test]
    fn without_a_preview_there_is_the_text() {
        for broken in [&b""[..], b"no JPEG"] {
            let shown = shown(PictureKind::Kitty, broken);
            assert_eq!(shown, format!("{:22}a\\u{{1b}}[2Jb\n\n", ""));
        }
    }
}
