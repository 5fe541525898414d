//! What shows our output to people: how wide a terminal is, which colours it takes, and how pictures are put on it.

mod colour;
mod pictures;
mod screen;
mod width;

pub use colour::{Colour, ColourChoice, may_be_coloured};
pub use pictures::{Cell, Drawing, PictureKind};
pub use screen::Screen;
pub use width::{shortened, text_width, width_of_start};
